//! One program for all tests that go through the public interface: it links once.

mod adversaries;
mod common;
mod crash;
mod evidence;
mod inputs;
mod mishaps;
mod peers;
mod redo;
mod rounds;
mod service;
mod simulation;
mod submissions;
mod tasks;
