//! From a file to a model that can be served.

use super::{
    catalog::Served,
    engine::{Device, ModelError, OnnxEngine, Provider},
    folder::ModelFile,
    pages::use_huge_pages,
    settings::{Batching, ModelSettings},
    stop::Deadline,
    warm_up::{warm_up, warm_up_with, why_not_joined},
    workers::{Engine, EngineFactory, WorkerPool},
    LoadError, RunOptions,
};
use crate::backend::{ModelInfo, Room};
use ort::environment::Environment;
use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

/// Most sessions of a model that are opened where no setting asks for more,
const MOST_SESSIONS: usize = 4;

/// and how large a file read so often may be in all: each session holds the weights anew.
const MOST_BYTES: u64 = 2 << 30;

/// Longest that a model's first queries may take, in all its sessions together. On some models they
/// would never end; where TensorRT builds engines for them, they take minutes.
const LONGEST_FIRST: Duration = Duration::from_secs(10 * 60);

/// The sessions of a model, one per worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sessions {
    pub workers: usize,
    /// That one query may use.
    pub threads: usize,
}

impl Sessions {
    /// As the options want it; what they leave open so that all cores are used.
    fn of(options: &RunOptions, bytes: u64, cores: usize) -> Self {
        let fitting = usize::try_from(MOST_BYTES / bytes.max(1)).unwrap_or(usize::MAX);
        let wanted = options.threads.map_or(1, NonZeroUsize::get);
        let workers = (cores / wanted).min(MOST_SESSIONS).min(fitting).max(1);
        let workers = options.workers.map_or(workers, NonZeroUsize::get);
        let threads = (cores / workers).max(1);
        let threads = options.threads.map_or(threads, NonZeroUsize::get);
        Self { workers, threads }
    }
}

/// Loads models, each in as many sessions as it is to have, warmed up.
pub(super) struct Loader {
    environment: Environment,
    options: RunOptions,
    /// For a model's first queries.
    limit: Duration,
    /// Why models are not on the GPU, as it was told last.
    told: Mutex<Option<String>>,
}

impl Loader {
    pub(super) fn new(environment: Environment, options: RunOptions) -> Self {
        Self {
            environment,
            options,
            limit: LONGEST_FIRST,
            told: Mutex::default(),
        }
    }

    /// `on_gpu` says where the model is served from now, if it is from a GPU.
    pub(super) fn load(
        &self,
        file: &ModelFile,
        settings: &ModelSettings,
        on_gpu: Option<Provider>,
    ) -> Result<Served, LoadError> {
        let options = self.of(settings);
        let wanted = options.device.staying(on_gpu);
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let mut sessions = Sessions::of(&options, file.stamp.bytes(), cores);
        let threads = sessions.threads;
        let loaded = OnnxEngine::load(&self.environment, file, wanted, threads);
        let loaded = loaded.map_err(|why| match why {
            ModelError::Unusable { path, why } if on_gpu.is_some() => {
                ModelError::NotOnGpu { path, why }
            }
            // Whether it is the model or the GPU, ONNX Runtime's own words tell.
            ModelError::Unusable { path, why } if wanted.is_gpu_only() => {
                ModelError::NoGpu { path, why }
            }
            other => other,
        })?;
        self.tell(loaded.info.fallback.as_deref());
        let info = Arc::new(loaded.info);
        let provider = loaded.engine.provider();
        // A GPU has memory of its own, and uses itself whole for one query.
        if provider != Provider::Cpu && options.workers.is_none() {
            sessions.workers = 1;
        }
        let device = Device::exactly(provider, wanted);
        let factory = self.again(file, device, threads, &info);
        let mut engines: Vec<Box<dyn Engine>> = vec![Box::new(loaded.engine)];
        for _ in 1..sessions.workers {
            engines.push(factory()?);
        }
        let deadline = Deadline::after(self.limit)?;
        let tried = first_queries(
            &mut engines,
            &info,
            provider,
            settings,
            options.batching,
            &deadline,
        );
        let unusable = |why| ModelError::Unusable {
            path: file.path.clone(),
            why,
        };
        if deadline.is_over() {
            let seconds = self.limit.as_secs();
            let why = format!("its first queries did not end within {seconds} seconds");
            return Err(unusable(why).into());
        }
        let batching = tried.map_err(unusable)?;
        // For every worker what it runs and what is to follow at once, a row each.
        let at_once = 2 * engines.len() * batching.max_rows;
        let waiting = options.queue.max(engines.len());
        let room = Room {
            at_once: at_once.min(engines.len() + waiting),
            waiting: settings.queue.map(NonZeroUsize::get),
        };
        let pool = WorkerPool::start(&info.name, engines, factory, waiting, batching)?;
        Ok(Served {
            info,
            provider,
            pool,
            sessions,
            room,
            settings: settings.clone(),
        })
    }

    /// The options with what the model's own settings say.
    fn of(&self, settings: &ModelSettings) -> RunOptions {
        RunOptions {
            workers: settings.workers.or(self.options.workers),
            threads: settings.threads.or(self.options.threads),
            queue: settings.queue.map_or(self.options.queue, NonZeroUsize::get),
            batching: settings.batching.over(self.options.batching),
            ..self.options
        }
    }

