//! Why a task can't be used.

use super::artifact::FetchError;
use assay_primitives::Digest;
use std::path::PathBuf;

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
    /// A file that a task names is neither in its folder nor fetched.
    #[error("{path} is not there and was not fetched: {hint}", path = .path.display())]
    Missing {
        /// Where it would be.
        path: PathBuf,
        /// What to do.
        hint: &'static str,
    },
    /// `task.toml` is not what it should be.
    #[error("{path}: {reason}", path = .path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// A file is not the one that the task was made with.
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
    /// A program does not start, or does not answer as it should.
    #[error("{path}: {reason}", path = .path.display())]
    BadProgram {
        /// The program.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The reference model does not run.
    #[error("{path}: {reason}", path = .path.display())]
    BadModel {
        /// The model.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The folder is that of another task, or of another version.
    #[error(
        "the task folder is not the task that stands on chain: its {field} differs; fetch the folder of the subnet's present task"
    )]
    NotOnChain {
        /// What differs.
        field: &'static str,
    },
}
