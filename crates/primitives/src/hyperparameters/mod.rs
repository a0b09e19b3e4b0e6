//! A subnet's settings, their bounds and who may change them: one table, from which come the types,
//! the checks, what the metadata says, `docs/hyperparameters.md` and what people type.

#[cfg(feature = "std")]
mod markdown;
mod table;
mod values;

use crate::{Balance, BlockNumber, Ratio16, ASY};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::{
    build::{FieldBuilder, Fields, Variants},
    Path, Type, TypeInfo,
};
use table::{settings, SettingValue};

#[cfg(feature = "std")]
pub use markdown::hyperparameters_markdown;
pub use table::Setting;

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

settings! {
    new(tempo);

    /// Blocks between epochs.
    tempo / Tempo: BlockNumber, Owner, [5..=100_000] = tempo;
    /// Places for neurons.
    max_neurons / MaxNeurons: u16, Root, [2..=4_096] = 256;
    /// Validator permits.
    max_validators / MaxValidators: u16, Root, [1..=256] = 64;
    /// Part of the active stake that must support a weight for it to count. At first just above one
    /// half, so that two equal halves must agree.
    kappa / Kappa: Ratio16, Root, [] = Ratio16(32768);
    /// How far bonds follow clipped weights rather than raw ones.
    bonds_penalty / BondsPenalty: Ratio16, Root, [] = Ratio16::ONE;
    /// Rate at which bonds follow weights.
    bonds_alpha / BondsAlpha: Ratio16, Root, [1..=65_535] = Ratio16(6554);
    /// How bonds follow weights.
    bond_rule / BondRule: BondRule, Root, [] = BondRule::Relative;
    /// A rate for each bond instead of one for all.
    liquid_alpha / LiquidAlpha: Option<LiquidAlpha>, Root, [] = None;
    /// Part of the pot that is the miners'; the rest is the validators'.
    miners_part / MinersPart: Ratio16, Root, [] = Ratio16(32768);
    /// Part of what miners are paid that goes to the subnet's owner instead.
    owner_cut / OwnerCut: Ratio16, Root, [0..=32_768] = Ratio16(11796);
    /// Least stake of a validator.
    min_stake / MinStake: Balance as "crate::amount", Root, [] = ASY;
    /// Whether weights may be set in plain, without commit and reveal.
    plain_weights / PlainWeights: bool, Root, [] = false;
    /// Blocks in which a new neuron can't be pruned.
    immunity_period / ImmunityPeriod: BlockNumber, Owner, [0..=200_000] = tempo.saturating_mul(12);
    /// Blocks after which a validator that set no weights counts as absent. `None`: two tempos and
    /// the reveal window.
    activity_cutoff / ActivityCutoff: Option<BlockNumber>, Owner, [1..=1_000_000] = None;
    /// Epochs between a commit and the epoch in which it is revealed.
    reveal_period / RevealPeriod: u8, Owner, [1..=8] = 1;
    /// Least blocks between two announcements of a neuron.
    announce_interval / AnnounceInterval: BlockNumber, Owner, [0..=100_000] = 5;
    /// Whether neurons may register.
    registration_open / RegistrationOpen: bool, Owner, [] = true;
}

impl Hyperparameters {
    /// The activity cutoff in force, in blocks.
    pub fn activity_cutoff(&self) -> BlockNumber {
        let epochs = u32::from(self.reveal_period).saturating_add(2);
        self.activity_cutoff
            .unwrap_or_else(|| self.tempo.saturating_mul(epochs))
    }

    /// Whole epochs, after the one in which it is announced, that another task waits: two and the
    /// reveal window, so that nobody scores by a task that was sprung on them, and whoever
    /// committed under the old one can still open it.
    pub fn task_lead(&self) -> u32 {
        u32::from(self.reveal_period).saturating_add(2)
    }
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
    pub fn authority(&self) -> Authority {
        self.setting().authority
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
    use scale_info::TypeDef;

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
    fn the_table_and_the_constants_agree() {
        let bounds = |change: Hyperparameter| change.setting().bounds;
        assert_eq!(
            bounds(Hyperparameter::MaxNeurons(2)),
            Some((2, MAX_NEURONS.into()))
        );
        assert_eq!(
            bounds(Hyperparameter::MaxValidators(1)),
            Some((1, MAX_VALIDATORS.into()))
        );
        let (least, _) = bounds(Hyperparameter::Tempo(5)).unwrap();
        assert_eq!(least, MIN_TEMPO.into());
    }

    #[test]
    fn every_setting_of_a_new_subnet_is_within_its_bounds() {
        let base = Hyperparameters::new(360);
        for (setting, text) in Hyperparameter::SETTINGS.iter().zip(base.show()) {
            let change = Hyperparameter::parse(setting.name, &text).unwrap();
            assert_eq!(change.setting(), setting);
            assert_eq!(base.with(change), Ok(base), "{}", setting.name);
        }
    }

    #[test]
    fn bounds_hold_at_both_ends() {
        let base = Hyperparameters::new(360);
        for setting in Hyperparameter::SETTINGS {
            let Some((least, most)) = setting.bounds else {
                continue;
            };
            let change = |value: u128| Hyperparameter::parse(setting.name, &value.to_string());
            for value in [least, most] {
                assert!(
                    base.with(change(value).unwrap()).is_ok(),
                    "{}",
                    setting.name
                );
            }
            for value in [least.checked_sub(1), Some(most + 1)].into_iter().flatten() {
                // What does not even fit the type is no value at all.
                let refused = change(value).map(|change| base.with(change));
                assert!(!matches!(refused, Ok(Ok(_))), "{}", setting.name);
            }
        }
    }

    #[test]
    fn parse_says_what_is_wrong() {
        let unknown = Hyperparameter::parse("tempi", "5").unwrap_err();
        assert!(unknown.contains("tempo, max_neurons"), "{unknown}");
        let number = Hyperparameter::parse("tempo", "soon").unwrap_err();
        assert!(number.contains("a whole number"), "{number}");
        let liquid = Hyperparameter::parse("liquid_alpha", "1,2,1000");
        assert!(matches!(liquid, Ok(Hyperparameter::LiquidAlpha(Some(_)))));
    }

    #[test]
    fn metadata_says_who_may_change_what_within_which_bounds() {
        let TypeDef::Variant(variants) = Hyperparameter::type_info().type_def else {
            panic!("a choice of settings is a variant");
        };
        let tempo = &variants.variants[0];
        assert_eq!(
            tempo.docs,
            [
                "Blocks between epochs.",
                "Changed by the subnet's owner or root. From 5 to 100_000."
            ]
        );
        for (index, variant) in variants.variants.iter().enumerate() {
            assert_eq!(usize::from(variant.index), index);
        }
        let last = Hyperparameter::RegistrationOpen(true).encode();
        assert_eq!(last, [Hyperparameter::SETTINGS.len() as u8 - 1, 1]);
    }

    #[test]
    fn activity_cutoff_defaults_to_two_tempos_and_the_reveal_window() {
        let base = Hyperparameters::new(100);
        assert_eq!(base.activity_cutoff(), 300);
        let set = base.with(Hyperparameter::ActivityCutoff(Some(7))).unwrap();
        assert_eq!(set.activity_cutoff(), 7);
    }
}
