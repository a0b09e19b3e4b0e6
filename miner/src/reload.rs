//! When the models are looked at again, and that the chain knows first.
//!
//! ```text
//! watch | SIGHUP | admin -> fetch: load, warm up -> take -> settle: serve
//!                                                    |       ^
//!                                                    +-> the announced model changes: announce,
//!                                                        wait for a block
//! ```
//!
//! What waits for a block is served once there is one, also while the next files are being fetched.
//!
//! Validators ask for the digest that stands on chain and hold the answers against it. So the new
//! file of the announced model answers no one before a finalized block names it; until then, for as
//! long as the chain may be away, the old one does. Other models need no announcement and change at
//! once.

use crate::{
    backend::{Backend as _, ModelInfo},
    onnx::{FolderError, Fresh, ModelFolder, OnnxBackend},
    registration::Wishes,
};
use assay_primitives::ModelAnnouncement;
use assay_telemetry::Shutdown;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, io, pin::pin, sync::Arc, time::Duration};
use tokio::{
    signal::unix::{signal, Signal, SignalKind},
    sync::{mpsc, oneshot},
    time::{interval, Interval, MissedTickBehavior},
};

/// Orders that may wait.
const ORDERS: usize = 16;

/// How the model folder is followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FolderSettings {
    /// Seconds between looks at the folder; 0: it is looked at only when the miner is told to, by
    /// SIGHUP or over the admin port.
    pub watch_seconds: u64,
}

impl Default for FolderSettings {
    fn default() -> Self {
        Self { watch_seconds: 5 }
    }
}

/// What an operator may want.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Reload,
    Load(String),
    Unload(String),
}

struct Order {
    wanted: Wanted,
    reply: oneshot::Sender<Result<(), String>>,
}

/// Gives orders to a [`Reloader`].
#[derive(Clone)]
pub struct Orders(mpsc::Sender<Order>);

impl Orders {
    /// Looks at the whole folder now.
    pub async fn reload(&self) -> Result<(), String> {
        self.give(Wanted::Reload).await
    }

    /// Loads one model, although it may have been unloaded.
    pub async fn load(&self, model: &str) -> Result<(), String> {
        self.give(Wanted::Load(model.to_owned())).await
    }

    /// Serves one model no longer, until it is loaded again.
    pub async fn unload(&self, model: &str) -> Result<(), String> {
        self.give(Wanted::Unload(model.to_owned())).await
    }

    async fn give(&self, wanted: Wanted) -> Result<(), String> {
        let ending = || "the miner is about to end".to_owned();
        let (reply, answer) = oneshot::channel();
        let order = Order { wanted, reply };
        self.0.send(order).await.map_err(|_| ending())?;
        answer.await.map_err(|_| ending())?
    }
}

/// Tells the chain which file of a model will be served.
pub struct Announcing {
    /// The model.
    pub model: String,
    /// Whether the settings name it. Else it was the only one when the miner started.
    pub is_named: bool,
    /// The way to the chain.
    pub wishes: Wishes,
}

/// Follows the model folder.
pub struct Reloader {
    backend: Arc<OnnxBackend>,
    announcing: Option<Announcing>,
    every: Duration,
    orders: mpsc::Receiver<Order>,
    hangups: Signal,
    /// The folder at the last look, and whether that state was acted on.
    seen: Option<Seen>,
    acted: bool,
    /// Why the folder could not be looked at last.
    unreadable: Option<String>,
}

type Seen = BTreeMap<String, Result<ModelFolder, String>>;

impl Reloader {
    /// A service that lets `backend` follow its folder, and the way to give it orders. From here on
    /// SIGHUP does not end the process. Must be called inside a tokio runtime.
    pub fn new(
        backend: Arc<OnnxBackend>,
        announcing: Option<Announcing>,
        settings: &FolderSettings,
    ) -> io::Result<(Self, Orders)> {
        let (sender, orders) = mpsc::channel(ORDERS);
        let reloader = Self {
            backend,
            announcing,
            every: Duration::from_secs(settings.watch_seconds),
            orders,
            hangups: signal(SignalKind::hangup())?,
            seen: None,
            acted: false,
            unreadable: None,
        };
        Ok((reloader, Orders(sender)))
    }

    /// Follows the folder until `shutdown` is tripped.
    pub async fn run(self, shutdown: Shutdown) {
        tokio::select! {
            // First: what waits for the chain must not be served because nobody follows the chain
            // any more.
            biased;
            () = shutdown.tripped() => {}
            () = self.follow() => {}
        }
    }

    async fn follow(mut self) {
        let mut looks = (!self.every.is_zero()).then(|| {
            let mut looks = interval(self.every);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            looks
        });
        loop {
            let waits = !self.backend.is_settled();
            tokio::select! {
                () = told(self.announcing.as_ref()), if waits => self.backend.settle(|_| true),
                () = next(&mut looks) => self.watch().await,
                Some(()) = self.hangups.recv() => {
                    tracing::info!("SIGHUP: looking at the model folder");
                    if let Err(why) = self.refresh_anew().await {
                        tracing::error!(%why, "the model folder can't be read");
                    }
                }
                Some(order) = self.orders.recv() => {
                    let outcome = self.obey(order.wanted).await;
                    // Whoever asked may have left.
                    let _ = order.reply.send(outcome);
                }
            }
        }
    }

