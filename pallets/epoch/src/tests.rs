//! One file per subject: this pallet has no calls.

mod budget;
mod constants;
mod failure;
mod neurons;
mod outlook;
mod payment;
mod permits;
mod properties;
mod schedule;
mod standings;
mod teardown;
