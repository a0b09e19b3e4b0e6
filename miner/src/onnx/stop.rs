//! Ending a run that nobody waits for any more.
//!
//! A query whose asker leaves before its turn is not run; this is for those that are being run. A
//! run of several queries goes on as long as one of them is wanted. Models can be such that a run
//! never ends by itself: without this, one query would take a worker for good. The same ends a model's
//! first queries, for which nobody waits but the miner.

use super::workers::Engine;
use crate::backend::BackendError;
use assay_protocol::oip::{InferRequest, Tensor};
use std::{
    fmt, io,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc, Arc, Mutex, MutexGuard, PoisonError,
    },
    thread,
    time::{Duration, Instant},
};

type Ending = Box<dyn Fn() + Send + Sync>;

/// By which a run is told to end. Clones are of one run.
#[derive(Clone, Default)]
pub struct Stop(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    asked: Option<Instant>,
    ending: Option<Ending>,
}

impl Stop {
    /// How the run is ended, from another thread. If that was asked for already, it is done now.
    pub fn on_asked(&self, ending: impl Fn() + Send + Sync + 'static) {
        let mut state = self.state();
        if state.asked.is_some() {
            ending();
        }
        state.ending = Some(Box::new(ending));
    }

    /// Ends the run.
    pub(super) fn ask(&self) {
        let mut state = self.state();
        state.asked.get_or_insert_with(Instant::now);
        if let Some(ending) = &state.ending {
            ending();
        }
    }

    /// Since when the run should have ended.
    pub(super) fn asked(&self) -> Option<Instant> {
        self.state().asked
    }

    // What is called under the lock sets a flag.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stop").field(&self.asked()).finish()
    }
}

/// Time for some runs, one after another. When it is over, the one under way is ended, and so is
/// every one after it.
pub(super) struct Deadline {
    stop: Stop,
    /// Dropped, it lets the thread go that looks at the clock.
    _ending: mpsc::Sender<()>,
}

impl Deadline {
    pub(super) fn after(limit: Duration) -> io::Result<Self> {
        let (sender, dropped) = mpsc::channel();
        let stop = Stop::default();
        let late = stop.clone();
        thread::Builder::new()
            .name("deadline".into())
            .spawn(move || {
                if dropped.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                    late.ask();
                }
            })?;
        Ok(Self {
            stop,
            _ending: sender,
        })
    }

    pub(super) fn is_over(&self) -> bool {
        self.stop.asked().is_some()
    }

    /// An engine with no more time than is left.
    pub(super) fn bound<'a>(&'a self, engine: &'a mut dyn Engine) -> impl Engine + 'a {
        Bound {
            engine,
            stop: &self.stop,
        }
    }
}

struct Bound<'a> {
    engine: &'a mut dyn Engine,
    stop: &'a Stop,
}

impl Engine for Bound<'_> {
    fn run(&mut self, query: InferRequest) -> Result<Vec<Tensor>, BackendError> {
        self.engine.stop_by(self.stop);
        self.engine.run(query)
    }
}

/// A run that so many queries still want.
#[derive(Debug)]
pub(super) struct Run {
    wanted: AtomicUsize,
    stop: Stop,
}

impl Run {
    pub(super) fn new(queries: usize) -> Arc<Self> {
        Arc::new(Self {
            wanted: AtomicUsize::new(queries),
            stop: Stop::default(),
        })
    }

    pub(super) fn stop(&self) -> &Stop {
        &self.stop
    }

    fn one_left(&self) {
        if self.wanted.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.stop.ask();
        }
    }
}

/// What an asker and a worker share: the run of a query, once there is one.
#[derive(Clone, Debug, Default)]
pub(super) struct Interest(Arc<Mutex<Option<Arc<Run>>>>);

impl Interest {
    /// The query is run now. `is_gone` says whether its asker left; asking comes after the run is
    /// known here, so that whoever leaves meanwhile is noticed on one side and not on both.
    pub(super) fn begin(&self, run: &Arc<Run>, is_gone: impl FnOnce() -> bool) {
        *self.run() = Some(Arc::clone(run));
        if is_gone() {
            self.lost();
        }
    }

    /// The asker left.
    pub(super) fn lost(&self) {
        if let Some(run) = self.run().take() {
            run.one_left();
        }
    }

    fn run(&self) -> MutexGuard<'_, Option<Arc<Run>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_is_stopped_once_all_who_asked_have_left() {
        let run = Run::new(2);
        let (one, other) = (Interest::default(), Interest::default());
        one.begin(&run, || false);
        other.begin(&run, || false);
        one.lost();
        one.lost();
        assert!(run.stop().asked().is_none());
        other.lost();
        assert!(run.stop().asked().is_some());
    }

    #[test]
    fn run_is_stopped_when_its_asker_had_left_before() {
        let run = Run::new(1);
        Interest::default().begin(&run, || true);
        let ended = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ended);
        run.stop().on_asked(move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        assert_eq!(ended.load(Ordering::SeqCst), 1);
    }
}
