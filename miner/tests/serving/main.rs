//! What a miner serves besides REST, and how what it serves changes while it runs.

mod attacks;
mod batching;
mod chain_first;
#[path = "../common/mod.rs"]
mod common;
mod generated;
mod grpc;
mod guide;
mod metrics;
mod reload;
mod upstream;
