//! Ending when asked to.

use tokio::signal::unix::{signal, SignalKind};
use tokio_util::sync::CancellationToken;

/// The exit status of a process that was told to end twice.
pub const FORCED_EXIT: i32 = 130;

/// Tells every part of a process that it is time to end. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// A handle that nobody tripped yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A handle that SIGTERM and SIGINT trip. A second signal ends the process at once, with
    /// status [`FORCED_EXIT`], for the case that ending in good order takes too long.
    ///
    /// Must be called inside a tokio runtime.
    pub fn on_signals() -> std::io::Result<Self> {
        let shutdown = Self::new();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let tripped = shutdown.clone();
        tokio::spawn(async move {
            for forced in [false, true] {
                let name = tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                };
                if forced {
                    tracing::warn!(signal = name, "second signal: ending at once");
                    std::process::exit(FORCED_EXIT);
                }
                tracing::info!(
                    signal = name,
                    "ending; send the signal again to end at once"
                );
                tripped.trip();
            }
        });
        Ok(shutdown)
    }

    /// Says that it is time to end.
    pub fn trip(&self) {
        self.0.cancel();
    }

    /// Whether it is.
    pub fn is_tripped(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until it is.
    pub async fn tripped(&self) {
        self.0.cancelled().await;
    }

    /// A handle that this one trips, and that can be tripped alone: for a part that must end
    /// before the rest does.
    #[must_use]
    pub fn child(&self) -> Self {
        Self(self.0.child_token())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn trip_reaches_clones_and_children_but_not_parents() {
        let parent = Shutdown::new();
        let (clone, child) = (parent.clone(), parent.child());
        child.trip();
        assert!(child.is_tripped() && !parent.is_tripped());
        parent.trip();
        clone.tripped().await;
        assert!(clone.is_tripped());
    }
}
