//! A whole Assay network on one machine: three block authors, four validators and eight miners, each
//! a process of its own, working at a real task.
//!
//! ```text
//! up: authors -> endow -> subnet -> validators registered and staked
//!       -> miners (register themselves) -> validators -> watch until told to end -> stop all
//! ```
//!
//! Not everybody plays fair ([`adversary`]), and the live table shows what each earns by it. Every
//! process is ended before [`up`] returns, whatever happens; all keys are derived from public names,
//! so nothing here may ever touch a network that matters.

mod accounts;
pub mod adversary;
mod authors;
mod cast;
mod error;
mod network;
mod options;
mod participants;
mod process;
mod registration;
mod report;
mod show;
mod watch;

pub use error::Error;
pub use network::up;
pub use options::Options;
pub use report::{MinerLine, Report, ValidatorLine};
