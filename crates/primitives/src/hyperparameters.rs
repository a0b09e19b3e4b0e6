//! A subnet's settings, their bounds and who may change them.

use crate::{Balance, BlockNumber, Ratio16, ASY};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

/// Most neurons that a subnet may have.
pub const MAX_NEURONS: u16 = 4096;
/// Most validator permits that a subnet may give.
pub const MAX_VALIDATORS: u16 = 256;
/// Shortest tempo that anybody may set, in blocks.
pub const MIN_TEMPO: BlockNumber = 5;

/// How bonds follow weights: YUMA.md, step 8.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
pub enum BondRule {
    /// Each bond moves towards its weight.
    #[default]
    Relative,
    /// Bonds are shares of a column.
    Classic,
}

/// A bond's rate between two bounds, by its distance from consensus.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct LiquidAlpha {
    /// The rate at no distance.
    pub low: Ratio16,
    /// The rate at full distance.
    pub high: Ratio16,
    /// Steepness of the logistic curve between them, in hundredths.
    pub steepness_hundredths: u16,
}

/// A subnet's settings.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Hyperparameters {
    /// Blocks between epochs.
    pub tempo: BlockNumber,
    /// Places for neurons.
    pub max_neurons: u16,
    /// Validator permits.
    pub max_validators: u16,
    /// Part of the active stake that must support a weight for it to count.
    pub kappa: Ratio16,
    /// How far bonds follow clipped weights rather than raw ones.
    pub bonds_penalty: Ratio16,
    /// Rate at which bonds follow weights.
    pub bonds_alpha: Ratio16,
    /// How bonds follow weights.
    pub bond_rule: BondRule,
    /// A rate for each bond instead of one for all.
    pub liquid_alpha: Option<LiquidAlpha>,
    /// Part of the pot that is the miners'; the rest is the validators'.
    pub miners_part: Ratio16,
    /// Part of what miners are paid that goes to the subnet's owner instead.
    pub owner_cut: Ratio16,
    /// Least stake of a validator.
    #[cfg_attr(feature = "std", serde(with = "crate::amount"))]
    pub min_stake: Balance,
    /// Whether weights may be set in plain, without commit and reveal.
    pub plain_weights: bool,
    /// Blocks in which a new neuron can't be pruned.
    pub immunity_period: BlockNumber,
    /// Blocks after which a validator that set no weights counts as absent. `None`: two tempos and
    /// the reveal window.
    pub activity_cutoff: Option<BlockNumber>,
    /// Epochs between a commit and the epoch in which it is revealed.
    pub reveal_period: u8,
    /// Least blocks between two announcements of a neuron.
    pub announce_interval: BlockNumber,
    /// Whether neurons may register.
    pub registration_open: bool,
}

impl Hyperparameters {
    /// The settings of a new subnet with this tempo.
    pub const fn new(tempo: BlockNumber) -> Self {
        Self {
            tempo,
            max_neurons: 256,
            max_validators: 64,
            // Just above one half, so that two equal halves must agree.
            kappa: Ratio16(32768),
            bonds_penalty: Ratio16::ONE,
            bonds_alpha: Ratio16(6554),
            bond_rule: BondRule::Relative,
            liquid_alpha: None,
            miners_part: Ratio16(32768),
            owner_cut: Ratio16(11796),
            min_stake: ASY,
            plain_weights: false,
            immunity_period: tempo.saturating_mul(12),
            activity_cutoff: None,
            reveal_period: 1,
            announce_interval: 5,
            registration_open: true,
        }
    }

    /// The activity cutoff in force, in blocks.
    pub fn activity_cutoff(&self) -> BlockNumber {
        let epochs = u32::from(self.reveal_period).saturating_add(2);
        self.activity_cutoff
            .unwrap_or_else(|| self.tempo.saturating_mul(epochs))
    }

    /// These settings with one changed, or why it can't be.
    pub fn with(mut self, change: Hyperparameter) -> Result<Self, HyperparameterError> {
        use Hyperparameter as H;
        let within = |fits: bool| fits.then_some(()).ok_or(HyperparameterError::OutOfBounds);
        match change {
            H::Tempo(blocks) => {
                within((MIN_TEMPO..=100_000).contains(&blocks))?;
                self.tempo = blocks;
            }
            H::MaxNeurons(places) => {
                within((2..=MAX_NEURONS).contains(&places))?;
                self.max_neurons = places;
            }
            H::MaxValidators(permits) => {
                within((1..=MAX_VALIDATORS).contains(&permits))?;
                self.max_validators = permits;
            }
            H::Kappa(ratio) => self.kappa = ratio,
            H::BondsPenalty(ratio) => self.bonds_penalty = ratio,
            H::BondsAlpha(ratio) => {
                within(ratio > Ratio16::ZERO)?;
                self.bonds_alpha = ratio;
            }
            H::BondRule(rule) => self.bond_rule = rule,
            H::LiquidAlpha(liquid) => {
                let ordered = |l: LiquidAlpha| {
                    Ratio16::ZERO < l.low && l.low <= l.high && l.steepness_hundredths <= 10_000
                };
                within(liquid.is_none_or(ordered))?;
                self.liquid_alpha = liquid;
            }
            H::MinersPart(ratio) => self.miners_part = ratio,
            H::OwnerCut(ratio) => {
                within(ratio <= Ratio16(32768))?;
                self.owner_cut = ratio;
            }
            H::MinStake(stake) => self.min_stake = stake,
            H::PlainWeights(allowed) => self.plain_weights = allowed,
            H::ImmunityPeriod(blocks) => {
                within(blocks <= 200_000)?;
                self.immunity_period = blocks;
            }
            H::ActivityCutoff(blocks) => {
                within(blocks.is_none_or(|blocks| (1..=1_000_000).contains(&blocks)))?;
                self.activity_cutoff = blocks;
            }
            H::RevealPeriod(epochs) => {
                within((1..=8).contains(&epochs))?;
                self.reveal_period = epochs;
            }
            H::AnnounceInterval(blocks) => {
                within(blocks <= 100_000)?;
                self.announce_interval = blocks;
            }
            H::RegistrationOpen(open) => self.registration_open = open,
        }
        Ok(self)
    }
}

