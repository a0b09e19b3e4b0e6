//! What every off-chain binary does alike: logs, metrics, errors in words, saying that it is ready,
//! and ending when asked to.
//!
//! It knows nothing of miners or validators, and it must never print what it was not given: secrets
//! are kept out of logs by the types that hold them.

#![warn(missing_docs)]

mod ending;
mod logging;
mod metrics;
mod ready;
mod shutdown;
mod words;

pub use ending::{give_up, NEEDS_MENDING};
pub use logging::{init_logging, LogFormat, LoggingError};
pub use metrics::{install_recorder, MetricsError, MetricsServer};
pub use ready::tell_ready;
pub use shutdown::{Shutdown, FORCED_EXIT};
pub use words::in_words;
