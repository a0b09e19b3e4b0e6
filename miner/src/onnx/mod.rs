//! Models in ONNX, run by ONNX Runtime in this process.
//!
//! ```text
//! folder NAME/VERSION/model.onnx -> Session per worker thread -> bounded queue per model
//! ```
//!
//! Sessions run one query at a time and need to be held exclusively, so each worker thread has one
//! of its own. Queries wait in a bounded queue; the async threads only hand over and wait.

mod convert;
mod engine;
mod folder;
mod library;
mod workers;

pub use engine::{Device, ModelError, Provider};
pub use folder::{scan, FolderError, ModelFile};
pub use library::{load_library, LibraryError};
pub use workers::{Engine, EngineFactory, WorkerPool};

use crate::backend::{Backend, BackendError, ModelInfo};
use assay_protocol::oip::{InferRequest, Tensor};
use engine::OnnxEngine;
use futures::future::BoxFuture;
use ort::environment::Environment;
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// How models are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// On what.
    pub device: Device,
    /// Sessions, and so threads, per model.
    pub workers: usize,
    /// Queries that may wait per model.
    pub queue: usize,
    /// Threads that one query may use within ONNX Runtime.
    pub threads: usize,
}

/// Serves every model of a folder.
pub struct OnnxBackend {
    models: BTreeMap<(String, u32), (Arc<ModelInfo>, WorkerPool)>,
}

/// Why models can't be served.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The folder is not one of models.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// ONNX Runtime can't be had.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// A model can't be loaded.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// No thread to run models on.
    #[error("can't start worker threads: {0}")]
    Threads(#[from] std::io::Error),
}

impl OnnxBackend {
    /// Loads every model of `folder`. It takes as long as loading takes: not for async threads.
    pub fn load(
        folder: &Path,
        environment: &Environment,
        options: RunOptions,
    ) -> Result<Self, LoadError> {
        let mut models = BTreeMap::new();
        let mut told = None;
        for file in scan(folder)? {
            let (name, version) = (file.name.clone(), file.version);
            let loaded = OnnxEngine::load(environment, &file, options.device, options.threads)?;
            if loaded.fallback.is_some() && loaded.fallback != told {
                // One reason for a folder full of models is told once.
                told = loaded.fallback;
                let reason = told.as_deref().unwrap_or_default();
                tracing::info!(reason, "CUDA can't be used: models run on the CPU");
            }
            let info = Arc::new(loaded.info);
            tracing::info!(
                model = %name,
                version,
                sha256 = %info.sha256,
                bytes = info.size,
                provider = %info.provider,
                workers = options.workers,
                "model loaded"
            );
            crate::metrics::model_loaded(&info);
            let provider = loaded.engine.provider();
            let (environment, digest) = (environment.clone(), info.sha256);
            let factory: EngineFactory = Arc::new(move || {
                let device = Device::exactly(provider, options.device);
                let again = OnnxEngine::load(&environment, &file, device, options.threads)?;
                if again.info.sha256 != digest {
                    return Err(ModelError::Changed {
                        path: file.path.clone(),
                    });
                }
                Ok(Box::new(again.engine))
            });
            let mut engines: Vec<Box<dyn Engine>> = vec![Box::new(loaded.engine)];
            for _ in 1..options.workers {
                engines.push(factory()?);
            }
            let pool = WorkerPool::start(&name, engines, factory, options.queue)?;
            models.insert((name, version), (info, pool));
        }
        Ok(Self { models })
    }
}

impl Backend for OnnxBackend {
    fn models(&self) -> Vec<Arc<ModelInfo>> {
        self.models
            .values()
            .map(|(info, _)| Arc::clone(info))
            .collect()
    }

    fn is_ready(&self, model: &ModelInfo) -> bool {
        let key = (model.name.clone(), model.version);
        self.models
            .get(&key)
            .is_some_and(|(_, pool)| pool.is_ready())
    }

    fn infer(
        &self,
        model: Arc<ModelInfo>,
        query: InferRequest,
    ) -> BoxFuture<'static, Result<Vec<Tensor>, BackendError>> {
        match self.models.get(&(model.name.clone(), model.version)) {
            Some((_, pool)) => pool.infer(query),
            None => {
                let gone = BackendError::Unavailable(model.name.clone());
                Box::pin(std::future::ready(Err(gone)))
            }
        }
    }
}
