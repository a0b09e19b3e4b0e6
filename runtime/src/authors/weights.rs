//! What the calls and hooks of `authors` cost.
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
    /// `set_authors`, measured with `n` from 1 to 100.
    fn set_authors(n: u32) -> Weight;
}

/// At least 12 us were measured.
fn set_authors(db: RuntimeDbWeight, n: u32) -> Weight {
    Weight::from_parts(12_336_695, 0)
        .saturating_add(db.writes(2))
        .saturating_add(Weight::from_parts(2_878_431, 0).saturating_mul(n.into()))
        .saturating_add(db.reads(1).saturating_mul(n.into()))
}

/// Weights with the runtime's costs of reading and writing.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn set_authors(n: u32) -> Weight {
        set_authors(T::DbWeight::get(), n)
    }
}

/// Weights on ParityDB, for tests.
impl WeightInfo for () {
    fn set_authors(n: u32) -> Weight {
        set_authors(ParityDbWeight::get(), n)
    }
}
