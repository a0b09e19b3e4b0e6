//! Contracts between the pallets, with their mocks.
//!
//! A pallet's `Config` extends `frame_system::Config` alone and reaches its neighbours through the
//! traits here, so each is tested without the others. Who answers which question:
//!
//! ```text
//! subnets   Subnets, Neurons                 asks: emission (StakeAverages), epoch (Epochs, Standings)
//! stake     Stakes, Slash                    asks: subnets
//! weights   WeightRows                       asks: subnets, epoch (Epochs, Permits)
//! epoch     Epochs, Permits, Standings       asks: subnets, stake, weights, emission
//! emission  Issuer, StakeAverages            asks: subnets, stake
//! keys      (nothing)                        asks: subnets; moves what KeyHolders keep
//! ```
//!
//! News travels the other way, through [`SubnetHooks`], [`NeuronHooks`] and [`Teardown`], which tuples
//! implement.
//! Nothing here stores anything or depends on a pallet.

#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod dissolution;
mod emission;
mod epoch;
mod hooks;
mod keys;
#[cfg(feature = "mocks")]
pub mod mocks;
mod proof;
mod stake;
mod subnets;
mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use dissolution::{affordable, clear_within, Progress, Teardown};
pub use emission::{Due, Issuer, StakeAverages};
pub use epoch::{Epochs, Permits, Standings};
pub use hooks::{NeuronHooks, SubnetHooks};
pub use keys::{ColdkeyChanges, KeyHolder};
pub use proof::{HotkeyProof, ProofError};
pub use sp_io::MultiRemovalResults;
pub use stake::{Slash, Stakes};
pub use subnets::{AdmissionPolicy, NeuronFacts, Neurons, Subnets};
pub use weights::{RowInForce, WeightRows};
