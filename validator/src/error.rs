//! What ends a validator, in words that say what to do about it.

use crate::{chain::ChainError, config::ConfigError, store::StoreError, task::TaskError};
use assay_primitives::{BlockNumber, EpochIndex, NetUid};
use assay_protocol::keys::KeyError;
use assay_telemetry::{LoggingError, MetricsError};
use std::{net::SocketAddr, path::PathBuf};

/// Why a validator can't start or can't go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The log.
    #[error(transparent)]
    Logging(#[from] LoggingError),
    /// The hotkey.
    #[error("the hotkey can't be used: {0}")]
    Key(#[from] KeyError),
    /// The task folder.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The state on disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The chain, where waiting does not help.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// Somebody else commits with our hotkey.
    #[error("subnet {netuid}: another validator uses this hotkey: since block {block} a commit for epoch {epoch} is on chain that this one did not make. Two can't share a key, so this one ends and the other goes on. If there is no other and the state was lost, start once with --take-over")]
    SecondValidator {
        /// The subnet.
        netuid: NetUid,
        /// The commit's epoch.
        epoch: EpochIndex,
        /// Its block.
        block: BlockNumber,
    },
    /// The HTTP client.
    #[error("the HTTP client can't be set up: {0}")]
    Transport(String),
    /// The port for health, metrics and explanations.
    #[error("{address} can't be listened on ({source}): choose another `listen`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The operator's password.
    #[error("the operator's password in {path} can't be used: {source}", path = .path.display())]
    PasswordFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: std::io::Error,
    },
    /// The metrics recorder.
    #[error("metrics can't be recorded: {0}")]
    Metrics(#[from] MetricsError),
}

impl Error {
    /// Whether it would be the same after another start, until somebody mends it. A second validator
    /// counts: started again, this one could be the one that the other ends for.
    pub const fn lasts(&self) -> bool {
        matches!(
            self,
            Self::Config(_)
                | Self::Logging(_)
                | Self::Key(_)
                | Self::PasswordFile { .. }
                | Self::SecondValidator { .. }
        )
    }
}
