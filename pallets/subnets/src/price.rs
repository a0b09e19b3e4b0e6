//! Prices that rise with every purchase and decay with time.
//!
//! A purchase multiplies the price at once; afterwards it halves every half-life `H`. Between two
//! halvings it falls in a straight line, so with `v` the value left by the last purchase, `t`
//! blocks ago, `k = ⌊t / H⌋` and `r = t mod H`,
//!
//! ```text
//! price(t) = clamp(⌈v · (2H − r) / (2H · 2^k)⌉, floor, ceiling)
//! ```
//!
//! which is exact in integers, can be checked by hand, never rises with `t`, equals the exponential
//! `v · 2^(−t/H)` at every halving and lies at most 6.2 % above it between two.
//!
//! ```text
//! v   ●
//!     │\__
//! v/2 │   ●─__
//! v/4 │       ●────____
//!     └───┴───┴───────── blocks
//!     0   H   2H
//! ```
//!
//! Every rounding is upwards, in favour of what is burned: a price is never below what the formula
//! says, and a purchase always raises a price that is below its ceiling.

use assay_primitives::{Balance, BlockNumber};
use codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_runtime::{helpers_128bit::multiply_by_rational_with_rounding, Rounding};

/// Halvings after which any price below 2^95, and so any amount of money, is at most 1.
const HALVINGS_TO_NOTHING: u32 = 95;

/// A price as the last purchase left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Price {
    /// Its value then, already raised.
    pub value: Balance,
    /// The block of the purchase.
    pub at: BlockNumber,
}

/// How a price moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceCurve {
    /// The least it decays to, above 0.
    pub floor: Balance,
    /// The most it rises to.
    pub ceiling: Balance,
    /// Blocks in which it halves, above 0.
    pub half_life: BlockNumber,
    /// What a purchase multiplies it by, in hundredths.
    pub rise_percent: u32,
}

impl PriceCurve {
    /// The price at block `now`, when `last` is what the last purchase left; the floor when there
    /// was none.
    pub fn at(&self, last: Option<Price>, now: BlockNumber) -> Balance {
        let Some(last) = last else {
            return self.floor;
        };
        let elapsed = now.saturating_sub(last.at);
        let half_life = self.half_life.max(1);
        let (halvings, rest) = (elapsed / half_life, elapsed % half_life);
        if halvings >= HALVINGS_TO_NOTHING {
            return self.floor;
        }
        let line = 2 * Balance::from(half_life);
        let decayed = multiply_by_rational_with_rounding(
            last.value,
            line - Balance::from(rest),
            line << halvings,
            Rounding::Up,
        );
        // The factor is at most 1, so the product always fits.
        decayed
            .unwrap_or(last.value)
            .min(self.ceiling)
            .max(self.floor)
    }

