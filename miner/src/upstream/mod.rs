//! An engine elsewhere as the backend: any server of the Open Inference Protocol v2, such as Triton
//! or KServe.
//!
//! ```text
//! gate, line -> Upstream -> HTTP -> the engine's own queue, batches and GPUs
//! ```
//!
//! Signatures, admission, order and receipts stay with the miner; what is passed on is the bare
//! query. The digest that is announced on chain is that of the artifact that the settings name: that
//! the engine runs this very file is for the operator to see to.

mod answer;
mod client;

use crate::{
    backend::{Backend, BackendError, ModelInfo, Room},
    config::{UpstreamModel, UpstreamSettings},
};
use assay_protocol::oip::{InferRequest, Tensor};
use client::{Client, Trouble};
use futures::future::BoxFuture;
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc,
    },
    time::Duration,
};
use tokio::task::JoinHandle;

/// Why the engine behind can't be used.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// It does not answer.
    #[error("upstream {url}: {why}; is it running?")]
    Away {
        /// Its address.
        url: String,
        /// What went wrong.
        why: String,
    },
    /// It answers otherwise than its protocol has it.
    #[error("upstream {url}: {why}")]
    Refused {
        /// Its address.
        url: String,
        /// What it said.
        why: String,
    },
    /// It does not say what a model takes.
    #[error(
        "upstream model `{0}`: neither the server's metadata nor the settings name both its inputs and \
         its outputs: state what is missing there, or as `inputs` and `outputs` of the model in \
         `upstream.models`"
    )]
    Undescribed(String),
    /// The artifact can't be read.
    #[error("upstream model `{model}`: can't read its artifact {}: {why}", path.display())]
    Artifact {
        /// The model.
        model: String,
        /// The file.
        path: PathBuf,
        /// The system's error.
        why: io::Error,
    },
}

/// Serves the models of another server.
pub struct Upstream {
    client: Client,
    in_flight: usize,
    models: BTreeMap<(String, u32), Served>,
    looking: JoinHandle<()>,
}

struct Served {
    info: Arc<ModelInfo>,
    path: Arc<str>,
    ready: Arc<AtomicBool>,
}

impl Upstream {
    /// Asks the server what it serves, and looks from then on whether it is ready.
    pub async fn connect(settings: &UpstreamSettings) -> Result<Self, UpstreamError> {
        let client = Client::connect(settings).await?;
        let mut models = BTreeMap::new();
        for model in &settings.models {
            let path: Arc<str> = path(model).into();
            let info = Arc::new(describe(&client, model, &path).await?);
            let ready = client.is_ready(&path).await;
            tracing::info!(
                model = %info.name,
                version = info.version,
                sha256 = %info.sha256,
                platform = %info.platform,
                upstream = %settings.url,
                ready,
                "model served by the engine behind"
            );
            crate::metrics::model_served(&info, true);
            let served = Served {
                info,
                path,
                ready: Arc::new(AtomicBool::new(ready)),
            };
            models.insert((model.name.clone(), model.version), served);
        }
        let watched = models
            .values()
            .map(|served| (Arc::clone(&served.path), Arc::clone(&served.ready)));
        let pause = Duration::from_secs(settings.probe_seconds);
        let looking = tokio::spawn(look(client.clone(), watched.collect(), pause));
        Ok(Self {
            client,
            in_flight: settings.in_flight,
            models,
            looking,
        })
    }

    fn served(&self, model: &ModelInfo) -> Option<&Served> {
        self.models.get(&(model.name.clone(), model.version))
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

/// Where a model is at the other end.
fn path(model: &UpstreamModel) -> String {
    let name = model.name_there();
    match &model.upstream_version {
        None => format!("/v2/models/{name}"),
        Some(version) => format!("/v2/models/{name}/versions/{version}"),
    }
}

async fn describe(
    client: &Client,
    model: &UpstreamModel,
    path: &str,
) -> Result<ModelInfo, UpstreamError> {
    let mut told = client.model(path).await?;
    // Many servers leave their metadata empty, or half of them; then the settings say it.
    if told.inputs.is_empty() {
        told.inputs.clone_from(&model.inputs);
    }
    if told.outputs.is_empty() {
        told.outputs.clone_from(&model.outputs);
    }
    if told.inputs.is_empty() || told.outputs.is_empty() {
        return Err(UpstreamError::Undescribed(model.name.clone()));
    }
    let artifact = model.artifact.clone();
    let read = tokio::task::spawn_blocking(move || digest(&artifact)).await;
    let read = read.map_err(io::Error::other).and_then(|read| read);
    let (sha256, size) = read.map_err(|why| UpstreamError::Artifact {
        model: model.name.clone(),
        path: model.artifact.clone(),
        why,
    })?;
    Ok(ModelInfo {
        name: model.name.clone(),
        version: model.version,
        sha256,
        size,
        platform: told.platform,
        provider: format!("upstream {}", client.server()),
        fallback: None,
        inputs: told.inputs,
        outputs: told.outputs,
    })
}

/// SHA-256 and size of a file.
fn digest(path: &Path) -> io::Result<(assay_primitives::Digest, u64)> {
    let bytes = fs::read(path)?;
    Ok((assay_protocol::sha256(&bytes).into(), bytes.len() as u64))
}

/// Keeps an eye on whether the models are ready.
async fn look(client: Client, models: Vec<(Arc<str>, Arc<AtomicBool>)>, pause: Duration) {
    loop {
        tokio::time::sleep(pause).await;
        for (path, ready) in &models {
            let now = client.is_ready(path).await;
            if ready.swap(now, Ordering::Relaxed) != now {
                if now {
                    tracing::info!(model = %path, "the engine behind is ready again");
                } else {
                    tracing::warn!(model = %path, "the engine behind is not ready");
                }
            }
        }
    }
}

impl Backend for Upstream {
    fn models(&self) -> Vec<Arc<ModelInfo>> {
        self.models
            .values()
            .map(|served| Arc::clone(&served.info))
            .collect()
    }

    fn is_ready(&self, model: &ModelInfo) -> bool {
        self.served(model)
            .is_some_and(|served| served.ready.load(Ordering::Relaxed))
    }

    fn room(&self, _: &ModelInfo) -> Room {
        Room::of(self.in_flight)
    }

    fn infer(
        &self,
        model: Arc<ModelInfo>,
        query: InferRequest,
    ) -> BoxFuture<'static, Result<Vec<Tensor>, BackendError>> {
        let Some(served) = self.served(&model) else {
            let gone = BackendError::Unavailable(model.name.clone());
            return Box::pin(std::future::ready(Err(gone)));
        };
        let (client, path) = (self.client.clone(), Arc::clone(&served.path));
        Box::pin(async move {
            let started = std::time::Instant::now();
            let wanted = answer::wanted(&model, &query);
            let answer = client.infer(&path, query).await;
            let answer =
                answer.and_then(|it| answer::checked(&wanted, it).map_err(Trouble::Failed));
            crate::metrics::inference(&model.name, 1, started.elapsed(), answer.is_ok());
            let name = model.name.clone();
            let outputs = answer.map_err(|trouble| match trouble {
                Trouble::Away(why) => {
                    tracing::debug!(model = %name, why, "the engine behind can't be reached");
                    BackendError::Unavailable(name.clone())
                }
                Trouble::Busy => BackendError::QueueFull(name.clone()),
                Trouble::Invalid(why) => BackendError::Invalid(why),
                Trouble::TooLarge => BackendError::TooLarge(name.clone()),
                Trouble::Failed(why) => BackendError::Failed {
                    model: name.clone(),
                    why,
                },
            })?;
            Ok(outputs)
        })
    }
}
