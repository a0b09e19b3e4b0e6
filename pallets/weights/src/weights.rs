//! What the calls and hooks of `weights` cost.
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
    /// `set_weights`, measured with `n` from 0 to 4096.
    fn set_weights(n: u32) -> Weight;
    /// `commit_weights`.
    fn commit_weights() -> Weight;
    /// `reveal_weights`, measured with `n` from 0 to 4096.
    fn reveal_weights(n: u32) -> Weight;
    /// `admit`, measured with `n` from 0 to 4096.
    fn admit(n: u32) -> Weight;
    /// `pass`.
    fn pass() -> Weight;
    /// `clear_usage`.
    fn clear_usage() -> Weight;
    /// `clear_neuron`.
    fn clear_neuron() -> Weight;
}

/// At least 44 us were measured.
fn set_weights(db: RuntimeDbWeight, n: u32) -> Weight {
    Weight::from_parts(86_655_966, 0)
        .saturating_add(db.reads_writes(8, 3))
        .saturating_add(Weight::from_parts(15_550, 0).saturating_mul(n.into()))
}

/// At least 76 us were measured.
fn commit_weights(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(79_678_000, 0).saturating_add(db.reads_writes(8, 1))
}

/// At least 59 us were measured.
fn reveal_weights(db: RuntimeDbWeight, n: u32) -> Weight {
    Weight::from_parts(110_062_568, 0)
        .saturating_add(db.reads_writes(9, 5))
        .saturating_add(Weight::from_parts(45_900, 0).saturating_mul(n.into()))
}

/// At least 34 us were measured.
fn admit(db: RuntimeDbWeight, n: u32) -> Weight {
    Weight::from_parts(42_163_069, 0)
        .saturating_add(db.reads(7))
        .saturating_add(Weight::from_parts(33_115, 0).saturating_mul(n.into()))
}

/// At least 0 us were measured.
fn pass(_db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(261_000, 0)
}

/// At least 0 us were measured.
fn clear_usage(_db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(641_000, 0)
}

/// At least 29 us were measured.
fn clear_neuron(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(31_707_000, 0).saturating_add(db.reads_writes(2, 5))
}

/// Weights with the runtime's costs of reading and writing.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn set_weights(n: u32) -> Weight {
        set_weights(T::DbWeight::get(), n)
    }
    fn commit_weights() -> Weight {
        commit_weights(T::DbWeight::get())
    }
    fn reveal_weights(n: u32) -> Weight {
        reveal_weights(T::DbWeight::get(), n)
    }
    fn admit(n: u32) -> Weight {
        admit(T::DbWeight::get(), n)
    }
    fn pass() -> Weight {
        pass(T::DbWeight::get())
    }
    fn clear_usage() -> Weight {
        clear_usage(T::DbWeight::get())
    }
    fn clear_neuron() -> Weight {
        clear_neuron(T::DbWeight::get())
    }
}

/// Weights on ParityDB, for tests.
impl WeightInfo for () {
    fn set_weights(n: u32) -> Weight {
        set_weights(ParityDbWeight::get(), n)
    }
    fn commit_weights() -> Weight {
        commit_weights(ParityDbWeight::get())
    }
    fn reveal_weights(n: u32) -> Weight {
        reveal_weights(ParityDbWeight::get(), n)
    }
    fn admit(n: u32) -> Weight {
        admit(ParityDbWeight::get(), n)
    }
    fn pass() -> Weight {
        pass(ParityDbWeight::get())
    }
    fn clear_usage() -> Weight {
        clear_usage(ParityDbWeight::get())
    }
    fn clear_neuron() -> Weight {
        clear_neuron(ParityDbWeight::get())
    }
}
