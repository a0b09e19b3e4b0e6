//! What a validator shows over HTTP: health, metrics, and the reasons for its scores.
//!
//! Two doors. The *operator's* shows everything; it listens on this machine alone or asks for a
//! password, because scores that are not committed yet are what a copier of weights looks for. The
//! *public* one shows a miner what concerns it, if it signs the request with its hotkey, and
//! everybody the evidence of epochs past. An epoch's secret and salt stay hidden at both until the
//! epoch is over and its weights are revealed, or can't be any more.
//!
//! | path | operator | public |
//! | --- | --- | --- |
//! | `/health` | open | open |
//! | `/metrics` | open | |
//! | `/`, `/miners`, `/miners/{uid}`, `/miners/{uid}/receipts`, `/weights` | ✓ | |
//! | `/me`, `/me/receipts` | | signed |
//! | `/epochs/{epoch}`, `/epochs/{epoch}/receipts` | ✓ | open |
//!
//! All but the first two stand under `/subnets/{netuid}` too; without that the first subnet is
//! meant. What is JSON for programs is a page for browsers.

mod access;
mod epochs;
mod html;
mod page;

pub use access::Password;
pub use page::{MinerPage, OnChain, Section, Submitted};

use crate::{
    chain::Hotkey,
    scoring::Rules,
    status::{Health, Status},
    store::{Receipts, Store, StoreError},
};
use assay_primitives::NetUid;
use assay_protocol::{oip::ErrorBody, Reason, ReplayGuard, VerifyError};
use assay_telemetry::Shutdown;
use axum::{
    extract::{Path, Query, Request, State as Shared},
    http::{
        header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, WWW_AUTHENTICATE},
        HeaderMap, StatusCode,
    },
    middleware::{from_fn_with_state, Next},
    response::{IntoResponse, Response},
    routing::get,
    Json, Router,
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::{Deserialize, Serialize};
use std::{future::IntoFuture as _, sync::Arc, time::Duration};
use tokio::net::TcpListener;

/// How often histograms are tidied.
const UPKEEP: Duration = Duration::from_secs(5);
/// Rounds whose receipts come in one download.
const ROUNDS: u32 = 100;

/// What the pages of one subnet are made from.
#[derive(Clone)]
pub struct Api {
    /// The subnet.
    pub netuid: NetUid,
    /// What the validator is doing.
    pub status: Arc<Status>,
    /// What it knows; absent until the chain was first read.
    pub store: Arc<tokio::sync::OnceCell<Store>>,
    /// Its public key.
    pub hotkey: Hotkey,
    /// How answers become scores and scores weights.
    pub rules: Rules,
    /// Which signed requests were answered.
    pub seen: Arc<ReplayGuard>,
}

