//! What can go wrong while a network starts and runs.

use crate::{cast::CastError, process::ProcessError};
use assay_chain_client::ChainError;
use assay_validator::task::TaskError;
use std::{path::PathBuf, time::Duration};

/// Why the local network can't be started or did not last.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The task folder can't be used.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The task folder's models can't be used.
    #[error(transparent)]
    Cast(#[from] CastError),
    /// A participant's key can't be made.
    #[error(transparent)]
    Key(#[from] assay_protocol::keys::KeyError),
    /// A participant's key can't hold an account.
    #[error("{0} is no key that an account can have")]
    NotAnAccount(String),
    /// A process failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The chain refused or failed.
    #[error("{what}: {source}")]
    Chain {
        /// What was tried.
        what: String,
        /// What the chain said.
        source: ChainError,
    },
    /// Something did not become ready.
    #[error("{what} was not ready after {waited:?}; see {log}", log = .log.display())]
    NotReady {
        /// What.
        what: String,
        /// How long it was waited for.
        waited: Duration,
        /// Where its log is.
        log: PathBuf,
    },
    /// No port could be found.
    #[error("no free port on 127.0.0.1: {0}")]
    NoPort(std::io::Error),
    /// The programs' folder is unknown.
    #[error("can't tell where the programs are ({0}): name their folder with --programs")]
    NoPrograms(std::io::Error),
    /// Signals can't be listened for.
    #[error("can't listen for signals: {0}")]
    NoSignals(std::io::Error),
    /// The folder holds something already.
    #[error("{path} is not empty: name a new folder, so that no earlier run is overwritten", path = .0.display())]
    NotEmpty(PathBuf),
    /// A file could not be written.
    #[error("{path} can't be written: {source}", path = .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Says what was tried when the chain refused.
pub trait Tried<T> {
    /// Adds `what` to the error.
    fn trying(self, what: impl Into<String>) -> Result<T, Error>;
}

impl<T> Tried<T> for Result<T, ChainError> {
    fn trying(self, what: impl Into<String>) -> Result<T, Error> {
        self.map_err(|source| Error::Chain {
            what: what.into(),
            source,
        })
    }
}
