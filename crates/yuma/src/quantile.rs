//! The stake-weighted quantile of one column of weights.

use alloc::vec::Vec;
use core::ops::{AddAssign, SubAssign};

/// Up to this many weights are simply sorted.
const FEW: usize = 16;

/// Stake in token units: 64 bits wide where they suffice, 128 where they do not.
pub(crate) trait Votes: Copy + Default + Ord + AddAssign + SubAssign {}

impl Votes for u64 {}
impl Votes for u128 {}

/// One validator's weight on the column's target, and the stake behind it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vote<V> {
    pub weight: u64,
    pub votes: V,
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
    /// The largest weight such that the votes of it and all larger ones reach `needed`, 0 if even
    /// all votes do not; and the largest weight of all.
    ///
    /// Weights are told apart by a radix that fits their range: the range is cut into about as
    /// many buckets as there are weights, the votes of each bucket are added up, and only the one
    /// bucket in which the sum reaches `needed` is looked into further. Each round narrows the
    /// range at least sixteenfold, so even hostile weights end it within sixteen rounds, and usual
    /// ones within two: O(v), where sorting would take O(v log v).
    pub fn of(&mut self, column: &[Vote<V>], mut needed: V) -> (u64, u64) {
        let mut range = Range::of(column);
        let peak = range.largest;
        let mut total = V::default();
        for vote in column {
            total += vote.votes;
        }
        if total < needed {
            return (0, peak);
        }
        if column.len() <= FEW {
            self.left.clear();
            self.left.extend_from_slice(column);
            return (self.few(needed), peak);
        }
        let mut bucket = self.narrow(column, &range, &mut needed);
        self.left.clear();
        self.left.extend(
            column
                .iter()
                .filter(|vote| range.bucket(vote.weight) == bucket),
        );
        loop {
            if self.left.len() <= FEW {
                return (self.few(needed), peak);
            }
            range = Range::of(&self.left);
            if range.smallest == range.largest {
                return (range.largest, peak);
            }
            let left = core::mem::take(&mut self.left);
            bucket = self.narrow(&left, &range, &mut needed);
            self.left = left;
            self.left.retain(|vote| range.bucket(vote.weight) == bucket);
        }
    }

    /// The bucket in which the votes, counted from the largest weight down, reach `needed`, which
    /// the votes of the buckets above it are taken from.
    fn narrow(&mut self, votes: &[Vote<V>], range: &Range, needed: &mut V) -> usize {
        self.buckets.clear();
        self.buckets.resize(range.buckets(), V::default());
        for vote in votes {
            // In range by the choice of `shift`.
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
        self.left.sort_unstable_by(|a, b| b.weight.cmp(&a.weight));
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
    largest: u64,
    shift: u32,
}

impl Range {
    fn of<V: Votes>(votes: &[Vote<V>]) -> Self {
        let (mut smallest, mut largest) = (u64::MAX, 0);
        for vote in votes {
            smallest = smallest.min(vote.weight);
            largest = largest.max(vote.weight);
        }
        smallest = smallest.min(largest);
        let bits = 64 - (largest - smallest).leading_zeros();
        // Between 32 and 256 buckets, about one a weight.
        let radix = (usize::BITS - votes.len().leading_zeros()).clamp(5, 8);
        Self {
            smallest,
            largest,
            shift: bits.saturating_sub(radix),
        }
    }

    fn bucket(&self, weight: u64) -> usize {
        ((weight - self.smallest) >> self.shift) as usize
    }

    fn buckets(&self) -> usize {
        self.bucket(self.largest) + 1
    }
}
