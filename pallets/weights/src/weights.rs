//! What calls, hooks and the extension cost.
//!
//! Counted by hand from worst cases until benchmarks replace it: every storage access at the
//! runtime's price for it, plus computation that was rounded up generously.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// What calls, hooks and the extension cost.
pub trait WeightInfo {
    /// `set_weights` with a row of `len` weights.
    fn set_weights(len: u32) -> Weight;
    /// `commit_weights`.
    fn commit_weights() -> Weight;
    /// `reveal_weights` with a row of `len` weights.
    fn reveal_weights(len: u32) -> Weight;
    /// What the extension does for a weight call with a row of `len` weights.
    fn admit(len: u32) -> Weight;
    /// What the extension does for any other call: looking for weight calls inside it.
    fn pass() -> Weight;
    /// Clearing what was used of the block, at its end.
    fn clear_usage() -> Weight;
    /// Clearing what a neuron had.
    fn clear_neuron() -> Weight;
}

/// Worst-case counts at the prices of `T`.
pub struct SubstrateWeight<T>(PhantomData<T>);

/// Reads behind the checks that all calls share: generation, hyperparameters and task version of
/// the subnet, its schedule, its number of neurons, uid and facts of the hotkey, permits.
const SHARED_READS: u64 = 9;

/// Picoseconds of a call or of a step in a hook, storage aside.
const STEP: u64 = 15_000_000;

/// Picoseconds per weight: checked, hashed, copied and encoded, twice.
const PER_WEIGHT: u64 = 40_000;

/// Bytes of proof per weight: target and value.
const PROOF_PER_WEIGHT: u64 = 4;

/// Bytes of proof for the small items that a call reads.
const PROOF_OF_ITEMS: u64 = 8_192;

fn row_of(len: u32) -> Weight {
    let len = u64::from(len);
    Weight::from_parts(
        STEP + PER_WEIGHT * len,
        PROOF_OF_ITEMS + PROOF_PER_WEIGHT * len,
    )
}

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn set_weights(len: u32) -> Weight {
        // Reads and writes the row's facts and the totals, writes the row and two events' worth.
        row_of(len).saturating_add(T::DbWeight::get().reads_writes(SHARED_READS + 2, 4))
    }

    fn commit_weights() -> Weight {
        row_of(0).saturating_add(T::DbWeight::get().reads_writes(SHARED_READS + 1, 2))
    }

    fn reveal_weights(len: u32) -> Weight {
        // As `set_weights`, and the commits and the last reveal.
        row_of(len).saturating_add(T::DbWeight::get().reads_writes(SHARED_READS + 3, 6))
    }

    fn admit(len: u32) -> Weight {
        // The same checks as the call, and what was used of the block, read and written.
        row_of(len).saturating_add(T::DbWeight::get().reads_writes(SHARED_READS + 4, 1))
    }

    fn pass() -> Weight {
        // A small part of what decoding the call took, which every transaction's base pays for.
        Weight::from_parts(1_000_000, 0)
    }

    fn clear_usage() -> Weight {
        Weight::from_parts(1_000_000, 0).saturating_add(T::DbWeight::get().writes(1))
    }

    fn clear_neuron() -> Weight {
        row_of(0).saturating_add(T::DbWeight::get().reads_writes(2, 5))
    }
}
