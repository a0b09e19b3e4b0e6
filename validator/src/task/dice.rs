//! Portable random draws.
//!
//! The draws of a round have to come out the same on another machine, in another year and in
//! another language, so only the ChaCha20 keystream itself is taken from a library; the ways of
//! turning it into numbers are fixed here.

use super::Seed;
use rand_chacha::{
    rand_core::{RngCore, SeedableRng},
    ChaCha20Rng,
};

/// A ChaCha20 keystream read as little-endian words.
pub struct Dice(ChaCha20Rng);

impl Dice {
    /// The keystream of `seed` (the key) and `stream` (the nonce).
    pub fn new(seed: &Seed, stream: u64) -> Self {
        let mut rng = ChaCha20Rng::from_seed(*seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// A uniform number below `bound`, which must not be 0: words at or above the largest multiple
    /// of `bound` are thrown away, so no number is favoured.
    pub fn below(&mut self, bound: u32) -> u32 {
        debug_assert!(bound > 0);
        let bound = u64::from(bound.max(1));
        let fair = (1 << 32) / bound * bound;
        loop {
            let word = u64::from(self.0.next_u32());
            if word < fair {
                return (word % bound) as u32;
            }
        }
    }

    /// A uniform multiple of 2⁻²⁴ in [0, 1): each is exact in FP32.
    pub fn unit(&mut self) -> f32 {
        const STEPS: u32 = 1 << 24;
        self.below(STEPS) as f32 / STEPS as f32
    }

    /// A uniform whole number in `-amplitude..=amplitude`.
    pub fn within(&mut self, amplitude: u16) -> i32 {
        let span = 2 * u32::from(amplitude) + 1;
        self.below(span) as i32 - i32::from(amplitude)
    }
}

/// The first `count` places of a shuffle of `0..size`; past the end the shuffle starts over.
/// A larger `count` only appends. `size` must not be 0.
pub fn shuffled(dice: &mut Dice, size: usize, count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..size).collect();
    for place in 0..count.min(size) {
        let other = place + dice.below((size - place) as u32) as usize;
        places.swap(place, other);
    }
    (0..count).map(|index| places[index % size]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dice_fall_as_they_always_did() {
        let mut dice = Dice::new(&[7; 32], 3);
        let faces: Vec<u32> = (0..8).map(|_| dice.below(10)).collect();
        let mut again = Dice::new(&[7; 32], 3);
        assert_eq!(faces, (0..8).map(|_| again.below(10)).collect::<Vec<_>>());
        // From an independent ChaCha20: its words with this key and nonce, modulo 10.
        assert_eq!(faces, [1, 8, 9, 6, 9, 5, 4, 7]);
    }

    #[test]
    fn below_favours_no_number() {
        let mut dice = Dice::new(&[1; 32], 0);
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[dice.below(7) as usize] += 1;
        }
        assert!(
            counts.iter().all(|&count| count.abs_diff(10_000) < 500),
            "{counts:?}"
        );
    }

    proptest! {
        #[test]
        fn shuffled_repeats_nothing_and_only_appends(
            seed: [u8; 32], size in 1usize..200, count in 1usize..300,
        ) {
            let long = shuffled(&mut Dice::new(&seed, 0), size, count);
            let short = shuffled(&mut Dice::new(&seed, 0), size, count / 2);
            prop_assert_eq!(&long[..count / 2], &short[..]);
            let mut unique: Vec<_> = long.iter().take(size).collect();
            unique.sort();
            unique.dedup();
            prop_assert_eq!(unique.len(), count.min(size));
        }
    }
}
