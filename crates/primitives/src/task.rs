//! What a subnet asks its miners to do, as it stands on chain.

use crate::Digest;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

/// Most tensors that an interface has on either side.
pub const MAX_TENSORS: u32 = 8;
/// Most dimensions that a tensor has.
pub const MAX_TENSOR_DIMENSIONS: u32 = 8;

/// A short UTF-8 text: a subnet's or a tensor's name.
pub type Text = BoundedVec<u8, ConstU32<64>>;
/// Where an artifact can be had: a `file:`, `https:` or `s3:` address.
pub type Uri = BoundedVec<u8, ConstU32<256>>;

/// A subnet's task. Its content has a version beside it, counted up with every update: see
/// [`crate::TaskVersion`].
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
pub struct TaskSpec {
    /// What people call the task.
    #[cfg_attr(feature = "std", serde(with = "crate::text"))]
    pub name: Text,
    /// What a model takes and gives.
    pub interface: Interface,
    /// How an answer is judged.
    pub scoring: Scoring,
    /// Where the queries come from.
    pub benchmark: Benchmark,
    /// The model that answers are compared with, where the rule needs one.
    pub reference_model: Option<ReferenceModel>,
    /// Milliseconds that a miner has for one request.
    pub deadline_ms: u32,
    /// Most items in one request.
    pub max_batch: u16,
}

/// The tensors of a model, in the terms of the Open Inference Protocol.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Interface {
    /// What a request carries.
    pub inputs: BoundedVec<TensorSpec, ConstU32<MAX_TENSORS>>,
    /// What a response carries.
    pub outputs: BoundedVec<TensorSpec, ConstU32<MAX_TENSORS>>,
}

/// One tensor's name, element type and shape; −1 stands for a free dimension.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct TensorSpec {
    /// The tensor's name in the model.
    #[cfg_attr(feature = "std", serde(with = "crate::text"))]
    pub name: Text,
    /// Its elements' type.
    pub datatype: DataType,
    /// Its shape, −1 for a free dimension.
    pub shape: BoundedVec<i64, ConstU32<MAX_TENSOR_DIMENSIONS>>,
}

/// The Open Inference Protocol's element types.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "UPPERCASE"))]
#[allow(missing_docs)]
pub enum DataType {
    Bool,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Int8,
    Int16,
    Int32,
    Int64,
    Fp16,
    Fp32,
    Fp64,
    Bytes,
}

/// How answers become scores.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(tag = "rule", rename_all = "snake_case"))]
pub enum Scoring {
    /// The answer names one of `classes` classes and is right or wrong.
    Classification {
        /// Number of classes; chance is one in so many.
        classes: u32,
    },
    /// The answer is a number; its error is weighed against `tolerance`.
    Regression {
        /// Absolute error, in millionths of the target's unit, that halves the score.
        tolerance_millionths: u64,
    },
    /// The answer is a vector; cosine similarity to the truth is the score.
    Similarity,
    /// The answer must agree with the reference model's within a tolerance.
    Agreement {
        /// Largest absolute difference, in millionths, that still agrees.
        tolerance_millionths: u64,
    },
    /// A program judges.
    External {
        /// The program.
        program: Artifact,
    },
}

/// A file, named by what it holds.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Artifact {
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Where it can be had.
    #[cfg_attr(feature = "std", serde(with = "crate::text"))]
    pub uri: Uri,
}

/// A model that answers are compared with.
pub type ReferenceModel = Artifact;

/// Where queries come from.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
pub enum Benchmark {
    /// A set of labelled items.
    Set(Artifact),
    /// A program that makes items with their truth from a seed.
    Generator(Artifact),
}

/// Why a task spec can't be registered.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum TaskError {
    /// A name is empty or not UTF-8.
    BadName,
    /// An artifact is empty, or its address is empty or not UTF-8.
    BadArtifact,
    /// No input or no output tensor.
    NoTensors,
    /// Two tensors of one side share a name.
    RepeatedTensor,
    /// A dimension is 0 or below −1.
    BadShape,
    /// The deadline is not within 1 ms and 600 s.
    BadDeadline,
    /// The batch limit is 0.
    BadBatch,
    /// A classification with fewer than two classes, or a tolerance of 0.
    BadScoring,
    /// The rule compares with a reference model and none is named.
    NoReferenceModel,
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadName => "a name is empty or not UTF-8",
            Self::BadArtifact => "an artifact is empty, or its address is empty or not UTF-8",
            Self::NoTensors => "the interface needs at least one input and one output tensor",
            Self::RepeatedTensor => "two tensors share a name",
            Self::BadShape => "a dimension must be positive, or -1 where it is free",
            Self::BadDeadline => "the deadline must lie within 1 and 600000 ms",
            Self::BadBatch => "the batch limit must be at least 1",
            Self::BadScoring => "the scoring rule's parameters are out of range",
            Self::NoReferenceModel => "scoring by agreement needs a reference model",
        })
    }
}

#[cfg(feature = "std")]
impl std::error::Error for TaskError {}

impl TaskSpec {
    /// Largest deadline, in milliseconds.
    pub const MAX_DEADLINE_MS: u32 = 600_000;

