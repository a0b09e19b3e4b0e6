//! What goes into an epoch and what comes out of it.

use crate::share::Share;
use alloc::vec::Vec;

/// A neuron as the epoch sees it; its uid is its place in [`EpochInput::neurons`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Neuron {
    /// Stake in token units.
    pub stake: u128,
    /// Whether it may validate in this epoch.
    pub permit: bool,
    /// Block at which its weights now in force were set or, under commit–reveal, committed.
    pub last_update: u64,
    /// Block at which the uid's present holder registered.
    pub registered_at: u64,
}

/// One validator's raw weights.
#[derive(Clone, Copy, Debug)]
pub struct WeightRow<'a> {
    /// Uid of the validator.
    pub validator: u16,
    /// Uids it weighs, strictly ascending.
    pub targets: &'a [u16],
    /// The raw weight of each target. Only their proportions count, and 0 is as good as absent.
    pub values: &'a [u16],
}

/// One validator's bonds as the previous epoch left them.
#[derive(Clone, Copy, Debug)]
pub struct BondRow<'a> {
    /// Uid of the validator.
    pub validator: u16,
    /// Uids it holds bonds in, strictly ascending.
    pub targets: &'a [u16],
    /// The bond with each target, a fraction of `u32::MAX`.
    pub values: &'a [u32],
}

/// How bonds grow out of weights, and dividends out of bonds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BondRule {
    /// A bond is the moving average of the validator's own weight; stake counts when dividends
    /// are paid.
    #[default]
    Relative,
    /// A bond is the moving average of the validator's part in all stake-weighted support.
    Classic,
}

/// Lets each bond under [`BondRule::Relative`] move at a rate of its own: faster the more the
/// validator departs from consensus or from its own past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiquidAlpha {
    /// Rate of a validator that departs not at all (for a steep curve), a fraction of `u16::MAX`.
    pub low: u16,
    /// Rate of one that departs altogether, a fraction of `u16::MAX`.
    pub high: u16,
    /// Steepness of the logistic curve between the two, in thousandths.
    pub steepness: u32,
}

/// The parameters of one epoch of one subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// Part of the active stake that must stand behind a weight, a fraction of `u16::MAX`.
    pub kappa: u16,
    /// How far weight above consensus is kept out of bonds, a fraction of `u16::MAX`.
    pub bonds_penalty: u16,
    /// Rate at which bonds follow weights, a fraction of `u16::MAX`.
    pub bonds_alpha: u16,
    /// The bond rule.
    pub bond_rule: BondRule,
    /// Replaces `bonds_alpha` bond by bond; has no effect under [`BondRule::Classic`].
    pub liquid_alpha: Option<LiquidAlpha>,
    /// The block of this epoch.
    pub block: u64,
    /// The block of the previous epoch.
    pub last_epoch_block: u64,
    /// Blocks after which a validator whose weights stay the same is passed over.
    pub activity_cutoff: u64,
    /// Stake below this counts as none.
    pub min_stake: u128,
    /// How many neurons get a permit for the next epoch.
    pub max_validators: u16,
}

/// Everything an epoch is computed from. Rows may come in any order of validators, one each.
#[derive(Clone, Copy, Debug)]
pub struct EpochInput<'a> {
    /// Parameters.
    pub params: Params,
    /// All neurons, by uid.
    pub neurons: &'a [Neuron],
    /// Raw weights in force.
    pub weights: &'a [WeightRow<'a>],
    /// Bonds left by the previous epoch.
    pub bonds: &'a [BondRow<'a>],
}

/// One validator's bonds as this epoch leaves them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewBonds {
    /// Uid of the validator.
    pub validator: u16,
    /// Uids it holds bonds in, strictly ascending.
    pub targets: Vec<u16>,
    /// The bond with each target, a fraction of `u32::MAX`, never 0.
    pub values: Vec<u32>,
}

impl NewBonds {
    /// The same row as the next epoch's input.
    pub fn as_row(&self) -> BondRow<'_> {
        BondRow {
            validator: self.validator,
            targets: &self.targets,
            values: &self.values,
        }
    }
}

/// The outcome of an epoch. Columns are indexed by uid and as long as [`EpochInput::neurons`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EpochOutput {
    /// Part of the active stake; they sum to one, or to nothing if no stake is active.
    pub stake: Vec<Share>,
    /// Whether the stake of this uid is active: permitted, recent, and not below the minimum.
    pub active: Vec<bool>,
    /// Who may validate in the next epoch.
    pub next_permit: Vec<bool>,
    /// `C`: the largest weight on this uid that enough active stake supports.
    pub consensus: Vec<Share>,
    /// `T`: how much of this validator's weight the consensus leaves standing.
    pub validator_trust: Vec<Share>,
    /// How much of the weight put on this uid the consensus leaves standing.
    pub trust: Vec<Share>,
    /// `R`: the stake-weighted sum of the weights on this uid, clipped to consensus.
    pub rank: Vec<Share>,
    /// `I`: part of the miners' reward; they sum to one, or to nothing.
    pub incentive: Vec<Share>,
    /// `D`: part of the validators' reward; they sum to one, or to nothing.
    pub dividends: Vec<Share>,
    /// Bonds kept for the next epoch, ascending by validator, without empty rows.
    pub bonds: Vec<NewBonds>,
    /// Stake that was active in this epoch, in token units.
    pub active_stake: u128,
    /// Stake of all who hold a permit in this epoch, active or not, in token units. The payout is
    /// scaled by `active_stake / permitted_stake`.
    pub permitted_stake: u128,
}
