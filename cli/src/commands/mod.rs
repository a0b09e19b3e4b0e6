//! One module per command.

pub mod coldkey;
pub mod doctor;
pub mod epoch;
pub mod evidence;
pub mod hotkey;
pub mod key;
pub mod localnet;
pub mod metagraph;
pub mod money;
pub mod neuron;
pub mod pruning;
pub mod register;
pub mod score;
pub mod stake;
pub mod stake_moves;
pub mod subnet;
mod subnet_changes;
pub mod task;
mod task_new;
pub mod weights;
