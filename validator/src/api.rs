//! What a validator shows over HTTP: health, metrics, and the reasons for its scores.
//!
//! Everything here is public: nothing in it lets a miner foresee a query. An epoch's secret and
//! salt stay hidden until the epoch is over and its weights are revealed, or can't be any more.

use crate::{
    chain::Hotkey,
    scoring::{self, Breakdown},
    status::Status,
    store::{Key, KnownMiner, State, Store, StoreError},
    task::ScoreRules,
};
use assay_primitives::{
    EpochIndex, Evidence, Generation, MinerScore, ReceiptLeaf, TaskVersion, Uid,
};
use assay_telemetry::Shutdown;
use axum::{
    extract::{Path, State as Shared},
    http::{header::CONTENT_TYPE, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
    Json, Router,
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use std::{future::IntoFuture as _, sync::Arc, time::Duration};
use tokio::net::TcpListener;

/// Requests of a miner that are shown.
const LATEST: u32 = 50;
/// How often histograms are tidied.
const UPKEEP: Duration = Duration::from_secs(5);

/// What the pages are made from.
#[derive(Clone)]
pub struct Api {
    /// What the validator is doing.
    pub status: Arc<Status>,
    /// What it knows; absent until the chain was first read.
    pub store: Arc<tokio::sync::OnceCell<Store>>,
    /// Its public key.
    pub hotkey: Hotkey,
    /// How answers become a score.
    pub rules: ScoreRules,
    /// The share of right answers that guessing earns.
    pub chance: f64,
    /// The metrics.
    pub metrics: PrometheusHandle,
}

/// Why a page can't be shown.
enum ApiError {
    Starting,
    NotFound(&'static str),
    Store(StoreError),
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Self::Starting => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the chain was not read yet".to_owned(),
            ),
            Self::NotFound(what) => (StatusCode::NOT_FOUND, what.to_owned()),
            Self::Store(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        };
        (status, Json(serde_json::json!({ "error": error }))).into_response()
    }
}

/// Answers until `shutdown` is tripped.
pub async fn serve(listener: TcpListener, api: Api, shutdown: Shutdown) -> std::io::Result<()> {
    let metrics = api.metrics.clone();
    let router = Router::new()
        .route("/health", get(health))
        .route("/metrics", get(prometheus))
        .route("/miners", get(miners))
        .route("/miners/{uid}", get(miner))
        .route("/epochs/{epoch}", get(epoch))
        .with_state(api);
    let upkeep = async {
        loop {
            tokio::time::sleep(UPKEEP).await;
            metrics.run_upkeep();
        }
    };
    // Pages are short and hold nothing: no connection is waited for.
    tokio::select! {
        served = axum::serve(listener, router).into_future() => served,
        () = shutdown.tripped() => Ok(()),
        () = upkeep => Ok(()),
    }
}

async fn health(Shared(api): Shared<Api>) -> impl IntoResponse {
    let health = api.status.health();
    let status = if health.ok {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(health))
}

async fn prometheus(Shared(api): Shared<Api>) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        api.metrics.render(),
    )
}

async fn breakdowns(api: &Api) -> Result<Vec<Breakdown>, ApiError> {
    let snapshot = api.status.snapshot().ok_or(ApiError::Starting)?;
    let store = api.store.get().ok_or(ApiError::Starting)?;
    let (_, known) = store.known().await?;
    let scores = scoring::scores(&snapshot, &api.hotkey, &known, &api.rules, api.chance);
    let miners = snapshot.miners(&api.hotkey);
    let lines = scores.iter().zip(miners).map(|(score, miner)| {
        let posterior = KnownMiner::about(known.get(&miner.serial), miner.artifact);
        Breakdown::new(
            score,
            miner.artifact.to_string(),
            &posterior,
            &api.rules,
            api.chance,
        )
    });
    Ok(lines.collect())
}

async fn miners(Shared(api): Shared<Api>) -> Result<Json<Vec<Breakdown>>, ApiError> {
    Ok(Json(breakdowns(&api).await?))
}

async fn miner(
    Shared(api): Shared<Api>,
    Path(uid): Path<u16>,
) -> Result<Json<serde_json::Value>, ApiError> {
    let lines = breakdowns(&api).await?;
    let line = lines.into_iter().find(|line| line.uid == Uid(uid));
    let line = line.ok_or(ApiError::NotFound(
        "no miner with this uid announced an endpoint",
    ))?;
    let store = api.store.get().ok_or(ApiError::Starting)?;
    let history = store.history(line.serial, LATEST).await?;
    Ok(Json(
        serde_json::json!({ "breakdown": line, "history": history }),
    ))
}

/// One epoch's submission with what it rests on.
#[derive(Serialize)]
struct EpochPage {
    generation: Generation,
    epoch: EpochIndex,
    task_version: TaskVersion,
    state: State,
    detail: Option<String>,
    hash: String,
    next_seed: String,
    evidence: Evidence,
    scores: Vec<MinerScore>,
    revealed: Option<Revealed>,
    leaves: Vec<ReceiptLeaf>,
}

/// What is shown once it is public on chain anyway, and the secret that the queries came from.
#[derive(Serialize)]
struct Revealed {
    targets: Vec<u16>,
    values: Vec<u16>,
    salt: String,
    secret: Option<String>,
}

async fn epoch(
    Shared(api): Shared<Api>,
    Path(epoch): Path<u32>,
) -> Result<Json<EpochPage>, ApiError> {
    let store = api.store.get().ok_or(ApiError::Starting)?;
    let snapshot = api.status.snapshot().ok_or(ApiError::Starting)?;
    let generation = snapshot.metagraph.generation;
    let key = Key {
        generation,
        epoch: EpochIndex(epoch),
    };
    let submission = store.submission(key).await?;
    let it = submission.ok_or(ApiError::NotFound("nothing was submitted in this epoch"))?;
    // Scores and leaves say what the weights are; copiers get them when everybody does.
    // And a submission can fail while its epoch's rounds still follow from the secret.
    let public = it.state.is_final() && key.epoch < snapshot.epoch();
    let (mut scores, mut leaves, mut revealed) = (Vec::new(), Vec::new(), None);
    if public {
        leaves = store.leaves(key).await?;
        let secret = store.known_secret(key).await?;
        revealed = Some(Revealed {
            targets: it.row.targets,
            values: it.row.values,
            salt: hex(&it.salt),
            secret: secret.map(|secret| hex(&secret)),
        });
        scores = it.scores;
    }
    Ok(Json(EpochPage {
        generation,
        epoch: key.epoch,
        task_version: it.task_version,
        state: it.state,
        detail: it.detail,
        hash: it.hash.to_string(),
        next_seed: it.next_seed.to_string(),
        evidence: it.evidence,
        scores,
        revealed,
        leaves,
    }))
}

fn hex(bytes: &[u8; 32]) -> String {
    assay_primitives::Digest(*bytes).to_string()
}