/// Why a page can't be shown.
pub(crate) enum ApiError {
    Starting,
    NotFound(&'static str),
    Password,
    NotLetIn(Reason, String),
    Store(StoreError),
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<VerifyError> for ApiError {
    fn from(error: VerifyError) -> Self {
        Self::NotLetIn(error.reason(), error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut reason = None;
        let (status, error) = match self {
            Self::Starting => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the chain was not read yet".to_owned(),
            ),
            Self::NotFound(what) => (StatusCode::NOT_FOUND, what.to_owned()),
            Self::Password => {
                let ask = [(WWW_AUTHENTICATE, "Basic realm=\"validator\"")];
                let error = "this is the operator's: give the password".to_owned();
                let body = ErrorBody { error, reason };
                return (StatusCode::UNAUTHORIZED, ask, Json(body)).into_response();
            }
            Self::NotLetIn(why, error) => {
                reason = Some(why);
                let status = StatusCode::from_u16(why.status());
                (status.unwrap_or(StatusCode::UNAUTHORIZED), error)
            }
            Self::Store(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        };
        (status, Json(ErrorBody { error, reason })).into_response()
    }
}

/// The pages of all subnets, the first one's at the root too.
fn everywhere(subnets: &[Api], pages: fn(Api) -> Router) -> Router {
    let first = subnets.first().cloned().map(pages).unwrap_or_default();
    subnets.iter().fold(first, |router, api| {
        let path = format!("/subnets/{}", api.netuid);
        router.nest(&path, pages(api.clone()))
    })
}

/// The operator's door, until `shutdown` is tripped.
pub async fn serve_operator(
    listener: TcpListener,
    subnets: Vec<Api>,
    metrics: PrometheusHandle,
    password: Option<Password>,
    shutdown: Shutdown,
) -> std::io::Result<()> {
    let shown = metrics.clone();
    let pages =
        everywhere(&subnets, operator_pages).layer(from_fn_with_state(password, ask_for_password));
    let router = pages
        .merge(health_page(subnets))
        .route("/metrics", get(move || prometheus(shown)));
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

/// The public door, until `shutdown` is tripped.
pub async fn serve_public(
    listener: TcpListener,
    subnets: Vec<Api>,
    shutdown: Shutdown,
) -> std::io::Result<()> {
    let router = everywhere(&subnets, public_pages).merge(health_page(subnets));
    tokio::select! {
        served = axum::serve(listener, router).into_future() => served,
        () = shutdown.tripped() => Ok(()),
    }
}

fn operator_pages(api: Api) -> Router {
    Router::new()
        .route("/", get(miners))
        .route("/miners", get(miners))
        .route("/miners/{uid}", get(miner))
        .route("/miners/{uid}/receipts", get(receipts))
        .route("/weights", get(weights))
        .route("/epochs/{epoch}", get(epochs::epoch))
        .route("/epochs/{epoch}/receipts", get(epochs::receipts))
        .with_state(api)
}

fn public_pages(api: Api) -> Router {
    Router::new()
        .route("/me", get(me))
        .route("/me/receipts", get(my_receipts))
        .route("/epochs/{epoch}", get(epochs::epoch))
        .route("/epochs/{epoch}/receipts", get(epochs::receipts))
        .with_state(api)
}

async fn ask_for_password(
    Shared(password): Shared<Option<Password>>,
    request: Request,
    next: Next,
) -> Response {
    let given = password.is_none_or(|password| password.is_given(request.headers()));
    if given {
        next.run(request).await
    } else {
        ApiError::Password.into_response()
    }
}

/// What `/health` shows: the first subnet's at the top, and those of all where there are more.
#[derive(Serialize)]
struct HealthPage {
    hotkey: String,
    #[serde(flatten)]
    first: Health,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subnets: Vec<Health>,
}

fn health_page(subnets: Vec<Api>) -> Router {
    let show = move || {
        let mut health: Vec<Health> = subnets.iter().map(|api| api.status.health()).collect();
        let ok = health.iter().all(|health| health.ok);
        let mut first = health.first().cloned().unwrap_or_default();
        first.ok = ok;
        if health.len() < 2 {
            health.clear();
        }
        let key = subnets
            .first()
            .map(|api| assay_protocol::Hotkey(api.hotkey));
        let page = HealthPage {
            hotkey: key.map(|key| key.to_string()).unwrap_or_default(),
            first,
            subnets: health,
        };
        let status = if ok {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        async move { (status, Json(page)) }
    };
    Router::new().route("/health", get(show))
}

async fn prometheus(metrics: PrometheusHandle) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        metrics.render(),
    )
}

/// Whether whoever asks would rather have a page than JSON.
fn reads_pages(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// JSON, or the page that `html` makes.
fn shown<T: Serialize>(headers: &HeaderMap, what: &T, html: impl FnOnce(&T) -> String) -> Response {
    if reads_pages(headers) {
        html::response(html(what))
    } else {
        Json(what).into_response()
    }
}

async fn miners(Shared(api): Shared<Api>, headers: HeaderMap) -> Result<Response, ApiError> {
    let lines = page::breakdowns(&api).await?;
    Ok(shown(&headers, &lines, |lines| {
        html::miners(api.netuid, lines)
    }))
}

async fn miner(
    Shared(api): Shared<Api>,
    Path(uid): Path<u16>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let page = page::miner(&api, uid).await?;
    Ok(shown(&headers, &page, html::miner))
}

async fn weights(Shared(api): Shared<Api>) -> Result<Response, ApiError> {
    Ok(Json(page::weights(&api).await?).into_response())
}

/// From which round on.
#[derive(Deserialize)]
struct Start {
    #[serde(default)]
    from: u64,
}

async fn receipts(
    Shared(api): Shared<Api>,
    Path(uid): Path<u16>,
    Query(Start { from }): Query<Start>,
) -> Result<Response, ApiError> {
    download(&api, uid, from).await
}

async fn me(Shared(api): Shared<Api>, request: Request) -> Result<Response, ApiError> {
    let uid = access::signed_by(&api, &request)?;
    let page = page::miner(&api, uid).await?;
    Ok(shown(request.headers(), &page, html::miner))
}

async fn my_receipts(
    Shared(api): Shared<Api>,
    Query(Start { from }): Query<Start>,
    request: Request,
) -> Result<Response, ApiError> {
    let uid = access::signed_by(&api, &request)?;
    download(&api, uid, from).await
}

/// Receipts, one JSON object a line. `Assay-Next` names the round from which the rest is to be had.
async fn download(api: &Api, uid: u16, from: u64) -> Result<Response, ApiError> {
    let snapshot = api.status.snapshot().ok_or(ApiError::Starting)?;
    let serial = snapshot.serial_of(assay_primitives::Uid(uid));
    let serial = serial.ok_or(ApiError::NotFound("no neuron has this uid"))?;
    let store = api.store.get().ok_or(ApiError::Starting)?;
    let receipts = store.receipts(serial, from, ROUNDS).await?;
    Ok(jsonl(
        &format!("receipts-{}-{uid}.jsonl", api.netuid),
        receipts,
    ))
}

/// A download of one JSON object a line.
fn jsonl(name: &str, receipts: Receipts) -> Response {
    let next = receipts.next.map(|next| next.to_string());
    let headers = [
        (CONTENT_TYPE, "application/x-ndjson".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
        (NEXT, next.unwrap_or_default()),
    ];
    (headers, receipts.lines).into_response()
}

/// The header that names the round from which the rest of a download is to be had.
const NEXT: axum::http::HeaderName = axum::http::HeaderName::from_static("assay-next");
