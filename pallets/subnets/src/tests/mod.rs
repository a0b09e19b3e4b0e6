//! One file per call, then what holds over any sequence of them.

mod always;
mod announce;
mod announce_model;
mod begin_epoch;
mod dissolution;
mod genesis;
mod keys;
mod offer_subnet;
mod patch_hyperparameters;
mod pruning;
mod register;
mod register_subnet;
mod set_admitted;
mod update_task;
