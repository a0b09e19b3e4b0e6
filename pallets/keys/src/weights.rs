//! What calls cost, by hand from the storage each touches at worst until `cargo xtask weights` writes
//! this file, without what the holders of keys do. The chain proves its state to nobody, so no size of a proof is counted.

use core::marker::PhantomData;
use frame_support::{
    traits::Get,
    weights::{constants::WEIGHT_REF_TIME_PER_MICROS, Weight},
};

/// What calls cost.
pub trait WeightInfo {
    /// `swap_hotkey`.
    fn swap_hotkey() -> Weight;
    /// `announce_coldkey_change`.
    fn announce_coldkey_change() -> Weight;
    /// `dispute_coldkey_change`.
    fn dispute_coldkey_change() -> Weight;
    /// `decide_coldkey_change`.
    fn decide_coldkey_change() -> Weight;
    /// `take_over_coldkey`.
    fn take_over_coldkey() -> Weight;
    /// `drop_coldkey_change`.
    fn drop_coldkey_change() -> Weight;
}

/// What calls cost on the runtime's database.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> SubstrateWeight<T> {
    fn cost(micros: u64, reads: u64, writes: u64) -> Weight {
        Weight::from_parts(micros.saturating_mul(WEIGHT_REF_TIME_PER_MICROS), 0)
            .saturating_add(T::DbWeight::get().reads_writes(reads, writes))
    }
}

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn swap_hotkey() -> Weight {
        // A signature. reads: owners of both hotkeys, Successors, SwappedAt, Account, BlockHash,
        // TotalIssuance. writes: Account, TotalIssuance, SwappedAt twice.
        Self::cost(140, 7, 4)
    }

    fn announce_coldkey_change() -> Weight {
        // reads: Changes twice, Account, TotalIssuance, Freezes, Locks.
        // writes: Account, TotalIssuance, Freezes, Changes.
        Self::cost(40, 6, 4)
    }

    fn dispute_coldkey_change() -> Weight {
        Self::cost(20, 1, 1)
    }

    fn decide_coldkey_change() -> Weight {
        // Changes, and what thaws: Account, Freezes, Locks.
        Self::cost(40, 4, 3)
    }

    fn take_over_coldkey() -> Weight {
        // Changes twice, what thaws, and the account on the other end.
        Self::cost(60, 6, 4)
    }

    fn drop_coldkey_change() -> Weight {
        Self::cost(40, 4, 3)
    }
}
