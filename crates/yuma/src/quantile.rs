//! The stake-weighted quantile of one column of weights.

use alloc::vec::Vec;
use core::cmp::Reverse;
use core::ops::{AddAssign, SubAssign};

/// Up to this many weights are simply sorted.
const FEW: usize = 16;

/// Stake in token units: 64 bits wide where they suffice, 128 where they do not.
pub(crate) trait Votes: Copy + Default + Ord + AddAssign + SubAssign {}

impl Votes for u64 {}
impl Votes for u128 {}

/// One validator's weight on the column's target, and the stake behind it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Vote<V> {
    pub weight: u64,
    pub votes: V,
}

/// What a number of votes have in common.
#[derive(Clone, Copy)]
pub(crate) struct Summary<V> {
    pub smallest: u64,
    pub largest: u64,
    pub votes: V,
}

impl<V: Votes> Default for Summary<V> {
    fn default() -> Self {
        Self {
            smallest: u64::MAX,
            largest: 0,
            votes: V::default(),
        }
    }
}

impl<V: Votes> Summary<V> {
    #[inline(always)]
    pub fn add(&mut self, vote: Vote<V>) {
        self.smallest = self.smallest.min(vote.weight);
        self.largest = self.largest.max(vote.weight);
        self.votes += vote.votes;
    }
}

/// Finds quantiles, keeping its scratch space from one to the next.
#[derive(Default)]
pub(crate) struct Quantile<V> {
    /// Votes per bucket of weights.
    buckets: Vec<V>,
    /// The weights among which the quantile is still sought.
    left: Vec<Vote<V>>,
}

impl<V: Votes> Quantile<V> {
    /// The largest weight such that the votes of it and all larger ones reach `needed`, or 0 if
    /// even all votes do not. `summary` is that of the whole column.
    ///
    /// Weights are told apart by a radix that fits their range: the range is cut into about as
    /// many buckets as there are weights, the votes of each bucket are added up, and only the one
    /// bucket in which the sum reaches `needed` is looked into further. Each round narrows the
    /// range at least sixteenfold, so even hostile weights end it within sixteen rounds, and usual
    /// ones within two: O(v), where sorting would take O(v log v).
    pub fn of(&mut self, column: &[Vote<V>], summary: Summary<V>, mut needed: V) -> u64 {
        if summary.votes < needed {
            return 0;
        }
        if summary.smallest == summary.largest {
            return summary.largest;
        }
        self.left.clear();
        if column.len() <= FEW {
            self.left.extend_from_slice(column);
            return self.few(needed);
        }
        let range = Range::new(summary.smallest, summary.largest, column.len());
        let bucket = self.narrow(column, &range, &mut needed);
        self.left.extend(
            column
                .iter()
                .filter(|vote| range.bucket(vote.weight) == bucket),
        );
        while self.left.len() > FEW {
            let mut summary = Summary::default();
            for vote in &self.left {
                summary.add(*vote);
            }
            if summary.smallest == summary.largest {
                return summary.largest;
            }
            let range = Range::new(summary.smallest, summary.largest, self.left.len());
            let mut left = core::mem::take(&mut self.left);
            let bucket = self.narrow(&left, &range, &mut needed);
            left.retain(|vote| range.bucket(vote.weight) == bucket);
            self.left = left;
        }
        self.few(needed)
    }

    /// The bucket in which the votes, counted from the largest weight down, reach `needed`, which
    /// the votes of the buckets above it are taken from.
    fn narrow(&mut self, votes: &[Vote<V>], range: &Range, needed: &mut V) -> usize {
        self.buckets.clear();
        self.buckets.resize(range.buckets, V::default());
        for vote in votes {
            self.buckets[range.bucket(vote.weight)] += vote.votes;
        }
        for (bucket, votes) in self.buckets.iter().enumerate().rev() {
            if *votes >= *needed {
                return bucket;
            }
            *needed -= *votes;
        }
        0
    }

    /// The quantile of what is left, which must hold the votes `needed`.
    fn few(&mut self, mut needed: V) -> u64 {
        self.left.sort_unstable_by_key(|vote| Reverse(vote.weight));
        for vote in &self.left {
            if vote.votes >= needed {
                return vote.weight;
            }
            needed -= vote.votes;
        }
        0
    }
}

/// A range of weights, cut into buckets of 2^`shift`.
struct Range {
    smallest: u64,
    shift: u32,
    buckets: usize,
}

impl Range {
    fn new(smallest: u64, largest: u64, count: usize) -> Self {
        let width = largest - smallest;
        // Between 32 and 256 buckets, about one a weight.
        let radix = (usize::BITS - count.leading_zeros()).clamp(5, 8);
        let shift = (u64::BITS - width.leading_zeros()).saturating_sub(radix);
        Self {
            smallest,
            shift,
            buckets: (width >> shift) as usize + 1,
        }
    }

    /// The bucket of a weight within the range, below `buckets`.
    #[inline(always)]
    fn bucket(&self, weight: u64) -> usize {
        ((weight - self.smallest) >> self.shift) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quantile(column: &[(u64, u64)], needed: u64) -> u64 {
        let votes: Vec<Vote<u64>> = column
            .iter()
            .map(|(weight, votes)| Vote {
                weight: *weight,
                votes: *votes,
            })
            .collect();
        let mut summary = Summary::default();
        for vote in &votes {
            summary.add(*vote);
        }
        Quantile::default().of(&votes, summary, needed)
    }

    /// The definition, taken literally.
    fn plain(column: &[(u64, u64)], needed: u64) -> u64 {
        let support = |least: u64| -> u64 {
            column
                .iter()
                .filter(|(weight, _)| *weight >= least)
                .map(|(_, votes)| votes)
                .sum()
        };
        let supported = column
            .iter()
            .map(|(weight, _)| *weight)
            .filter(|w| support(*w) >= needed);
        supported.max().unwrap_or(0)
    }

    #[test]
    fn quantile_is_zero_when_all_votes_do_not_reach() {
        assert_eq!(quantile(&[(5, 1), (6, 1)], 3), 0);
        assert_eq!(quantile(&[], 1), 0);
    }

    #[test]
    fn quantile_ends_when_every_round_isolates_one_outlier() {
        let column: Vec<(u64, u64)> = (0..62).map(|bit| (1 << bit, 1)).collect();
        for needed in 1..=62 {
            assert_eq!(quantile(&column, needed), 1 << (62 - needed));
        }
    }

    #[test]
    fn quantile_ends_when_all_weights_are_equal() {
        assert_eq!(quantile(&[(7, 1); 300], 300), 7);
    }

    proptest! {
        #[test]
        fn quantile_agrees_with_its_definition(
            bits in 1..63u32,
            column in prop::collection::vec((any::<u64>(), 0..1_000u64), 0..300),
            part in 0.0..1.1f64,
        ) {
            let column: Vec<(u64, u64)> =
                column.into_iter().map(|(weight, votes)| (weight >> (64 - bits), votes)).collect();
            let total: u64 = column.iter().map(|(_, votes)| votes).sum();
            let needed = ((total as f64 * part) as u64).max(1);
            prop_assert_eq!(quantile(&column, needed), plain(&column, needed));
        }
    }
}
