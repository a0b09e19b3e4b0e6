//! A task folder: `task.toml` and the files that it names.

use crate::weights::WeightRules;
use assay_primitives::{
    Artifact, Benchmark, DataType, Digest, Interface, Scoring, TaskSpec, TensorSpec, Text,
};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

/// Why a task folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// A file is not there or can't be read.
    #[error("{path} can't be read: {source}; a task folder holds task.toml and what it names", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// `task.toml` is not what it should be.
    #[error("{path}: {reason}", path = .path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// The benchmark is not the file that the task was made with.
    #[error(
        "{path} has SHA-256 {found} and {size} bytes, task.toml names {expected} and {expected_size}: fetch the right file, or state the new digest if the change is meant", path = .path.display()
    )]
    WrongDigest {
        /// The file.
        path: PathBuf,
        /// Its digest.
        found: Digest,
        /// Its size.
        size: u64,
        /// The digest in `task.toml`.
        expected: Digest,
        /// The size in `task.toml`.
        expected_size: u64,
    },
    /// A line of the benchmark can't be used.
    #[error("{path}, line {line}: {reason}", path = .path.display())]
    BadBenchmark {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// The folder is that of another task, or of another version.
    #[error(
        "the task folder is not the task that stands on chain: its {field} differs; fetch the folder of the subnet's present task"
    )]
    NotOnChain {
        /// What differs.
        field: &'static str,
    },
}

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
    /// Where the items come from.
    pub benchmark: BenchmarkFile,
    /// How much is asked.
    pub queries: Queries,
    /// How items are varied.
    #[serde(default)]
    pub variation: Variation,
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
        /// The INT64 output that names the class.
        output: String,
    },
}

/// The benchmark and its digest.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchmarkFile {
    /// Relative to `task.toml`.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Where others fetch it.
    pub uri: Option<String>,
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
}

