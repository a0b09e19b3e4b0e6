//! What the calls and hooks of `epoch` cost.
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
    /// `enqueue`, measured with `d` from 0 to 128.
    fn enqueue(d: u32) -> Weight;
    /// `peek`.
    fn peek() -> Weight;
    /// `epoch_neurons`, measured with `n` from 2 to 4096.
    fn epoch_neurons(n: u32) -> Weight;
    /// `epoch_validators`, measured with `v` from 1 to 256.
    fn epoch_validators(v: u32) -> Weight;
    /// `epoch_committers`, measured with `c` from 0 to 255.
    fn epoch_committers(c: u32) -> Weight;
    /// `epoch_entries`, measured with `e` from 0 to 256.
    fn epoch_entries(e: u32) -> Weight;
    /// `schedule`.
    fn schedule() -> Weight;
    /// `clear_neuron`.
    fn clear_neuron() -> Weight;
}

/// At least 4 us were measured.
fn enqueue(db: RuntimeDbWeight, d: u32) -> Weight {
    Weight::from_parts(5_791_421, 0)
        .saturating_add(db.reads_writes(2, 2))
        .saturating_add(Weight::from_parts(18_379, 0).saturating_mul(d.into()))
}

/// At least 35 us were measured.
fn peek(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(37_425_000, 0).saturating_add(db.reads(5))
}

/// At least 333 us were measured.
fn epoch_neurons(db: RuntimeDbWeight, n: u32) -> Weight {
    Weight::from_parts(334_085_000, 0)
        .saturating_add(db.reads_writes(24, 15))
        .saturating_add(Weight::from_parts(81_497_934, 0).saturating_mul(n.into()))
        .saturating_add(db.reads_writes(5, 4).saturating_mul(n.into()))
}

/// At least 14_870 us were measured.
fn epoch_validators(db: RuntimeDbWeight, v: u32) -> Weight {
    Weight::from_parts(14_780_461_229, 0)
        .saturating_add(db.reads_writes(1300, 1038))
        .saturating_add(Weight::from_parts(88_495_125, 0).saturating_mul(v.into()))
        .saturating_add(db.reads_writes(4, 1).saturating_mul(v.into()))
}

/// At least 14_633 us were measured.
fn epoch_committers(db: RuntimeDbWeight, c: u32) -> Weight {
    Weight::from_parts(14_885_314_815, 0)
        .saturating_add(db.reads_writes(1304, 1039))
        .saturating_add(Weight::from_parts(11_353_304, 0).saturating_mul(c.into()))
        .saturating_add(db.reads_writes(1, 1).saturating_mul(c.into()))
}

/// At least 17_395 us were measured.
fn epoch_entries(db: RuntimeDbWeight, e: u32) -> Weight {
    Weight::from_parts(19_719_839_691, 0)
        .saturating_add(db.reads_writes(1534, 1102))
        .saturating_add(Weight::from_parts(4_997_180, 0).saturating_mul(e.into()))
}

/// At least 13 us were measured.
fn schedule(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(14_351_000, 0).saturating_add(db.reads_writes(2, 2))
}

/// At least 278 us were measured.
fn clear_neuron(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(296_749_000, 0).saturating_add(db.reads_writes(6, 6))
}

/// Weights with the runtime's costs of reading and writing.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn enqueue(d: u32) -> Weight {
        enqueue(T::DbWeight::get(), d)
    }
    fn peek() -> Weight {
        peek(T::DbWeight::get())
    }
    fn epoch_neurons(n: u32) -> Weight {
        epoch_neurons(T::DbWeight::get(), n)
    }
    fn epoch_validators(v: u32) -> Weight {
        epoch_validators(T::DbWeight::get(), v)
    }
    fn epoch_committers(c: u32) -> Weight {
        epoch_committers(T::DbWeight::get(), c)
    }
    fn epoch_entries(e: u32) -> Weight {
        epoch_entries(T::DbWeight::get(), e)
    }
    fn schedule() -> Weight {
        schedule(T::DbWeight::get())
    }
    fn clear_neuron() -> Weight {
        clear_neuron(T::DbWeight::get())
    }
}

/// Weights on ParityDB, for tests.
impl WeightInfo for () {
    fn enqueue(d: u32) -> Weight {
        enqueue(ParityDbWeight::get(), d)
    }
    fn peek() -> Weight {
        peek(ParityDbWeight::get())
    }
    fn epoch_neurons(n: u32) -> Weight {
        epoch_neurons(ParityDbWeight::get(), n)
    }
    fn epoch_validators(v: u32) -> Weight {
        epoch_validators(ParityDbWeight::get(), v)
    }
    fn epoch_committers(c: u32) -> Weight {
        epoch_committers(ParityDbWeight::get(), c)
    }
    fn epoch_entries(e: u32) -> Weight {
        epoch_entries(ParityDbWeight::get(), e)
    }
    fn schedule() -> Weight {
        schedule(ParityDbWeight::get())
    }
    fn clear_neuron() -> Weight {
        clear_neuron(ParityDbWeight::get())
    }
}
