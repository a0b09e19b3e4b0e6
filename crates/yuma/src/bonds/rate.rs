//! How fast a bond moves towards its weight.

use super::ratio16;
use crate::LiquidAlpha;
use alloc::vec::Vec;

/// Number of fractional bits of a rate.
pub(super) const RATE_BITS: u32 = 31;

/// The rate `a` at which a bond moves, in parts of 2^-31.
pub(super) trait Rate {
    /// The rate for a bond that stands at `bond`, moves towards `weight`, and whose target has
    /// the consensus `consensus`; all three in the unit of bonds.
    fn of(&self, weight: u32, bond: u32, consensus: u32) -> u32;
}

/// The same rate for all bonds.
pub(super) struct Fixed(u32);

impl Fixed {
    pub fn new(alpha: u16) -> Self {
        // At most 2^31.
        Self(ratio16(alpha, RATE_BITS) as u32)
    }
}

impl Rate for Fixed {
    #[inline(always)]
    fn of(&self, _: u32, _: u32, _: u32) -> u32 {
        self.0
    }
}

/// Liquid alpha: `a(d) = low + (high - low) / (1 + exp(-s (d - 1/2)))`, read from a table.
///
/// The table covers `|s (d - 1/2)| <= 24`, beyond which the logistic function differs from 0 or 1
/// by less than 2^-32. Its points are at most 1/128 apart, or as near as 8,192 of them allow, and
/// between them it is read by linear interpolation, whose error is at most
/// `h²/8 × max|σ''| < 8e-7`.
pub(super) struct Curve {
    /// `a` at each point, in parts of 2^-31, and how much it rises to the next point.
    table: Vec<(u32, i32)>,
    /// `d` where the table starts and where it ends, in the unit of bonds.
    start: u64,
    end: u64,
    /// From the distance to `start` to 2^16 × the place in the table, in parts of 2^-32.
    scale: u64,
}

/// `d = 1/2` in the unit of bonds.
const MIDDLE: u64 = 1 << 31;
/// Number of fractional bits of a place in the table.
const PLACE_BITS: u32 = 16;
/// Where the logistic function counts as 1.
const X_MAX: u64 = 24;

impl Curve {
    pub fn new(liquid: &LiquidAlpha) -> Self {
        // Twice the largest x, in thousandths: s, or 48 if that is less.
        let steepness = u64::from(liquid.steepness);
        let span = steepness.min(2 * X_MAX * 1_000);
        // How far from the middle the table reaches: x / s, 1/2 if the whole curve fits.
        let reach = (span << 31).checked_div(steepness).unwrap_or(MIDDLE).max(1);
        let steps = (span * 64)
            .div_ceil(1_000)
            .next_power_of_two()
            .clamp(16, 4_096);
        // steps × 2^48 is at most 2^60.
        let scale = (steps << (PLACE_BITS + 32)) / reach;
        let table = table(liquid, &logistic(span, steps));
        Self {
            table,
            start: MIDDLE - reach,
            end: MIDDLE + reach,
            scale,
        }
    }
}

impl Rate for Curve {
    #[inline(always)]
    fn of(&self, weight: u32, bond: u32, consensus: u32) -> u32 {
        // As a choice of operands, which compilers make without a branch.
        let (from, to) = if weight >= bond {
            (weight, consensus)
        } else {
            (bond, weight)
        };
        let distance = u64::from(from.saturating_sub(to)).clamp(self.start, self.end);
        // At most 2 steps × 2^16, where the table has an entry too.
        let place = ((distance - self.start) * self.scale) >> 32;
        let (left, rise) = self.table[(place >> PLACE_BITS) as usize];
        let part = (place & ((1 << PLACE_BITS) - 1)) as i64;
        (i64::from(left) + ((i64::from(rise) * part) >> PLACE_BITS)) as u32
    }
}