/// One setting and its new value.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
#[allow(missing_docs)]
pub enum Hyperparameter {
    Tempo(BlockNumber),
    MaxNeurons(u16),
    MaxValidators(u16),
    Kappa(Ratio16),
    BondsPenalty(Ratio16),
    BondsAlpha(Ratio16),
    BondRule(BondRule),
    LiquidAlpha(Option<LiquidAlpha>),
    MinersPart(Ratio16),
    OwnerCut(Ratio16),
    MinStake(#[cfg_attr(feature = "std", serde(with = "crate::amount"))] Balance),
    PlainWeights(bool),
    ImmunityPeriod(BlockNumber),
    ActivityCutoff(Option<BlockNumber>),
    RevealPeriod(u8),
    AnnounceInterval(BlockNumber),
    RegistrationOpen(bool),
}

/// Who may change a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// Root alone.
    Root,
    /// The subnet's owner, or root.
    Owner,
}

impl Hyperparameter {
    /// Who may change this setting. Shortening the tempo below the network's default is root's
    /// through the pallet's own lower bound.
    pub const fn authority(&self) -> Authority {
        match self {
            Self::MaxNeurons(_)
            | Self::MaxValidators(_)
            | Self::Kappa(_)
            | Self::BondsPenalty(_)
            | Self::BondsAlpha(_)
            | Self::BondRule(_)
            | Self::LiquidAlpha(_)
            | Self::MinersPart(_)
            | Self::OwnerCut(_)
            | Self::MinStake(_)
            | Self::PlainWeights(_) => Authority::Root,
            Self::Tempo(_)
            | Self::ImmunityPeriod(_)
            | Self::ActivityCutoff(_)
            | Self::RevealPeriod(_)
            | Self::AnnounceInterval(_)
            | Self::RegistrationOpen(_) => Authority::Owner,
        }
    }
}

/// Why a setting can't be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HyperparameterError {
    /// The value is outside its declared bounds.
    OutOfBounds,
}

impl fmt::Display for HyperparameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfBounds => f.write_str("the value is outside the setting's bounds"),
        }
    }
}

#[cfg(feature = "std")]
impl std::error::Error for HyperparameterError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_refuses_values_out_of_bounds() {
        let base = Hyperparameters::new(100);
        let liquid = |low, high| {
            let steepness_hundredths = 1000;
            Some(LiquidAlpha {
                low: Ratio16(low),
                high: Ratio16(high),
                steepness_hundredths,
            })
        };
        for change in [
            Hyperparameter::Tempo(MIN_TEMPO - 1),
            Hyperparameter::MaxNeurons(MAX_NEURONS + 1),
            Hyperparameter::MaxValidators(0),
            Hyperparameter::BondsAlpha(Ratio16::ZERO),
            Hyperparameter::LiquidAlpha(liquid(2, 1)),
            Hyperparameter::OwnerCut(Ratio16::ONE),
            Hyperparameter::RevealPeriod(0),
            Hyperparameter::ActivityCutoff(Some(0)),
        ] {
            assert_eq!(
                base.with(change),
                Err(HyperparameterError::OutOfBounds),
                "{change:?}"
            );
        }
        let changed = base
            .with(Hyperparameter::LiquidAlpha(liquid(1, 2)))
            .unwrap();
        assert_eq!(changed.liquid_alpha, liquid(1, 2));
        assert_eq!(
            Hyperparameters {
                liquid_alpha: None,
                ..changed
            },
            base
        );
    }

    #[test]
    fn activity_cutoff_defaults_to_two_tempos_and_the_reveal_window() {
        let base = Hyperparameters::new(100);
        assert_eq!(base.activity_cutoff(), 300);
        let set = base.with(Hyperparameter::ActivityCutoff(Some(7))).unwrap();
        assert_eq!(set.activity_cutoff(), 7);
    }
}
