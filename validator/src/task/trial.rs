//! A task tried out against a model on this machine, as a validator would ask it.

use super::{
    Fault, Item, JudgeError, Model, Query, ScoringRule, Seed, Seeds, Task, TaskFolder, Truth,
};
use assay_primitives::SCORE_ONE;
use assay_protocol::oip::{Tensor, TensorData};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

/// How sure a difference must be to count as one: two standard errors, 95 %.
const SURE: f64 = 2.0;
/// Constant answers that are tried.
const GUESSES: usize = 50;

/// Why a model can't be tried.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The task's own failure.
    #[error(transparent)]
    Own(#[from] Fault),
    /// The model does not answer.
    #[error("the model gives no answer: {0}")]
    Model(String),
    /// Its answer is not what the task asks for.
    #[error("the model's answer can't be judged: {0}")]
    Unjudgeable(String),
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    /// One score within 0 and 1 for each item, in order of round and place.
    pub scores: Vec<f64>,
    /// Mean score of each round.
    pub rounds: Vec<f64>,
    /// Time of each request.
    pub took: Vec<Duration>,
}

/// The questions of some rounds, the same for every model that is tried.
pub struct Questions {
    rounds: Vec<Vec<Query>>,
    batch: usize,
    /// Mean time that an item takes to make.
    pub per_item: Duration,
}

impl Questions {
    /// Draws `rounds` rounds. Also checks what a round must be: the same again from the same seed,
    /// and the same as far as it goes when more is asked.
    pub fn draw(folder: &TaskFolder, task: &Task, rounds: u32) -> Result<Self, Fault> {
        let count = folder.queries.items_per_round;
        let started = Instant::now();
        let drawn = (0..rounds)
            .map(|round| task.queries(&seeds(round), count))
            .collect::<Result<Vec<_>, _>>()?;
        let per_item = started.elapsed() / rounds.saturating_mul(count).max(1);
        let more = task.queries(&seeds(0), count.saturating_mul(2))?;
        let first = drawn.first().map(Vec::as_slice).unwrap_or_default();
        if more.get(..first.len()) != Some(first) {
            return Err(Fault(
                "the same seed does not give the same items again: nobody could redo a round"
                    .into(),
            ));
        }
        Ok(Self {
            rounds: drawn,
            batch: usize::from(folder.queries.items_per_request).max(1),
            per_item,
        })
    }

    /// How many items, and how many of them differ in what is asked.
    pub fn variety(&self) -> (usize, usize) {
        let items = || self.rounds.iter().flatten();
        let different: HashSet<String> = items()
            .map(|query| format!("{:?}", query.item.inputs))
            .collect();
        (items().count(), different.len())
    }

    /// What the best answer earns that looks at nothing, as far as truths tell; `None` where they
    /// don't. It ought to be what the task calls `chance`.
    pub fn best_guess(&self, folder: &TaskFolder, task: &Task) -> Option<f64> {
        let items: Vec<&Item> = self.rounds.iter().flatten().map(|it| &it.item).collect();
        let output = match &folder.scoring {
            ScoringRule::Classification { .. } => return most_frequent(&items),
            ScoringRule::Regression { output, .. } | ScoringRule::Similarity { output, .. } => {
                output
            }
            ScoringRule::Agreement { .. } | ScoringRule::External { .. } => return None,
        };
        let mut truths: Vec<&[f32]> = items.iter().filter_map(|item| values(item)).collect();
        let width = truths.first()?.len();
        if truths.iter().any(|truth| truth.len() != width) {
            return None;
        }
        let center = (0..width).map(|at| {
            let sum: f64 = truths.iter().map(|truth| f64::from(truth[at])).sum();
            (sum / truths.len() as f64) as f32
        });
        let mut guesses: Vec<Vec<f32>> = vec![center.collect()];
        if width == 1 {
            // The mean is not the best where the truths lie on one side of it.
            truths.sort_by(|a, b| a[0].total_cmp(&b[0]));
            let step = (truths.len() / GUESSES).max(1);
            guesses.extend(truths.iter().step_by(step).map(|truth| truth.to_vec()));
        }
        let earned = guesses.iter().filter_map(|guess| {
            let data = TensorData::Fp32(guess.repeat(items.len()));
            let answer = Tensor::new(output.clone(), vec![items.len(), width], data).ok()?;
            let scores = task.judge_by_rule(&items, &[answer]).ok()?;
            Some(mean(&shares(&scores)))
        });
        earned.reduce(f64::max)
    }

