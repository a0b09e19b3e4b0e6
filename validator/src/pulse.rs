//! How far our own program is behind.
//!
//! A deadline is kept by our clock, so when our own threads don't get to run (an overloaded machine,
//! a suspended one), miners seem slow or silent. A task that wants to wake at every beat and says
//! how late it woke measures that: what is lost this way is not the miners' fault.

use std::{
    sync::{
        atomic::{AtomicU64, Ordering},
        Arc,
    },
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

/// How often it wants to wake.
const BEAT: Duration = Duration::from_millis(20);
/// How much later is nothing worth speaking of.
const TOLERANCE: Duration = Duration::from_millis(30);

/// Beats until it is dropped.
#[derive(Debug)]
pub struct Pulse {
    state: Arc<State>,
    beating: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    started: Instant,
    /// Microseconds since the start at the latest beat.
    latest: AtomicU64,
    /// Microseconds lost until then.
    lost: AtomicU64,
}

impl Pulse {
    /// Starts to beat.
    pub fn start() -> Self {
        let state = Arc::new(State {
            started: Instant::now(),
            latest: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        });
        let beaten = state.clone();
        let beating = tokio::spawn(async move {
            loop {
                tokio::time::sleep(BEAT).await;
                beaten.beat();
            }
        });
        Self { state, beating }
    }

    /// The time lost since the start, the wait for an overdue beat included.
    pub fn lost(&self) -> Duration {
        let state = &self.state;
        let overdue = state.late(state.latest.load(Ordering::Acquire));
        Duration::from_micros(state.lost.load(Ordering::Acquire)) + overdue
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.beating.abort();
    }
}

impl State {
    /// How overdue the beat after `latest` is.
    fn late(&self, latest: u64) -> Duration {
        let due = Duration::from_micros(latest) + BEAT + TOLERANCE;
        self.started.elapsed().saturating_sub(due)
    }

    fn beat(&self) {
        let late = self.late(self.latest.load(Ordering::Acquire));
        // Half a million years fit.
        self.lost
            .fetch_add(late.as_micros() as u64, Ordering::AcqRel);
        let now = self.started.elapsed().as_micros() as u64;
        self.latest.store(now, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lost_is_the_time_in_which_nothing_could_run() {
        let pulse = Pulse::start();
        tokio::time::sleep(BEAT * 3).await;
        let before = pulse.lost();
        // A thread that is not ours to give away, as when the machine is overloaded.
        std::thread::sleep(Duration::from_millis(250));
        let lost = pulse.lost() - before;
        assert!(lost >= Duration::from_millis(150), "{lost:?}");
        tokio::time::sleep(BEAT * 2).await;
        assert!(pulse.lost() >= lost, "it is remembered");
    }
}
