//! What differs between networks.

use crate::PriceCurve;
use assay_primitives::{Balance, BlockNumber, ASY, CAP};
use codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Set at genesis. The defaults are those of a network with something at stake.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameters {
    /// The least price of a subnet, and what is held of its owner.
    pub subnet_price_floor: Balance,
    /// The least price of a neuron.
    pub registration_price_floor: Balance,
    /// The highest price of a neuron.
    pub registration_price_ceiling: Balance,
    /// Whether a new subnet's miners are paid without root's say.
    pub admit_on_creation: bool,
    /// Places for subnets. More than the runtime has room for (`MaxSubnets`) stand for as many.
    pub subnet_places: u32,
    /// Blocks in which a new subnet can't be dissolved for another.
    pub subnet_immunity: BlockNumber,
}

/// Places for subnets, unless genesis says otherwise.
const PLACES: u32 = 128;
/// A month at 6 s: long enough for a market to form, and for the average of its stake to be that of
/// its stake.
const IMMUNITY: BlockNumber = 30 * 14_400;

impl Default for Parameters {
    fn default() -> Self {
        Self {
            subnet_price_floor: 100 * ASY,
            registration_price_floor: ASY / 10,
            registration_price_ceiling: 1_000 * ASY,
            admit_on_creation: false,
            subnet_places: PLACES,
            subnet_immunity: IMMUNITY,
        }
    }
}

impl Parameters {
    /// Says what is wrong with them.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.subnet_price_floor == 0 || self.registration_price_floor == 0 {
            return Err("a price's floor must be above 0, or places cost nothing");
        }
        if self.subnet_price_floor > CAP || self.registration_price_ceiling > CAP {
            return Err("a price must not be above all ASY there will ever be");
        }
        if self.registration_price_floor > self.registration_price_ceiling {
            return Err("registrationPriceFloor must not be above registrationPriceCeiling");
        }
        if self.subnet_places == 0 {
            return Err("subnetPlaces must leave room for a subnet");
        }
        Ok(())
    }

    /// How the price of a subnet moves. Nobody can pay more than there is, so its ceiling is the
    /// token's cap.
    pub fn subnet_price_curve(&self, half_life: BlockNumber) -> PriceCurve {
        PriceCurve {
            floor: self.subnet_price_floor,
            ceiling: CAP,
            half_life,
            rise_percent: 200,
        }
    }

    /// How the price of a neuron moves.
    pub fn registration_price_curve(&self, half_life: BlockNumber) -> PriceCurve {
        PriceCurve {
            floor: self.registration_price_floor,
            ceiling: self.registration_price_ceiling,
            half_life,
            rise_percent: 126,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_names_what_is_wrong() {
        let fine = Parameters::default();
        assert_eq!(fine.check(), Ok(()));
        let broken = [
            Parameters {
                subnet_price_floor: 0,
                ..fine
            },
            Parameters {
                registration_price_floor: 0,
                ..fine
            },
            Parameters {
                subnet_price_floor: CAP + 1,
                ..fine
            },
            Parameters {
                registration_price_ceiling: fine.registration_price_floor - 1,
                ..fine
            },
            Parameters {
                subnet_places: 0,
                ..fine
            },
        ];
        for parameters in broken {
            assert!(parameters.check().is_err(), "{parameters:?}");
        }
    }
}
