//! From scores to a row of weights.
//!
//! By default a weight is linear in its score. A task may ask for more: a *temperature*, which
//! favours the best; a *cap* on what one miner gets of the row. All of it is done in integers, so
//! that two machines make the same row of the same scores and it can be checked against the scores'
//! root. (The third of the settings, the improvement margin, is part of the scores:
//! [`crate::scoring::credit`].)

use crate::chain::Snapshot;
use assay_primitives::{MinerScore, Uid, WeightsError};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Settings are kept in millionths.
const MILLION: u128 = 1_000_000;
/// `log2(e)` with 32 binary places.
const LOG2_E: u128 = 6_196_328_019;

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

    /// The weight of a uid; 0 where the row does not name it.
    pub fn value(&self, uid: Uid) -> u16 {
        let place = self.targets.binary_search(&uid.0);
        place.map_or(0, |place| self.values[place])
    }

    /// The part of the row that a uid has.
    pub fn part(&self, uid: Uid) -> f64 {
        let sum: u64 = self.values.iter().copied().map(u64::from).sum();
        f64::from(self.value(uid)) / (sum.max(1) as f64)
    }
}

/// How scores become weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WeightRules {
    /// With a temperature `T` a weight is in proportion to `e^(score / T)` and nobody without a
    /// score gets any; without one it is in proportion to the score. The lower, the more goes to the
    /// best, and the further honest validators are apart.
    pub temperature: Option<f64>,
    /// The largest part of the row that one miner gets.
    pub cap: f64,
    /// A model counts as better than the best of those announced before it only where its score is
    /// larger by this part; up to there it counts as equal.
    pub improvement_margin: f64,
}

impl Default for WeightRules {
    fn default() -> Self {
        Self {
            temperature: None,
            cap: 1.0,
            improvement_margin: 0.0,
        }
    }
}

impl WeightRules {
    /// Checks what the types alone can't say.
    pub fn check(&self) -> Result<(), String> {
        if self
            .temperature
            .is_some_and(|it| !(0.001..=10.0).contains(&it))
        {
            return Err("[weights] temperature must lie within 0.001 and 10".into());
        }
        if !(0.001..=1.0).contains(&self.cap) {
            return Err("[weights] cap must lie within 0.001 and 1".into());
        }
        if !(0.0..=1.0).contains(&self.improvement_margin) {
            return Err("[weights] improvement_margin must lie within 0 and 1".into());
        }
        Ok(())
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
    /// How the task wants scores to become weights.
    pub rules: &'a WeightRules,
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

/// Weights as the task's rules want them, linear in the score unless they say otherwise.
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
        Ok(row(others, situation.rules))
    }
}

/// The row that follows from the scores by the default rules.
pub fn linear<'a>(scores: impl Iterator<Item = &'a MinerScore> + Clone) -> Option<Row> {
    row(scores, &WeightRules::default())
}

/// The row that follows from the scores. `None` where there is no miner at all; where all scores
/// are 0 the row is empty, which takes earlier weights back.
///
/// ```text
/// u = score, or e^((score - best) / T)      capped: u ≤ cap · Σ u      weight = 65535 · u / max u
/// ```
///
/// rounded half up; zeros are left out.
pub fn row<'a>(
    scores: impl Iterator<Item = &'a MinerScore> + Clone,
    rules: &WeightRules,
) -> Option<Row> {
    let best = scores.clone().map(|score| score.score).max()?;
    let mut row = Row::default();
    if best == 0 {
        return Some(row);
    }
    let bent = |score: &MinerScore| match rules.temperature {
        _ if score.score == 0 => 0,
        None => u128::from(score.score),
        Some(temperature) => exp_below_0(best - score.score, millionths(temperature)),
    };
    let mut parts: Vec<u128> = scores.clone().map(bent).collect();
    cap(&mut parts, millionths(rules.cap));
    let most = parts.iter().copied().max().unwrap_or_default().max(1);
    for (score, part) in scores.zip(parts) {
        let scaled = (part * u128::from(u16::MAX) + most / 2) / most;
        // At most 65535: no part is above the largest.
        if let Some(value) = u16::try_from(scaled).ok().filter(|value| *value > 0) {
            row.targets.push(score.uid.0);
            row.values.push(value);
        }
    }
    Some(row)
}

/// A setting in millionths. Settings are checked to be small and not negative.
fn millionths(setting: f64) -> u128 {
    (setting * MILLION as f64).round() as u128
}

/// `e^(-below / temperature)` with 62 binary places, both given in millionths.
fn exp_below_0(below: u32, temperature: u128) -> u128 {
    // The power of two that is meant, with 32 binary places.
    let power = u128::from(below) * LOG2_E / temperature.max(1);
    let (whole, rest) = (power >> 32, power & 0xffff_ffff);
    if whole >= 62 {
        return 0;
    }
    let mut result = 1u128 << 62;
    // 2^(-1/2), 2^(-1/4) … with 64 places: each is the root of the one before.
    let mut root = 1u128 << 63;
    for bit in (0..32).rev() {
        root = (root << 64).isqrt();
        if rest >> bit & 1 == 1 {
            result = (result * root) >> 64;
        }
    }
    result >> whole
}

