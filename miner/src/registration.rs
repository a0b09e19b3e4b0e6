//! Keeps the chain's knowledge of this miner true: registered, reachable where it says, serving what
//! it says.
//!
//! ```text
//! look -> not registered? register -> endpoint differs? announce -> model differs? announce
//!   ^                                                                        |
//!   +--- wait: RECHECK when all is well, backing off while it is not --------+
//! ```
//!
//! Each turn starts with a look at a finalized block and does what is still missing, so a call that
//! got through although its answer was lost is not made twice. The miner serves all the while: the
//! chain being away is never a reason to stop.

use crate::chain::{Chain, ChainError, Standing};
use assay_primitives::{Balance, Endpoint, ModelAnnouncement, Uid, ASY};
use assay_protocol::Hotkey;
use assay_telemetry::Shutdown;
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::sync::watch;

/// Wait after the first failure; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest wait after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Wait between looks when all is well. Permits change once an epoch.
const RECHECK: Duration = Duration::from_secs(30);

/// What shall be true on chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Most that a registration may cost; None: never register.
    pub max_price: Option<Balance>,
    /// Whether to register again after the miner was pruned. Each time costs money.
    pub register_again: bool,
    /// Where the miner can be reached; None: announce nothing.
    pub endpoint: Option<Endpoint>,
    /// What it serves.
    pub model: ModelAnnouncement,
}

/// Makes [`Wish`] true and publishes who holds permits.
pub struct Registration {
    chain: Arc<dyn Chain>,
    wish: Wish,
    permits: watch::Sender<Option<HashSet<Hotkey>>>,
    seen_registered: bool,
}

/// Why not all is well.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Shortfall {
    /// A call failed.
    #[error("{what}: {why}")]
    Call {
        /// What was tried.
        what: &'static str,
        /// What the chain said.
        why: ChainError,
    },
    /// The price is above the limit.
    #[error(
        "not registered: a registration costs {} ASY now, `chain.max_price` is {} ASY; the price \
         halves as long as nobody registers", asy(*.price), asy(*.max_price)
    )]
    TooDear {
        /// The price.
        price: Balance,
        /// The limit.
        max_price: Balance,
    },
    /// The miner is not to register itself.
    #[error("not registered, and `chain.max_price` is not set: run `assay register`, or set it")]
    NotRegistered,
    /// The miner was registered, and is no more.
    #[error(
        "this hotkey was pruned from the subnet: run `assay register`, or set \
         `chain.register_again` if it shall pay for a new place by itself"
    )]
    Pruned,
}

impl Registration {
    /// A service for `chain` that makes `wish` true and tells `permits` who may validate.
    pub fn new(
        chain: Arc<dyn Chain>,
        wish: Wish,
        permits: watch::Sender<Option<HashSet<Hotkey>>>,
    ) -> Self {
        Self {
            chain,
            wish,
            permits,
            seen_registered: false,
        }
    }

    /// Looks and acts until `shutdown` is tripped.
    pub async fn run(mut self, shutdown: Shutdown) {
        let mut pause = FIRST_PAUSE;
        let mut last = None;
        loop {
            let turn = tokio::select! {
                turn = self.turn() => turn,
                () = shutdown.tripped() => return,
            };
            crate::metrics::chain_in_sync(turn.is_ok());
            let wait = match &turn {
                Ok(uid) => {
                    if last.as_ref() != Some(&turn) {
                        tracing::info!(%uid, "the chain knows this miner's endpoint and model");
                    }
                    pause = FIRST_PAUSE;
                    RECHECK
                }
                Err(why) => {
                    // The same trouble is told once, not every minute.
                    if last.as_ref() != Some(&turn) {
                        tracing::warn!(%why, "the chain does not know this miner as it should");
                    }
                    let wait = pause;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    wait
                }
            };
            last = Some(turn);
            if tokio::time::timeout(wait, shutdown.tripped()).await.is_ok() {
                return;
            }
        }
    }

    /// One look, and whatever is missing.
    async fn turn(&mut self) -> Result<Uid, Shortfall> {
        let mut standing = self.look().await?;
        if standing.neuron.is_none() {
            self.register(standing.registration_price).await?;
            standing = self.look().await?;
        }
        let Some(neuron) = standing.neuron else {
            return Err(Shortfall::NotRegistered);
        };
        self.seen_registered = true;
        if let Some(endpoint) = &self.wish.endpoint {
            if neuron.endpoint.as_ref() != Some(endpoint) {
                tracing::info!(port = endpoint.port, "announcing the endpoint");
                call("announcing the endpoint", self.chain.announce(endpoint)).await?;
            }
        }
        if neuron.model != Some(self.wish.model) {
            tracing::info!(sha256 = %self.wish.model.sha256, "announcing the model");
            call(
                "announcing the model",
                self.chain.announce_model(&self.wish.model),
            )
            .await?;
        }
        Ok(neuron.uid)
    }

    async fn look(&self) -> Result<Standing, Shortfall> {
        let standing = call("reading the subnet", self.chain.standing()).await?;
        self.permits
            .send_replace(Some(standing.permit_holders.clone()));
        Ok(standing)
    }

    async fn register(&mut self, price: Balance) -> Result<(), Shortfall> {
        let max_price = self.wish.max_price.ok_or(Shortfall::NotRegistered)?;
        if self.seen_registered && !self.wish.register_again {
            return Err(Shortfall::Pruned);
        }
        if price > max_price {
            return Err(Shortfall::TooDear { price, max_price });
        }
        tracing::info!(price = %asy(price), "registering");
        call("registering", self.chain.register(max_price)).await
    }
}

async fn call<T>(
    what: &'static str,
    answer: impl std::future::Future<Output = Result<T, ChainError>>,
) -> Result<T, Shortfall> {
    answer.await.map_err(|why| Shortfall::Call { what, why })
}

/// An amount as people write it.
fn asy(amount: Balance) -> String {
    let text = format!("{}.{:012}", amount / ASY, amount % ASY);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
