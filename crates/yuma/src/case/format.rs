//! The JSON of a case, and what can be wrong with it.

use crate::{BondRule, LiquidAlpha, Neuron, Params, Table, YumaError};
use serde::de::{self, Deserializer, IgnoredAny, Visitor};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

/// A sequence of epochs of one subnet.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub(super) params: ParamsJson,
    pub(super) neurons: Vec<NeuronJson>,
    #[serde(default)]
    pub(super) bonds: Vec<(u16, u16, u16)>,
    pub(super) epochs: Vec<EpochJson>,
    #[serde(default, rename = "name")]
    _name: IgnoredAny,
    #[serde(default, rename = "why")]
    _why: IgnoredAny,
    #[serde(default, rename = "expect")]
    _expect: IgnoredAny,
    #[serde(default, rename = "tolerance")]
    _tolerance: IgnoredAny,
}

impl Case {
    /// Reads a case.
    ///
    /// # Errors
    ///
    /// Says what is wrong, and in which line and column.
    pub fn from_json(json: &str) -> Result<Self, CaseError> {
        serde_json::from_str(json).map_err(CaseError::Malformed)
    }
}

/// Why a case could not be read or run.
#[derive(Debug)]
pub enum CaseError {
    /// The text is not a case.
    Malformed(serde_json::Error),
    /// An epoch changes a neuron that does not exist.
    UnknownNeuron {
        /// Index of the epoch.
        epoch: usize,
        /// The uid.
        uid: u16,
    },
    /// A weight or bond is given twice.
    Repeated {
        /// Weights or bonds.
        table: Table,
        /// Index of the epoch; none for the bonds a case starts with.
        epoch: Option<usize>,
        /// Uid of the validator.
        validator: u16,
        /// Uid of the target.
        target: u16,
    },
    /// The epoch's input was refused.
    Refused {
        /// Index of the epoch.
        epoch: usize,
        /// Why.
        source: YumaError,
    },
}

impl fmt::Display for CaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "not a case: {error}"),
            Self::UnknownNeuron { epoch, uid } => {
                write!(
                    f,
                    "epochs[{epoch}].neurons changes uid {uid}, which no neuron has"
                )
            }
            Self::Repeated {
                table,
                epoch,
                validator,
                target,
            } => {
                if let Some(epoch) = epoch {
                    write!(f, "epochs[{epoch}].")?;
                }
                write!(
                    f,
                    "{table} names the pair [{validator}, {target}] more than once"
                )
            }
            Self::Refused { epoch, source } => write!(f, "epochs[{epoch}]: {source}"),
        }
    }
}

impl std::error::Error for CaseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            Self::Refused { source, .. } => Some(source),
            Self::UnknownNeuron { .. } | Self::Repeated { .. } => None,
        }
    }
}

/// A change that may be made to `T` before an epoch.
pub(super) trait Patch<T> {
    fn apply(&self, to: &mut T);
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EpochJson {
    #[serde(default)]
    pub params: ParamsPatch,
    #[serde(default)]
    pub neurons: BTreeMap<u16, NeuronPatch>,
    pub weights: Vec<(u16, u16, u16)>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParamsJson {
    pub kappa: u16,
    pub bonds_penalty: u16,
    pub bonds_alpha: u16,
    pub bond_rule: RuleJson,
    #[serde(default)]
    pub liquid_alpha: Option<LiquidJson>,
    pub block: u64,
    pub last_epoch_block: u64,
    pub activity_cutoff: u64,
    pub min_stake: Units,
    pub max_validators: u16,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParamsPatch {
    kappa: Option<u16>,
    bonds_penalty: Option<u16>,
    bonds_alpha: Option<u16>,
    bond_rule: Option<RuleJson>,
    /// Absent leaves it as it is; `null` turns it off.
    #[serde(default, deserialize_with = "present")]
    liquid_alpha: Option<Option<LiquidJson>>,
    block: Option<u64>,
    last_epoch_block: Option<u64>,
    activity_cutoff: Option<u64>,
    min_stake: Option<Units>,
    max_validators: Option<u16>,
}

impl Patch<Params> for ParamsPatch {
    fn apply(&self, to: &mut Params) {
        set(&mut to.kappa, self.kappa);
        set(&mut to.bonds_penalty, self.bonds_penalty);
        set(&mut to.bonds_alpha, self.bonds_alpha);
        set(&mut to.bond_rule, self.bond_rule.map(BondRule::from));
        set(
            &mut to.liquid_alpha,
            self.liquid_alpha
                .map(|liquid| liquid.map(LiquidAlpha::from)),
        );
        set(&mut to.block, self.block);
        set(&mut to.last_epoch_block, self.last_epoch_block);
        set(&mut to.activity_cutoff, self.activity_cutoff);
        set(&mut to.min_stake, self.min_stake.map(|units| units.0));
        set(&mut to.max_validators, self.max_validators);
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NeuronJson {
    pub stake: Units,
    pub permit: bool,
    pub last_update: u64,
    pub registered_at: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NeuronPatch {
    stake: Option<Units>,
    permit: Option<bool>,
    last_update: Option<u64>,
    registered_at: Option<u64>,
}

impl Patch<Neuron> for NeuronPatch {
    fn apply(&self, to: &mut Neuron) {
        set(&mut to.stake, self.stake.map(|units| units.0));
        set(&mut to.permit, self.permit);
        set(&mut to.last_update, self.last_update);
        set(&mut to.registered_at, self.registered_at);
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// Tells a field that is `null` from one that is absent.
fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RuleJson {
    Relative,
    Classic,
}

impl From<RuleJson> for BondRule {
    fn from(rule: RuleJson) -> Self {
        match rule {
            RuleJson::Relative => Self::Relative,
            RuleJson::Classic => Self::Classic,
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LiquidJson {
    low: u16,
    high: u16,
    #[serde(deserialize_with = "thousandths")]
    steepness: u32,
}

impl From<LiquidJson> for LiquidAlpha {
    fn from(liquid: LiquidJson) -> Self {
        Self {
            low: liquid.low,
            high: liquid.high,
            steepness: liquid.steepness,
        }
    }
}

/// A number as the nearest count of thousandths.
fn thousandths<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let value = f64::deserialize(deserializer)?;
    let scaled = (value * 1_000.0).round();
    if (0.0..=f64::from(u32::MAX)).contains(&scaled) {
        Ok(scaled as u32)
    } else {
        let largest = f64::from(u32::MAX) / 1_000.0;
        Err(de::Error::custom(format_args!(
            "steepness {value} is not between 0 and {largest}"
        )))
    }
}

/// An amount of token units: a decimal string, since JSON numbers beyond 2^53 do not survive most
/// programs, or a plain integer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Units(pub u128);

impl<'de> Deserialize<'de> for Units {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UnitsVisitor)
    }
}

struct UnitsVisitor;

impl Visitor<'_> for UnitsVisitor {
    type Value = Units;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("token units: a decimal string or an integer that is not negative")
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Units, E> {
        Ok(Units(u128::from(value)))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Units, E> {
        let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        match value.parse() {
            Ok(units) if digits => Ok(Units(units)),
            _ => Err(E::invalid_value(de::Unexpected::Str(value), &self)),
        }
    }
}
