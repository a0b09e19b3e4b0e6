//! What the calls and hooks of `governance` cost.
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
    /// `enact`, measured with `l` from 0 to 524288.
    fn enact(l: u32) -> Weight;
    /// `cancel`.
    fn cancel() -> Weight;
}

/// At least 26 us were measured.
fn enact(db: RuntimeDbWeight, l: u32) -> Weight {
    Weight::from_parts(43_300_991, 0)
        .saturating_add(db.reads_writes(6, 4))
        .saturating_add(Weight::from_parts(2_714, 0).saturating_mul(l.into()))
}

/// At least 18 us were measured.
fn cancel(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(19_769_000, 0).saturating_add(db.reads_writes(2, 2))
}

/// Weights with the runtime's costs of reading and writing.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn enact(l: u32) -> Weight {
        enact(T::DbWeight::get(), l)
    }
    fn cancel() -> Weight {
        cancel(T::DbWeight::get())
    }
}

/// Weights on ParityDB, for tests.
impl WeightInfo for () {
    fn enact(l: u32) -> Weight {
        enact(ParityDbWeight::get(), l)
    }
    fn cancel() -> Weight {
        cancel(ParityDbWeight::get())
    }
}
