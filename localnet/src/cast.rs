//! Who takes part in the network: which models the honest miners serve, who cheats and how, and who
//! holds how much stake.

use assay_primitives::{Balance, ASY};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// How many honest miners there are.
const HONEST_MINERS: usize = 5;
/// Two models whose held-out accuracies lie closer than this are the same quality to any validator.
const VISIBLE_DIFFERENCE: f64 = 0.005;

/// What a miner does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MinerRole {
    /// Serves its model.
    Honest,
    /// Answers anything, at random.
    Random,
    /// Answers rightly, after the deadline.
    Late,
    /// Has the best honest miner answer and passes that on as its own.
    Relay,
}

/// What a validator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValidatorRole {
    /// Measures and votes by what it measured.
    Honest,
    /// Votes for the random miner alone.
    Selfish,
    /// Votes as the others' last revealed weights do.
    Copier,
}

/// A miner of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct MinerPlan {
    /// Names its keys, its folder and its log.
    pub name: String,
    /// What it does.
    pub role: MinerRole,
    /// The model it serves, if it serves one.
    pub model: Option<Model>,
}

/// A model of the task folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its folder's name.
    pub name: String,
    /// `models/<name>` of the task folder.
    pub folder: PathBuf,
    /// Its accuracy on the benchmark split, in [0, 1].
    pub heldout_accuracy: f64,
}

/// A validator of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidatorPlan {
    /// Names its keys, its folder and its log.
    pub name: String,
    /// What it does.
    pub role: ValidatorRole,
    /// What its coldkey stakes on it.
    pub stake: Balance,
}

/// Everybody who takes part.
#[derive(Clone, Debug, PartialEq)]
pub struct Cast {
    /// The miners, honest ones first, from worst to best.
    pub miners: Vec<MinerPlan>,
    /// The validators, honest ones first.
    pub validators: Vec<ValidatorPlan>,
}

/// Why a task folder offers no cast.
#[derive(Debug, thiserror::Error)]
pub enum CastError {
    /// The list of models is missing or can't be read.
    #[error("{path}: {reason}; a task folder for the local network lists its models and their held-out accuracies there", path = .path.display())]
    NoModels {
        /// The list.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There are too few models of visibly different quality.
    #[error("{path} lists {found} models of visibly different quality, {HONEST_MINERS} are needed", path = .path.display())]
    TooFewModels {
        /// The list.
        path: PathBuf,
        /// How many there are.
        found: usize,
    },
}

/// `models/heldout.json` of a task folder.
#[derive(Deserialize)]
struct HeldOut {
    models: BTreeMap<String, HeldOutModel>,
}

#[derive(Deserialize)]
struct HeldOutModel {
    accuracy: f64,
}

impl Cast {
    /// The cast for a task folder: five honest miners of visibly different quality, three that
    /// cheat; two honest validators with 70 % of the stake, two that are not.
    pub fn of_task(folder: &Path) -> Result<Self, CastError> {
        let best_of_each = distinct_models(folder)?;
        let mut miners: Vec<_> = best_of_each
            .into_iter()
            .map(|model| MinerPlan {
                name: format!("miner-{}", model.name),
                role: MinerRole::Honest,
                model: Some(model),
            })
            .collect();
        let best = miners.last().and_then(|miner| miner.model.clone());
        for (name, role, model) in [
            ("miner-random", MinerRole::Random, None),
            ("miner-late", MinerRole::Late, best),
            ("miner-relay", MinerRole::Relay, None),
        ] {
            miners.push(MinerPlan {
                name: name.into(),
                role,
                model,
            });
        }
        let validators = [
            ("validator-honest-1", ValidatorRole::Honest, 350),
            ("validator-honest-2", ValidatorRole::Honest, 350),
            ("validator-selfish", ValidatorRole::Selfish, 150),
            ("validator-copier", ValidatorRole::Copier, 150),
        ]
        .map(|(name, role, stake)| ValidatorPlan {
            name: name.into(),
            role,
            stake: stake * ASY,
        });
        Ok(Self {
            miners,
            validators: validators.into(),
        })
    }

    /// The best honest miner: the one that the relay asks.
    pub fn best_honest(&self) -> Option<&MinerPlan> {
        self.miners
            .iter()
            .rfind(|miner| miner.role == MinerRole::Honest)
    }

