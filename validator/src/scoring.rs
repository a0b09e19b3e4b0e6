//! From what is known to every miner's score.

use crate::{
    chain::{Hotkey, Snapshot},
    score::Posterior,
    store::KnownMiner,
    task::ScoreRules,
};
use assay_primitives::{MinerScore, Serial, Uid, SCORE_ONE};
use serde::Serialize;
use std::collections::HashMap;

/// Every miner's score, in order of uid. Only evidence about the model announced now counts.
pub fn scores(
    snapshot: &Snapshot,
    own: &Hotkey,
    known: &HashMap<Serial, KnownMiner>,
    rules: &ScoreRules,
    chance: f64,
) -> Vec<MinerScore> {
    let miners = snapshot.miners(own).into_iter();
    miners
        .map(|miner| {
            let posterior = KnownMiner::about(known.get(&miner.serial), miner.artifact);
            let score = posterior.score(rules, chance);
            MinerScore {
                uid: miner.uid,
                serial: miner.serial,
                score,
            }
        })
        .collect()
}

/// One miner's score with its reasons.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// The lower end of the interval that the score starts from.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// The share of right answers that guessing earns.
    pub chance: f64,
    /// Mean time taken as a part of the deadline.
    pub time: f64,
    /// The score, within 0 and 1: what the weight is proportional to.
    pub score: f64,
}

impl Breakdown {
    /// The reasons for a score.
    pub fn new(
        score: &MinerScore,
        artifact: String,
        posterior: &Posterior,
        rules: &ScoreRules,
        chance: f64,
    ) -> Self {
        let (low, high) = posterior.interval(rules.credible_level);
        let counted = posterior.hits + posterior.misses;
        Self {
            uid: score.uid,
            serial: score.serial,
            artifact,
            asked: posterior.asked,
            hits: posterior.hits,
            misses: posterior.misses,
            quality: posterior.mean(),
            low,
            high,
            chance,
            time: if counted > 0.0 {
                posterior.time / counted
            } else {
                0.0
            },
            score: f64::from(score.score) / f64::from(SCORE_ONE),
        }
    }
}
