//! From a file to a model that can be served.

use super::{
    catalog::Served,
    engine::{Device, ModelError, OnnxEngine},
    folder::ModelFile,
    settings::{Batching, ModelSettings},
    warm_up::{warm_up, why_not_joined},
    workers::{Engine, EngineFactory, WorkerPool},
    LoadError, RunOptions,
};
use crate::backend::ModelInfo;
use ort::environment::Environment;
use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

/// Loads models, each in as many sessions as it is to have, warmed up.
pub(super) struct Loader {
    environment: Environment,
    options: RunOptions,
    /// Why models are not on the GPU, as it was told last.
    told: Mutex<Option<String>>,
}

impl Loader {
    pub(super) fn new(environment: Environment, options: RunOptions) -> Self {
        Self {
            environment,
            options,
            told: Mutex::default(),
        }
    }

    pub(super) fn load(
        &self,
        file: &ModelFile,
        settings: &ModelSettings,
    ) -> Result<Served, LoadError> {
        let options = self.of(settings);
        let loaded = OnnxEngine::load(&self.environment, file, options.device, options.threads)?;
        self.tell(loaded.info.fallback.as_deref());
        let info = Arc::new(loaded.info);
        let device = Device::exactly(loaded.engine.provider(), options.device);
        let factory = self.again(file, device, options.threads, &info);
        let mut engines: Vec<Box<dyn Engine>> = vec![Box::new(loaded.engine)];
        for _ in 1..options.workers {
            engines.push(factory()?);
        }
        for engine in &mut engines {
            warm_up(&mut **engine, &info, &settings.warm_up).map_err(|why| {
                ModelError::Unusable {
                    path: file.path.clone(),
                    why,
                }
            })?;
        }
        let batching = joined(&mut *engines[0], &info, settings, options.batching);
        // For every worker what it runs and what is to follow at once, a row each.
        let room = 2 * engines.len() * batching.max_rows;
        let waiting = options.queue.max(engines.len());
        let room = room.min(engines.len() + waiting);
        let pool = WorkerPool::start(&info.name, engines, factory, waiting, batching)?;
        Ok(Served {
            info,
            pool,
            room,
            settings: settings.clone(),
        })
    }

    /// The options with what the model's own settings say.
    fn of(&self, settings: &ModelSettings) -> RunOptions {
        let or = |own: Option<NonZeroUsize>, all| own.map_or(all, NonZeroUsize::get);
        RunOptions {
            workers: or(settings.workers, self.options.workers),
            threads: or(settings.threads, self.options.threads),
            queue: or(settings.queue, self.options.queue),
            batching: settings.batching.unwrap_or(self.options.batching),
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
