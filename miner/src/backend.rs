//! What answers queries: the seam between the HTTP layer and whatever runs a model.
//!
//! The miner's own backend is [`crate::onnx::OnnxBackend`]. Another one may pass queries on to an
//! engine elsewhere; the HTTP layer, signatures and receipts stay the same.

use assay_primitives::Digest;
use assay_protocol::{
    handshake::ServedModel,
    oip::{InferRequest, ModelMetadata, Tensor, TensorMetadata},
};
use futures::future::BoxFuture;
use std::{collections::BTreeMap, sync::Arc, time::Instant};

/// How metadata call the reason why something does not run on a GPU.
pub(crate) const FALLBACK: &str = "execution_provider_fallback";

/// One version of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelInfo {
    /// Its name.
    pub name: String,
    /// Its version. Of several, the largest number is served when none is asked for.
    pub version: u32,
    /// SHA-256 of the model file.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What kind of model it is, in Triton's words.
    pub platform: String,
    /// What it really runs on, such as `CPUExecutionProvider`.
    pub provider: String,
    /// Why it does not run on what was to be tried before that.
    pub fallback: Option<String>,
    /// What it takes.
    pub inputs: Vec<TensorMetadata>,
    /// What it gives.
    pub outputs: Vec<TensorMetadata>,
}

impl ModelInfo {
    /// What the protocol's metadata says of it. `versions` are all that are served of this name.
    pub fn metadata(&self, versions: Vec<String>) -> ModelMetadata {
        let mut parameters = BTreeMap::from([
            ("execution_provider".to_owned(), self.provider.clone()),
            ("sha256".to_owned(), self.sha256.to_string()),
            ("size".to_owned(), self.size.to_string()),
        ]);
        if let Some(why) = &self.fallback {
            parameters.insert(FALLBACK.to_owned(), why.clone());
        }
        ModelMetadata {
            name: self.name.clone(),
            versions,
            platform: self.platform.clone(),
            inputs: self.inputs.clone(),
            outputs: self.outputs.clone(),
            parameters,
        }
    }

    /// What the handshake says of it.
    pub fn served(&self) -> ServedModel {
        ServedModel {
            name: self.name.clone(),
            version: self.version.to_string(),
            sha256: self.sha256,
            size: self.size,
        }
    }
}

/// Why a query got no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// The query does not fit the model.
    #[error("{0}")]
    Invalid(String),
    /// Whatever runs the model takes no query of this size.
    #[error("whatever runs model `{0}` takes no query as large as this one: ask for less at once")]
    TooLarge(String),
    /// The model's queue is full.
    #[error("the queue of model `{0}` is full: try again in a moment")]
    QueueFull(String),
    /// The model failed.
    #[error("model `{model}` failed: {why}")]
    Failed {
        /// The model.
        model: String,
        /// What it said.
        why: String,
    },
    /// Whatever runs the model can't be reached now.
    #[error("model `{0}` is not available now: try again in a moment")]
    Unavailable(String),
}

/// How many queries for one model there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// That the backend can make use of at once, those included that make up batches.
    pub at_once: usize,
    /// That may wait where whoever has more stake goes first; None: as many as for any model.
    pub waiting: Option<usize>,
}

impl Room {
    /// Room for so many at once.
    pub const fn of(at_once: usize) -> Self {
        Self {
            at_once,
            waiting: None,
        }
    }
}

/// Queries that a backend is handed at once for a model unless it says otherwise.
const AT_ONCE: usize = 16;

/// Something that answers queries.
pub trait Backend: Send + Sync + 'static {
    /// What it serves, ordered by name, then version.
    fn models(&self) -> Vec<Arc<ModelInfo>>;

    /// Whether `model` can be asked now.
    fn is_ready(&self, model: &ModelInfo) -> bool;

    /// How many queries for `model` there is room for.
    fn room(&self, _model: &ModelInfo) -> Room {
        Room::of(AT_ONCE)
    }

    /// Answers a query whose inputs fit the model (see [`crate::check::check_query`]). The answer
    /// holds the outputs that the query names, or all.
    ///
    /// Must not block: long work belongs on threads of the backend's own.
    fn infer(
        &self,
        model: Arc<ModelInfo>,
        query: InferRequest,
    ) -> BoxFuture<'static, Result<Vec<Tensor>, BackendError>>;

    /// The same for a query that waits since then, and counts how long until it is run. A backend in
    /// which queries wait as well says when that ends.
    fn infer_since(
        &self,
        model: Arc<ModelInfo>,
        query: InferRequest,
        since: Instant,
    ) -> BoxFuture<'static, Result<Vec<Tensor>, BackendError>> {
        crate::metrics::queued(&model.name, since.elapsed());
        self.infer(model, query)
    }
}
