//! The arithmetic of the curve and of moving averages. Pure, integers only.
//!
//! Both follow halvings: after `n` blocks with half-life `H` the part `2^(-n/H)` of what there was
//! is left. With `x = n ln 2 / H` that is
//!
//! ```text
//! decay = 1 - 2^(-n/H) = 1 - e^(-x) = x - x^2/2! + x^3/3! - ...
//! ```
//!
//! in fractions of 2^-96. Each block's issuance is rounded down, and so is [`decay`], so that what
//! is issued never exceeds the curve `cap - (cap - genesis) 2^(-n/H)`; the unit that rounding
//! leaves is issued later.

use assay_primitives::{Balance, BlockNumber};
use sp_runtime::{helpers_128bit::multiply_by_rational_with_rounding, Rounding};

/// The whole, in fractions of 2^-96.
pub const ONE: u128 = 1 << 96;

/// `ln 2` in fractions of 2^-96, rounded down.
const LN_2: u128 = 0xB172_17F7_D1CF_79AB_C9E3_B398;

/// The series' terms below 2^-96 start before the fortieth: `ln(2)^40 / 40!` is about 2^-180.
const TERMS: u128 = 40;

/// More than all that the series can be wrong: less than one unit for each term and for `x`, which
/// is at most two.
const SLACK: u128 = TERMS + 8;

/// `1 - 2^(-blocks / half_life)` in fractions of 2^-96, rounded down, for at most one half-life:
/// more blocks count as one half-life, and a half-life of 0 as 1. The true value is less than
/// `2^-89` above it.
pub fn decay(blocks: BlockNumber, half_life: BlockNumber) -> u128 {
    let half_life = half_life.max(1);
    // Below 2^96 * 2^32.
    let x = LN_2 * u128::from(blocks.min(half_life)) / u128::from(half_life);
    let mut term = x;
    let (mut plus, mut minus) = (x, 0);
    for k in 2..=TERMS {
        // `x < 1`, so every term is below the one before.
        term = scale(term, x, ONE * k);
        if term == 0 {
            break;
        }
        if k % 2 == 0 {
            minus += term;
        } else {
            plus += term;
        }
    }
    (plus - minus).saturating_sub(SLACK)
}

/// What one block issues when `left` has not been issued yet, rounded down.
pub fn block_issuance(left: Balance, half_life: BlockNumber) -> Balance {
    scale(left, decay(1, half_life), ONE)
}

/// The most that can have been issued after so many blocks.
pub fn issued_at(
    cap: Balance,
    genesis: Balance,
    blocks: BlockNumber,
    half_life: BlockNumber,
) -> Balance {
    let half_life = half_life.max(1);
    let left = cap.saturating_sub(genesis);
    // Rounded down three times, so what is issued is rounded up.
    let halved = left.checked_shr(blocks / half_life).unwrap_or(0);
    let part = ONE
        - decay(blocks % half_life, half_life)
            .saturating_add(2 * SLACK)
            .min(ONE);
    cap.saturating_sub(scale(halved, part, ONE))
}

/// A moving average one block later: it goes the part `rate` of the way from where it is to `to`,
/// rounded towards where it is.
pub fn approach(average: u128, to: u128, rate: u128) -> u128 {
    if to >= average {
        average.saturating_add(scale(to - average, rate, ONE))
    } else {
        average - scale(average - to, rate, ONE)
    }
}

/// `amount * part / whole`, rounded down; 0 for no whole. The caller knows that it fits.
pub(crate) fn scale(amount: u128, part: u128, whole: u128) -> u128 {
    multiply_by_rational_with_rounding(amount, part, whole, Rounding::Down).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_primitives::CAP;
    use proptest::prelude::*;

    /// Four years of blocks of six seconds.
    const FOUR_YEARS: BlockNumber = 21_038_400;

    fn as_f64(fraction: u128) -> f64 {
        fraction as f64 / ONE as f64
    }

    #[test]
    fn decay_halves_in_a_half_life() {
        for half_life in [1, 2, 7_200, FOUR_YEARS, u32::MAX] {
            let half = decay(half_life, half_life);
            assert!(
                half <= ONE / 2 && ONE / 2 - half < 2 * SLACK,
                "{half_life}: {half}"
            );
        }
        assert_eq!(decay(0, 5), 0);
        assert_eq!(decay(9, 5), decay(5, 5));
    }

    #[test]
    fn first_block_issues_what_the_half_life_says() {
        // 21,000,000 * (1 - 2^(-1/21,038,400)) ASY by an independent computation to 40 digits.
        assert_eq!(block_issuance(CAP, FOUR_YEARS), FIRST_BLOCK);
    }

    const FIRST_BLOCK: Balance = 691_882_013_459;

    #[test]
    fn average_goes_half_the_way_in_a_half_life() {
        let rate = decay(1, 7_200);
        let to = 1_000_000_u128 << 32;
        let average = (0..7_200).fold(0, |average, _| approach(average, to, rate));
        assert!((to / 2).abs_diff(average) < 1 << 20, "{average}");
        let back = (0..7_200).fold(average, |average, _| approach(average, 0, rate));
        assert!((to / 4).abs_diff(back) < 1 << 20, "{back}");
    }

    proptest! {
        #[test]
        fn decay_is_what_floats_say(half_life in 1..u32::MAX, part in 0.0..1.0f64) {
            let blocks = (f64::from(half_life) * part) as u32;
            let exact = -(-(f64::from(blocks) / f64::from(half_life)) * 2f64.ln()).exp_m1();
            prop_assert!((as_f64(decay(blocks, half_life)) - exact).abs() < 1e-15);
        }

        #[test]
        fn issuing_block_by_block_never_exceeds_the_curve_and_stays_close(
            half_life in 1..5_000u32,
            genesis in 0..=CAP,
            blocks in 0..2_000u32,
        ) {
            let issued = (0..blocks)
                .fold(genesis, |issued, _| issued + block_issuance(CAP - issued, half_life));
            let most = issued_at(CAP, genesis, blocks, half_life);
            prop_assert!(issued <= most);
            prop_assert!(most - issued <= Balance::from(blocks) + 2);
        }
    }
}
