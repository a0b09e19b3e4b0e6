//! The miner: serves ONNX models over the Open Inference Protocol v2 to validators, who sign what
//! they ask and get signed answers.
//!
//! ```text
//! connection -> gate (signature, admission, replay, rate) -> check -> line, by stake -> backend
//!     ^                                                                                    |
//!     +----------------- receipt signed over question and answer <-------------------------+
//! ```
//!
//! The HTTP layer ([`http`], [`server`]) knows of models only what [`backend::Backend`] says: behind
//! it are sessions of ONNX Runtime ([`onnx`]) or an engine elsewhere ([`upstream`]). Next to it,
//! [`registration`] keeps the chain's knowledge of this miner true, and [`reload`] follows the model
//! folder.
//!
//! It must never run inference on the async threads, never queue without a bound, and never stop
//! serving because the chain is away.

#![warn(missing_docs)]

mod address;
pub mod admin;
pub mod admission;
pub mod backend;
pub mod chain;
pub mod check;
pub mod config;
mod error;
mod examine;
mod folders;
pub mod grpc;
pub mod http;
pub mod line;
mod listening;
pub mod metrics;
pub mod onnx;
mod rates;
pub mod registration;
pub mod reload;
pub mod seen;
pub mod server;
mod start;
pub mod tls;
pub mod upstream;

pub use config::{Config, Flags};
pub use error::Error;
pub use examine::{check, Checked};

use admin::Admin;
use admission::Admission;
use assay_protocol::{Clock as _, Hotkey, Keypair, SystemClock};
use assay_telemetry::{tell_ready, MetricsServer, Shutdown};
use backend::Backend;
use chain::{Chain, NodeChain};
use http::Service;
use listening::listen;
use registration::{Registration, Wishes};
use reload::Reloader;
use seen::Seen;
use std::{net::SocketAddr, sync::Arc};
use tls::{Identity, Renewal};
use tokio::{
    net::TcpListener,
    signal::unix::{signal, SignalKind},
    sync::watch,
    task::JoinSet,
};

/// Runs a miner until `shutdown` is tripped.
///
/// SIGHUP, which asks for a look at the model folder, never ends it: not while it starts, nor where
/// the models run elsewhere.
pub async fn run(config: Config, shutdown: Shutdown) -> Result<(), Error> {
    let _caught = signal(SignalKind::hangup())?;
    let miner = tokio::select! {
        opened = Miner::open(config) => opened?,
        () = shutdown.tripped() => {
            tracing::info!("ended before it served");
            return Ok(());
        }
    };
    miner.serve(shutdown).await
}

