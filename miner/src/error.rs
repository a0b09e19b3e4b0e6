//! Why a miner can't start.

use crate::{
    chain::ChainError, config::ConfigError, onnx::LoadError, seen::SeenError, tls::TlsError,
    upstream::UpstreamError,
};
use assay_protocol::keys::KeyError;
use assay_telemetry::{LoggingError, MetricsError};
use std::{io, net::SocketAddr};

/// Why a miner can't start. Each says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The log can't be had.
    #[error(transparent)]
    Logging(#[from] LoggingError),
    /// The hotkey can't be had.
    #[error("hotkey: {0}")]
    Hotkey(#[source] KeyError),
    /// The coldkey can't be had.
    #[error("coldkey: {0}")]
    Coldkey(#[source] KeyError),
    /// The models can't be served.
    #[error(transparent)]
    Models(#[from] LoadError),
    /// The engine behind can't be used.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The certificate can't be shown.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// What was answered can't be kept.
    #[error(transparent)]
    Seen(#[from] SeenError),
    /// The chain could not be asked.
    #[error("chain: {0}")]
    Chain(#[source] ChainError),
    /// The metrics can't be served.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The port can't be had.
    #[error("can't listen on {address} ({why}): {}", what_to_do(why))]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's error.
        why: io::Error,
    },
    /// The system refused something else.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Error {
    /// Whether it would be the same after another start, until somebody mends it.
    pub const fn lasts(&self) -> bool {
        matches!(
            self,
            Self::Config(_) | Self::Logging(_) | Self::Hotkey(_) | Self::Coldkey(_)
        )
    }
}

fn what_to_do(why: &io::Error) -> &'static str {
    match why.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens there, perhaps this miner: stop it, or name another address"
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address: 0.0.0.0 stands for all that it has"
        }
        io::ErrorKind::PermissionDenied => "ports below 1024 are for root: name a higher one",
        _ => "name another address",
    }
}