    /// Asks a model everything.
    pub fn ask(&self, task: &Task, model: &Model) -> Result<Trial, TrialError> {
        let mut trial = Trial::default();
        for round in &self.rounds {
            let before = trial.scores.len();
            for batch in round.chunks(self.batch) {
                let items: Vec<&Item> = batch.iter().map(|query| &query.item).collect();
                let inputs = task
                    .ask(items.iter().copied())
                    .map_err(|error| Fault(error.to_string()))?;
                let started = Instant::now();
                let outputs = model
                    .run(inputs, task.outputs())
                    .map_err(|error| TrialError::Model(error.to_string()))?;
                trial.took.push(started.elapsed());
                let scores = task.judge(&items, &outputs).map_err(|error| match error {
                    JudgeError::Own(fault) => TrialError::Own(fault),
                    JudgeError::Unjudgeable(reason) => TrialError::Unjudgeable(reason),
                })?;
                trial.scores.extend(shares(&scores));
            }
            trial.rounds.push(mean(&trial.scores[before..]));
        }
        Ok(trial)
    }
}

/// Seeds that no round of a network has.
fn seeds(round: u32) -> Seeds {
    let seed = |what: &[u8]| -> Seed {
        let mut hash = Sha256::new();
        hash.update(b"assay:trial:v1\n");
        hash.update(what);
        hash.update(round.to_le_bytes());
        hash.finalize().into()
    };
    Seeds {
        round: seed(b"round"),
        miner: seed(b"miner"),
    }
}

impl Trial {
    /// Mean score.
    pub fn mean(&self) -> f64 {
        mean(&self.scores)
    }

    /// Standard deviation of the rounds' means.
    pub fn spread(&self) -> f64 {
        deviation(&self.rounds)
    }

    /// Mean time of a request.
    pub fn per_request(&self) -> Duration {
        let total: Duration = self.took.iter().sum();
        total / (self.took.len() as u32).max(1)
    }

    /// How many items it takes to tell this model's quality from another's, by what both scored on
    /// the same items; `None` where they never differ.
    ///
    /// The mean of n differences has a standard error of s/√n: they are told apart when it is half
    /// of the mean difference d, so n = (2 s / d)².
    pub fn items_to_tell_from(&self, other: &Self) -> Option<f64> {
        let differences: Vec<f64> = self
            .scores
            .iter()
            .zip(&other.scores)
            .map(|(a, b)| a - b)
            .collect();
        let difference = mean(&differences).abs();
        let needed = SURE * deviation(&differences) / difference;
        (difference > 0.0).then(|| (needed * needed).max(1.0))
    }
}

fn shares(scores: &[u32]) -> Vec<f64> {
    let one = f64::from(SCORE_ONE);
    scores.iter().map(|&score| f64::from(score) / one).collect()
}

fn values(item: &Item) -> Option<&[f32]> {
    match &item.truth {
        Truth::Values(values) => Some(values),
        _ => None,
    }
}

/// The share of the most frequent class.
fn most_frequent(items: &[&Item]) -> Option<f64> {
    let mut counts: HashMap<u32, u32> = HashMap::new();
    for item in items {
        if let Truth::Class(class) = item.truth {
            *counts.entry(class).or_default() += 1;
        }
    }
    let most = counts.values().max()?;
    Some(f64::from(*most) / items.len() as f64)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum();
    (squares / values.len().saturating_sub(1).max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(scores: &[f64]) -> Trial {
        Trial {
            scores: scores.to_vec(),
            ..Trial::default()
        }
    }

    #[test]
    fn items_to_tell_from_grows_as_differences_shrink() {
        let good = trial(&[1.0, 1.0, 1.0, 0.0]);
        // Differences 0, 0, 1, 0: mean ¼, deviation ½, so (2 · ½ / ¼)² = 16.
        let worse = trial(&[1.0, 1.0, 0.0, 0.0]);
        assert!((good.items_to_tell_from(&worse).unwrap() - 16.0).abs() < 1e-9);
        assert_eq!(good.items_to_tell_from(&good), None);
    }
}
