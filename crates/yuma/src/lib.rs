//! The incentive maths of one epoch of one subnet, "yuma": from validators' raw weights to the
//! shares of miners and validators.
//!
//! [`run`] takes stakes, weights and the previous epoch's bonds and says what each neuron is due;
//! [`apportion`] splits an amount by such shares to the last unit. The chain calls them at every
//! epoch, and everybody else calls the very same code to recompute what the chain did. [`judge`]
//! tells of one neuron which weights its numbers were made of.
//!
//! The crate must never touch storage, a clock, randomness or floating-point numbers: every node
//! has to compute the same bits. It never panics: an input is refused with a [`YumaError`] or has
//! an outcome.
//!
//! # The computation
//!
//! Yuma consensus as published in the Bittensor documentation (`docs/consensus.md` of
//! opentensor/subtensor), with changes of our own: no privileged neuron, ties to the lower uid,
//! weights older than their target's registration are void, an absent weight is a weight of 0.
//! With `S` stake, `w` weights, `B` bonds, `i` a validator and `j` its target:
//!
//! | step | what | where |
//! | --- | --- | --- |
//! | 1 | `S_i = stake_i` if it reaches the minimum, else 0 | `stake` |
//! | 2 | permits of the next epoch: the largest `S` | `stake` |
//! | 3 | `S_i = 0` without permit or past the activity cutoff; `ΣS = 1` | `stake` |
//! | 4 | void weights dropped; `Σ_j w_ij = 1` | `rows` |
//! | 5 | `C_j` = largest `w` with `Σ_{i: w_ij >= w} S_i >= kappa` | `columns`, `quantile` |
//! | 6 | `w̄ = min(w, C)`, `T_i = Σ_j w̄_ij`, `R_j = Σ_i S_i w̄_ij`, `I = R / ΣR` | `columns` |
//! | 7 | `w̃ = (1 - β) w + β w̄` | `bonds` |
//! | 8 | bonds and dividends, relative or classic | `bonds::relative`, `bonds::classic` |
//!
//! # Fixed-point formats
//!
//! - Raw weights are `u16`, as they are stored; only their proportions in a row count.
//! - Stakes are `u128` token units, and votes on consensus are counted in them, exactly.
//! - Every fraction that comes out is a [`Share`], in parts of 2^-62. A weight's fraction of its
//!   row is `raw × (2^62 / Σ raw)`: one 64-bit product, computed anew wherever it is needed.
//! - Bonds are `u32` fractions of `u32::MAX`, and move by rounding *towards* their weight, so that
//!   small ones are neither lost nor stuck.
//! - The inner loops use 64-bit products only; wider ones, slow in Wasm, occur once per row or
//!   column.
//!
//! # Cost
//!
//! With `n` neurons, `v` rows and `nnz` weights and old bonds together: O(nnz + n + v log v) time,
//! and O(nnz + n + v) memory, of which the new bonds are by far the most: six bytes each. No table
//! of n × n or n × v exists, and no single allocation is larger than a row, a block of columns or
//! a column of `n` numbers.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod apportion;
mod bonds;
#[cfg(feature = "cases")]
pub mod case;
mod columns;
mod error;
mod judgement;
mod quantile;
mod rows;
mod share;
mod stake;
mod types;

pub use apportion::apportion;
pub use error::{Table, YumaError};
pub use judgement::{judge, ClippedWeight, Judgement};
pub use share::Share;
pub use types::{
    BondRow, BondRule, EpochInput, EpochOutput, LiquidAlpha, Neuron, NewBonds, Params, WeightRow,
};

use alloc::vec::Vec;
use share::normalise;
use stake::Stakes;

/// The most neurons a subnet can have: uids are 16 bits wide.
pub const MAX_NEURONS: usize = 1 << 16;

/// Computes one epoch.
///
/// # Errors
///
/// Refuses rows that are malformed (a uid that does not exist, a repeated row, unequal lengths,
/// targets that do not ascend strictly), more than [`MAX_NEURONS`] neurons, and stakes that sum
/// to more than a `u128` holds. Nothing else can go wrong.
pub fn run(input: &EpochInput) -> Result<EpochOutput, YumaError> {
    let count = input.neurons.len();
    if count > MAX_NEURONS {
        return Err(YumaError::TooManyNeurons { count });
    }
    let stakes = Stakes::new(input)?;
    let mut copies = rows::Copies::default();
    let rows = rows::weight_rows(input, &mut copies)?;
    let old = rows::bond_rows(input)?;
    let columns = columns::columns(&rows, &stakes, input.params.kappa);
    let incentive = normalise(&columns.rank);
    let outcome = bonds::bonds(input, &rows, &old, &stakes, &columns, &incentive);
    let trust = columns
        .rank
        .iter()
        .zip(&columns.support)
        .map(|(rank, support)| Share::ratio(u128::from(*rank), u128::from(*support)))
        .collect();
    Ok(EpochOutput {
        active: stakes.votes.iter().map(|votes| *votes > 0).collect(),
        stake: stakes.shares,
        next_permit: stakes.next_permit,
        consensus: to_shares(&columns.consensus),
        validator_trust: to_shares(&outcome.validator_trust),
        trust,
        rank: to_shares(&columns.rank),
        incentive,
        dividends: normalise(&outcome.earned),
        bonds: outcome.bonds,
        active_stake: stakes.active_total,
        permitted_stake: stakes.permitted_total,
    })
}

fn to_shares(bits: &[u64]) -> Vec<Share> {
    bits.iter().map(|bits| Share::from_bits(*bits)).collect()
}