    /// Loads the same model again, and nothing but the same.
    fn again(
        &self,
        file: &ModelFile,
        device: Device,
        threads: usize,
        info: &ModelInfo,
    ) -> EngineFactory {
        let (environment, file, digest) = (self.environment.clone(), file.clone(), info.sha256);
        Arc::new(move || {
            let again = OnnxEngine::load(&environment, &file, device, threads)?;
            if again.info.sha256 != digest {
                return Err(ModelError::Changed {
                    path: file.path.clone(),
                });
            }
            Ok(Box::new(again.engine))
        })
    }

    /// One reason for a folder full of models is told once.
    fn tell(&self, fallback: Option<&str>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = fallback.filter(|reason| told.as_deref() != Some(*reason)) {
            tracing::info!(reason, "CUDA can't be used: models run on the CPU");
            *told = Some(reason.to_owned());
        }
    }
}

/// What nobody should wait for, and the trial of batching, whose outcome this returns.
fn first_queries(
    engines: &mut [Box<dyn Engine>],
    info: &ModelInfo,
    provider: Provider,
    settings: &ModelSettings,
    wanted: Batching,
    deadline: &Deadline,
) -> Result<Batching, String> {
    for engine in &mut *engines {
        warm_up(&mut deadline.bound(&mut **engine), info, &settings.warm_up)?;
    }
    use_huge_pages();
    let Some(first) = engines.first_mut() else {
        return Ok(wanted);
    };
    let batching = joined(&mut deadline.bound(&mut **first), info, settings, wanted);
    for rows in rows_to_try(provider, batching) {
        for engine in &mut *engines {
            warm_up_with(
                &mut deadline.bound(&mut **engine),
                info,
                &settings.warm_up,
                rows,
            );
        }
    }
    Ok(batching)
}

/// Numbers of rows that a session should have met. What runs models on GPUs prepares itself for a
/// shape, or for all between the shapes that it has met, when they come for the first time.
fn rows_to_try(provider: Provider, batching: Batching) -> Vec<usize> {
    match provider {
        Provider::Cpu => vec![],
        Provider::Cuda | Provider::TensorRt if batching.joins() => vec![1, batching.max_rows],
        Provider::Cuda | Provider::TensorRt => vec![1],
    }
}

/// How queries are joined: as it is set, unless the model does not bear it.
fn joined(
    engine: &mut dyn Engine,
    info: &ModelInfo,
    settings: &ModelSettings,
    wanted: Batching,
) -> Batching {
    if !wanted.joins() {
        return wanted;
    }
    match why_not_joined(engine, info, &settings.warm_up) {
        None => wanted,
        Some(why) => {
            tracing::warn!(model = %info.name, version = info.version, %why, "queries are not joined");
            Batching::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{load_library, scan};
    use std::{fs, path::Path, time::Instant};

    #[test]
    fn load_is_refused_when_the_first_queries_do_not_end() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let folder = tempfile::tempdir().unwrap();
        let version = folder.path().join("m/1");
        fs::create_dir_all(&version).unwrap();
        fs::copy(fixtures.join("forever.onnx"), version.join("model.onnx")).unwrap();
        let options = RunOptions {
            device: Device::Cpu,
            workers: NonZeroUsize::new(2),
            queue: 64,
            threads: NonZeroUsize::new(1),
            batching: Batching::default(),
        };
        let loader = Loader {
            limit: Duration::from_secs(1),
            ..Loader::new(load_library(None).unwrap(), options)
        };
        let model = &scan(folder.path()).unwrap()["m"];
        let start = Instant::now();
        let refused = loader.load(&model.files[0], &model.settings, None);
        let why = refused.err().unwrap().to_string();
        assert!(why.contains("did not end within 1 seconds"), "{why}");
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn sessions_meet_one_row_and_the_most_when_they_run_on_a_gpu() {
        let (alone, joined) = (
            Batching::default(),
            Batching {
                max_rows: 8,
                max_delay_us: 0,
            },
        );
        for gpu in [Provider::Cuda, Provider::TensorRt] {
            assert_eq!(rows_to_try(gpu, alone), [1]);
            assert_eq!(rows_to_try(gpu, joined), [1, 8]);
        }
        assert!(rows_to_try(Provider::Cpu, joined).is_empty());
    }

    #[test]
    fn sessions_use_all_cores_unless_told_or_too_large() {
        let sessions = |workers, threads, bytes, cores| {
            let options = RunOptions {
                device: Device::Cpu,
                workers: NonZeroUsize::new(workers),
                queue: 64,
                threads: NonZeroUsize::new(threads),
                batching: Batching::default(),
            };
            let Sessions { workers, threads } = Sessions::of(&options, bytes, cores);
            (workers, threads)
        };
        let (small, large) = (40 << 20, 1500 << 20);
        // Nothing said.
        assert_eq!(sessions(0, 0, small, 1), (1, 1));
        assert_eq!(sessions(0, 0, small, 2), (2, 1));
        assert_eq!(sessions(0, 0, small, 6), (4, 1));
        assert_eq!(sessions(0, 0, small, 16), (4, 4));
        assert_eq!(sessions(0, 0, large, 16), (1, 16));
        assert_eq!(sessions(0, 0, 0, 2), (2, 1));
        // One of them said: the other follows.
        assert_eq!(sessions(8, 0, large, 16), (8, 2));
        assert_eq!(sessions(0, 8, small, 16), (2, 8));
        assert_eq!(sessions(0, 8, small, 4), (1, 8));
        assert_eq!(sessions(32, 0, small, 16), (32, 1));
        // Both.
        assert_eq!(sessions(3, 5, large, 2), (3, 5));
    }
}