    /// What a purchase at `paid` in block `now` leaves.
    pub fn after(&self, paid: Balance, now: BlockNumber) -> Price {
        let raised =
            multiply_by_rational_with_rounding(paid, self.rise_percent.into(), 100, Rounding::Up);
        // A product that does not fit is above any ceiling.
        let value = raised.unwrap_or(self.ceiling).min(self.ceiling);
        Price { value, at: now }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_primitives::CAP;
    use proptest::prelude::*;

    const CURVE: PriceCurve = PriceCurve {
        floor: 100,
        ceiling: 1_000_000,
        half_life: 360,
        rise_percent: 126,
    };

    fn price(value: Balance) -> Option<Price> {
        Some(Price { value, at: 1_000 })
    }

    #[test]
    fn at_is_the_floor_before_the_first_purchase() {
        assert_eq!(CURVE.at(None, 7), 100);
    }

    #[test]
    fn at_halves_every_half_life_and_falls_in_a_line_between() {
        assert_eq!(CURVE.at(price(8_000), 1_000), 8_000);
        assert_eq!(CURVE.at(price(8_000), 1_180), 6_000);
        assert_eq!(CURVE.at(price(8_000), 1_360), 4_000);
        assert_eq!(CURVE.at(price(8_000), 1_720), 2_000);
        assert_eq!(CURVE.at(price(8_000), 1_900), 1_500);
        assert_eq!(CURVE.at(price(8_000), 1_000 + 360 * 7), 100);
        assert_eq!(CURVE.at(price(CAP), u32::MAX), 100);
    }

    #[test]
    fn after_raises_at_once_and_rounds_up() {
        assert_eq!(CURVE.after(100, 5), Price { value: 126, at: 5 });
        assert_eq!(CURVE.after(101, 5).value, 128);
        assert_eq!(CURVE.after(999_999, 5).value, 1_000_000);
        assert_eq!(CURVE.after(Balance::MAX, 5).value, 1_000_000);
    }

    prop_compose! {
        fn curves()(
            floor in 1..=CAP,
            above in 0..=CAP,
            half_life in 1..=1_000_000u32,
            rise_percent in 101..=400u32,
        ) -> PriceCurve {
            let ceiling = floor.saturating_add(above).min(CAP);
            PriceCurve { floor, ceiling, half_life, rise_percent }
        }
    }

    proptest! {
        #[test]
        fn at_stays_between_floor_and_ceiling(
            curve in curves(), value in 0..=CAP, at: u32, now: u32,
        ) {
            let price = curve.at(Some(Price { value, at }), now);
            prop_assert!((curve.floor..=curve.ceiling).contains(&price));
        }

        #[test]
        fn at_never_rises_with_time(
            curve in curves(), value in 0..=CAP, at in 0..1_000_000u32, first: u32, second: u32,
        ) {
            let last = Some(Price { value, at });
            let (early, late) = (first.min(second), first.max(second));
            prop_assert!(curve.at(last, late) <= curve.at(last, early));
            prop_assert!(curve.at(last, early.saturating_add(1)) <= curve.at(last, early));
        }

        #[test]
        fn at_never_falls_with_the_value(
            curve in curves(), value in 0..CAP, at in 0..1_000_000u32, now: u32,
        ) {
            let of = |value| curve.at(Some(Price { value, at }), now);
            prop_assert!(of(value) <= of(value + 1));
        }

        #[test]
        fn at_is_exact_at_every_halving(
            value in 1..=CAP, half_life in 1..=10_000u32, halvings in 0..64u32,
        ) {
            let curve = PriceCurve { floor: 1, ceiling: CAP, half_life, rise_percent: 126 };
            let now = half_life * halvings;
            let exact = value.div_ceil(1 << halvings);
            prop_assert_eq!(curve.at(Some(Price { value, at: 0 }), now), exact);
        }

        #[test]
        fn at_lies_on_or_just_above_the_exponential(
            value in 1_000_000_000..=CAP, half_life in 1..=10_000u32, elapsed in 0..100_000u32,
        ) {
            let curve = PriceCurve { floor: 1, ceiling: CAP, half_life, rise_percent: 126 };
            let price = curve.at(Some(Price { value, at: 0 }), elapsed) as f64;
            let exponential =
                value as f64 * (-f64::from(elapsed) / f64::from(half_life)).exp2();
            prop_assert!(price >= exponential * (1.0 - 1e-12));
            prop_assert!(price <= exponential * 1.062 + 1.0);
        }

        #[test]
        fn after_raises_every_price_below_the_ceiling(curve in curves(), now: u32) {
            for paid in [curve.floor, curve.ceiling.div_ceil(2).max(curve.floor), curve.ceiling] {
                let left = curve.after(paid, now);
                prop_assert!(left.value <= curve.ceiling);
                prop_assert!(left.value > paid || paid == curve.ceiling);
                prop_assert_eq!(curve.at(Some(left), now), left.value);
            }
        }

        #[test]
        fn purchases_in_one_block_cost_more_each_time(curve in curves(), count in 1..40usize) {
            let mut last = None;
            let mut paid = 0;
            for _ in 0..count {
                let price = curve.at(last, 9);
                prop_assert!(price > paid || price == curve.ceiling);
                paid = price;
                last = Some(curve.after(price, 9));
            }
        }
    }
}
