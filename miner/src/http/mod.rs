//! The miner's HTTP interface: the Open Inference Protocol v2 and the handshake over any
//! [`Backend`], with the signatures and receipts of `docs/protocol.md`.
//!
//! ```text
//! GET  ------------------------------> open.rs | health.rs
//! POST -> gate.rs: in? signed? admitted? new? not too often? -> infer.rs -> gate.rs: receipt
//! ```
//!
//! The same questions over gRPC are in [`crate::grpc`]; `serving.rs` answers both.

mod bodies;
mod deadline;
mod gate;
mod health;
mod infer;
pub(crate) mod open;
pub(crate) mod path;
mod pieces;
mod refusal;
mod serving;
mod under_way;

pub(crate) use gate::Asked;
pub use refusal::{Refusal, REASON_HEADER};

use crate::{
    address::PerAddress,
    admission::{of_strangers, Admission},
    backend::Backend,
    config::Rates,
    grpc,
    line::Lines,
    rates::Buckets,
    registration,
    seen::Seen,
    server::Standing,
};
use assay_protocol::{handshake, Clock, Hotkey, Keypair, Policy};
use assay_telemetry::Shutdown;
use axum::{
    extract::DefaultBodyLimit,
    middleware::from_fn_with_state,
    routing::{get, post},
    Router,
};
use bodies::Bodies;
use serde::{Deserialize, Serialize};
use std::{
    net::IpAddr,
    num::{NonZeroU32, NonZeroUsize},
    sync::{Arc, LazyLock},
    time::Duration,
};
use tokio::sync::{watch, Semaphore};
use under_way::UnderWay;

/// Name and version, as metadata and handshake give them.
pub const SOFTWARE: &str = concat!("assay-miner/", env!("CARGO_PKG_VERSION"));

/// Bodies larger than this are hashed and read off the async threads, where they'd hold up others.
const LARGE_BODY: usize = 64 * 1024;

/// What bounds one server's work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest body of a request, in bytes.
    pub body_bytes: usize,
    /// Bytes of bodies held at once: of requests, as they arrive and as they are once read, and of
    /// answers that were not taken yet. Of requests that were let in, callers without stake have
    /// three quarters at most, and an address half of what it leaves.
    pub bodies_bytes: usize,
    /// Seconds in which a body must have arrived.
    pub body_seconds: u64,
    /// Requests being answered at once; a quarter is kept for callers with stake, and no address
    /// takes more than it leaves.
    pub requests: usize,
    /// Connections held at once. When there are more, those give way on which nobody was let in,
    /// then idle ones.
    pub connections: usize,
    /// Connections of one address, and requests from it that arrive or are answered.
    pub per_address: usize,
    /// Seconds in which a request's head must have arrived, and that a connection may be idle.
    pub head_seconds: u64,
    /// Longest that a query may take, in seconds, waiting included; a caller may ask for less.
    pub answer_seconds: u64,
    /// Seconds that requests have to end after the miner was told to.
    pub drain_seconds: u64,
    /// Seconds by which a caller's clock may be ahead.
    pub skew_seconds: u64,
    /// Longest life of a signed request, in seconds.
    pub lifetime_seconds: u64,
    /// Nonces remembered.
    pub nonces: usize,
    /// Nonces remembered of one caller.
    pub nonces_per_caller: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 16 * 1024 * 1024,
            bodies_bytes: 256 * 1024 * 1024,
            body_seconds: 30,
            requests: 256,
            connections: 1024,
            per_address: 128,
            head_seconds: 60,
            answer_seconds: 60,
            drain_seconds: 20,
            skew_seconds: 30,
            lifetime_seconds: 300,
            nonces: 262_144,
            nonces_per_caller: 16_384,
        }
    }
}

impl Limits {
    /// Longest for which a request must be remembered, in seconds.
    pub(crate) const fn remembered_seconds(&self) -> u64 {
        self.lifetime_seconds.saturating_add(self.skew_seconds)
    }
}

/// Queries that wait per model unless [`Service::waiting`] says otherwise.
const WAITING: usize = 64;

/// Where a request comes from, in its extensions.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// The address of its connection.
    pub address: IpAddr,
    /// What is known of its connection.
    pub standing: Arc<Standing>,
}

/// How often one caller may ask.
pub(crate) struct CallerRates {
    pub signed: Buckets<Hotkey>,
    /// What is signed by hotkeys without stake, which cost nothing: so much that one address does
    /// not fill the nonces. It counts only while many of them are remembered.
    pub strangers: Buckets<IpAddr>,
    pub unsigned: Buckets<IpAddr>,
    /// Not requests, but those of which something signed was wrong.
    pub failed: Buckets<IpAddr>,
}

impl CallerRates {
    fn new(rates: &Rates, limits: &Limits) -> Self {
        // Of what is remembered of strangers, one address fills a quarter at once, and then each
        // second as much as expires of a quarter.
        let share = u32::try_from(of_strangers(limits.nonces) / 4).unwrap_or(u32::MAX);
        let share = NonZeroU32::new(share).unwrap_or(NonZeroU32::MIN);
        let remembered = limits.remembered_seconds().max(1);
        let per_second = f64::from(share.get()) / remembered as f64;
        Self {
            signed: Buckets::new(rates.per_second, rates.burst),
            strangers: Buckets::new(per_second, share),
            unsigned: Buckets::new(rates.unsigned_per_second, rates.unsigned_burst),
            failed: Buckets::new(rates.failed_per_second, rates.failed_burst),
        }
    }
}

