//! How a pot is split: YUMA.md, step 9. Integers only, nothing stored.

use alloc::{vec, vec::Vec};
use assay_primitives::{Balance, Ratio16};
use assay_yuma::{apportion, Share};
use sp_arithmetic::{helpers_128bit::multiply_by_rational_with_rounding, Rounding};

/// What a split depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Whether miners and owner are paid in this subnet.
    pub admitted: bool,
    /// Part of the pot that is the miners'; the rest is the validators'.
    pub miners_part: Ratio16,
    /// Part of what miners are paid that goes to the owner instead.
    pub owner_cut: Ratio16,
    /// Stake that was active.
    pub active_stake: Balance,
    /// Stake of all who held a permit.
    pub permitted_stake: Balance,
}

/// Who gets what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Split {
    /// The owner.
    pub owner: Balance,
    /// The miners, by uid.
    pub miners: Vec<Balance>,
    /// The validators, by uid.
    pub validators: Vec<Balance>,
}

impl Split {
    /// Splits `due` by incentive and dividends, both by uid.
    ///
    /// The miners' part is rounded down and the validators' is the rest, so nothing is lost between
    /// them. Scaling by activity rounds down; what it leaves is not earned by anybody and not
    /// minted, and the same goes for a part without any share to go by. The owner's cut rounds down
    /// in favour of the miners. Each part that is paid is paid to the last unit, by largest
    /// remainder.
    pub fn of(due: Balance, terms: &Terms, incentive: &[Share], dividends: &[Share]) -> Self {
        let miners_part = terms.miners_part.of(due);
        let earned = |part: Balance, shares: &[Share], allowed: bool| {
            let anything = shares.iter().any(|share| !share.is_zero());
            if allowed && anything {
                terms.scaled(part)
            } else {
                0
            }
        };
        let for_miners = earned(miners_part, incentive, terms.admitted);
        let for_validators = earned(due - miners_part, dividends, true);
        let owner = terms.owner_cut.of(for_miners);
        Self {
            owner,
            miners: divide(for_miners - owner, incentive),
            validators: divide(for_validators, dividends),
        }
    }

    /// What is paid in all.
    #[cfg(test)]
    pub fn total(&self) -> Balance {
        self.owner + self.miners.iter().sum::<Balance>() + self.validators.iter().sum::<Balance>()
    }
}

impl Terms {
    /// `part`, scaled by active stake over the stake of all permitted validators: what the absent
    /// would have judged is not paid to the few who are there.
    fn scaled(&self, part: Balance) -> Balance {
        let active = self.active_stake.min(self.permitted_stake);
        // `None` only for no permitted stake, since the result is no more than `part`.
        multiply_by_rational_with_rounding(part, active, self.permitted_stake, Rounding::Down)
            .unwrap_or_default()
    }
}

