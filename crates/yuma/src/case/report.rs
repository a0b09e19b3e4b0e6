//! The outcome of a case in numbers that people and other programs read.

use crate::{EpochOutput, NewBonds, Share};
use serde::Serialize;

/// The outcome of all epochs of a case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// One report per epoch, in order.
    pub epochs: Vec<EpochReport>,
}

/// The outcome of one epoch; columns by uid.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EpochReport {
    /// Part of the active stake.
    pub stake: Vec<f64>,
    /// Whether the stake is active.
    pub active: Vec<bool>,
    /// Who may validate in the next epoch.
    pub new_permit: Vec<bool>,
    /// Consensus.
    pub consensus: Vec<f64>,
    /// Validators' trust.
    pub validator_trust: Vec<f64>,
    /// Trust.
    pub trust: Vec<f64>,
    /// Rank.
    pub rank: Vec<f64>,
    /// Part of the miners' reward.
    pub incentive: Vec<f64>,
    /// Part of the validators' reward.
    pub dividends: Vec<f64>,
    /// Bonds kept: validator, target, and a fraction of one.
    pub bonds: Vec<(u16, u16, f64)>,
    /// Stake that was active, in token units.
    pub active_stake: String,
    /// Stake of all who held a permit, in token units.
    pub permitted_stake: String,
}

impl EpochReport {
    pub(super) fn new(output: &EpochOutput) -> Self {
        Self {
            stake: numbers(&output.stake),
            active: output.active.clone(),
            new_permit: output.next_permit.clone(),
            consensus: numbers(&output.consensus),
            validator_trust: numbers(&output.validator_trust),
            trust: numbers(&output.trust),
            rank: numbers(&output.rank),
            incentive: numbers(&output.incentive),
            dividends: numbers(&output.dividends),
            bonds: output.bonds.iter().flat_map(triples).collect(),
            active_stake: output.active_stake.to_string(),
            permitted_stake: output.permitted_stake.to_string(),
        }
    }
}

fn numbers(shares: &[Share]) -> Vec<f64> {
    shares.iter().map(|share| share.to_f64()).collect()
}

fn triples(row: &NewBonds) -> impl Iterator<Item = (u16, u16, f64)> + '_ {
    row.targets.iter().zip(&row.values).map(|(target, value)| {
        (
            row.validator,
            *target,
            f64::from(*value) / f64::from(u32::MAX),
        )
    })
}
