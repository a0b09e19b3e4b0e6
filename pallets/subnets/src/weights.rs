//! What the calls and hooks of `subnets` cost.
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
    /// `register_subnet`.
    fn register_subnet() -> Weight;
    /// `patch_hyperparameters`.
    fn patch_hyperparameters() -> Weight;
    /// `update_task`.
    fn update_task() -> Weight;
    /// `offer_subnet`.
    fn offer_subnet() -> Weight;
    /// `accept_subnet`.
    fn accept_subnet() -> Weight;
    /// `move_hotkey`, measured with `s` from 0 to 128.
    fn move_hotkey(s: u32) -> Weight;
    /// `move_coldkey`, measured with `t` from 0 to 128.
    fn move_coldkey(t: u32) -> Weight;
    /// `set_admitted`.
    fn set_admitted() -> Weight;
    /// `register`.
    fn register() -> Weight;
    /// `register_full`, measured with `n` from 2 to 4096.
    fn register_full(n: u32) -> Weight;
    /// `announce`.
    fn announce() -> Weight;
    /// `announce_model`.
    fn announce_model() -> Weight;
}

/// At least 188 us were measured.
fn register_subnet(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(198_013_000, 0).saturating_add(db.reads_writes(10, 11))
}

/// At least 18 us were measured.
fn patch_hyperparameters(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(18_978_000, 0).saturating_add(db.reads_writes(3, 1))
}

/// At least 44 us were measured.
fn update_task(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(45_718_000, 0).saturating_add(db.reads_writes(4, 1))
}

/// At least 15 us were measured.
fn offer_subnet(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(15_963_000, 0).saturating_add(db.reads_writes(2, 1))
}

/// At least 113 us were measured.
fn accept_subnet(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(115_902_000, 0).saturating_add(db.reads_writes(7, 6))
}

/// At least 15 us were measured.
fn move_hotkey(db: RuntimeDbWeight, s: u32) -> Weight {
    Weight::from_parts(14_587_404, 0)
        .saturating_add(db.reads_writes(4, 6))
        .saturating_add(Weight::from_parts(13_967_850, 0).saturating_mul(s.into()))
        .saturating_add(db.reads_writes(2, 3).saturating_mul(s.into()))
}

/// At least 7 us were measured.
fn move_coldkey(db: RuntimeDbWeight, t: u32) -> Weight {
    Weight::from_parts(64_733_227, 0)
        .saturating_add(db.reads_writes(4, 3))
        .saturating_add(Weight::from_parts(60_497_479, 0).saturating_mul(t.into()))
        .saturating_add(db.reads_writes(2, 2).saturating_mul(t.into()))
}

/// At least 11 us were measured.
fn set_admitted(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(12_419_000, 0).saturating_add(db.reads_writes(1, 1))
}

/// At least 142 us were measured.
fn register(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(146_156_000, 0).saturating_add(db.reads_writes(12, 9))
}

/// At least 194 us were measured.
fn register_full(db: RuntimeDbWeight, n: u32) -> Weight {
    Weight::from_parts(196_671_000, 0)
        .saturating_add(db.reads_writes(21, 20))
        .saturating_add(Weight::from_parts(5_367_254, 0).saturating_mul(n.into()))
        .saturating_add(db.reads(1).saturating_mul(n.into()))
}

/// At least 30 us were measured.
fn announce(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(31_036_000, 0).saturating_add(db.reads_writes(5, 1))
}

/// At least 27 us were measured.
fn announce_model(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(28_112_000, 0).saturating_add(db.reads_writes(5, 1))
}

/// Weights with the runtime's costs of reading and writing.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn register_subnet() -> Weight {
        register_subnet(T::DbWeight::get())
    }
    fn patch_hyperparameters() -> Weight {
        patch_hyperparameters(T::DbWeight::get())
    }
    fn update_task() -> Weight {
        update_task(T::DbWeight::get())
    }
    fn offer_subnet() -> Weight {
        offer_subnet(T::DbWeight::get())
    }
    fn accept_subnet() -> Weight {
        accept_subnet(T::DbWeight::get())
    }
    fn move_hotkey(s: u32) -> Weight {
        move_hotkey(T::DbWeight::get(), s)
    }
    fn move_coldkey(t: u32) -> Weight {
        move_coldkey(T::DbWeight::get(), t)
    }
    fn set_admitted() -> Weight {
        set_admitted(T::DbWeight::get())
    }
    fn register() -> Weight {
        register(T::DbWeight::get())
    }
    fn register_full(n: u32) -> Weight {
        register_full(T::DbWeight::get(), n)
    }
    fn announce() -> Weight {
        announce(T::DbWeight::get())
    }
    fn announce_model() -> Weight {
        announce_model(T::DbWeight::get())
    }
}

/// Weights on ParityDB, for tests.
impl WeightInfo for () {
    fn register_subnet() -> Weight {
        register_subnet(ParityDbWeight::get())
    }
    fn patch_hyperparameters() -> Weight {
        patch_hyperparameters(ParityDbWeight::get())
    }
    fn update_task() -> Weight {
        update_task(ParityDbWeight::get())
    }
    fn offer_subnet() -> Weight {
        offer_subnet(ParityDbWeight::get())
    }
    fn accept_subnet() -> Weight {
        accept_subnet(ParityDbWeight::get())
    }
    fn move_hotkey(s: u32) -> Weight {
        move_hotkey(ParityDbWeight::get(), s)
    }
    fn move_coldkey(t: u32) -> Weight {
        move_coldkey(ParityDbWeight::get(), t)
    }
    fn set_admitted() -> Weight {
        set_admitted(ParityDbWeight::get())
    }
    fn register() -> Weight {
        register(ParityDbWeight::get())
    }
    fn register_full(n: u32) -> Weight {
        register_full(ParityDbWeight::get(), n)
    }
    fn announce() -> Weight {
        announce(ParityDbWeight::get())
    }
    fn announce_model() -> Weight {
        announce_model(ParityDbWeight::get())
    }
}