/// A miner whose key and models are loaded and whose ports are bound.
pub struct Miner {
    config: Config,
    key: Keypair,
    backend: Arc<dyn Backend>,
    listener: TcpListener,
    metrics: Option<MetricsServer>,
    identity: Option<Identity>,
    registration: Option<(Registration, Wishes)>,
    answered: Seen,
    seen: watch::Receiver<registration::Seen>,
    reloader: Option<Reloader>,
    admin: Option<(TcpListener, Admin)>,
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
        let metrics = match config.metrics {
            Some(address) => Some(MetricsServer::bind(address).await?),
            None => None,
        };
        // Only now is there somebody to tell.
        metrics::describe();
        let answered = if config.state.as_os_str().is_empty() {
            Seen::in_memory(&config.limits)
        } else {
            Seen::open(&config.state, &config.limits, SystemClock.now())?
        };
        let start::Loaded { backend, folder } = start::load_backend(&config).await?;
        let identity = match &config.tls {
            Some(settings) => Some(Identity::open(settings, &start::host(&config))?),
            None => None,
        };
        let (sender, seen) = watch::channel(registration::Seen::default());
        let registration = match (&config.chain, chain) {
            (Some(settings), Some(chain)) => {
                let certificate = identity.as_ref().map(|identity| identity.digest);
                let wish = start::wish(settings, &backend.models(), certificate)?;
                Some(Registration::new(chain, wish, sender))
            }
            _ => None,
        };
        let (mut reloader, mut admin) = (None, None);
        if let Some(backend) = folder {
            let wishes = registration.as_ref().map(|(_, wishes)| wishes.clone());
            let announcing = start::announcing(&config, wishes, &*backend)?;
            let (service, orders) =
                Reloader::new(Arc::clone(&backend), announcing, &config.folder)?;
            reloader = Some(service);
            if let Some(settings) = &config.admin {
                let token = settings.token()?;
                let listener = listen(settings.listen)?;
                admin = Some((listener, Admin::new(backend, orders, token)));
            }
        }
        let listener = listen(config.listen)?;
        Ok(Self {
            config,
            key,
            backend,
            listener,
            metrics,
            identity,
            registration,
            answered,
            seen,
            reloader,
            admin,
        })
    }

    /// Puts something between the HTTP layer and the models.
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

    /// Where models are loaded and unloaded by call, if that is set.
    pub fn admin_addr(&self) -> Result<Option<SocketAddr>, Error> {
        let listener = self.admin.as_ref().map(|(listener, _)| listener);
        Ok(listener.map(TcpListener::local_addr).transpose()?)
    }

    /// Its hotkey.
    pub fn hotkey(&self) -> Hotkey {
        self.key.hotkey()
    }

    /// The certificate that it shows at first, if it speaks TLS.
    pub fn certificate(&self) -> Option<assay_primitives::Digest> {
        self.identity.as_ref().map(|identity| identity.digest)
    }

    fn admission(&self) -> Result<Admission, Error> {
        let config = &self.config;
        Ok(Admission::new(config.admission, self.seen.clone())
            .allowing(config.allow.iter().copied())
            .denying(config.deny.iter().copied())
            .asking(config.minimum_stake()?))
    }

    /// Serves until `shutdown` is tripped and what is under way is answered.
    pub async fn serve(self, shutdown: Shutdown) -> Result<(), Error> {
        let address = self.local_addr()?;
        let tls = self.identity.is_some();
        // The listener is bound: whoever calls from here on is answered.
        tracing::info!(%address, tls, hotkey = %self.key.hotkey(), "serving");
        tell_ready();
        let admission = self.admission()?;
        let chain = self.registration.as_ref().map(|_| self.seen.clone());
        let service = Service::new(
            self.backend,
            self.key.clone(),
            admission,
            Arc::new(SystemClock),
            self.config.limits.clone(),
            shutdown.clone(),
        );
        let service = service
            .rates(&self.config.rates)
            .remembering(self.answered)
            .waiting(self.config.inference.queue)
            .seeing(chain);

        let mut beside = JoinSet::new();
        if let Some(metrics) = self.metrics {
            let serving = metrics.serve(shutdown.clone());
            beside.spawn(async move {
                if let Err(why) = serving.await {
                    tracing::error!(%why, "metrics are not served any more");
                }
            });
        }
        if let Some(reloader) = self.reloader {
            beside.spawn(reloader.run(shutdown.clone()));
        }
        if let Some((listener, admin)) = self.admin {
            let (limits, shutdown) = (self.config.limits.clone(), shutdown.clone());
            beside.spawn(async move {
                server::serve(listener, admin.router(), &limits, None, shutdown).await;
            });
        }
        let wishes = self.registration.map(|(registration, wishes)| {
            beside.spawn(registration.run(shutdown.clone()));
            wishes
        });
        let shown = match (self.config.tls, self.identity) {
            (Some(settings), Some(identity)) => {
                let (renewal, shown) = Renewal::new(settings, identity, wishes);
                beside.spawn(renewal.run(shutdown.clone()));
                Some(shown)
            }
            _ => None,
        };
        server::serve(
            self.listener,
            service.router(),
            &self.config.limits,
            shown,
            shutdown,
        )
        .await;
        while let Some(ended) = beside.join_next().await {
            ended.map_err(std::io::Error::other)?;
        }
        tracing::info!("ended");
        Ok(())
    }
}
