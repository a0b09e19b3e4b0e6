//! A model's worker threads behind a bounded queue.

use super::{
    batch,
    engine::ModelError,
    queue::{Answer, Job, JobQueue, NoPlace},
    settings::Batching,
    stop::{Interest, Run, Stop},
};
use crate::backend::BackendError;
use assay_protocol::oip::{InferRequest, Tensor};
use futures::future::{BoxFuture, FutureExt as _};
use std::{
    panic::{catch_unwind, AssertUnwindSafe},
    sync::{
        atomic::{AtomicUsize, Ordering},
        Arc, Mutex, PoisonError,
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// How long a run may take to end that was told to, before its worker counts as lost.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Runs one query at a time.
pub trait Engine: Send {
    /// By what the next run can be told to end early. An engine that can't be told leaves it.
    fn stop_by(&mut self, _stop: &Stop) {}

    /// Answers a query that fits the model.
    fn run(&mut self, query: InferRequest) -> Result<Vec<Tensor>, BackendError>;
}

/// Makes an engine anew, after one was lost to a panic.
pub type EngineFactory = Arc<dyn Fn() -> Result<Box<dyn Engine>, ModelError> + Send + Sync>;

/// Worker threads that each hold an engine and take queries from one queue. A query that finds the
/// queue full is refused at once. Dropping the pool ends the threads once the queue is empty.
pub struct WorkerPool {
    model: Arc<str>,
    queue: Arc<JobQueue>,
    able: Arc<AtomicUsize>,
    runs: Vec<Running>,
}

/// What one worker runs.
type Running = Arc<Mutex<Option<Arc<Run>>>>;

impl WorkerPool {
    /// One thread per engine, and a queue for `capacity` queries besides those being run, of which
    /// `batching` says how they are joined. It fails if the system gives no thread.
    pub fn start(
        model: &str,
        engines: Vec<Box<dyn Engine>>,
        factory: EngineFactory,
        capacity: usize,
        batching: Batching,
    ) -> std::io::Result<Self> {
        let mut pool = Self {
            model: model.into(),
            queue: Arc::new(JobQueue::new(capacity, batching)),
            able: Arc::new(AtomicUsize::new(engines.len())),
            runs: Vec::new(),
        };
        for engine in engines {
            let worker = Worker {
                model: Arc::clone(&pool.model),
                queue: Arc::clone(&pool.queue),
                able: Arc::clone(&pool.able),
                factory: Arc::clone(&factory),
                engine: Some(engine),
                running: Running::default(),
            };
            pool.runs.push(Arc::clone(&worker.running));
            thread::Builder::new()
                .name(format!("model {model}"))
                .spawn(move || worker.work())?;
        }
        Ok(pool)
    }

    /// Whether any worker has an engine, and is not lost in a run that does not end.
    pub fn is_ready(&self) -> bool {
        let lost = self.runs.iter().filter(|running| is_lost(running)).count();
        self.able.load(Ordering::Relaxed) > lost
    }

    /// Hands over a query that waits since then. The future ends with the answer, and may be dropped: a query whose
    /// asker is gone before its turn is not run, and a run that nobody waits for is ended.
    pub fn infer(
        &self,
        query: InferRequest,
        since: Instant,
    ) -> BoxFuture<'static, Result<Vec<Tensor>, BackendError>> {
        let (reply, answer) = oneshot::channel();
        let model = self.model.to_string();
        let refused = match self.queue.push(query, since, reply) {
            Ok(interest) => {
                let mut asker = Asker { answer, interest };
                return async move {
                    let answer = (&mut asker.answer).await;
                    answer.unwrap_or(Err(BackendError::Unavailable(model)))
                }
                .boxed();
            }
            Err(NoPlace::Full) => BackendError::QueueFull(model),
            Err(NoPlace::Closed) => BackendError::Unavailable(model),
        };
        std::future::ready(Err(refused)).boxed()
    }
}

fn is_lost(running: &Running) -> bool {
    let running = running.lock().unwrap_or_else(PoisonError::into_inner);
    let asked = running.as_ref().and_then(|run| run.stop().asked());
    asked.is_some_and(|asked| asked.elapsed() > LAST_WORDS)
}

/// Whoever waits for an answer. Dropped before there is one, it lets go of the query's run.
struct Asker {
    answer: oneshot::Receiver<Answer>,
    interest: Interest,
}

impl Drop for Asker {
    fn drop(&mut self) {
        // Closed first: the worker looks at this after it has told of the run.
        self.answer.close();
        self.interest.lost();
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        self.queue.close();
    }
}

struct Worker {
    model: Arc<str>,
    queue: Arc<JobQueue>,
    able: Arc<AtomicUsize>,
    factory: EngineFactory,
    engine: Option<Box<dyn Engine>>,
    running: Running,
}

impl Worker {
    fn work(mut self) {
        while let Some(jobs) = self.queue.next() {
            for job in &jobs {
                crate::metrics::queued(&self.model, job.since.elapsed());
            }
            let alone = if jobs.len() > 1 {
                self.run_together(jobs)
            } else {
                jobs
            };
            for job in alone {
                if job.is_gone() {
                    continue;
                }
                let run = begin(std::slice::from_ref(&job));
                let answer = self.timed(1, job.query, run);
                // The asker may have left meanwhile.
                let _ = job.reply.send(answer);
            }
        }
    }

    /// Runs several queries as one, and gives them back if that does not work: each is asked alone
    /// then, so that nobody's query fails for the sake of another's.
    fn run_together(&mut self, jobs: Vec<Job>) -> Vec<Job> {
        let queries: Vec<_> = jobs.iter().map(|job| &job.query).collect();
        let Ok(joined) = batch::join(&queries) else {
            return jobs;
        };
        let rows = batch::rows(&jobs);
        let run = begin(&jobs);
        let Ok(outputs) = self.timed(jobs.len(), joined, run) else {
            return jobs;
        };
        match batch::split(&outputs, &rows) {
            Ok(answers) => {
                crate::metrics::batch(&self.model, rows.iter().sum());
                for (job, answer) in jobs.into_iter().zip(answers) {
                    let _ = job.reply.send(Ok(answer));
                }
                Vec::new()
            }
            Err(why) => {
                tracing::warn!(
                    model = %self.model,
                    %why,
                    "the model's answers can't be taken apart: its queries are not joined any more"
                );
                self.queue.stop_joining();
                jobs
            }
        }
    }

    fn timed(&mut self, queries: usize, query: InferRequest, run: Arc<Run>) -> Answer {
        let started = Instant::now();
        let stop = run.stop().clone();
        self.now_running(Some(run));
        let answer = self.answer(query, &stop);
        self.now_running(None);
        let took = started.elapsed();
        if stop.asked().is_some() {
            tracing::debug!(model = %self.model, ?took, "a run was ended: nobody waited for it");
        } else {
            crate::metrics::inference(&self.model, queries, took, answer.is_ok());
        }
        answer
    }

    fn now_running(&self, run: Option<Arc<Run>>) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        *running = run;
    }

    fn answer(&mut self, query: InferRequest, stop: &Stop) -> Answer {
        let mut engine = match self.engine.take() {
            Some(engine) => engine,
            None => self.revive()?,
        };
        engine.stop_by(stop);
        // A panic leaves the engine in an unknown state: it is thrown away, the next query makes
        // another one.
        let run = move || {
            let answer = engine.run(query);
            (answer, engine)
        };
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok((answer, engine)) => {
                self.engine = Some(engine);
                answer
            }
            Err(_) => {
                self.able.fetch_sub(1, Ordering::Relaxed);
                tracing::error!(model = %self.model, "a worker panicked; its session is replaced");
                Err(self.failed("it panicked".into()))
            }
        }
    }

    fn revive(&self) -> Result<Box<dyn Engine>, BackendError> {
        let revived = (self.factory)().map_err(|why| {
            tracing::error!(model = %self.model, %why, "the model can't be loaded again");
            self.failed(why.to_string())
        })?;
        self.able.fetch_add(1, Ordering::Relaxed);
        Ok(revived)
    }

    fn failed(&self, why: String) -> BackendError {
        BackendError::Failed {
            model: self.model.to_string(),
            why,
        }
    }
}

