//! What an epoch costs.
//!
//! Counted by hand from worst cases until benchmarks replace it: every storage access at the
//! runtime's price for it, plus computation that was rounded up generously. Accesses that the
//! neighbours make for an epoch are counted here, since they are part of its cost.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// What epochs cost.
pub trait WeightInfo {
    /// A block in which `due` epochs fall due, before any of them runs.
    fn enqueue(due: u32) -> Weight;
    /// Asking what an epoch will cost.
    fn peek() -> Weight;
    /// An epoch of `n` neurons, all paid by the word of one validator.
    fn epoch_neurons(n: u32) -> Weight;
    /// An epoch of 256 neurons, `v` of them validators.
    fn epoch_validators(v: u32) -> Weight;
    /// An epoch of 256 neurons in which `c` commits expire.
    fn epoch_committers(c: u32) -> Weight;
    /// An epoch of 256 neurons and 64 validators, each with `e` weights and `e` bonds.
    fn epoch_entries(e: u32) -> Weight;
    /// Scheduling a new subnet's first epoch.
    fn schedule() -> Weight;
    /// Clearing what a neuron had.
    fn clear_neuron() -> Weight;
}

/// Worst-case counts at the prices of `T`.
pub struct SubstrateWeight<T>(PhantomData<T>);

/// Picoseconds of a step that touches a few items, storage aside.
const STEP: u64 = 15_000_000;

/// Picoseconds per neuron: its columns computed, encoded, and its payment.
const PER_NEURON: u64 = 30_000_000;

/// Picoseconds per weight or bond: decoded, computed with, encoded. The maths alone takes about 30
/// natively and at most four times that in Wasm, for a weight and its bond together.
const PER_ENTRY: u64 = 100_000;

/// Bytes of proof per neuron: its facts, stake, columns and account.
const PROOF_PER_NEURON: u64 = 1_024;

/// Bytes of proof per weight or bond.
const PROOF_PER_ENTRY: u64 = 6;

/// Bytes of proof for the small items that a step reads.
const PROOF_OF_ITEMS: u64 = 8_192;

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn enqueue(due: u32) -> Weight {
        // Agenda and queue, taken and written.
        Weight::from_parts(STEP, PROOF_OF_ITEMS)
            .saturating_add(Weight::from_parts(1_000_000, 0).saturating_mul(due.into()))
            .saturating_add(T::DbWeight::get().reads_writes(2, 2))
    }

    fn peek() -> Weight {
        // Neurons, totals of rows, permits, bonds, settings and state.
        Weight::from_parts(STEP, PROOF_OF_ITEMS).saturating_add(T::DbWeight::get().reads(6))
    }

    fn epoch_neurons(n: u32) -> Weight {
        // Settings, state, permits, outcome, standings, sums earned, bonds' count, pots, stake's
        // totals, agenda, owner and the owner's account: each read and written at most once.
        // For each neuron: reads the neuron, its hotkey, its pools, where it is paid to, its
        // account, its credit, and for its bond the position and the price at which that entered.
        // Writes account and credit, or pools and position.
        let db = T::DbWeight::get();
        let neuron =
            Weight::from_parts(PER_NEURON, PROOF_PER_NEURON).saturating_add(db.reads_writes(8, 3));
        Weight::from_parts(STEP, 4 * PROOF_OF_ITEMS)
            .saturating_add(db.reads_writes(24, 16))
            .saturating_add(neuron.saturating_mul(n.into()))
    }

    fn epoch_validators(v: u32) -> Weight {
        // Reads the row, its facts, its bonds, and for the dividend its take, the owner's position
        // and two prices. Writes its bonds, its pools and the position; or drops row and facts where
        // the permit is gone.
        Weight::from_parts(STEP, PROOF_PER_NEURON)
            .saturating_add(T::DbWeight::get().reads_writes(7, 5))
            .saturating_mul(v.into())
    }

    fn epoch_committers(c: u32) -> Weight {
        // Reads and writes the commits.
        Weight::from_parts(STEP, PROOF_PER_NEURON)
            .saturating_add(T::DbWeight::get().reads_writes(1, 1))
            .saturating_mul(c.into())
    }

    fn epoch_entries(e: u32) -> Weight {
        Weight::from_parts(PER_ENTRY, PROOF_PER_ENTRY).saturating_mul(128 * u64::from(e))
    }

    fn schedule() -> Weight {
        Weight::from_parts(STEP, PROOF_OF_ITEMS)
            .saturating_add(T::DbWeight::get().reads_writes(3, 2))
    }

    fn clear_neuron() -> Weight {
        // Permits, outcome, standings, sums earned, bonds and their count. The columns of the
        // largest subnet are decoded and encoded whole.
        Weight::from_parts(100 * STEP, 40 * PROOF_OF_ITEMS)
            .saturating_add(T::DbWeight::get().reads_writes(6, 6))
    }
}
