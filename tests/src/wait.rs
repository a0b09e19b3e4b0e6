//! Waiting for what another process does.

use std::time::{Duration, Instant};

const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Looks until there is something to see.
///
/// # Panics
/// If there is nothing after `within`.
pub async fn until<T>(what: &str, within: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(
            Instant::now() < deadline,
            "waited {within:?} in vain for {what}"
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
