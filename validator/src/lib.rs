//! Asks miners questions whose answers it knows, and tells the chain what they are worth.
//!
//! A validator draws queries from a task's benchmark, varies them, sends them signed to every miner
//! of its subnet, keeps the receipts, turns the outcomes into scores with their uncertainty, and
//! submits weights by commit and reveal. [`run`] is the whole program; `main.rs` only calls it.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`task`] | draws, varies and judges items |
//! | [`round`] | asks every miner once, concurrently |
//! | [`peers`] | reaches miners and checks receipts |
//! | [`score`], [`scoring`], [`weights`] | from outcomes to a row of weights |
//! | [`submission`] | what to do next about a commit or reveal |
//! | [`store`] | what must survive a crash |
//! | [`chain`], [`node`] | what is read from and sent to the chain |
//! | [`service`] | the loop that does what is due |
//! | [`api`] | health, metrics and explanations |
//!
//! It must never send a commit whose salt is not on disk, never count its own failures against a
//! miner, and never send queries to an address that has not proved to be the miner's.

#![warn(missing_docs)]

pub mod api;
pub mod chain;
pub mod config;
mod error;
mod examine;
pub mod metrics;
pub mod node;
pub mod peers;
pub mod ports;
pub mod pulse;
pub mod redo;
pub mod round;
pub mod score;
pub mod scoring;
pub mod service;
pub mod shown;
mod start;
pub mod status;
pub mod store;
pub mod submission;
pub mod task;
pub mod weights;

pub use config::{Config, ConfigError, Flags};
pub use error::Error;
pub use examine::{examine, Finding};
pub use start::{check, run, run_with, run_with_policy};
