//! The miner: serves ONNX models over the Open Inference Protocol v2 to validators, who sign what
//! they ask and get signed answers.
//!
//! ```text
//! connection -> gate (signature, admission, replay) -> check -> queue -> session on a worker thread
//!     ^                                                                        |
//!     +----------- receipt signed over question and answer <-------------------+
//! ```
//!
//! The HTTP layer ([`http`], [`server`]) knows of models only what [`backend::Backend`] says, so that
//! another engine can stand behind it. Next to it, [`registration`] keeps the chain's knowledge of
//! this miner true.
//!
//! It must never run inference on the async threads, never queue without a bound, and never stop
//! serving because the chain is away.

#![warn(missing_docs)]

pub mod admission;
pub mod backend;
pub mod chain;
pub mod check;
pub mod config;
mod error;
pub mod grpc;
pub mod http;
pub mod metrics;
pub mod onnx;
pub mod registration;
pub mod server;

pub use config::{Config, Flags};
pub use error::Error;

use admission::{Admission, AllowList, PermitHolders, Public, Signed};
use assay_primitives::ModelAnnouncement;
use assay_protocol::{Hotkey, Keypair, SystemClock};
use assay_telemetry::{MetricsServer, Shutdown};
use backend::{Backend, ModelInfo};
use chain::{Chain, NodeChain};
use config::{AdmissionMode, ChainSettings, ConfigError};
use http::Service;
use onnx::OnnxBackend;
use registration::{Registration, Wish};
use std::{collections::HashSet, net::SocketAddr, sync::Arc};
use tokio::{net::TcpListener, sync::watch};

/// Runs a miner until `shutdown` is tripped.
pub async fn run(config: Config, shutdown: Shutdown) -> Result<(), Error> {
    Miner::open(config).await?.serve(shutdown).await
}

/// A miner whose key and models are loaded and whose ports are bound.
pub struct Miner {
    config: Config,
    key: Keypair,
    backend: Arc<dyn Backend>,
    listener: TcpListener,
    metrics: Option<MetricsServer>,
    registration: Option<Registration>,
    permits: watch::Receiver<Option<HashSet<Hotkey>>>,
}

impl Miner {
    /// Loads and binds everything that `config` names, with the node of `config.chain`.
    pub async fn open(config: Config) -> Result<Self, Error> {
        let chain = match &config.chain {
            Some(settings) => Some(NodeChain::new(settings, &config.hotkey)?.shared()),
            None => None,
        };
        Self::bind(config, chain).await
    }

    /// Loads and binds everything that `config` names. `chain` is the way to the subnet of
    /// `config.chain`; without it, the chain is left alone.
    pub async fn bind(config: Config, chain: Option<Arc<dyn Chain>>) -> Result<Self, Error> {
        config.check()?;
        let key = config.hotkey.load().map_err(Error::Hotkey)?;
        if config.hotkey.is_development() {
            tracing::warn!(hotkey = %key.hotkey(), "this is a development key: anyone can use it");
        }
        metrics::describe();
        let metrics = match config.metrics {
            Some(address) => Some(MetricsServer::bind(address).await?),
            None => None,
        };
        let backend = load_models(&config).await?;
        let (permits, permitted) = watch::channel(None);
        let registration = match (&config.chain, chain) {
            (Some(settings), Some(chain)) => {
                let wish = wish(settings, &backend.models())?;
                Some(Registration::new(chain, wish, permits))
            }
            _ => None,
        };
        let address = config.listen;
        let listen = |why| Error::Listen { address, why };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let permits = permitted;
        Ok(Self {
            config,
            key,
            backend,
            listener,
            metrics,
            registration,
            permits,
        })
    }

    /// Puts something between the HTTP layer and the models: an engine elsewhere, say.
    #[must_use]
    pub fn wrap_backend(mut self, wrap: impl FnOnce(Arc<dyn Backend>) -> Arc<dyn Backend>) -> Self {
        self.backend = wrap(self.backend);
        self
    }

    /// Where it listens.
    pub fn local_addr(&self) -> Result<SocketAddr, Error> {
        Ok(self.listener.local_addr()?)
    }