    /// Acts on what changed, once it stopped changing: a file that is being written is not read.
    async fn watch(&mut self) {
        let found = match self.loading(OnnxBackend::look).await {
            Ok(Ok(found)) => found,
            Ok(Err(why)) => {
                let why = why.to_string();
                // The same trouble is told once, not at every look.
                if self.unreadable.as_ref() != Some(&why) {
                    tracing::warn!(why, "the model folder can't be read");
                }
                self.unreadable = Some(why);
                return;
            }
            Err(_) => return,
        };
        self.unreadable = None;
        let found: Seen = found
            .into_iter()
            .map(|(name, model)| (name, model.map_err(|why| why.to_string())))
            .collect();
        let quiet = self.seen.as_ref() == Some(&found);
        if !quiet {
            self.acted = false;
            self.seen = Some(found);
        } else if !self.acted {
            self.acted = true;
            if let Err(why) = self.refresh(|backend| backend.fetch(None)).await {
                tracing::warn!(%why, "the model folder can't be read");
            }
        }
    }

    /// When somebody asks for it, they expect that everything is tried.
    async fn refresh_anew(&self) -> Result<(), String> {
        self.refresh(|backend| backend.fetch_anew(None)).await
    }

    /// Loads what is new, and serves of it what may be served.
    async fn refresh(
        &self,
        fetch: impl FnOnce(&OnnxBackend) -> Result<Fresh, FolderError> + Send + 'static,
    ) -> Result<(), String> {
        let fresh = self.loading(fetch).await?;
        self.backend.take(fresh.map_err(|why| why.to_string())?);
        self.serve();
        self.warn_of_restart();
        Ok(())
    }

    async fn obey(&self, wanted: Wanted) -> Result<(), String> {
        match wanted {
            Wanted::Reload => self.refresh_anew().await,
            Wanted::Load(model) => {
                let name = model.clone();
                self.refresh(move |backend| backend.fetch_model(&name))
                    .await?;
                self.backend.stands(&model)
            }
            Wanted::Unload(model) => {
                self.backend.unload_model(&model)?;
                self.serve();
                Ok(())
            }
        }
    }

    /// Has work done that takes its time, minutes where models are large. What the chain comes to
    /// know meanwhile is served at once, and before anything else can take its place.
    async fn loading<T: Send + 'static>(
        &self,
        work: impl FnOnce(&OnnxBackend) -> T + Send + 'static,
    ) -> Result<T, String> {
        let backend = Arc::clone(&self.backend);
        let mut work = pin!(blocking(move || work(&backend)));
        loop {
            let waits = !self.backend.is_settled();
            tokio::select! {
                biased;
                () = told(self.announcing.as_ref()), if waits => self.backend.settle(|_| true),
                done = &mut work => return done,
            }
        }
    }

    /// At its start a miner must know which model to announce. Of several only the settings can tell:
    /// which one was announced before is not kept.
    fn warn_of_restart(&self) {
        let unnamed = self.announcing.as_ref().filter(|it| !it.is_named);
        let Some(Announcing { model, .. }) = unnamed else {
            return;
        };
        if self.backend.models().iter().any(|it| it.name != *model) {
            tracing::warn!(
                model,
                "several models are served now: name the one that is announced in `chain.model`, \
                 or the miner will not start again"
            );
        }
    }

    /// Serves what needs no announcement, and has the rest announced.
    fn serve(&self) {
        let Some(Announcing { model, wishes, .. }) = &self.announcing else {
            self.backend.settle(|_| true);
            return;
        };
        self.backend.settle(|name| name != model);
        let Some(newest) = self.backend.newest(model) else {
            tracing::warn!(
                model,
                "the announced model is gone: validators will get no answers"
            );
            self.backend.settle(|_| true);
            return;
        };
        let announcement = announcement(&newest);
        wishes.change(|wish| wish.model = announcement);
        let now = self.backend.models();
        let answers = now.iter().rfind(|it| it.name == *model);
        if answers.is_some_and(|it| it.sha256 == newest.sha256) {
            // Another version changed than the one that is announced.
            self.backend.settle(|_| true);
        } else if !self.backend.is_settled() {
            tracing::info!(
                model,
                sha256 = %newest.sha256,
                "the new model is loaded and waits until the chain knows it"
            );
        }
    }
}

/// What the chain says of a model.
pub(crate) fn announcement(model: &ModelInfo) -> ModelAnnouncement {
    ModelAnnouncement {
        sha256: model.sha256,
        size: model.size,
    }
}

async fn told(announcing: Option<&Announcing>) {
    if let Some(announcing) = announcing {
        announcing.wishes.model_told().await;
    }
}

async fn next(looks: &mut Option<Interval>) {
    match looks {
        Some(looks) => {
            looks.tick().await;
        }
        None => std::future::pending().await,
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| "the miner failed on this".to_owned())
}
