//! A task folder: `task.toml` and the files that it names.

use super::{
    layout::{TruthKind, MAX_ROW},
    Layout, TaskError,
};
use crate::weights::WeightRules;
use assay_primitives::{DataType, Digest};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What stands in `task.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskFolder {
    /// What people call the task. Miners serve their model under this name.
    pub name: String,
    /// What the task is about, in a sentence.
    #[serde(default)]
    pub description: String,
    /// What a model takes and gives.
    pub interface: Tensors,
    /// What a request may cost.
    pub limits: Limits,
    /// How an answer is judged.
    pub scoring: ScoringRule,
    /// Where the items come from, if they are a set.
    pub benchmark: Option<ArtifactFile>,
    /// Where the items come from, if they are made.
    pub generator: Option<GeneratorFile>,
    /// The model that answers are compared with, where the rule needs one.
    pub reference: Option<ArtifactFile>,
    /// How much is asked.
    pub queries: Queries,
    /// How items of a set are varied.
    #[serde(default)]
    pub variation: Variation,
    /// How answers to probes are compared.
    #[serde(default)]
    pub probes: Probes,
    /// How answers become a score.
    pub score: ScoreRules,
    /// How scores become weights.
    #[serde(default)]
    pub weights: WeightRules,
    #[serde(skip)]
    folder: PathBuf,
}

/// The tensors of a model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tensors {
    /// What a request carries.
    pub inputs: Vec<TensorLine>,
    /// What a response carries.
    pub outputs: Vec<TensorLine>,
}

/// One tensor in the terms of the Open Inference Protocol.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorLine {
    /// Its name.
    pub name: String,
    /// Its elements' type.
    pub datatype: DataType,
    /// Its shape, -1 for the batch.
    pub shape: Vec<i64>,
    /// Whether a model may leave it out. Optional outputs do not stand on chain.
    #[serde(default)]
    pub optional: bool,
}

/// What a request may cost.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Milliseconds that a miner has for one request.
    pub deadline_ms: u32,
    /// Most items in one request.
    pub max_batch: u16,
}

/// How answers are judged.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
pub enum ScoringRule {
    /// The answer names a class and is right or wrong.
    Classification {
        /// How many classes there are.
        classes: u32,
        /// The output that names the class (INT64 or INT32), or scores every class (FP32).
        output: String,
        /// What guessing earns, where it is not one in `classes`.
        chance: Option<f64>,
    },
    /// The answer is one number or several; the score falls with the error.
    Regression {
        /// The output.
        output: String,
        /// The error that halves the score.
        tolerance: f64,
        /// What the best guess without looking earns.
        #[serde(default)]
        chance: f64,
    },
    /// The answer is a vector; its cosine similarity to the truth is the score.
    Similarity {
        /// The output.
        output: String,
        /// The similarity of vectors that have nothing to do with each other.
        #[serde(default)]
        chance: f64,
    },
    /// The answer must be that of the reference model.
    Agreement {
        /// The outputs that are compared.
        outputs: Vec<String>,
        /// The largest absolute difference that still agrees.
        tolerance: f64,
        /// What guessing earns.
        #[serde(default)]
        chance: f64,
    },
    /// A program judges.
    External {
        /// The outputs that it is shown.
        outputs: Vec<String>,
        /// The program.
        program: Program,
        /// Whether it is shown the inputs too.
        #[serde(default)]
        with_inputs: bool,
        /// What guessing earns.
        #[serde(default)]
        chance: f64,
    },
}

/// A file, named by what it holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtifactFile {
    /// Relative to `task.toml`.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Where others fetch it: a `file:`, `http:`, `https:` or `s3:` address.
    pub uri: Option<String>,
}

/// A program of the subnet's creator.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Its file.
    pub file: ArtifactFile,
    /// How it is started; `{file}` stands for its place.
    pub command: Vec<String>,
    /// The time for one answer, in milliseconds.
    #[serde(default = "ten_seconds")]
    pub timeout_ms: u32,
    /// The memory that it may take, in MiB.
    #[serde(default = "one_gib")]
    pub memory_mib: u32,
}

fn ten_seconds() -> u32 {
    10_000
}

fn one_gib() -> u32 {
    1024
}

/// What makes items: one that is built in, or a program.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorFile {
    /// One that is built in.
    pub builtin: Option<BuiltIn>,
    /// A program.
    pub program: Option<Program>,
}

/// Generators that are built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuiltIn {
    /// Friedman's first function: regressions of ten numbers.
    Friedman,
}

/// How much is asked in a round.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queries {
    /// Items asked of each miner.
    pub items_per_round: u32,
    /// Items in one request.
    pub items_per_request: u16,
    /// How many times as much a newcomer is asked.
    #[serde(default = "one")]
    pub newcomer_factor: u32,
    /// A miner that was asked less than this many items is a newcomer.
    #[serde(default)]
    pub newcomer_below: u64,
    /// How many of a round's items are asked of every miner in the very same form.
    #[serde(default)]
    pub shared_per_round: u32,
    /// How many of a miner's items are asked twice.
    #[serde(default)]
    pub repeats_per_round: u32,
}

fn one() -> u32 {
    1
}

/// How answers to probes are compared.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probes {
    /// The floating-point outputs that tell models apart. Without any, nothing is compared.
    #[serde(default)]
    pub outputs: Vec<String>,
    /// Values that differ by no more than this, or by this part of the larger, are the same.
    #[serde(default)]
    pub same_within: f32,
}

/// How an item is changed before it is asked.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variation {
    /// Whole steps, uniform within ±, on every element that is not background.
    pub ink_noise: u16,
    /// The element that is left alone.
    pub background: f32,
    /// Least element.
    pub low: f32,
    /// Largest element.
    pub high: f32,
}

/// How answers become a score.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreRules {
    /// Evidence counts half after this many rounds.
    pub half_life_rounds: f64,
    /// The score is the lower end of the interval that holds the quality with this probability.
    pub credible_level: f64,
    /// How much of the score is lost at the deadline, in proportion to the time taken.
    #[serde(default)]
    pub latency_weight: f64,
    /// How much of the score is lost by one who never answers, in proportion to the items without
    /// an answer. Silence counts as wrong besides.
    #[serde(default)]
    pub availability_weight: f64,
}

impl ScoringRule {
    /// What guessing earns, as a share of what perfect answers do.
    pub fn chance(&self) -> f64 {
        match self {
            Self::Classification {
                classes, chance, ..
            } => chance.unwrap_or(1.0 / f64::from(*classes)),
            Self::Regression { chance, .. }
            | Self::Similarity { chance, .. }
            | Self::Agreement { chance, .. }
            | Self::External { chance, .. } => *chance,
        }
    }

    /// The outputs that are judged.
    pub fn outputs(&self) -> Vec<&String> {
        match self {
            Self::Classification { output, .. }
            | Self::Regression { output, .. }
            | Self::Similarity { output, .. } => vec![output],
            Self::Agreement { outputs, .. } | Self::External { outputs, .. } => {
                outputs.iter().collect()
            }
        }
    }

    /// How many classes an answer may name, where it names one.
    pub const fn classes(&self) -> Option<u32> {
        match self {
            Self::Classification { classes, .. } => Some(*classes),
            _ => None,
        }
    }

    pub(super) const fn truth_kind(&self) -> TruthKind {
        match self {
            Self::Classification { classes, .. } => TruthKind::Class(*classes),
            Self::Regression { .. } | Self::Similarity { .. } => TruthKind::Values,
            Self::Agreement { .. } => TruthKind::Reference,
            Self::External { .. } => TruthKind::Json,
        }
    }
}

impl TaskFolder {
    /// Reads and checks `task.toml`; what it names is read when the task is built.
    pub fn load(folder: &Path) -> Result<Self, TaskError> {
        let path = folder.join("task.toml");
        let text = std::fs::read_to_string(&path).map_err(|source| TaskError::Unreadable {
            path: path.clone(),
            source,
        })?;
        let bad = |reason: String| TaskError::BadFile {
            path: path.clone(),
            reason,
        };
        let mut task: Self = toml::from_str(&text).map_err(|error| bad(error.to_string()))?;
        task.folder = folder.to_owned();
        task.check().map_err(bad)?;
        Ok(task)
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// An error about `task.toml`.
    pub(super) fn bad(&self, reason: String) -> TaskError {
        TaskError::BadFile {
            path: self.folder.join("task.toml"),
            reason,
        }
    }

    /// The benchmark set.
    pub(super) fn benchmark_file(&self) -> Result<&ArtifactFile, TaskError> {
        let missing = || self.bad("the task has no [benchmark]".into());
        self.benchmark.as_ref().ok_or_else(missing)
    }

    /// The program that makes items.
    pub(super) fn generator_program(&self) -> Result<&Program, TaskError> {
        let program = self.generator.as_ref().and_then(|it| it.program.as_ref());
        program.ok_or_else(|| self.bad("[generator] names no program".into()))
    }

    /// Every file that the task names.
    pub fn artifacts(&self) -> Vec<&ArtifactFile> {
        let judge = match &self.scoring {
            ScoringRule::External { program, .. } => Some(&program.file),
            _ => None,
        };
        let maker = self.generator.as_ref().and_then(|it| it.program.as_ref());
        let maker = maker.map(|program| &program.file);
        let all = [
            self.benchmark.as_ref(),
            maker,
            self.reference.as_ref(),
            judge,
        ];
        all.into_iter().flatten().collect()
    }

    /// The outputs to ask for.
    pub(super) fn asked_outputs(&self) -> Vec<String> {
        let mut names: Vec<String> = self.scoring.outputs().into_iter().cloned().collect();
        for name in &self.probes.outputs {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }

    /// The input tensors' rows, where the first dimension of each alone is free.
    pub fn layouts(&self) -> Result<Vec<Layout>, TaskError> {
        let layout = |line: &TensorLine| {
            let [-1, row @ ..] = &line.shape[..] else {
                return None;
            };
            let row: Option<Vec<usize>> = row.iter().map(|&side| side.try_into().ok()).collect();
            let row = row?;
            let width = row
                .iter()
                .try_fold(1usize, |width, side| width.checked_mul(*side))?;
            (1..=MAX_ROW).contains(&width).then(|| Layout {
                name: line.name.clone(),
                datatype: line.datatype,
                row,
            })
        };
        let inputs = self.interface.inputs.iter();
        let layouts = inputs.map(|line| {
            layout(line).ok_or_else(|| {
                self.bad(format!(
                    "the input `{}` needs a first dimension of -1, the batch, and no other",
                    line.name
                ))
            })
        });
        layouts.collect()
    }
}
