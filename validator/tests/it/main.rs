//! One program for all tests that go through the public interface: it links once.

mod common;
mod inputs;
mod peers;
mod rounds;
mod service;
mod submissions;
