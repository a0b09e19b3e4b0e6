//! What decisions cost.
//!
//! Counted by hand from the storage that each call touches. Benchmarks replace this file.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// What decisions cost.
pub trait WeightInfo {
    /// Deciding on a call of `len` bytes.
    fn enact(len: u32) -> Weight;
    /// Taking a decision back.
    fn cancel() -> Weight;
}

/// The cost on the database that the runtime is configured for.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    /// Reads and writes the index, the agenda, its look-up and the preimage; a byte is hashed
    /// twice and copied.
    fn enact(len: u32) -> Weight {
        Weight::from_parts(60_000_000, 0)
            .saturating_add(Weight::from_parts(10_000, 0).saturating_mul(len.into()))
            .saturating_add(T::DbWeight::get().reads_writes(6, 5))
    }

    fn cancel() -> Weight {
        Weight::from_parts(40_000_000, 0).saturating_add(T::DbWeight::get().reads_writes(3, 3))
    }
}
