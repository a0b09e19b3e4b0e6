//! The fixed-point fraction in which every outcome is given, and the few operations on it.

/// A fraction between 0 and 1: an unsigned number of 2^-62 parts.
///
/// 62 bits leave room to add two fractions, or to read one as a signed number, without overflow,
/// and are fine enough that even the smallest weight a row can hold (1 of 65,535 × 65,536, about
/// 2^-32) keeps thirty significant bits. Fractions are rounded down, so that shares of one whole
/// never sum to more than [`Share::ONE`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u64);

impl Share {
    /// Number of fractional bits.
    pub const BITS: u32 = 62;
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The whole.
    pub const ONE: Self = Self(1 << Self::BITS);

    /// The fraction of `bits` parts of 2^-62; more than the whole is the whole.
    pub const fn from_bits(bits: u64) -> Self {
        if bits > Self::ONE.0 {
            Self::ONE
        } else {
            Self(bits)
        }
    }

    /// `part / whole`, rounded down; 0 if `whole` is 0, and never more than [`Share::ONE`].
    ///
    /// Exact up to rounding for a `whole` below 2^64; above that the lowest bits of both are
    /// ignored, which costs less than 2^-63.
    pub const fn ratio(part: u128, whole: u128) -> Self {
        let excess = 64u32.saturating_sub(whole.leading_zeros());
        let (part, whole) = (part >> excess, whole >> excess);
        if whole == 0 || part == 0 {
            return Self::ZERO;
        }
        if part >= whole {
            return Self::ONE;
        }
        // `part < whole < 2^64`: the shifted part stays below 2^126.
        Self(((part << Self::BITS) / whole) as u64)
    }

    /// The number of 2^-62 parts.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether this is nothing at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The nearest fraction of `u16::MAX`, the form in which chains publish such numbers.
    pub const fn to_u16(self) -> u16 {
        // At most 2^62 / 2^14 × 65,535 = 2^64 - 2^48, to which the half adds 2^47.
        (((self.0 >> 14) * u16::MAX as u64 + (1 << 47)) >> 48) as u16
    }

    /// The product of two fractions, rounded down.
    pub const fn mul(self, other: Self) -> Self {
        Self(((self.0 as u128 * other.0 as u128) >> Self::BITS) as u64)
    }

    /// The nearest floating-point number, for people and reports only.
    #[cfg(feature = "std")]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / Self::ONE.0 as f64
    }
}

impl From<Share> for u64 {
    fn from(share: Share) -> Self {
        share.0
    }
}

impl From<Share> for u128 {
    fn from(share: Share) -> Self {
        u128::from(share.0)
    }
}

/// Each part's share of the sum of all parts; all zero if that sum is zero.
pub(crate) fn normalise(parts: &[u64]) -> alloc::vec::Vec<Share> {
    let whole = parts.iter().map(|part| u128::from(*part)).sum();
    parts
        .iter()
        .map(|part| Share::ratio(u128::from(*part), whole))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratio_is_exact_when_the_whole_is_a_power_of_two() {
        assert_eq!(Share::ratio(1, 2).bits(), 1 << 61);
        assert_eq!(Share::ratio(3, 4).bits(), 3 << 60);
        assert_eq!(Share::ratio(1 << 100, 1 << 101).bits(), 1 << 61);
        assert_eq!(Share::ratio(u128::MAX, u128::MAX), Share::ONE);
    }

    #[test]
    fn ratio_stays_in_range_when_the_arguments_make_no_sense() {
        assert_eq!(Share::ratio(5, 0), Share::ZERO);
        assert_eq!(Share::ratio(5, 4), Share::ONE);
        assert_eq!(Share::ratio(0, u128::MAX), Share::ZERO);
    }

    #[test]
    fn to_u16_spans_the_whole_range() {
        assert_eq!(Share::ZERO.to_u16(), 0);
        assert_eq!(Share::ONE.to_u16(), u16::MAX);
        assert_eq!(Share::ratio(1, 65_535).to_u16(), 1);
        assert_eq!(Share::ratio(32_768, 65_535).to_u16(), 32_768);
    }
}