/// `amount` by shares, to the last unit; nothing to anybody where there is nothing.
fn divide(amount: Balance, shares: &[Share]) -> Vec<Balance> {
    if amount == 0 {
        return vec![0; shares.len()];
    }
    apportion(amount, shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HALF: Ratio16 = Ratio16(32768);

    fn terms(active_stake: Balance, permitted_stake: Balance) -> Terms {
        Terms {
            admitted: true,
            miners_part: HALF,
            owner_cut: Ratio16(13107),
            active_stake,
            permitted_stake,
        }
    }

    fn shares(parts: &[u32]) -> Vec<Share> {
        let whole = parts.iter().map(|part| u128::from(*part)).sum();
        parts
            .iter()
            .map(|part| Share::ratio(u128::from(*part), whole))
            .collect()
    }

    #[test]
    fn split_pays_to_the_last_unit_when_everybody_is_there() {
        let split = Split::of(
            65_535_001,
            &terms(9, 9),
            &shares(&[0, 1, 1, 1]),
            &shares(&[3, 0, 0, 0]),
        );
        assert_eq!(split.total(), 65_535_001);
        let miners = HALF.of(65_535_001);
        assert_eq!(split.owner, Ratio16(13107).of(miners));
        assert_eq!(split.validators, [65_535_001 - miners, 0, 0, 0]);
        let (least, most) = (
            split.miners[1..].iter().min(),
            split.miners[1..].iter().max(),
        );
        assert!(most.unwrap() - least.unwrap() <= 1);
        assert_eq!(split.miners[0], 0);
    }

    #[test]
    fn split_scales_both_parts_by_activity() {
        let whole = Split::of(1_000_000, &terms(4, 4), &shares(&[0, 1]), &shares(&[1, 0]));
        let quarter = Split::of(1_000_000, &terms(1, 4), &shares(&[0, 1]), &shares(&[1, 0]));
        assert!(whole.total() == 1_000_000 && quarter.total() <= 250_000);
        assert_eq!(quarter.validators[0], whole.validators[0] / 4);
        assert_eq!(
            quarter.miners[1] + quarter.owner,
            (whole.miners[1] + whole.owner) / 4
        );
    }

    #[test]
    fn split_pays_nobody_for_nothing() {
        let (some, none) = (shares(&[1, 1]), vec![Share::ZERO; 2]);
        let without_incentive = Split::of(100, &terms(1, 1), &none, &some);
        assert_eq!(without_incentive.miners, [0, 0]);
        assert_eq!(without_incentive.owner, 0);
        assert_eq!(without_incentive.total(), 50);
        let without_dividends = Split::of(100, &terms(1, 1), &some, &none);
        assert_eq!(without_dividends.validators, [0, 0]);
        let unadmitted = Terms {
            admitted: false,
            ..terms(1, 1)
        };
        let split = Split::of(100, &unadmitted, &some, &some);
        assert_eq!((split.owner, split.miners), (0, vec![0, 0]));
        assert_eq!(Split::of(100, &terms(0, 0), &some, &some).total(), 0);
    }

    proptest! {
        #[test]
        fn split_is_exact_whatever_the_input(
            due in 0..=assay_primitives::CAP,
            parts in proptest::collection::vec((0u32..1000, 0u32..1000), 1..40),
            (miners_part, owner_cut) in (any::<u16>(), 0u16..=32768),
            (active, absent) in (0..assay_primitives::CAP, 0..assay_primitives::CAP),
            admitted: bool,
        ) {
            let (incentive, dividends): (Vec<u32>, Vec<u32>) = parts.into_iter().unzip();
            let (incentive, dividends) = (shares(&incentive), shares(&dividends));
            let terms = Terms {
                admitted,
                miners_part: Ratio16(miners_part),
                owner_cut: Ratio16(owner_cut),
                active_stake: active,
                permitted_stake: active + absent,
            };
            let split = Split::of(due, &terms, &incentive, &dividends);
            let miners: Balance = split.miners.iter().sum();
            let validators: Balance = split.validators.iter().sum();
            let any = |shares: &[Share]| shares.iter().any(|share| !share.is_zero());
            let due_to_miners = terms.miners_part.of(due);
            if admitted && any(&incentive) {
                prop_assert_eq!(miners + split.owner, terms.scaled(due_to_miners));
                prop_assert_eq!(split.owner, terms.owner_cut.of(miners + split.owner));
            } else {
                prop_assert_eq!(miners + split.owner, 0);
            }
            if any(&dividends) {
                prop_assert_eq!(validators, terms.scaled(due - due_to_miners));
            } else {
                prop_assert_eq!(validators, 0);
            }
            prop_assert!(split.total() <= due);
            for (paid, share) in split.miners.iter().zip(&incentive) {
                prop_assert!(*paid == 0 || !share.is_zero());
            }
            for (paid, share) in split.validators.iter().zip(&dividends) {
                prop_assert!(*paid == 0 || !share.is_zero());
            }
        }
    }
}
