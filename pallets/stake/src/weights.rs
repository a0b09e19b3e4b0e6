//! Weights, from the most that each call and function reads and writes, and a little for the sums.
//! Counted by hand until `cargo xtask weights` writes this file.
//!
//! The chain proves its state to nobody, so no size of a proof is counted.

use core::marker::PhantomData;
use frame_support::{
    traits::Get,
    weights::{constants::WEIGHT_REF_TIME_PER_MICROS, Weight},
};

/// Weights of the calls and of what other pallets call.
pub trait WeightInfo {
    /// `add_stake`.
    fn add_stake() -> Weight;
    /// `remove_stake` from a position with `chunks` unbonding entries.
    fn remove_stake(chunks: u32) -> Weight;
    /// `withdraw` from a position with `chunks` unbonding entries.
    fn withdraw(chunks: u32) -> Weight;
    /// `set_take`.
    fn set_take() -> Weight;
    /// `withdraw_dissolved` of a departure with `chunks` entries.
    fn withdraw_dissolved(chunks: u32) -> Weight;
    /// `move_stake` from a position with `chunks` unbonding entries.
    fn move_stake(chunks: u32) -> Weight;
    /// One amount that arrives where it was moved to.
    fn arrive() -> Weight;
    /// Moving a hotkey that may have pools in each of `subnets` subnets.
    fn move_hotkey(subnets: u32) -> Weight;
    /// Moving a position, where it and the one it joins have `chunks` unbonding entries.
    fn move_position(chunks: u32) -> Weight;
}

/// Weights with the runtime's costs of reading and writing.
pub struct SubstrateWeight<T>(PhantomData<T>);

/// What opening a hotkey's pools reads (pools, subnet's totals, last id) and what opening, changing
/// and closing them writes (pools, their hotkey, totals, last id, two conversions).
const POOLS: (u64, u64) = (3, 6);
/// The position with two conversions to settle, and its entry by coldkey.
const POSITION: (u64, u64) = (3, 4);
/// The accounts on both ends of a transfer.
const TRANSFER: (u64, u64) = (2, 2);

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
    fn add_stake() -> Weight {
        // The subnet and the hotkey's owner.
        Self::cost(40, &[(2, 0), POOLS, POSITION, TRANSFER])
    }

    fn remove_stake(chunks: u32) -> Weight {
        // The unbonding pools of this era and of each entry.
        let chunks = u64::from(chunks);
        Self::cost(
            50 + 5 * chunks,
            &[POOLS, POSITION, (chunks + 1, chunks + 1), TRANSFER],
        )
    }

    fn withdraw(chunks: u32) -> Weight {
        let chunks = u64::from(chunks);
        Self::cost(
            40 + 5 * chunks,
            &[POOLS, POSITION, (chunks, chunks), TRANSFER],
        )
    }

    fn set_take() -> Weight {
        // The subnet, the hotkey's owner and the take.
        Self::cost(15, &[(3, 1)])
    }

    fn withdraw_dissolved(chunks: u32) -> Weight {
        // The departure, its pool and the pool's index; of each entry the unbonding pools, wherever
        // they are kept.
        let chunks = u64::from(chunks);
        Self::cost(
            40 + 5 * chunks,
            &[(3, 3), (2 * chunks, 2 * chunks), TRANSFER],
        )
    }

    fn move_stake(chunks: u32) -> Weight {
        // The other subnet and the other hotkey's owner.
        Self::remove_stake(chunks).saturating_add(Self::cost(5, &[(2, 0)]))
    }

    fn arrive() -> Weight {
        // The subnet, the hotkey's owner, and what it may have been exchanged for.
        Self::cost(40, &[(18, 0), POOLS, POSITION])
    }

    fn move_hotkey(subnets: u32) -> Weight {
        // The lists of subnets and of those being dissolved. Of each the pools and the take, which
        // move, and the pools' hotkey; of one being dissolved the record of what left it, too.
        let subnets = u64::from(subnets);
        Self::cost(5 + 5 * subnets, &[(2 + 4 * subnets, 8 * subnets)])
    }

    fn move_position(chunks: u32) -> Weight {
        let chunks = u64::from(chunks);
        Self::cost(
            60 + 5 * chunks,
            &[POOLS, POSITION, POSITION, (chunks, chunks), TRANSFER],
        )
    }
}
