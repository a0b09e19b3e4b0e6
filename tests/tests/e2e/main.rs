//! Whole networks of processes. One target, so that what all tests share is linked once.

mod authors;
mod bad_input;
mod doctor;
mod due_epochs;
mod evidence;
mod kills;
mod localnet;
mod node_away;
mod paid_emission;
mod partition;
mod upgrade;
mod validator_killed;
