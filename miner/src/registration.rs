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

use crate::chain::{Callers, Chain, ChainError, Neuron, Standing};
use assay_primitives::{Balance, Digest, Endpoint, ModelAnnouncement, Uid, ASY};
use assay_telemetry::Shutdown;
use std::{sync::Arc, time::Duration};
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

/// What the last look at the chain told; other parts of the miner go by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Who may call; None until the chain was read once.
    pub callers: Option<Callers>,
    /// The miner's neuron.
    pub neuron: Option<Neuron>,
    /// What was wished of its model at that time.
    pub wished: Option<ModelAnnouncement>,
    /// How the last turn ended; None before the first.
    pub turn: Option<Result<Uid, Shortfall>>,
}

impl Seen {
    /// The model that callers expect, if it is none of those that `serves` knows. One that waits for
    /// its announcement and one whose successor does are both as they should be.
    pub(crate) fn missing(&self, serves: impl Fn(&Digest) -> bool) -> Option<Digest> {
        let named = self.neuron.as_ref()?.model?.sha256;
        let wished = self.wished.map(|model| model.sha256);
        let served = serves(&named) || wished.as_ref().is_some_and(serves);
        (!served).then_some(named)
    }
}

/// The way to change what shall be true on chain while the miner runs: another model after a
/// reload, another certificate.
#[derive(Clone, Debug)]
pub struct Wishes {
    wish: Arc<watch::Sender<Wish>>,
    seen: watch::Receiver<Seen>,
}

impl Wishes {
    /// Changes the wish; the service acts on it at once.
    pub fn change(&self, change: impl FnOnce(&mut Wish)) {
        self.wish.send_if_modified(|wish| {
            let before = wish.clone();
            change(wish);
            *wish != before
        });
    }

    /// Waits until a finalized block says of this miner's address what is wished, however long the
    /// chain is away. Where nothing is to be announced, or there is no such miner, nobody goes by
    /// what the chain says of it: there is nothing to wait for.
    pub async fn endpoint_told(&self) {
        self.until(|seen, wish| {
            let told = match &seen.neuron {
                Some(neuron) => neuron.endpoint == wish.endpoint,
                None => seen.callers.is_some(),
            };
            told || wish.endpoint.is_none()
        })
        .await;
    }

    /// Waits until a finalized block says of this miner's model what is wished, or that there is no
    /// such miner: then nobody is told anything else, either.
    pub async fn model_told(&self) {
        self.until(|seen, wish| match &seen.neuron {
            Some(neuron) => neuron.model == Some(wish.model),
            None => seen.callers.is_some(),
        })
        .await;
    }

    async fn until(&self, holds: impl Fn(&Seen, &Wish) -> bool) {
        let (mut wish, mut seen) = (self.wish.subscribe(), self.seen.clone());
        loop {
            if holds(&seen.borrow_and_update(), &wish.borrow_and_update()) {
                return;
            }
            tokio::select! {
                changed = seen.changed() => if changed.is_err() {
                    // The service has ended, and with it the miner: there is nothing to wait for.
                    return;
                },
                // Own handle keeps the sender alive: this never fails.
                _ = wish.changed() => {}
            }
        }
    }
}

/// Makes [`Wish`] true and publishes what it sees.
pub struct Registration {
    chain: Arc<dyn Chain>,
    wish: watch::Receiver<Wish>,
    seen: watch::Sender<Seen>,
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

impl Shortfall {
    /// Whether it is the node that can't be reached.
    pub const fn is_away(&self) -> bool {
        matches!(
            self,
            Self::Call {
                why: ChainError::Away(_),
                ..
            }
        )
    }
}

impl Registration {
    /// A service for `chain` that makes `wish` true and publishes in `seen` what it sees; and the
    /// way to change the wish.
    pub fn new(chain: Arc<dyn Chain>, wish: Wish, seen: watch::Sender<Seen>) -> (Self, Wishes) {
        let (sender, receiver) = watch::channel(wish);
        let wishes = Wishes {
            wish: Arc::new(sender),
            seen: seen.subscribe(),
        };
        let service = Self {
            chain,
            wish: receiver,
            seen,
            seen_registered: false,
        };
        (service, wishes)
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
            self.seen.send_modify(|seen| seen.turn = Some(turn.clone()));
            last = Some(turn);
            tokio::select! {
                () = shutdown.tripped() => return,
                () = tokio::time::sleep(wait) => {}
                // Who could still wish something is gone when this fails: then time goes on alone.
                Ok(()) = self.wish.changed() => pause = FIRST_PAUSE,
            }
        }
    }

    /// One look, and whatever is missing.
    async fn turn(&mut self) -> Result<Uid, Shortfall> {
        let wish = self.wish.borrow_and_update().clone();
        let mut standing = self.look().await?;
        if standing.neuron.is_none() {
            self.register(&wish, standing.registration_price).await?;
            standing = self.look().await?;
        }
        let Some(neuron) = standing.neuron else {
            return Err(Shortfall::NotRegistered);
        };
        self.seen_registered = true;
        let endpoint = self.tell_endpoint(&wish, &neuron).await;
        // That one announcement is refused is no reason to leave the other unsaid.
        let model = self.tell_model(&wish, &neuron).await;
        if endpoint != Ok(Told::Already) || model != Ok(Told::Already) {
            // What waits for the announcement goes by what a block says, not by what was sent, nor
            // by what came back: a call may have got through whose answer was lost.
            let looked = self.look().await;
            endpoint.and(model)?;
            looked?;
        }
        Ok(neuron.uid)
    }

    async fn tell_endpoint(&self, wish: &Wish, neuron: &Neuron) -> Result<Told, Shortfall> {
        match &wish.endpoint {
            Some(endpoint) if neuron.endpoint.as_ref() != Some(endpoint) => {
                tracing::info!(port = endpoint.port, "announcing the endpoint");
                call("announcing the endpoint", self.chain.announce(endpoint)).await?;
                Ok(Told::Now)
            }
            _ => Ok(Told::Already),
        }
    }

    async fn tell_model(&self, wish: &Wish, neuron: &Neuron) -> Result<Told, Shortfall> {
        if neuron.model == Some(wish.model) {
            return Ok(Told::Already);
        }
        tracing::info!(sha256 = %wish.model.sha256, "announcing the model");
        let announced = self.chain.announce_model(&wish.model);
        call("announcing the model", announced).await?;
        Ok(Told::Now)
    }

    async fn look(&self) -> Result<Standing, Shortfall> {
        let standing = call("reading the subnet", self.chain.standing()).await?;
        self.seen.send_modify(|seen| {
            seen.callers = Some(standing.callers.clone());
            seen.neuron.clone_from(&standing.neuron);
            seen.wished = Some(self.wish.borrow().model);
        });
        Ok(standing)
    }

    async fn register(&self, wish: &Wish, price: Balance) -> Result<(), Shortfall> {
        let max_price = wish.max_price.ok_or(Shortfall::NotRegistered)?;
        if self.seen_registered && !wish.register_again {
            return Err(Shortfall::Pruned);
        }
        if price > max_price {
            return Err(Shortfall::TooDear { price, max_price });
        }
        tracing::info!(price = %asy(price), "registering");
        call("registering", self.chain.register(max_price)).await
    }
}

/// Whether something had to be announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Already,
    Now,
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
