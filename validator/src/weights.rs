//! From scores to a row of weights.

use crate::chain::Snapshot;
use assay_primitives::{MinerScore, Uid, WeightsError};
use async_trait::async_trait;

/// A row of weights, ready to be committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Uids, ascending.
    pub targets: Vec<u16>,
    /// One weight each.
    pub values: Vec<u16>,
}

impl Row {
    /// Checks the row against a subnet of `neurons` neurons.
    pub fn check(&self, neurons: usize) -> Result<(), WeightsError> {
        let neurons = u16::try_from(neurons).unwrap_or(u16::MAX);
        WeightsError::check(&self.targets, &self.values, neurons)
    }
}

/// What a policy may look at.
pub struct Situation<'a> {
    /// The subnet now.
    pub snapshot: &'a Snapshot,
    /// The validator's own place.
    pub own: Uid,
    /// Every miner's score, in order of uid.
    pub scores: &'a [MinerScore],
}

/// Why a policy has no row to give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no weights can be chosen: {0}")]
pub struct PolicyError(pub String);

/// How scores become weights.
///
/// A validator that is to be believed uses [`Honest`]; others exist to study what happens to those
/// who do not.
#[async_trait]
pub trait WeightPolicy: Send + Sync {
    /// The row to commit, or `None` where there is nothing to say yet.
    async fn choose(&self, situation: &Situation<'_>) -> Result<Option<Row>, PolicyError>;
}

/// Weights linear in the score, the best miner's being the largest that there is.
///
/// Linear, because the spread between honest validators is what a cabal lives on: whatever bends
/// the line bends it differently for each of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Honest;

#[async_trait]
impl WeightPolicy for Honest {
    async fn choose(&self, situation: &Situation<'_>) -> Result<Option<Row>, PolicyError> {
        let others = situation
            .scores
            .iter()
            .filter(|score| score.uid != situation.own);
        Ok(linear(others))
    }
}

/// The row that follows from the scores: `65535 · score / best`, rounded half up, integers only,
/// so that it can be checked against the scores' root. Zeros are left out. `None` where there is no
/// miner at all; where all scores are 0 the row is empty, which takes earlier weights back.
pub fn linear<'a>(scores: impl Iterator<Item = &'a MinerScore> + Clone) -> Option<Row> {
    let best = u64::from(scores.clone().map(|score| score.score).max()?);
    let mut row = Row::default();
    if best == 0 {
        return Some(row);
    }
    for score in scores {
        let scaled = (u64::from(score.score) * u64::from(u16::MAX) + best / 2) / best;
        // At most 65535: no score is above the best.
        if let Some(value) = u16::try_from(scaled).ok().filter(|value| *value > 0) {
            row.targets.push(score.uid.0);
            row.values.push(value);
        }
    }
    Some(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_primitives::{Serial, SCORE_ONE};
    use proptest::prelude::*;

    fn scores(scores: &[u32]) -> Vec<MinerScore> {
        let numbered = (0..).zip(scores);
        numbered
            .map(|(uid, &score)| MinerScore {
                uid: Uid(uid),
                serial: Serial(uid.into()),
                score,
            })
            .collect()
    }

    #[test]
    fn linear_scales_to_the_best_and_leaves_out_zeros() {
        let row = linear(scores(&[0, 250_000, 500_000, 3]).iter()).unwrap();
        assert_eq!(
            row,
            Row {
                targets: vec![1, 2],
                values: vec![32768, 65535]
            }
        );
    }

    #[test]
    fn linear_takes_all_weights_back_when_nobody_scored() {
        assert_eq!(linear(scores(&[0, 0]).iter()), Some(Row::default()));
        assert_eq!(linear([].iter()), None);
    }

    proptest! {
        #[test]
        fn linear_keeps_the_order(values in prop::collection::vec(0..=SCORE_ONE, 1..50)) {
            let scores = scores(&values);
            if let Some(row) = linear(scores.iter()).filter(|row| !row.targets.is_empty()) {
                prop_assert_eq!(row.check(values.len()), Ok(()));
                prop_assert_eq!(row.values.iter().max(), Some(&u16::MAX));
                let weight = |uid: usize| {
                    row.targets.iter().position(|&t| usize::from(t) == uid).map_or(0, |i| row.values[i])
                };
                for (a, &left) in values.iter().enumerate() {
                    for (b, &right) in values.iter().enumerate() {
                        prop_assert!(left < right || weight(a) >= weight(b));
                    }
                }
            }
        }
    }
}
