//! What the calls and hooks of `stake` cost.
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
    /// `add_stake`.
    fn add_stake() -> Weight;
    /// `remove_stake`, measured with `c` from 0 to 8.
    fn remove_stake(c: u32) -> Weight;
    /// `withdraw`, measured with `c` from 1 to 8.
    fn withdraw(c: u32) -> Weight;
    /// `move_stake`, measured with `c` from 0 to 8.
    fn move_stake(c: u32) -> Weight;
    /// `arrive`.
    fn arrive() -> Weight;
    /// `move_hotkey`, measured with `s` from 0 to 128.
    fn move_hotkey(s: u32) -> Weight;
    /// `move_position`, measured with `c` from 0 to 16.
    fn move_position(c: u32) -> Weight;
    /// `withdraw_dissolved`, measured with `c` from 1 to 8.
    fn withdraw_dissolved(c: u32) -> Weight;
    /// `set_take`.
    fn set_take() -> Weight;
}

/// At least 119 us were measured.
fn add_stake(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(120_578_000, 0).saturating_add(db.reads_writes(7, 7))
}

/// At least 78 us were measured.
fn remove_stake(db: RuntimeDbWeight, c: u32) -> Weight {
    Weight::from_parts(112_311_770, 0)
        .saturating_add(db.reads_writes(7, 8))
        .saturating_add(Weight::from_parts(10_899_038, 0).saturating_mul(c.into()))
        .saturating_add(db.reads_writes(1, 1).saturating_mul(c.into()))
}

/// At least 114 us were measured.
fn withdraw(db: RuntimeDbWeight, c: u32) -> Weight {
    Weight::from_parts(110_980_023, 0)
        .saturating_add(db.reads_writes(5, 5))
        .saturating_add(Weight::from_parts(7_588_948, 0).saturating_mul(c.into()))
        .saturating_add(db.reads_writes(1, 1).saturating_mul(c.into()))
}

/// At least 87 us were measured.
fn move_stake(db: RuntimeDbWeight, c: u32) -> Weight {
    Weight::from_parts(121_864_681, 0)
        .saturating_add(db.reads_writes(9, 8))
        .saturating_add(Weight::from_parts(11_032_394, 0).saturating_mul(c.into()))
        .saturating_add(db.reads_writes(1, 1).saturating_mul(c.into()))
}

/// At least 124 us were measured.
fn arrive(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(127_329_000, 0).saturating_add(db.reads_writes(22, 6))
}

/// At least 2 us were measured.
fn move_hotkey(db: RuntimeDbWeight, s: u32) -> Weight {
    Weight::from_parts(2_594_000, 0)
        .saturating_add(db.reads(2))
        .saturating_add(Weight::from_parts(34_737_446, 0).saturating_mul(s.into()))
        .saturating_add(db.reads_writes(4, 8).saturating_mul(s.into()))
}

/// At least 87 us were measured.
fn move_position(db: RuntimeDbWeight, c: u32) -> Weight {
    Weight::from_parts(131_905_294, 0)
        .saturating_add(db.reads_writes(8, 8))
        .saturating_add(Weight::from_parts(9_248_917, 0).saturating_mul(c.into()))
        .saturating_add(db.reads_writes(1, 1).saturating_mul(c.into()))
}

/// At least 84 us were measured.
fn withdraw_dissolved(db: RuntimeDbWeight, c: u32) -> Weight {
    Weight::from_parts(80_507_273, 0)
        .saturating_add(db.reads_writes(5, 3))
        .saturating_add(Weight::from_parts(6_786_309, 0).saturating_mul(c.into()))
        .saturating_add(db.reads_writes(1, 1).saturating_mul(c.into()))
}

/// At least 21 us were measured.
fn set_take(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(21_963_000, 0).saturating_add(db.reads_writes(3, 1))
}

/// Weights with the runtime's costs of reading and writing.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn add_stake() -> Weight {
        add_stake(T::DbWeight::get())
    }
    fn remove_stake(c: u32) -> Weight {
        remove_stake(T::DbWeight::get(), c)
    }
    fn withdraw(c: u32) -> Weight {
        withdraw(T::DbWeight::get(), c)
    }
    fn move_stake(c: u32) -> Weight {
        move_stake(T::DbWeight::get(), c)
    }
    fn arrive() -> Weight {
        arrive(T::DbWeight::get())
    }
    fn move_hotkey(s: u32) -> Weight {
        move_hotkey(T::DbWeight::get(), s)
    }
    fn move_position(c: u32) -> Weight {
        move_position(T::DbWeight::get(), c)
    }
    fn withdraw_dissolved(c: u32) -> Weight {
        withdraw_dissolved(T::DbWeight::get(), c)
    }
    fn set_take() -> Weight {
        set_take(T::DbWeight::get())
    }
}

/// Weights on ParityDB, for tests.
impl WeightInfo for () {
    fn add_stake() -> Weight {
        add_stake(ParityDbWeight::get())
    }
    fn remove_stake(c: u32) -> Weight {
        remove_stake(ParityDbWeight::get(), c)
    }
    fn withdraw(c: u32) -> Weight {
        withdraw(ParityDbWeight::get(), c)
    }
    fn move_stake(c: u32) -> Weight {
        move_stake(ParityDbWeight::get(), c)
    }
    fn arrive() -> Weight {
        arrive(ParityDbWeight::get())
    }
    fn move_hotkey(s: u32) -> Weight {
        move_hotkey(ParityDbWeight::get(), s)
    }
    fn move_position(c: u32) -> Weight {
        move_position(ParityDbWeight::get(), c)
    }
    fn withdraw_dissolved(c: u32) -> Weight {
        withdraw_dissolved(ParityDbWeight::get(), c)
    }
    fn set_take() -> Weight {
        set_take(ParityDbWeight::get())
    }
}
