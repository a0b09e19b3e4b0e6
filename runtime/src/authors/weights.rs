//! What choosing authors costs.
//!
//! Counted by hand from the storage that the call touches, with every author different and without
//! an entry in the cache. Benchmarks replace this file.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// The cost of each call.
pub trait WeightInfo {
    /// For a list of `authors` accounts.
    fn set_authors(authors: u32) -> Weight;
}

/// The cost on the database that the runtime is configured for.
pub struct CountedWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for CountedWeight<T> {
    /// Reads each author's keys (at most 64 bytes, found through a proof of about 2.5 kB) and
    /// writes the list and its progress; deposits one event.
    fn set_authors(authors: u32) -> Weight {
        let authors = u64::from(authors);
        Weight::from_parts(15_000_000, 1_500)
            .saturating_add(Weight::from_parts(5_000_000, 2_500).saturating_mul(authors))
            .saturating_add(T::DbWeight::get().reads_writes(authors, 2))
    }
}

impl WeightInfo for () {
    fn set_authors(_: u32) -> Weight {
        Weight::zero()
    }
}
