//! A model's bounded queue, from which workers take one query, or several that can be run as one.

use super::{batch::Kind, settings::Batching, stop::Interest};
use crate::backend::BackendError;
use assay_protocol::oip::{InferRequest, Tensor};
use std::{
    collections::VecDeque,
    sync::{
        atomic::{AtomicBool, Ordering},
        Condvar, Mutex, MutexGuard, PoisonError,
    },
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

pub(super) type Answer = Result<Vec<Tensor>, BackendError>;

/// One query, and where its answer goes.
pub(super) struct Job {
    pub query: InferRequest,
    pub reply: oneshot::Sender<Answer>,
    /// By which its run, once there is one, hears that it is not wanted any more.
    pub interest: Interest,
    /// What it can be run together with; None: with nothing.
    kind: Option<Kind>,
    arrived: Instant,
    /// Since when it waits, here and before.
    pub since: Instant,
}

impl Job {
    fn rows(&self) -> usize {
        self.kind.as_ref().map_or(1, Kind::rows)
    }

    /// Whether nobody waits for the answer any more.
    pub fn is_gone(&self) -> bool {
        self.reply.is_closed()
    }
}

/// Why a query can't wait here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    Full,
    Closed,
}

/// The queue of one model.
///
/// One worker at a time gathers what it will run next; the others wait for it and not for the
/// queue. It waits for company no longer than [`Batching::max_delay_us`] after its first query came, and not
/// at all once somebody waits who can't be joined.
pub(super) struct JobQueue {
    capacity: usize,
    batching: Batching,
    joins: AtomicBool,
    gathering: Mutex<()>,
    state: Mutex<State>,
    arrival: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl JobQueue {
    pub(super) fn new(capacity: usize, batching: Batching) -> Self {
        Self {
            capacity,
            batching,
            joins: AtomicBool::new(batching.joins()),
            gathering: Mutex::default(),
            state: Mutex::default(),
            arrival: Condvar::new(),
        }
    }

    /// Lets a query wait, or refuses it at once.
    pub(super) fn push(
        &self,
        query: InferRequest,
        since: Instant,
        reply: oneshot::Sender<Answer>,
    ) -> Result<Interest, NoPlace> {
        let kind = if self.joins.load(Ordering::Relaxed) {
            Kind::of(&query)
        } else {
            None
        };
        let interest = Interest::default();
        let job = Job {
            query,
            reply,
            interest: interest.clone(),
            kind,
            arrived: Instant::now(),
            since,
        };
        let mut state = self.state();
        if state.closed {
            return Err(NoPlace::Closed);
        }
        // Here and now, not when its turn comes: what a query holds is no longer counted once its
        // asker has left, and turns may be long in coming.
        state.jobs.retain(|job| !job.is_gone());
        if state.jobs.len() >= self.capacity {
            return Err(NoPlace::Full);
        }
        state.jobs.push_back(job);
        drop(state);
        self.arrival.notify_one();
        Ok(interest)
    }

    /// From now on every query is run alone.
    pub(super) fn stop_joining(&self) {
        self.joins.store(false, Ordering::Relaxed);
    }

    /// Takes no more queries. Those that wait are still given out.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.arrival.notify_all();
    }

    /// Waits for the next query and takes along those that can be run with it. None: the queue is
    /// closed and empty.
    pub(super) fn next(&self) -> Option<Vec<Job>> {
        let _gathering = self
            .gathering
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        let first = loop {
            match state.jobs.pop_front() {
                Some(job) if job.is_gone() => {}
                Some(job) => break job,
                None if state.closed => return None,
                None => {
                    let woken = self.arrival.wait(state);
                    state = woken.unwrap_or_else(PoisonError::into_inner);
                }
            }
        };
        if first.kind.is_none() || !self.joins.load(Ordering::Relaxed) {
            return Some(vec![first]);
        }
        Some(self.gather(first, state))
    }