    /// Where it serves metrics, if it does.
    pub fn metrics_addr(&self) -> Result<Option<SocketAddr>, Error> {
        Ok(self
            .metrics
            .as_ref()
            .map(MetricsServer::local_addr)
            .transpose()?)
    }

    /// Its hotkey.
    pub fn hotkey(&self) -> Hotkey {
        self.key.hotkey()
    }

    /// Serves until `shutdown` is tripped and what is under way is answered.
    pub async fn serve(self, shutdown: Shutdown) -> Result<(), Error> {
        let address = self.local_addr()?;
        // The listener is bound: whoever calls from here on is answered.
        tracing::info!(%address, hotkey = %self.key.hotkey(), "serving");
        let admission = admission(&self.config, self.permits);
        let metrics = self
            .metrics
            .map(|server| tokio::spawn(server.serve(shutdown.clone())));
        let registration = self
            .registration
            .map(|service| tokio::spawn(service.run(shutdown.clone())));
        let service = Service::new(
            self.backend,
            self.key.clone(),
            admission,
            Arc::new(SystemClock),
            self.config.limits.clone(),
            shutdown.clone(),
        );
        server::serve(
            self.listener,
            service.router(),
            &self.config.limits,
            shutdown,
        )
        .await;
        if let Some(task) = registration {
            task.await.map_err(std::io::Error::other)?;
        }
        if let Some(task) = metrics {
            task.await.map_err(std::io::Error::other)??;
        }
        tracing::info!("ended");
        Ok(())
    }
}

/// Checks a configuration as far as can be without serving: loads the key and every model.
pub async fn check(config: &Config) -> Result<Vec<Arc<ModelInfo>>, Error> {
    config.check()?;
    config.hotkey.load().map_err(Error::Hotkey)?;
    let models = load_models(config).await?.models();
    if let Some(settings) = &config.chain {
        wish(settings, &models)?;
        NodeChain::new(settings, &config.hotkey)?;
    }
    Ok(models)
}

async fn load_models(config: &Config) -> Result<Arc<dyn Backend>, Error> {
    let (folder, options) = (config.models.clone(), config.run_options());
    let library = config.inference.onnxruntime.clone();
    let load = move || {
        // The folder first: what is wrong with it can be told without ONNX Runtime.
        onnx::scan(&folder)?;
        let environment = onnx::load_library(library.as_deref())?;
        OnnxBackend::load(&folder, &environment, options)
    };
    let loaded = tokio::task::spawn_blocking(load)
        .await
        .map_err(std::io::Error::other)?;
    Ok(Arc::new(loaded?))
}

fn admission(
    config: &Config,
    permits: watch::Receiver<Option<HashSet<Hotkey>>>,
) -> Arc<dyn Admission> {
    let listed = AllowList::new(config.allow.iter().copied());
    match config.admission {
        AdmissionMode::Public => Arc::new(Public),
        AdmissionMode::Signed if config.allow.is_empty() => Arc::new(Signed),
        AdmissionMode::Signed => Arc::new(listed),
        AdmissionMode::Permitted => Arc::new(PermitHolders::new(listed, permits)),
    }
}

/// What the chain shall know of this miner.
fn wish(settings: &ChainSettings, models: &[Arc<ModelInfo>]) -> Result<Wish, ConfigError> {
    let invalid = |why: String| ConfigError::Invalid {
        name: "chain.model",
        why,
    };
    let named = |model: &&Arc<ModelInfo>| match &settings.model {
        Some(name) => model.name == *name,
        None => true,
    };
    let candidates: Vec<_> = models.iter().filter(named).collect();
    let names: HashSet<_> = candidates.iter().map(|model| &model.name).collect();
    if names.len() > 1 {
        return Err(invalid(
            "must say which model to announce: there is more than one".into(),
        ));
    }
    let model = candidates
        .into_iter()
        .max_by_key(|model| model.version)
        .ok_or_else(|| {
            let name = settings.model.as_deref().unwrap_or_default();
            invalid(format!("names `{name}`, which is not in the model folder"))
        })?;
    Ok(Wish {
        max_price: settings.max_price()?,
        register_again: settings.register_again,
        endpoint: settings.announced()?,
        model: ModelAnnouncement {
            sha256: model.sha256,
            size: model.size,
        },
    })
}