/// Everything that answering a request needs.
pub struct Service {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) key: Keypair,
    pub(crate) admission: Admission,
    pub(crate) rates: CallerRates,
    pub(crate) lines: Lines,
    pub(crate) chain: Option<watch::Receiver<registration::Seen>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: Limits,
    pub(crate) policy: Policy,
    pub(crate) seen: Seen,
    pub(crate) under_way: UnderWay,
    pub(crate) bodies: Bodies,
    pub(crate) addresses: PerAddress,
    pub(crate) shutdown: Shutdown,
}

impl Service {
    /// A service that signs with `key` what `backend` answers to those whom `admission` lets in.
    /// Once `shutdown` is tripped it says that it is not ready any more, and answers on.
    pub fn new(
        backend: Arc<dyn Backend>,
        key: Keypair,
        admission: Admission,
        clock: Arc<dyn Clock>,
        limits: Limits,
        shutdown: Shutdown,
    ) -> Self {
        let policy = Policy {
            miner: key.hotkey(),
            max_skew: limits.skew_seconds,
            max_lifetime: limits.lifetime_seconds,
        };
        let seen = Seen::in_memory(&limits);
        let under_way = UnderWay::new(limits.requests);
        let bodies = Bodies::new(limits.bodies_bytes);
        let addresses = PerAddress::new(limits.per_address);
        Self {
            backend,
            key,
            admission,
            rates: CallerRates::new(&Rates::default(), &limits),
            lines: Lines::new(WAITING),
            chain: None,
            clock,
            limits,
            policy,
            seen,
            under_way,
            bodies,
            addresses,
            shutdown,
        }
    }

    /// Lets callers ask as often as `rates` says.
    #[must_use]
    pub fn rates(mut self, rates: &Rates) -> Self {
        self.rates = CallerRates::new(rates, &self.limits);
        self
    }

    /// Lets `queries` wait for each model, besides those that its backend was handed.
    #[must_use]
    pub fn waiting(mut self, queries: usize) -> Self {
        self.lines = Lines::new(queries);
        self
    }

    /// Refuses what `seen` knows, which may go back before this process began.
    #[must_use]
    pub fn remembering(mut self, seen: Seen) -> Self {
        self.seen = seen;
        self
    }

    /// Says in its health how the miner stands on chain.
    #[must_use]
    pub fn seeing(mut self, chain: Option<watch::Receiver<registration::Seen>>) -> Self {
        self.chain = chain;
        self
    }

    /// The routes.
    pub fn router(self) -> Router {
        let service = Arc::new(self);
        let signed = Router::new()
            .route("/v2/models/{model}/infer", post(infer::infer_newest))
            .route(
                "/v2/models/{model}/versions/{version}/infer",
                post(infer::infer_version),
            )
            .route(handshake::PATH, post(infer::handshake))
            // The gate bounds bodies, by the configuration's own limit.
            .layer(DefaultBodyLimit::disable());
        let signed = gated(signed, &service);
        Router::new()
            .route("/v2", get(open::server))
            .route("/v2/", get(open::server))
            .route("/v2/health/live", get(open::live))
            .route("/v2/health/ready", get(health::ready))
            .route("/v2/models/{model}", get(open::newest))
            .route("/v2/models/{model}/ready", get(open::newest_ready))
            .route("/v2/models/{model}/versions/{version}", get(open::version))
            .route(
                "/v2/models/{model}/versions/{version}/ready",
                get(open::version_ready),
            )
            .merge(signed)
            .merge(grpc::routes(&service))
            .fallback(open::nothing_here)
            .method_not_allowed_fallback(open::wrong_method)
            .with_state(service)
    }

    pub(crate) fn body_deadline(&self) -> Duration {
        Duration::from_secs(self.limits.body_seconds)
    }
}

/// Puts the gate before `routes`.
pub(crate) fn gated<S: Clone + Send + Sync + 'static>(
    routes: Router<S>,
    service: &Arc<Service>,
) -> Router<S> {
    routes.layer(from_fn_with_state(Arc::clone(service), gate::gate))
}

/// Large bodies that are worked on at once: as many as there are cores, so that however many are
/// sent, small ones find a core in their turn.
static LARGE: LazyLock<Semaphore> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism();
    Semaphore::new(cores.map_or(1, NonZeroUsize::get))
});

/// Does work on a body where it holds up nobody: here if it is small, on a thread for such work, and
/// in its turn, if it is large.
pub(crate) async fn by_size<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    if bytes <= LARGE_BODY {
        return Ok(work());
    }
    let turn = LARGE.acquire().await.map_err(|_| Refusal::internal())?;
    let work = move || {
        let _turn = turn;
        work()
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Refusal::internal())
}
