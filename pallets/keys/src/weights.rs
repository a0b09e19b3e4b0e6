//! What the calls and hooks of `keys` cost.
//!
//! Written by `cargo xtask weights`: change the benchmarks, not this file. Measured in the
//! executor of a node, on AMD EPYC, at 10 points of each component and 5 times at
//! each. The chain proves its state to nobody, so no size of a proof is counted.

#![allow(clippy::unnecessary_cast)]

use core::marker::PhantomData;
use frame_support::{
    traits::Get,
    weights::{constants::ParityDbWeight, RuntimeDbWeight, Weight},
};

/// What calls and hooks cost.
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

/// At least 164 us were measured.
fn swap_hotkey(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(171_053_000, 0).saturating_add(db.reads_writes(15, 13))
}

/// At least 57 us were measured.
fn announce_coldkey_change(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(58_797_000, 0).saturating_add(db.reads_writes(4, 2))
}

/// At least 10 us were measured.
fn dispute_coldkey_change(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(11_127_000, 0).saturating_add(db.reads_writes(1, 1))
}

/// At least 33 us were measured.
fn decide_coldkey_change(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(34_210_000, 0).saturating_add(db.reads_writes(3, 2))
}

/// At least 112 us were measured.
fn take_over_coldkey(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(115_390_000, 0).saturating_add(db.reads_writes(11, 3))
}

/// At least 32 us were measured.
fn drop_coldkey_change(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(33_870_000, 0).saturating_add(db.reads_writes(3, 2))
}

/// Weights with the runtime's costs of reading and writing.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn swap_hotkey() -> Weight {
        swap_hotkey(T::DbWeight::get())
    }
    fn announce_coldkey_change() -> Weight {
        announce_coldkey_change(T::DbWeight::get())
    }
    fn dispute_coldkey_change() -> Weight {
        dispute_coldkey_change(T::DbWeight::get())
    }
    fn decide_coldkey_change() -> Weight {
        decide_coldkey_change(T::DbWeight::get())
    }
    fn take_over_coldkey() -> Weight {
        take_over_coldkey(T::DbWeight::get())
    }
    fn drop_coldkey_change() -> Weight {
        drop_coldkey_change(T::DbWeight::get())
    }
}

/// Weights on ParityDB, for tests.
impl WeightInfo for () {
    fn swap_hotkey() -> Weight {
        swap_hotkey(ParityDbWeight::get())
    }
    fn announce_coldkey_change() -> Weight {
        announce_coldkey_change(ParityDbWeight::get())
    }
    fn dispute_coldkey_change() -> Weight {
        dispute_coldkey_change(ParityDbWeight::get())
    }
    fn decide_coldkey_change() -> Weight {
        decide_coldkey_change(ParityDbWeight::get())
    }
    fn take_over_coldkey() -> Weight {
        take_over_coldkey(ParityDbWeight::get())
    }
    fn drop_coldkey_change() -> Weight {
        drop_coldkey_change(ParityDbWeight::get())
    }
}
