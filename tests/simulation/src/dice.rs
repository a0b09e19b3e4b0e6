//! Where chance comes from: a seed, or the bytes that a fuzzer chose.

use assay_primitives::Balance;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A source of chance that replays.
pub enum Dice {
    /// Endless, from a seed.
    Seeded(Box<ChaCha8Rng>),
    /// These bytes, and zeros after them.
    Bytes {
        /// The bytes.
        bytes: Vec<u8>,
        /// How many were used.
        used: usize,
    },
}

impl Dice {
    /// Endless dice.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Box::new(ChaCha8Rng::seed_from_u64(seed)))
    }

    /// Dice that a fuzzer throws.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self::Bytes {
            bytes: bytes.to_vec(),
            used: 0,
        }
    }

    /// Whether a fuzzer's bytes are used up.
    pub fn are_spent(&self) -> bool {
        match self {
            Self::Seeded(_) => false,
            Self::Bytes { bytes, used } => *used >= bytes.len(),
        }
    }

    /// A number below `end`; 0 where there is none. Of a fuzzer's bytes it takes as many as `end`
    /// needs and no more, so that few bytes go far.
    pub fn below(&mut self, end: u64) -> u64 {
        match self {
            _ if end <= 1 => 0,
            Self::Seeded(rng) => rng.random_range(0..end),
            Self::Bytes { bytes, used } => {
                let width = (64 - (end - 1).leading_zeros()).div_ceil(8) as usize;
                let mut number = 0;
                for _ in 0..width {
                    number = number << 8 | u64::from(bytes.get(*used).copied().unwrap_or(0));
                    *used += 1;
                }
                number % end
            }
        }
    }

    /// A number from `least` to `most`.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least).saturating_add(1))
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of these; none of none.
    pub fn pick<'t, T>(&mut self, items: &'t [T]) -> Option<&'t T> {
        items.get(self.below(items.len() as u64) as usize)
    }

    /// An amount from `least` up to about `most`, of any order of magnitude alike: small sums are
    /// as common as large ones.
    pub fn amount(&mut self, least: Balance, most: Balance) -> Balance {
        let doublings = (most / least.max(1)).checked_ilog2().unwrap_or(0);
        let scale = least << self.below(u64::from(doublings) + 1);
        (scale + scale * Balance::from(self.below(256)) / 256).min(most)
    }

    /// 32 bytes.
    pub fn bytes(&mut self) -> [u8; 32] {
        let mut filled = [0; 32];
        match self {
            Self::Seeded(rng) => rng.fill_bytes(&mut filled),
            // Nothing depends on what they are, only that they differ.
            Self::Bytes { used, .. } => {
                *used += 1;
                filled[..8].copy_from_slice(&(*used as u64).to_le_bytes());
            }
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_their_bounds_whatever_they_come_from() {
        for mut dice in [Dice::seeded(1), Dice::of_bytes(&[255; 400])] {
            for end in [0, 1, 2, 255, 256, 257, u64::MAX] {
                let number = dice.below(end);
                assert!(number < end.max(1), "{number} of {end}");
            }
            for _ in 0..100 {
                let amount = dice.amount(3, 1_000);
                assert!((3..=1_000).contains(&amount), "{amount}");
            }
        }
    }

    #[test]
    fn bytes_are_used_sparingly_and_end() {
        let mut dice = Dice::of_bytes(&[1, 2, 3]);
        assert_eq!(dice.below(256), 1);
        assert_eq!(dice.below(257), 0x0203 % 257);
        assert!(dice.are_spent());
        assert_eq!(dice.below(10), 0);
        assert_eq!(dice.pick::<u8>(&[]), None);
    }
}