    fn gather(&self, first: Job, mut state: MutexGuard<'_, State>) -> Vec<Job> {
        let until = first.arrived + Duration::from_micros(self.batching.max_delay_us);
        let mut room = self.batching.max_rows.saturating_sub(first.rows());
        let mut jobs = vec![first];
        loop {
            state.take_like(&mut jobs, &mut room);
            let left = until.saturating_duration_since(Instant::now());
            if room == 0 || !state.jobs.is_empty() || state.closed || left.is_zero() {
                return jobs;
            }
            let woken = self.arrival.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    // Nothing between lock and unlock can panic halfway through a change.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes the queries that fit the first of `jobs`, as far as there is room, in their order.
    fn take_like(&mut self, jobs: &mut Vec<Job>, room: &mut usize) {
        let mut index = 0;
        while *room > 0 && index < self.jobs.len() {
            let job = &self.jobs[index];
            let fits = job.kind == jobs[0].kind && job.rows() <= *room;
            if !fits && !job.is_gone() {
                index += 1;
                continue;
            }
            match self.jobs.remove(index) {
                Some(job) if !job.is_gone() => {
                    *room -= job.rows();
                    jobs.push(job);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(width: usize, rows: usize) -> InferRequest {
        let data = vec![0.0_f32; width * rows];
        InferRequest {
            inputs: vec![Tensor::new("x", vec![rows, width], data.into()).unwrap()],
            ..InferRequest::default()
        }
    }

    fn queue(max_rows: usize, max_delay_us: u64) -> JobQueue {
        let batching = Batching {
            max_rows,
            max_delay_us,
        };
        JobQueue::new(8, batching)
    }

    /// Pushes queries of (width, rows); the receivers keep them wanted.
    fn filled(queue: &JobQueue, shapes: &[(usize, usize)]) -> Vec<oneshot::Receiver<Answer>> {
        let pushed = shapes.iter().map(|(width, rows)| {
            let (reply, answer) = oneshot::channel();
            queue
                .push(query(*width, *rows), Instant::now(), reply)
                .unwrap();
            answer
        });
        pushed.collect()
    }

    fn taken(queue: &JobQueue) -> Vec<usize> {
        let jobs = queue.next().unwrap();
        jobs.iter().map(Job::rows).collect()
    }

    #[test]
    fn next_joins_what_has_one_shape_and_fits() {
        let queue = queue(4, 0);
        let _wanted = filled(&queue, &[(2, 1), (3, 1), (2, 2), (2, 3), (2, 1), (3, 4)]);
        assert_eq!(taken(&queue), [1, 2, 1]);
        assert_eq!(taken(&queue), [1]);
        assert_eq!(taken(&queue), [3]);
        assert_eq!(taken(&queue), [4]);
    }

    #[test]
    fn next_joins_nothing_when_batching_is_off() {
        for queue in [queue(1, 0), queue(4, 0)] {
            queue.stop_joining();
            let _wanted = filled(&queue, &[(2, 1), (2, 1)]);
            assert_eq!(taken(&queue), [1]);
            assert_eq!(taken(&queue), [1]);
        }
    }

    #[test]
    fn next_passes_over_those_who_left() {
        let queue = queue(8, 0);
        let mut wanted = filled(&queue, &[(2, 1), (2, 2), (2, 3)]);
        wanted.remove(1);
        assert_eq!(taken(&queue), [1, 3]);
    }

    #[test]
    fn next_waits_for_company_until_the_batch_is_full() {
        // Far longer than a test may take: it is the full batch that ends the wait.
        let queue = queue(2, 60_000_000);
        std::thread::scope(|scope| {
            let first = filled(&queue, &[(2, 1)]);
            let worker = scope.spawn(|| taken(&queue));
            let second = filled(&queue, &[(2, 1)]);
            assert_eq!(worker.join().unwrap(), [1, 1]);
            drop((first, second));
        });
    }

    #[test]
    fn next_waits_no_longer_when_somebody_cannot_be_joined() {
        let queue = queue(8, 60_000_000);
        let _wanted = filled(&queue, &[(2, 1), (3, 1)]);
        assert_eq!(taken(&queue), [1]);
    }

    #[test]
    fn push_is_refused_when_the_queue_is_full_or_closed() {
        let queue = queue(1, 0);
        let _wanted = filled(&queue, &[(1, 1); 8]);
        let refused = queue.push(query(1, 1), Instant::now(), oneshot::channel().0);
        assert_eq!(refused.err(), Some(NoPlace::Full));
        queue.close();
        for _ in 0..8 {
            taken(&queue);
        }
        assert!(queue.next().is_none());
        let refused = queue.push(query(1, 1), Instant::now(), oneshot::channel().0);
        assert_eq!(refused.err(), Some(NoPlace::Closed));
    }
}
