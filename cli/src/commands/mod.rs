//! One module per command.

pub mod epoch;
pub mod key;
pub mod localnet;
pub mod metagraph;
pub mod money;
pub mod register;
pub mod score;
pub mod stake;
pub mod subnet;
