//! End-to-end tests: Assay's own programs as processes, over real sockets, on a real chain.
//!
//! This library starts them and watches what they do; the tests themselves stand in `tests/`.
//!
//! ```text
//! Network ── Node          one author, 1 s blocks, epochs of 20 blocks
//!    ├────── Miner …       each with its own copy of one model
//!    └────── Validator …   each with its own database
//!
//! Authors ── Peer …        several nodes that make one chain
//! ```
//!
//! Everything here panics where a test should fail, and a process that is dropped by a panic shows
//! the end of its log. Nothing waits without a deadline, nothing sleeps for a fixed time in place of
//! looking, and no process outlives the test that started it.

#![warn(missing_docs)]

mod authors;
mod network;
mod next_runtime;
mod node;
mod participants;
mod peer;
mod people;
mod process;
mod switch;
mod wait;

pub use authors::{Authors, Pace};
pub use network::Network;
pub use next_runtime::NextRuntime;
pub use node::Node;
pub use participants::{Miner, Validator};
pub use peer::Peer;
pub use people::{key, Person};
pub use process::{program, Process};
pub use wait::until;

use std::path::PathBuf;

/// The task that the tests work at.
pub fn digits() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tasks/digits")
}
