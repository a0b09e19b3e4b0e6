//! Models in ONNX, run by ONNX Runtime in this process.
//!
//! ```text
//! folder NAME/VERSION/model.onnx -> Session per worker thread -> bounded queue per model
//! ```
//!
//! Sessions run one query at a time and need to be held exclusively, so each worker thread has one
//! of its own. Queries wait in a bounded queue, where those of one shape can be joined; the async
//! threads only hand over and wait. Which models are served follows the folder while the miner
//! runs: `catalog.rs` says how, [`crate::reload`] when.

mod batch;
mod catalog;
mod engine;
mod folder;
mod load;
mod pages;
mod queue;
mod settings;
mod stop;
mod warm_up;
mod workers;

pub use assay_onnx::{load_library, refuse_telemetry, LibraryError};
pub use catalog::{Listed, READY};
pub use engine::{Device, ModelError, Provider};
pub use folder::{look, scan, FolderError, Found, ModelFile, ModelFolder, Stamp};
pub use settings::{Batching, ModelSettings, OwnBatching, SettingsError, WarmUp, SETTINGS_FILE};
pub use stop::Stop;
pub use workers::{Engine, EngineFactory, WorkerPool};

use crate::{
    backend::{Backend, BackendError, ModelInfo, Room},
    check::check_query,
};
use assay_protocol::oip::{InferRequest, Tensor};
use catalog::{Catalog, Key, Served, Settled, Source};
use futures::future::BoxFuture;
use load::Loader;
use ort::environment::Environment;
use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Instant,
};

/// How models are run, where their own settings don't say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// On what.
    pub device: Device,
    /// Sessions per model, each on a thread of its own; if unset, as the machine has cores.
    pub workers: Option<NonZeroUsize>,
    /// Queries that may wait per model.
    pub queue: usize,
    /// Threads that one query may use within ONNX Runtime; if unset, the cores are shared out.
    pub threads: Option<NonZeroUsize>,
    /// How queries are joined.
    pub batching: Batching,
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

/// Serves the models of a folder.
pub struct OnnxBackend {
    folder: PathBuf,
    loader: Loader,
    // Held for as long as a look takes, never while a model is loaded or run.
    catalog: RwLock<Catalog>,
}

/// What a look at the folder found new or changed, loaded.
pub struct Fresh {
    /// The one model that was looked at, if not all were.
    only: Option<String>,
    files: Vec<FreshFile>,
    lying: BTreeSet<Key>,
    broken: BTreeMap<String, String>,
}

struct FreshFile {
    key: Key,
    source: Source,
    loaded: Result<Served, String>,
}

impl OnnxBackend {
    /// Loads every model of `folder`. It takes as long as loading takes: not for async threads.
    pub fn load(
        folder: &Path,
        environment: &Environment,
        options: RunOptions,
    ) -> Result<Self, LoadError> {
        let backend = Self {
            folder: folder.to_owned(),
            loader: Loader::new(environment.clone(), options),
            catalog: RwLock::default(),
        };
        for model in scan(folder)?.into_values() {
            for file in &model.files {
                let served = backend.loader.load(file, &model.settings, None)?;
                let source = Source::new(file, &model.settings);
                let key = (file.name.clone(), file.version);
                backend.change(|catalog| catalog.loaded(key, source, served));
            }
        }
        backend.settle(|_| true);
        Ok(backend)
    }

    /// The folder as it lies there now.
    pub fn look(&self) -> Result<Found, FolderError> {
        look(&self.folder)
    }

    /// Loads what is new or changed in the folder, of one model if it is named. Nothing of it is
    /// served, nor waits to be, before [`Self::take`]. Not for async threads.
    pub fn fetch(&self, only: Option<&str>) -> Result<Fresh, FolderError> {
        let concerns = concerning(only);
        let mut fresh = Fresh {
            only: only.map(Into::into),
            files: Vec::new(),
            lying: BTreeSet::new(),
            broken: BTreeMap::new(),
        };
        for (name, model) in self.look()? {
            if !concerns(&name) || self.read(|catalog| catalog.is_unloaded(&name)) {
                continue;
            }
            match model {
                Ok(model) => {
                    for file in &model.files {
                        fresh.lying.insert((file.name.clone(), file.version));
                        fresh.files.extend(self.fetch_file(file, &model.settings));
                    }
                }
                Err(why) => {
                    tracing::error!(model = %name, %why, "the model's folder is passed over");
                    fresh.broken.insert(name, why.to_string());
                }
            }
        }
        Ok(fresh)
    }

    /// The same, and tries again what could not be loaded although its file is what it was: what
    /// was in its way may be elsewhere.
    pub fn fetch_anew(&self, only: Option<&str>) -> Result<Fresh, FolderError> {
        self.change(|catalog| catalog.forget_troubles(concerning(only)));
        self.fetch(only)
    }

    /// The same of one model, which may have been unloaded.
    pub fn fetch_model(&self, name: &str) -> Result<Fresh, FolderError> {
        self.change(|catalog| catalog.set_unloaded(name, false));
        self.fetch_anew(Some(name))
    }

