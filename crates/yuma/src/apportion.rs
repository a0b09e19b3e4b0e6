//! Exact division of an amount by shares.

use alloc::vec;
use alloc::vec::Vec;

/// Splits `amount` in proportion to `shares` by the method of the largest remainder: each part is
/// first rounded down, and what is left goes, unit by unit, to those whose rounding took most,
/// ties to the lower index.
///
/// The parts sum to exactly `amount` if any share is positive; if none is, all are 0 and nothing
/// is split. No amount and no shares overflow; shares that sum to more than a `u128` are first
/// halved until they do not.
///
/// Works on anything that is an unsigned number: [`Share`](crate::Share), `u64`, `u128`.
pub fn apportion<S: Copy + Into<u128>>(amount: u128, shares: &[S]) -> Vec<u128> {
    let (shift, whole) = sum(shares);
    if whole == 0 {
        return vec![0; shares.len()];
    }
    let mut rest = amount;
    let mut remainders = Vec::with_capacity(shares.len());
    let mut parts: Vec<u128> = shares
        .iter()
        .enumerate()
        .map(|(index, share)| {
            let (part, remainder) = mul_div(amount, (*share).into() >> shift, whole);
            rest -= part;
            remainders.push((remainder, index));
            part
        })
        .collect();
    // What is left is the sum of all remainders over the whole: fewer units than there are
    // positive remainders.
    let rest = rest as usize;
    if rest > 0 {
        remainders.select_nth_unstable_by(rest - 1, |(a, left), (b, right)| {
            b.cmp(a).then(left.cmp(right))
        });
        for (_, index) in &remainders[..rest] {
            parts[*index] += 1;
        }
    }
    parts
}

/// The sum of all shares, and how often they had to be halved for it to fit.
fn sum<S: Copy + Into<u128>>(shares: &[S]) -> (u32, u128) {
    let exact = shares
        .iter()
        .try_fold(0u128, |sum, share| sum.checked_add((*share).into()));
    match exact {
        Some(whole) => (0, whole),
        None => {
            // So many halvings that even shares of the largest size sum to less than 2^128.
            let shift = usize::BITS - shares.len().leading_zeros();
            (
                shift,
                shares.iter().map(|share| (*share).into() >> shift).sum(),
            )
        }
    }
}

/// `a × b / c` and its remainder, exactly, for `b <= c` and `c > 0`.
fn mul_div(a: u128, b: u128, c: u128) -> (u128, u128) {
    match a.checked_mul(b) {
        Some(product) => (product / c, product % c),
        None => long_mul_div(a, b, c),
    }
}

/// [`mul_div`] by long division, one bit of `a` at a time, where the product exceeds 128 bits.
fn long_mul_div(a: u128, b: u128, c: u128) -> (u128, u128) {
    let (mut quotient, mut remainder) = (0u128, 0u128);
    for bit in (0..u128::BITS).rev() {
        // Twice the remainder, then `b` if the bit is set; each less `c` as soon as it reaches it.
        let (twice, carry) = add_mod(remainder, remainder, c);
        quotient = (quotient << 1) + u128::from(carry);
        remainder = twice;
        if (a >> bit) & 1 == 1 {
            let (sum, carry) = add_mod(remainder, b % c, c);
            quotient += u128::from(carry) + b / c;
            remainder = sum;
        }
    }
    (quotient, remainder)
}

/// `x + y`, less `c` if the sum reaches it, and whether it did; for `x` and `y` below `c`.
fn add_mod(x: u128, y: u128, c: u128) -> (u128, bool) {
    let room = c - y;
    if x >= room {
        (x - room, true)
    } else {
        (x + y, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 21 million tokens of 12 decimals.
    const CAP: u128 = 21_000_000 * 1_000_000_000_000;

    #[test]
    fn apportion_gives_the_remainder_to_the_lower_index_when_tied() {
        assert_eq!(apportion(10, &[1u64, 1, 1]), [4, 3, 3]);
        assert_eq!(apportion(11, &[1u64, 1, 1]), [4, 4, 3]);
        assert_eq!(apportion(2, &[0u64, 1, 1, 1]), [0, 1, 1, 0]);
    }

    #[test]
    fn apportion_follows_the_largest_remainder() {
        // Quotas 3.0, 2.25, 4.75.
        assert_eq!(apportion(10, &[12u64, 9, 19]), [3, 2, 5]);
    }

    #[test]
    fn apportion_gives_nothing_when_no_share_is_positive() {
        assert_eq!(apportion(10, &[0u64, 0]), [0, 0]);
        assert!(apportion(10, &[] as &[u64]).is_empty());
    }

    #[test]
    fn apportion_does_not_overflow_at_the_ends_of_the_range() {
        assert_eq!(apportion(u128::MAX, &[u128::MAX]), [u128::MAX]);
        let parts = apportion(u128::MAX, &[u128::MAX, u128::MAX, 1]);
        assert_eq!(parts, [(u128::MAX >> 1) + 1, u128::MAX >> 1, 0]);
    }

    fn exact(amount: u128, shares: &[u64]) -> bool {
        let parts = apportion(amount, shares);
        let whole: u128 = shares.iter().map(|share| u128::from(*share)).sum();
        let paid: u128 = parts.iter().sum();
        let fair = parts.iter().zip(shares).all(|(part, share)| {
            let (floor, _) = long_mul_div(amount, u128::from(*share), whole.max(1));
            *part == floor || *part == floor + 1
        });
        fair && paid == if whole > 0 { amount } else { 0 }
    }

    proptest! {
        #[test]
        fn apportion_pays_exactly_the_amount(
            amount in prop_oneof![0..1_000u128, 0..=CAP, any::<u128>()],
            shares in prop::collection::vec(prop_oneof![Just(0), 0..5u64, any::<u64>()], 0..40),
        ) {
            prop_assert!(exact(amount, &shares));
        }

        #[test]
        fn apportion_gives_no_less_to_a_larger_share(
            amount in 0..=CAP,
            shares in prop::collection::vec(any::<u64>(), 2..40),
        ) {
            let parts = apportion(amount, &shares);
            let mut order: Vec<usize> = (0..shares.len()).collect();
            order.sort_by_key(|index| (shares[*index], core::cmp::Reverse(*index)));
            for pair in order.windows(2) {
                prop_assert!(parts[pair[0]] <= parts[pair[1]]);
            }
        }

        #[test]
        fn apportion_pays_nothing_to_no_share(
            amount in any::<u128>(),
            shares in prop::collection::vec(prop_oneof![Just(0), any::<u128>()], 1..20),
        ) {
            let parts = apportion(amount, &shares);
            for (part, share) in parts.iter().zip(&shares) {
                prop_assert!(*share > 0 || *part == 0);
            }
            if shares.iter().any(|share| *share >= 1 << 8) {
                prop_assert_eq!(parts.iter().sum::<u128>(), amount);
            }
        }

        #[test]
        fn long_mul_div_agrees_with_plain_division(a in any::<u64>(), b in any::<u64>(), c in 1..=u64::MAX) {
            let (a, c) = (u128::from(a), u128::from(c));
            let b = u128::from(b).min(c);
            prop_assert_eq!(long_mul_div(a, b, c), (a * b / c, a * b % c));
        }
    }
}