    /// The miner for which the selfish validator votes.
    pub fn favourite(&self) -> Option<&MinerPlan> {
        self.miners
            .iter()
            .find(|miner| miner.role == MinerRole::Random)
    }
}

/// Five models from worst to best, no two of the same quality: the worst, the best, and between
/// them those that leave the widest gaps.
fn distinct_models(folder: &Path) -> Result<Vec<Model>, CastError> {
    let path = folder.join("models/heldout.json");
    let unusable = |reason: String| CastError::NoModels {
        path: path.clone(),
        reason,
    };
    let text = std::fs::read_to_string(&path).map_err(|error| unusable(error.to_string()))?;
    let held_out: HeldOut =
        serde_json::from_str(&text).map_err(|error| unusable(error.to_string()))?;
    let mut models: Vec<_> = held_out
        .models
        .into_iter()
        .map(|(name, model)| Model {
            folder: folder.join("models").join(&name),
            name,
            heldout_accuracy: model.accuracy,
        })
        .collect();
    models.sort_by(|a, b| a.heldout_accuracy.total_cmp(&b.heldout_accuracy));
    while models.len() > HONEST_MINERS {
        let (closest, _) = narrowest_gap(&models);
        models.remove(closest);
    }
    let found = models.len();
    if found < HONEST_MINERS || narrowest_gap(&models).1 < VISIBLE_DIFFERENCE {
        return Err(CastError::TooFewModels { path, found });
    }
    Ok(models)
}

/// The model, neither first nor last, that is closest to a neighbour, and how close it is.
fn narrowest_gap(models: &[Model]) -> (usize, f64) {
    let accuracy = |index: usize| models[index].heldout_accuracy;
    (1..models.len().saturating_sub(1))
        .map(|index| {
            let below = accuracy(index) - accuracy(index - 1);
            let above = accuracy(index + 1) - accuracy(index);
            (index, below.min(above))
        })
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or((0, f64::INFINITY))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(list: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("models")).unwrap();
        std::fs::write(folder.path().join("models/heldout.json"), list).unwrap();
        folder
    }

    #[test]
    fn of_task_picks_models_of_different_quality_when_there_are_more_than_five() {
        let folder = folder_with(
            r#"{"samples": 719, "models": {
                "a": {"accuracy": 0.47}, "b": {"accuracy": 0.75}, "c": {"accuracy": 0.82},
                "d": {"accuracy": 0.967}, "e": {"accuracy": 0.972}, "f": {"accuracy": 0.993}
            }}"#,
        );
        let cast = Cast::of_task(folder.path()).unwrap();
        let names: Vec<_> = cast
            .miners
            .iter()
            .filter_map(|m| m.model.as_ref())
            .map(|m| &m.name[..])
            .collect();
        assert_eq!(names, ["a", "b", "c", "e", "f", "f"]);
        assert_eq!(cast.best_honest().unwrap().name, "miner-f");
        assert_eq!(cast.favourite().unwrap().role, MinerRole::Random);
    }

    #[test]
    fn of_task_gives_honest_validators_more_than_kappa() {
        let folder = folder_with(
            r#"{"models": {"a": {"accuracy": 0.1}, "b": {"accuracy": 0.2}, "c": {"accuracy": 0.3},
                "d": {"accuracy": 0.4}, "e": {"accuracy": 0.5}}}"#,
        );
        let cast = Cast::of_task(folder.path()).unwrap();
        let all: Balance = cast.validators.iter().map(|v| v.stake).sum();
        let honest: Balance = cast
            .validators
            .iter()
            .filter(|v| v.role == ValidatorRole::Honest)
            .map(|v| v.stake)
            .sum();
        assert!(honest * 65535 > all * 32768);
    }

    #[test]
    fn of_task_says_what_is_missing() {
        let empty = tempfile::tempdir().unwrap();
        let error = Cast::of_task(empty.path()).unwrap_err().to_string();
        assert!(error.contains("heldout.json"), "{error}");
        let few = folder_with(r#"{"models": {"a": {"accuracy": 0.5}}}"#);
        let error = Cast::of_task(few.path()).unwrap_err().to_string();
        assert!(error.contains("lists 1 models"), "{error}");
        let same = folder_with(
            r#"{"models": {"a": {"accuracy": 0.1}, "b": {"accuracy": 0.1}, "c": {"accuracy": 0.3},
                "d": {"accuracy": 0.4}, "e": {"accuracy": 0.5}}}"#,
        );
        assert!(Cast::of_task(same.path()).is_err());
    }
}
