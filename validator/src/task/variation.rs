//! Small changes to an item that leave its answer as it is.

use super::{Dice, Variation};

impl Variation {
    /// Adds whole steps, uniform in ±`ink_noise`, to every element that is not background, and
    /// keeps the result within `low..=high`. The background is left alone: some honest models have
    /// learnt that it never changes.
    pub(super) fn apply(&self, dice: &mut Dice, row: &mut [f32]) {
        if self.ink_noise == 0 {
            return;
        }
        for value in row.iter_mut().filter(|value| **value != self.background) {
            *value = (*value + dice.within(self.ink_noise) as f32).clamp(self.low, self.high);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apply_moves_ink_within_bounds_and_leaves_the_background() {
        let variation = Variation {
            ink_noise: 3,
            background: 0.0,
            low: 0.0,
            high: 16.0,
        };
        let mut seen = std::collections::BTreeSet::new();
        for stream in 0..200 {
            let mut row = [0.0, 1.0, 8.0, 16.0];
            variation.apply(&mut Dice::new(&[9; 32], stream), &mut row);
            assert_eq!(row[0], 0.0);
            assert!(
                row.iter().all(|value| (0.0..=16.0).contains(value)),
                "{row:?}"
            );
            seen.insert(row[2] as i32);
        }
        assert_eq!(
            seen.into_iter().collect::<Vec<_>>(),
            (5..=11).collect::<Vec<_>>()
        );
    }
}