    /// Checks what the types alone can't say.
    pub fn check(&self) -> Result<(), TaskError> {
        check_text(&self.name).map_err(|()| TaskError::BadName)?;
        check_tensors(&self.interface.inputs)?;
        check_tensors(&self.interface.outputs)?;
        match &self.scoring {
            Scoring::Classification { classes } if *classes < 2 => {
                return Err(TaskError::BadScoring)
            }
            Scoring::Regression {
                tolerance_millionths: 0,
            }
            | Scoring::Agreement {
                tolerance_millionths: 0,
            } => return Err(TaskError::BadScoring),
            Scoring::Agreement { .. } if self.reference_model.is_none() => {
                return Err(TaskError::NoReferenceModel)
            }
            Scoring::External { program } => check_artifact(program)?,
            _ => {}
        }
        match &self.benchmark {
            Benchmark::Set(artifact) | Benchmark::Generator(artifact) => check_artifact(artifact)?,
        }
        if let Some(model) = &self.reference_model {
            check_artifact(model)?;
        }
        if self.deadline_ms == 0 || self.deadline_ms > Self::MAX_DEADLINE_MS {
            return Err(TaskError::BadDeadline);
        }
        if self.max_batch == 0 {
            return Err(TaskError::BadBatch);
        }
        Ok(())
    }
}

fn check_text(text: &[u8]) -> Result<(), ()> {
    match core::str::from_utf8(text) {
        Ok(text) if !text.is_empty() => Ok(()),
        _ => Err(()),
    }
}

fn check_artifact(artifact: &Artifact) -> Result<(), TaskError> {
    if artifact.size == 0 {
        return Err(TaskError::BadArtifact);
    }
    check_text(&artifact.uri).map_err(|()| TaskError::BadArtifact)
}

fn check_tensors(tensors: &[TensorSpec]) -> Result<(), TaskError> {
    if tensors.is_empty() {
        return Err(TaskError::NoTensors);
    }
    for (index, tensor) in tensors.iter().enumerate() {
        check_text(&tensor.name).map_err(|()| TaskError::BadName)?;
        if tensors[..index]
            .iter()
            .any(|other| other.name == tensor.name)
        {
            return Err(TaskError::RepeatedTensor);
        }
        if tensor
            .shape
            .iter()
            .any(|&dimension| dimension == 0 || dimension < -1)
        {
            return Err(TaskError::BadShape);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Text {
        text.as_bytes().to_vec().try_into().unwrap()
    }

    fn artifact() -> Artifact {
        let uri = b"file:benchmark.csv".to_vec().try_into().unwrap();
        Artifact {
            sha256: Digest([1; 32]),
            size: 1,
            uri,
        }
    }

    fn tensor(name: &str, shape: &[i64]) -> TensorSpec {
        let shape = shape.to_vec().try_into().unwrap();
        TensorSpec {
            name: text(name),
            datatype: DataType::Fp32,
            shape,
        }
    }

    fn task() -> TaskSpec {
        TaskSpec {
            name: text("digits"),
            interface: Interface {
                inputs: vec![tensor("X", &[-1, 64])].try_into().unwrap(),
                outputs: vec![tensor("label", &[-1])].try_into().unwrap(),
            },
            scoring: Scoring::Classification { classes: 10 },
            benchmark: Benchmark::Set(artifact()),
            reference_model: None,
            deadline_ms: 500,
            max_batch: 32,
        }
    }

    #[test]
    fn check_passes_when_the_task_is_whole() {
        assert_eq!(task().check(), Ok(()));
    }

    #[test]
    fn check_names_what_is_wrong() {
        type Break = fn(&mut TaskSpec);
        let cases: [(Break, TaskError); 9] = [
            (|t| t.name = Text::default(), TaskError::BadName),
            (
                |t| t.interface.inputs = Default::default(),
                TaskError::NoTensors,
            ),
            (
                |t| {
                    let twice = vec![tensor("y", &[1]), tensor("y", &[1])];
                    t.interface.outputs = twice.try_into().unwrap();
                },
                TaskError::RepeatedTensor,
            ),
            (
                |t| t.interface.inputs = vec![tensor("X", &[-2])].try_into().unwrap(),
                TaskError::BadShape,
            ),
            (|t| t.deadline_ms = 600_001, TaskError::BadDeadline),
            (|t| t.max_batch = 0, TaskError::BadBatch),
            (
                |t| t.scoring = Scoring::Classification { classes: 1 },
                TaskError::BadScoring,
            ),
            (
                |t| {
                    t.scoring = Scoring::Agreement {
                        tolerance_millionths: 1,
                    }
                },
                TaskError::NoReferenceModel,
            ),
            (
                |t| {
                    t.benchmark = Benchmark::Set(Artifact {
                        size: 0,
                        ..artifact()
                    })
                },
                TaskError::BadArtifact,
            ),
        ];
        for (break_it, expected) in cases {
            let mut broken = task();
            break_it(&mut broken);
            assert_eq!(broken.check(), Err(expected));
        }
    }
}
