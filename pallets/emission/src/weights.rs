//! What the calls and hooks of `emission` cost.
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
    /// `claim`.
    fn claim() -> Weight;
    /// `set_payout`.
    fn set_payout() -> Weight;
    /// `on_initialize`, measured with `s` from 0 to 128.
    fn on_initialize(s: u32) -> Weight;
    /// `on_subnet_registered`, measured with `s` from 1 to 128.
    fn on_subnet_registered(s: u32) -> Weight;
    /// `on_neuron`.
    fn on_neuron() -> Weight;
    /// `move_hotkey`, measured with `s` from 0 to 128.
    fn move_hotkey(s: u32) -> Weight;
}

/// At least 38 us were measured.
fn claim(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(40_179_000, 0).saturating_add(db.reads_writes(2, 2))
}

/// At least 21 us were measured.
fn set_payout(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(22_914_000, 0).saturating_add(db.reads_writes(3, 1))
}

/// At least 2 us were measured.
fn on_initialize(db: RuntimeDbWeight, s: u32) -> Weight {
    Weight::from_parts(6_234_830, 0)
        .saturating_add(db.reads_writes(2, 1))
        .saturating_add(Weight::from_parts(3_568_296, 0).saturating_mul(s.into()))
        .saturating_add(db.reads(1).saturating_mul(s.into()))
}

/// At least 8 us were measured.
fn on_subnet_registered(db: RuntimeDbWeight, s: u32) -> Weight {
    Weight::from_parts(11_594_483, 0)
        .saturating_add(db.reads_writes(2, 2))
        .saturating_add(Weight::from_parts(101_493, 0).saturating_mul(s.into()))
}

/// At least 2 us were measured.
fn on_neuron(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(2_895_000, 0).saturating_add(db.writes(1))
}

/// At least 2 us were measured.
fn move_hotkey(db: RuntimeDbWeight, s: u32) -> Weight {
    Weight::from_parts(2_524_000, 0)
        .saturating_add(db.reads(2))
        .saturating_add(Weight::from_parts(9_497_949, 0).saturating_mul(s.into()))
        .saturating_add(db.reads_writes(1, 2).saturating_mul(s.into()))
}

/// Weights with the runtime's costs of reading and writing.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn claim() -> Weight {
        claim(T::DbWeight::get())
    }
    fn set_payout() -> Weight {
        set_payout(T::DbWeight::get())
    }
    fn on_initialize(s: u32) -> Weight {
        on_initialize(T::DbWeight::get(), s)
    }
    fn on_subnet_registered(s: u32) -> Weight {
        on_subnet_registered(T::DbWeight::get(), s)
    }
    fn on_neuron() -> Weight {
        on_neuron(T::DbWeight::get())
    }
    fn move_hotkey(s: u32) -> Weight {
        move_hotkey(T::DbWeight::get(), s)
    }
}

/// Weights on ParityDB, for tests.
impl WeightInfo for () {
    fn claim() -> Weight {
        claim(ParityDbWeight::get())
    }
    fn set_payout() -> Weight {
        set_payout(ParityDbWeight::get())
    }
    fn on_initialize(s: u32) -> Weight {
        on_initialize(ParityDbWeight::get(), s)
    }
    fn on_subnet_registered(s: u32) -> Weight {
        on_subnet_registered(ParityDbWeight::get(), s)
    }
    fn on_neuron() -> Weight {
        on_neuron(ParityDbWeight::get())
    }
    fn move_hotkey(s: u32) -> Weight {
        move_hotkey(ParityDbWeight::get(), s)
    }
}
