//! From what is known to every miner's score.

use crate::{
    chain::{Hotkey, Snapshot},
    score::Posterior,
    store::KnownMiner,
    task::ScoreRules,
    weights::{Row, WeightRules},
};
use assay_primitives::{BlockNumber, MinerScore, Serial, Uid, SCORE_ONE};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Everything by which answers become scores and scores weights.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How answers become a score.
    pub score: ScoreRules,
    /// How scores become weights.
    pub weights: WeightRules,
    /// The share of right answers that guessing earns.
    pub chance: f64,
}

/// Every miner's score, in order of uid. Only evidence about the model announced now counts.
pub fn scores(
    snapshot: &Snapshot,
    own: &Hotkey,
    known: &HashMap<Serial, KnownMiner>,
    rules: &Rules,
) -> Vec<MinerScore> {
    let miners = snapshot.miners(own).into_iter();
    let mut scores: Vec<MinerScore> = miners
        .map(|miner| {
            let posterior = KnownMiner::about(known.get(&miner.serial), miner.artifact);
            let score = posterior.score(&rules.score, rules.chance);
            MinerScore {
                uid: miner.uid,
                serial: miner.serial,
                score,
            }
        })
        .collect();
    let announced = |score: &MinerScore| {
        let model = snapshot.metagraph.models.get(usize::from(score.uid.0));
        // One that announced none comes after all that did.
        model
            .copied()
            .flatten()
            .map_or(BlockNumber::MAX, |model| model.at)
    };
    let margin = rules.weights.improvement_margin;
    credit(&mut scores, announced, margin);
    scores
}

/// Lowers the score of a model that is better than the best of those announced before it, but not by
/// `margin` of it, to that best one: a copy with a little luck gains nothing on its original. What
/// is lowered stays lowered, so many small steps don't add up to a large one.
pub fn credit(
    scores: &mut [MinerScore],
    announced: impl Fn(&MinerScore) -> BlockNumber,
    margin: f64,
) {
    if margin <= 0.0 {
        return;
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by_key(|&place| (announced(&scores[place]), scores[place].serial));
    let mut best = 0u32;
    for place in order {
        let score = scores[place].score;
        if score > best && f64::from(score) < f64::from(best) * (1.0 + margin) {
            scores[place].score = best;
        }
        best = best.max(scores[place].score);
    }
}

/// One miner's score with its reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Breakdown {
    /// Its place.
    pub uid: Uid,
    /// Its registration.
    pub serial: Serial,
    /// SHA-256 of the model that the evidence is about.
    pub artifact: String,
    /// Items asked so far.
    pub asked: u64,
    /// Right answers, older ones counting less.
    pub hits: f64,
    /// Wrong answers and silences, older ones counting less.
    pub misses: f64,
    /// The expected share of right answers.
    pub quality: f64,
    /// The probability with which the quality lies within `low` and `high`.
    pub level: f64,
    /// The lower end of the interval that the score starts from.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// The share of right answers that guessing earns.
    pub chance: f64,
    /// Mean time taken as a part of the deadline.
    pub time: f64,
    /// The task's latency weight.
    pub latency_weight: f64,
    /// The part of the items that got no answer.
    pub absence: f64,
    /// The task's availability weight.
    pub availability_weight: f64,
    /// What follows from all that, within 0 and 1.
    pub measured: f64,
    /// The score: what was measured, unless the improvement margin lowers it.
    pub score: f64,
    /// The weight that the score comes to now; the largest there is is 65535.
    pub weight: u16,
    /// The part of our row that it has.
    pub part: f64,
}

impl Breakdown {
    /// The reasons for a score.
    pub fn new(
        score: &MinerScore,
        artifact: String,
        posterior: &Posterior,
        rules: &Rules,
        row: &Row,
    ) -> Self {
        let level = rules.score.credible_level;
        let (low, high) = posterior.interval(level);
        let one = f64::from(SCORE_ONE);
        Self {
            uid: score.uid,
            serial: score.serial,
            artifact,
            asked: posterior.asked,
            hits: posterior.hits,
            misses: posterior.misses,
            quality: posterior.mean(),
            level,
            low,
            high,
            chance: rules.chance,
            time: posterior.mean_time(),
            latency_weight: rules.score.latency_weight,
            absence: posterior.absence(),
            availability_weight: rules.score.availability_weight,
            measured: f64::from(posterior.score(&rules.score, rules.chance)) / one,
            score: f64::from(score.score) / one,
            weight: row.value(score.uid),
            part: row.part(score.uid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credited(scores: &[(u32, BlockNumber)], margin: f64) -> Vec<u32> {
        let mut miners: Vec<MinerScore> = (0..)
            .zip(scores)
            .map(|(uid, (score, _))| MinerScore {
                uid: Uid(uid),
                serial: Serial(uid.into()),
                score: *score,
            })
            .collect();
        credit(
            &mut miners,
            |score| scores[usize::from(score.uid.0)].1,
            margin,
        );
        miners.into_iter().map(|miner| miner.score).collect()
    }

    #[test]
    fn credit_counts_a_later_model_as_better_only_when_it_is_by_the_margin() {
        let scores = [
            (810_000, 9),
            (800_000, 5),
            (815_000, 10),
            (900_000, 11),
            (500_000, 1),
        ];
        assert_eq!(
            credited(&scores, 0.02),
            [800_000, 800_000, 800_000, 900_000, 500_000]
        );
        assert_eq!(
            credited(&scores, 0.0),
            [810_000, 800_000, 815_000, 900_000, 500_000]
        );
    }

    #[test]
    fn credit_goes_by_registration_when_models_were_announced_together() {
        assert_eq!(credited(&[(800_000, 3), (801_000, 3)], 0.1), [800_000; 2]);
        assert_eq!(
            credited(&[(801_000, 3), (800_000, 3)], 0.1),
            [801_000, 800_000]
        );
    }
}
