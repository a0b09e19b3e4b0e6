//! What an epoch costs, known before it starts.
//!
//! Four benchmarks measure how an epoch's cost grows with one of the numbers that it depends on,
//! the others standing still; the cost of any epoch is what the smallest costs plus what each
//! number adds to that:
//!
//! ```text
//! cost(n, v, c, w) = neurons(n) + [validators(v) - validators(0)]
//!                  + [committers(c) - committers(0)] + w * [entries(256) - entries(0)] / (2 * 63 * 256)
//! ```
//!
//! The sum is linear, and so is an epoch but for the sorting in its maths, which the last bracket
//! covers: it is measured in columns of 64 and sorting 256 takes a third more per entry, a small
//! part of what an entry costs in all. A benchmark compares whole epochs of three sizes with what is
//! declared here (`cargo xtask weights --factor`).

use crate::weights::WeightInfo;
use frame_support::weights::Weight;

/// Validators in the benchmark of entries.
pub(crate) const VALIDATORS: u32 = 64;
/// Neurons in the benchmarks of all but the neurons themselves, and so the longest row there.
pub(crate) const NEURONS: u32 = 256;

/// What an epoch's cost depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EpochSize {
    /// Neurons.
    pub neurons: u32,
    /// Validators with a row of weights or a permit.
    pub validators: u32,
    /// Neurons that may have a commit pending.
    pub committers: u32,
    /// Weights and bonds together.
    pub entries: u32,
}

impl EpochSize {
    /// What an epoch of this size costs.
    pub fn cost<W: WeightInfo>(&self) -> Weight {
        let validators =
            W::epoch_validators(self.validators).saturating_sub(W::epoch_validators(0));
        let committers =
            W::epoch_committers(self.committers).saturating_sub(W::epoch_committers(0));
        // A row of weights and one of bonds for each validator but the first.
        let measured = u64::from(2 * (VALIDATORS - 1) * NEURONS);
        let entries = W::epoch_entries(NEURONS)
            .saturating_sub(W::epoch_entries(0))
            .saturating_mul(self.entries.into())
            .saturating_div(measured);
        W::epoch_neurons(self.neurons)
            .saturating_add(validators)
            .saturating_add(committers)
            .saturating_add(entries)
    }
}