/// The rates from the logistic function at `0, h, 2h …`: as many points on the other side of the
/// middle, where the function is `1 - σ`, and to each point the rise to the next one.
fn table(liquid: &LiquidAlpha, logistic: &[i64]) -> Vec<(u32, i32)> {
    let low = ratio16(liquid.low, RATE_BITS) as i64;
    let high = ratio16(liquid.high, RATE_BITS) as i64;
    // Between `low` and `high`, so at most 2^31.
    let rate = |sigma: i64| low + (((high - low) * sigma) >> RATE_BITS);
    let below = logistic
        .iter()
        .skip(1)
        .rev()
        .map(|sigma| (1 << RATE_BITS) - sigma);
    let rates: Vec<i64> = below.chain(logistic.iter().copied()).map(rate).collect();
    let next = rates.iter().skip(1).chain(rates.last());
    rates
        .iter()
        .zip(next)
        .map(|(here, next)| (*here as u32, (next - here) as i32))
        .collect()
}

/// The logistic function at `0, h, 2h …` up to `steps` times `h = span / 2000 / steps`, in parts
/// of 2^-31.
fn logistic(span: u64, steps: u64) -> Vec<i64> {
    let ratio = exp_minus((u128::from(span) << 63) / u128::from(2_000 * steps));
    // exp(-k h) for k = 0, 1 …, in parts of 2^-63.
    let powers = core::iter::successors(Some(1u128 << 63), |e| Some((e * ratio) >> 63));
    powers
        .map(|e| ((1u64 << 62) / ((1 << 31) + (e >> 32) as u64)) as i64)
        .take(steps as usize + 1)
        .collect()
}

/// `exp(-x)` for `x` below 1, both in parts of 2^-63, by its power series.
fn exp_minus(x: u128) -> u128 {
    let one = 1u128 << 63;
    let (mut sum, mut term) = (one, one);
    for k in 1..=20u128 {
        term = ((term * x) >> 63) / k;
        // The terms shrink, so the alternating sum never falls below zero.
        sum = if k % 2 == 1 { sum - term } else { sum + term };
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(liquid: &LiquidAlpha, d: f64) -> f64 {
        let (low, high) = (
            f64::from(liquid.low) / 65_535.0,
            f64::from(liquid.high) / 65_535.0,
        );
        let steepness = f64::from(liquid.steepness) / 1_000.0;
        low + (high - low) / (1.0 + (-steepness * (d - 0.5)).exp())
    }

    #[test]
    fn curve_follows_the_logistic_function_whatever_its_steepness() {
        for steepness in [
            0, 1, 500, 1_000, 10_000, 47_999, 48_000, 48_001, 200_000, 1_000_000,
        ] {
            for (low, high) in [(0, u16::MAX), (45_875, 58_982), (60_000, 100)] {
                let liquid = LiquidAlpha {
                    low,
                    high,
                    steepness,
                };
                let curve = Curve::new(&liquid);
                for step in 0..=2_000u32 {
                    let weight = (u64::from(u32::MAX) * u64::from(step) / 2_000) as u32;
                    let rate = f64::from(curve.of(weight, 0, 0)) / (1u64 << RATE_BITS) as f64;
                    let expected = exact(&liquid, f64::from(weight) / f64::from(u32::MAX));
                    assert!(
                        (rate - expected).abs() < 1e-6,
                        "{liquid:?} at {step}: {rate} instead of {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn curve_stays_within_its_bounds_when_it_is_a_step() {
        let liquid = LiquidAlpha {
            low: 0,
            high: u16::MAX,
            steepness: u32::MAX,
        };
        let curve = Curve::new(&liquid);
        for weight in [0, 1, (1 << 31) - 1, 1 << 31, (1 << 31) + 1, u32::MAX] {
            assert!(curve.of(weight, 0, 0) <= 1 << RATE_BITS);
        }
        assert_eq!(curve.of(0, 0, 0), 0);
        assert_eq!(curve.of(u32::MAX, 0, 0), 1 << RATE_BITS);
    }

    #[test]
    fn distance_is_from_consensus_when_rising_and_from_the_weight_when_falling() {
        let liquid = LiquidAlpha {
            low: 0,
            high: u16::MAX,
            steepness: 10_000,
        };
        let curve = Curve::new(&liquid);
        let at = |distance| curve.of(distance, 0, 0);
        assert_eq!(curve.of(900, 100, 400), at(500));
        assert_eq!(curve.of(300, 100, 400), at(0));
        assert_eq!(curve.of(100, 900, 400), at(800));
    }
}