fn one() -> u32 {
    1
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

impl TaskFolder {
    /// Reads and checks `task.toml`; the benchmark is read when the task is built.
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

    fn check(&self) -> Result<(), String> {
        self.parts()
            .and_then(|spec| spec.check().map_err(|error| error.to_string()))?;
        let ScoringRule::Classification { output, .. } = &self.scoring;
        let label = self
            .interface
            .outputs
            .iter()
            .find(|tensor| tensor.name == *output);
        match label {
            Some(tensor) if tensor.datatype == DataType::Int64 && !tensor.optional => {}
            _ => {
                return Err(format!(
                    "[scoring] output = \"{output}\" must be an INT64 output that is not optional"
                ))
            }
        }
        let queries = &self.queries;
        if queries.items_per_request == 0 || queries.items_per_request > self.limits.max_batch {
            return Err("[queries] items_per_request must lie within 1 and max_batch".into());
        }
        if !(1..=100_000).contains(&queries.items_per_round) {
            return Err("[queries] items_per_round must lie within 1 and 100000".into());
        }
        if !(1..=100).contains(&queries.newcomer_factor) {
            return Err("[queries] newcomer_factor must lie within 1 and 100".into());
        }
        let score = &self.score;
        if !(score.half_life_rounds > 0.0 && score.half_life_rounds.is_finite()) {
            return Err("[score] half_life_rounds must be above 0".into());
        }
        if !(score.credible_level > 0.0 && score.credible_level < 1.0) {
            return Err("[score] credible_level must lie between 0 and 1".into());
        }
        if !(0.0..=1.0).contains(&score.latency_weight) {
            return Err("[score] latency_weight must lie within 0 and 1".into());
        }
        if !(0.0..=1.0).contains(&score.availability_weight) {
            return Err("[score] availability_weight must lie within 0 and 1".into());
        }
        self.weights.check()?;
        let varied = &self.variation;
        let finite = [varied.low, varied.high, varied.background]
            .into_iter()
            .all(f32::is_finite);
        if !finite || varied.low > varied.high {
            return Err("[variation] low must not be above high".into());
        }
        Ok(())
    }

    /// The task as it stands on chain.
    pub fn spec(&self) -> Result<TaskSpec, TaskError> {
        self.parts().map_err(|reason| TaskError::BadFile {
            path: self.folder.join("task.toml"),
            reason,
        })
    }

    /// Fails where the folder and the chain's spec would make validators and miners disagree. The
    /// address of the benchmark may differ: the digest says which file it is.
    pub fn check_against(&self, chain: &TaskSpec) -> Result<(), TaskError> {
        let own = self.spec()?;
        let artifact = |benchmark: &Benchmark| match benchmark {
            Benchmark::Set(artifact) => (true, artifact.sha256, artifact.size),
            Benchmark::Generator(artifact) => (false, artifact.sha256, artifact.size),
        };
        let same = [
            ("name", own.name == chain.name),
            ("interface", own.interface == chain.interface),
            ("scoring rule", own.scoring == chain.scoring),
            (
                "benchmark",
                artifact(&own.benchmark) == artifact(&chain.benchmark),
            ),
            (
                "reference model",
                own.reference_model == chain.reference_model,
            ),
            ("deadline", own.deadline_ms == chain.deadline_ms),
            ("batch limit", own.max_batch == chain.max_batch),
        ];
        match same.into_iter().find(|(_, same)| !same) {
            Some((field, _)) => Err(TaskError::NotOnChain { field }),
            None => Ok(()),
        }
    }

    fn parts(&self) -> Result<TaskSpec, String> {
        let ScoringRule::Classification { classes, .. } = self.scoring;
        let uri = self
            .benchmark
            .uri
            .clone()
            .unwrap_or_else(|| format!("file:{}/{}", self.name, self.benchmark.path.display()));
        let artifact = Artifact {
            sha256: self.benchmark.sha256,
            size: self.benchmark.size,
            uri: uri
                .into_bytes()
                .try_into()
                .map_err(|_| "the benchmark's uri is too long")?,
        };
        Ok(TaskSpec {
            name: text(&self.name)?,
            interface: Interface {
                inputs: tensors(&self.interface.inputs)?,
                outputs: tensors(&self.interface.outputs)?,
            },
            scoring: Scoring::Classification { classes },
            benchmark: Benchmark::Set(artifact),
            reference_model: None,
            deadline_ms: self.limits.deadline_ms,
            max_batch: self.limits.max_batch,
        })
    }

    /// The benchmark's place.
    pub fn benchmark_path(&self) -> PathBuf {
        self.folder.join(&self.benchmark.path)
    }

    /// The benchmark's text, checked against the digest.
    pub(super) fn read_benchmark(&self) -> Result<String, TaskError> {
        let path = self.benchmark_path();
        let bytes = std::fs::read(&path).map_err(|source| TaskError::Unreadable {
            path: path.clone(),
            source,
        })?;
        let found = Digest(Sha256::digest(&bytes).into());
        let size = bytes.len() as u64;
        let expected = self.benchmark.sha256;
        if found != expected || size != self.benchmark.size {
            let expected_size = self.benchmark.size;
            return Err(TaskError::WrongDigest {
                path,
                found,
                size,
                expected,
                expected_size,
            });
        }
        String::from_utf8(bytes).map_err(|_| TaskError::BadFile {
            path,
            reason: "the file is not UTF-8".into(),
        })
    }

    /// The name and the shape of one row of the only input, where it is FP32 and batched.
    pub(super) fn single_f32_input(&self) -> Result<(String, Vec<usize>), TaskError> {
        let wrong = || TaskError::BadFile {
            path: self.folder.join("task.toml"),
            reason: "a classification takes one input, FP32, whose first dimension alone is -1"
                .into(),
        };
        let [input] = &self.interface.inputs[..] else {
            return Err(wrong());
        };
        let [-1, row @ ..] = &input.shape[..] else {
            return Err(wrong());
        };
        let sides: Option<Vec<usize>> = row.iter().map(|&side| side.try_into().ok()).collect();
        let sides = sides.ok_or_else(wrong)?;
        let width = sides
            .iter()
            .try_fold(1usize, |width, side| width.checked_mul(*side));
        // More than this in one row is a mistake, and would be found out by running out of memory.
        match (input.datatype, width) {
            (DataType::Fp32, Some(1..=0x100_0000)) => Ok((input.name.clone(), sides)),
            _ => Err(wrong()),
        }
    }
}

fn text(text: &str) -> Result<Text, String> {
    text.as_bytes()
        .to_vec()
        .try_into()
        .map_err(|_| format!("`{text}` is longer than 64 bytes"))
}

fn tensors<const N: u32>(
    lines: &[TensorLine],
) -> Result<bounded_collections::BoundedVec<TensorSpec, bounded_collections::ConstU32<N>>, String> {
    let required = lines.iter().filter(|line| !line.optional);
    let specs = required.map(|line| {
        let shape = line.shape.clone().try_into();
        let shape = shape.map_err(|_| format!("`{}` has too many dimensions", line.name))?;
        Ok(TensorSpec {
            name: text(&line.name)?,
            datatype: line.datatype,
            shape,
        })
    });
    let specs: Vec<_> = specs.collect::<Result<_, String>>()?;
    specs
        .try_into()
        .map_err(|_| format!("at most {N} tensors fit on each side"))
}