    fn fetch_file(&self, file: &ModelFile, settings: &ModelSettings) -> Option<FreshFile> {
        let key = (file.name.clone(), file.version);
        let source = Source::new(file, settings);
        if !self.read(|catalog| catalog.is_news(&key, &source)) {
            return None;
        }
        let on_gpu = self.read(|catalog| catalog.on_gpu(&file.name));
        let loaded = self.loader.load(file, settings, on_gpu);
        let loaded = loaded.map_err(|why| {
            tracing::error!(model = %file.name, version = file.version, %why, "not served");
            why.to_string()
        });
        Some(FreshFile {
            key,
            source,
            loaded,
        })
    }

    /// Has what was loaded wait for [`Self::settle`], and what lies in the folder no more. What is
    /// wrong with a model is told in [`Self::list`].
    pub fn take(&self, fresh: Fresh) {
        let Fresh {
            only,
            files,
            lying,
            broken,
        } = fresh;
        let concerns = concerning(only.as_deref());
        self.change(|catalog| {
            for FreshFile {
                key,
                source,
                loaded,
            } in files
            {
                match loaded {
                    Ok(served) => catalog.loaded(key, source, served),
                    Err(why) => catalog.refused(key, source, why),
                }
            }
            catalog.set_broken(broken, concerns);
            catalog.keep(&lying, concerns);
        });
        self.tell_waiting();
    }

    /// Whether a model is served, or will be, as it lies in the folder; else what is wrong with it.
    pub fn stands(&self, name: &str) -> Result<(), String> {
        match self.read(|catalog| catalog.trouble(name)) {
            Some(trouble) => Err(trouble),
            None if self.newest(name).is_none() => {
                Err(format!("there is no model `{name}` in the model folder"))
            }
            None => Ok(()),
        }
    }

    /// Marks a model to leave and to stay away until [`Self::fetch_model`].
    pub fn unload_model(&self, name: &str) -> Result<(), String> {
        if self.models().iter().all(|model| model.name != name) {
            return Err(format!("there is no model `{name}` here"));
        }
        self.change(|catalog| {
            catalog.set_unloaded(name, true);
            catalog.keep(&BTreeSet::new(), |other| other == name);
        });
        Ok(())
    }

    /// Serves what is ready to be, of the models that `which` names, and no more what is gone.
    pub fn settle(&self, which: impl Fn(&str) -> bool) {
        let Settled { came, left } = self.change(|catalog| catalog.settle(which));
        for served in &left {
            let info = &served.info;
            tracing::info!(model = %info.name, version = info.version, "model not served any more");
            crate::metrics::model_served(info, false);
        }
        for served in &came {
            let info = &served.info;
            tracing::info!(
                model = %info.name,
                version = info.version,
                sha256 = %info.sha256,
                bytes = info.size,
                provider = %info.provider,
                workers = served.sessions.workers,
                threads = served.sessions.threads,
                "model served"
            );
            crate::metrics::model_served(info, true);
        }
        self.tell_waiting();
    }

    /// Whether anything waits for [`Self::settle`].
    pub fn is_settled(&self) -> bool {
        self.read(Catalog::waiting) == 0
    }

    /// The newest version of a model as it will be once all is settled.
    pub fn newest(&self, name: &str) -> Option<Arc<ModelInfo>> {
        self.read(|catalog| catalog.newest(name))
    }

    /// How every model stands.
    pub fn list(&self) -> Vec<Listed> {
        self.read(Catalog::list)
    }

    fn tell_waiting(&self) {
        crate::metrics::models_waiting(self.read(Catalog::waiting));
    }

    // No change of the catalog can panic halfway.
    fn read<T>(&self, look: impl FnOnce(&Catalog) -> T) -> T {
        look(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Catalog) -> T) -> T {
        change(&mut self.catalog.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether a look at the folder concerns a model: at all of it, or at one model.
fn concerning(only: Option<&str>) -> impl Fn(&str) -> bool + Copy + '_ {
    move |name| only.is_none_or(|only| only == name)
}

impl Backend for OnnxBackend {
    fn models(&self) -> Vec<Arc<ModelInfo>> {
        self.read(Catalog::models)
    }

    fn is_ready(&self, model: &ModelInfo) -> bool {
        let live = self.read(|catalog| catalog.live(&model.name, model.version));
        live.is_some_and(|served| served.pool.is_ready())
    }

    fn room(&self, model: &ModelInfo) -> Room {
        let live = self.read(|catalog| catalog.live(&model.name, model.version));
        live.map_or(Room::of(1), |served| served.room)
    }

    fn infer(
        &self,
        model: Arc<ModelInfo>,
        query: InferRequest,
    ) -> BoxFuture<'static, Result<Vec<Tensor>, BackendError>> {
        self.infer_since(model, query, Instant::now())
    }

    fn infer_since(
        &self,
        model: Arc<ModelInfo>,
        query: InferRequest,
        since: Instant,
    ) -> BoxFuture<'static, Result<Vec<Tensor>, BackendError>> {
        match self.read(|catalog| catalog.live(&model.name, model.version)) {
            Some(served) => {
                // After a reload meanwhile, what fitted the model that was found may not fit this.
                if !Arc::ptr_eq(&served.info, &model) {
                    if let Err(why) = check_query(&served.info, &query) {
                        return Box::pin(std::future::ready(Err(why)));
                    }
                }
                served.pool.infer(query, since)
            }
            None => {
                let gone = BackendError::Unavailable(model.name.clone());
                Box::pin(std::future::ready(Err(gone)))
            }
        }
    }
}