/// A run of these queries, of which each may lose interest.
fn begin(jobs: &[Job]) -> Arc<Run> {
    let run = Run::new(jobs.len());
    for job in jobs {
        job.interest.begin(&run, || job.is_gone());
    }
    run
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{path::PathBuf, sync::mpsc};

    const ALONE: Batching = Batching {
        max_rows: 1,
        max_delay_us: 0,
    };

    /// Panics on a query with id `panic`; waits for the gate on one with id `wait`.
    struct Scripted(Option<mpsc::Receiver<()>>);

    impl Engine for Scripted {
        fn run(&mut self, query: InferRequest) -> Result<Vec<Tensor>, BackendError> {
            match (query.id.as_deref(), &self.0) {
                (Some("panic"), _) => panic!("asked to"),
                (Some("wait"), Some(gate)) => {
                    // An error means that the test is over.
                    let _ = gate.recv();
                    Ok(vec![])
                }
                _ => Ok(vec![]),
            }
        }
    }

    fn query(id: &str) -> InferRequest {
        InferRequest {
            id: Some(id.into()),
            ..InferRequest::default()
        }
    }

    fn now() -> Instant {
        Instant::now()
    }

    fn failing() -> EngineFactory {
        Arc::new(|| {
            Err(ModelError::Changed {
                path: PathBuf::from("m.onnx"),
            })
        })
    }

    #[tokio::test]
    async fn infer_answers_on_after_a_panic() {
        let factory: EngineFactory = Arc::new(|| Ok(Box::new(Scripted(None))));
        let pool =
            WorkerPool::start("m", vec![Box::new(Scripted(None))], factory, 4, ALONE).unwrap();
        let error = pool.infer(query("panic"), now()).await.unwrap_err();
        assert!(error.to_string().contains("panicked"), "{error}");
        assert_eq!(pool.infer(query("x"), now()).await, Ok(vec![]));
        assert!(pool.is_ready());
    }

    #[tokio::test]
    async fn infer_says_why_when_the_model_cannot_be_loaded_again() {
        let pool =
            WorkerPool::start("m", vec![Box::new(Scripted(None))], failing(), 4, ALONE).unwrap();
        pool.infer(query("panic"), now()).await.unwrap_err();
        assert!(!pool.is_ready());
        let error = pool.infer(query("x"), now()).await.unwrap_err();
        assert!(error.to_string().contains("m.onnx was changed"), "{error}");
    }

    #[tokio::test]
    async fn infer_is_refused_at_once_when_the_queue_is_full() {
        let (open, gate) = mpsc::channel();
        let pool = WorkerPool::start(
            "m",
            vec![Box::new(Scripted(Some(gate)))],
            failing(),
            1,
            ALONE,
        )
        .unwrap();
        // Of three, one may run and one may wait, whatever the worker's timing.
        let (first, second) = (
            pool.infer(query("wait"), now()),
            pool.infer(query("wait"), now()),
        );
        let third = pool.infer(query("wait"), now());
        let refused = futures::future::join_all([first, second, third].map(|answer| async {
            tokio::time::timeout(std::time::Duration::from_millis(1), answer).await
        }));
        let refused = refused.await;
        let full = Ok(Err(BackendError::QueueFull("m".into())));
        assert!(refused.contains(&full), "{refused:?}");
        drop(open);
    }
}