/// Lowers what is above `cap` (in millionths) of the sum to just that, which lowers the sum: with
/// `k` parts at the cap and `r` the sum of the others, the cap is `cap · r / (1 - k · cap)`. Where
/// there are too few parts for it all get the same.
fn cap(parts: &mut [u128], cap: u128) {
    let mut sorted: Vec<u128> = parts.iter().copied().filter(|part| *part > 0).collect();
    if cap >= MILLION || sorted.is_empty() {
        return;
    }
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    let mut rest: u128 = sorted.iter().sum();
    let mut limit = None;
    for (capped, largest) in (0u128..).zip(&sorted) {
        let left = MILLION.saturating_sub(capped * cap);
        if left == 0 {
            // Those before it fill the row and this one has a part too.
            break;
        }
        let fits = rest * cap / left;
        if *largest <= fits {
            limit = Some(fits);
            break;
        }
        rest -= largest;
    }
    // Without a limit there are too few for the cap to hold.
    let limit = limit.or(sorted.last().copied()).unwrap_or_default();
    for part in parts.iter_mut() {
        *part = (*part).min(limit);
    }
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

    fn parts(values: &[u32], rules: WeightRules) -> Vec<f64> {
        let scores = scores(values);
        let row = row(scores.iter(), &rules).unwrap();
        scores.iter().map(|score| row.part(score.uid)).collect()
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
        assert_eq!((row.value(Uid(1)), row.value(Uid(3))), (32768, 0));
    }

    #[test]
    fn linear_takes_all_weights_back_when_nobody_scored() {
        assert_eq!(linear(scores(&[0, 0]).iter()), Some(Row::default()));
        assert_eq!(linear([].iter()), None);
    }

    #[test]
    fn row_follows_the_exponential_when_there_is_a_temperature() {
        let values = [900_000, 800_000, 500_000, 0];
        let rules = WeightRules {
            temperature: Some(0.1),
            ..WeightRules::default()
        };
        let found = parts(&values, rules);
        let wanted = [1.0, (-1.0f64).exp(), (-4.0f64).exp()];
        let sum: f64 = wanted.iter().sum();
        for (found, wanted) in found.iter().zip(wanted) {
            assert!((found - wanted / sum).abs() < 1e-5, "{found} {wanted}");
        }
        assert_eq!(found[3], 0.0, "no score, no weight");
    }

    #[test]
    fn row_keeps_the_cap_when_there_are_enough_miners() {
        let rules = WeightRules {
            cap: 0.25,
            ..WeightRules::default()
        };
        let found = parts(&[900_000, 100_000, 100_000, 100_000, 50_000, 50_000], rules);
        assert!((found[0] - 0.25).abs() < 1e-4, "{found:?}");
        assert!((found[1] / found[4] - 2.0).abs() < 1e-3, "{found:?}");
        let two = parts(&[900_000, 800_000, 100_000, 100_000, 100_000], rules);
        assert!(
            (two[0] - 0.25).abs() < 1e-4 && (two[1] - 0.25).abs() < 1e-4,
            "{two:?}"
        );
        // Three can't each have at most a quarter: they get the same.
        assert_eq!(parts(&[900_000, 100_000, 50_000], rules), [1.0 / 3.0; 3]);
    }

    proptest! {
        #[test]
        fn row_keeps_the_order_and_the_cap(
            values in prop::collection::vec(0..=SCORE_ONE, 1..50),
            temperature in prop::option::of(0.02..2.0f64),
            cap in 0.02..1.0f64,
        ) {
            let scores = scores(&values);
            let rules = WeightRules { temperature, cap, improvement_margin: 0.0 };
            if let Some(row) = row(scores.iter(), &rules).filter(|row| !row.targets.is_empty()) {
                prop_assert_eq!(row.check(values.len()), Ok(()));
                prop_assert_eq!(row.values.iter().max(), Some(&u16::MAX));
                let weight = |uid: usize| row.value(Uid(uid as u16));
                for (a, &left) in values.iter().enumerate() {
                    for (b, &right) in values.iter().enumerate() {
                        prop_assert!(left < right || weight(a) >= weight(b));
                    }
                }
                let many = row.targets.len() as f64 * cap > 1.0 + 1e-3;
                let largest = scores.iter().map(|score| row.part(score.uid)).fold(0.0, f64::max);
                let equal = 1.0 / row.targets.len() as f64;
                prop_assert!(largest <= cap.max(equal) * 1.001 || !many, "{largest} {cap}");
            }
        }
    }
}
