//! Weights, from the most that each call, hook and function reads and writes, and a little for the
//! sums. Counted by hand until `cargo xtask weights` writes this file.
//!
//! The chain proves its state to nobody, so no size of a proof is counted.

use core::marker::PhantomData;
use frame_support::{
    traits::Get,
    weights::{constants::WEIGHT_REF_TIME_PER_MICROS, Weight},
};

/// Weights of the calls, the hook and of what other pallets call.
pub trait WeightInfo {
    /// `claim`.
    fn claim() -> Weight;
    /// `set_payout`.
    fn set_payout() -> Weight;
    /// What a block does for `subnets` subnets.
    fn on_initialize(subnets: u32) -> Weight;
    /// A new subnet among `subnets` places.
    fn on_subnet_registered(subnets: u32) -> Weight;
    /// News about a neuron.
    fn on_neuron() -> Weight;
    /// Moving a hotkey that may be a miner in each of `subnets` subnets.
    fn move_hotkey(subnets: u32) -> Weight;
}

/// Weights with the runtime's costs of reading and writing.
pub struct SubstrateWeight<T>(PhantomData<T>);

/// The account and the issuance that a mint changes.
const MINT: (u64, u64) = (2, 2);
/// An account's credit.
const CREDIT: (u64, u64) = (1, 1);

fn micros(micros: u64) -> Weight {
    Weight::from_parts(micros.saturating_mul(WEIGHT_REF_TIME_PER_MICROS), 0)
}

impl<T: frame_system::Config> SubstrateWeight<T> {
    fn cost(computation: u64, parts: &[(u64, u64)]) -> Weight {
        let add = |(a, b): (u64, u64), (c, d): &(u64, u64)| (a + c, b + d);
        let (reads, writes) = parts.iter().fold((0, 0), add);
        T::DbWeight::get()
            .reads_writes(reads, writes)
            .saturating_add(micros(computation))
    }
}

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn claim() -> Weight {
        Self::cost(20, &[CREDIT, MINT])
    }

    fn set_payout() -> Weight {
        // The neuron's place, its owner and the target.
        Self::cost(15, &[(2, 1)])
    }

    fn on_initialize(subnets: u32) -> Weight {
        // The pots, the supply, and each subnet's stake.
        let subnets = u64::from(subnets);
        Self::cost(20 + 4 * subnets, &[(2 + subnets, 2)])
    }

    fn on_subnet_registered(subnets: u32) -> Weight {
        Self::cost(5 + u64::from(subnets), &[(2, 2)])
    }

    fn on_neuron() -> Weight {
        Self::cost(2, &[(0, 1)])
    }

    fn move_hotkey(subnets: u32) -> Weight {
        // The list of subnets and each one's target, which two writes move.
        let subnets = u64::from(subnets);
        Self::cost(5 + subnets, &[(1 + subnets, 2 * subnets)])
    }
}
