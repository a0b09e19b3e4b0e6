//! What stands before every POST: who asks, whether they may and not too often, whether the request
//! is new, and by when it must be answered; and what follows it: the receipt.

use super::{by_size, Peer, Refusal, Service};
use crate::{admission::Rank, metrics::Gauged};
use assay_protocol::{
    sign_receipt, ClaimedRequest, Hotkey, Reason, RequestRecord, UnixSeconds, VerifiedRequest,
    VerifyError, TIMEOUT_HEADER,
};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{
        header::{CONTENT_ENCODING, CONTENT_LENGTH},
        request::Parts,
        HeaderMap, Method, StatusCode,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// What the gate tells those behind it of a request that it let in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    /// Where it stands among those that wait.
    pub rank: Rank,
}

/// A request that was let in.
struct Admitted {
    request: Request,
    /// What was verified of it if it was signed, and how long that took.
    verified: Option<(VerifiedRequest, Duration)>,
    deadline: Instant,
}

/// Lets a request in or refuses it, and signs the answer of one that was signed.
pub(super) async fn gate(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let started = Instant::now();
    let path = request.uri().path();
    let endpoint = if path.starts_with("/v2/") {
        "infer"
    } else if path == crate::grpc::INFER_PATH {
        "grpc-infer"
    } else {
        "handshake"
    };
    let _counted = Gauged::request();
    let response = match Arc::clone(&service.places).try_acquire_owned() {
        Ok(_place) => answered(service, request, next, started).await,
        Err(_) => {
            let why = "the miner is busy: try again in a moment";
            Refusal::not_let_in(Reason::Overloaded, why).into_response()
        }
    };
    crate::metrics::answer(endpoint, response.status().as_u16(), started.elapsed());
    response
}

async fn answered(
    service: Arc<Service>,
    request: Request,
    next: Next,
    started: Instant,
) -> Response {
    let admitted = match admitted(&service, request, started).await {
        Ok(admitted) => admitted,
        Err(refusal) => return refusal.into_response(),
    };
    // What is not answered in time is dropped: it leaves its line, and was not run for nobody.
    let answer = next.run(admitted.request);
    let answer = match tokio::time::timeout_at(admitted.deadline, answer).await {
        Ok(answer) => answer,
        Err(_) => Refusal::too_late().into_response(),
    };
    match admitted.verified {
        None => answer,
        Some((verified, took)) => receipted(service, verified.record, answer, took).await,
    }
}

/// Everything that is asked of a request before it is answered.
async fn admitted(
    service: &Service,
    request: Request,
    started: Instant,
) -> Result<Admitted, Refusal> {
    let (mut parts, body) = request.into_parts();
    if parts
        .headers
        .get(CONTENT_ENCODING)
        .is_some_and(|coding| coding != "identity")
    {
        let why = "compressed bodies are not read: send the body as it is";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let now = service.clock.now();
    let waits = patience(&parts.headers, service.limits.answer_seconds)?;
    let (claimed, rank) = claimed(service, &parts, now, started)?;
    let body = read_body(service, &parts.headers, body).await?;
    let mut deadline = started + waits;
    let verified = match claimed {
        None => None,
        Some(claimed) => {
            let (bytes, started) = (body.clone(), Instant::now());
            let verified = by_size(body.len(), move || claimed.verify(&bytes)).await??;
            // First whether it is new: what somebody else sends again is not this caller's doing.
            service.seen.record(&verified, now)?;
            let rate = service.rates.signed.take(verified.caller, started);
            rate.map_err(Refusal::too_often)?;
            let valid = Duration::from_secs(verified.expires.0.saturating_sub(now.0));
            deadline = deadline.min(started + valid);
            Some((verified, started.elapsed()))
        }
    };
    parts.extensions.insert(Asked { rank });
    Ok(Admitted {
        request: Request::from_parts(parts, Body::from(body)),
        verified,
        deadline,
    })
}

/// Who says to ask, and with which rank; nobody where that is allowed. Nothing was read but the
/// head, and nothing is proved.
fn claimed(
    service: &Service,
    parts: &Parts,
    now: UnixSeconds,
    started: Instant,
) -> Result<(Option<ClaimedRequest>, Rank), Refusal> {
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    match ClaimedRequest::read(&parts.method, target, &parts.headers, &service.policy, now) {
        Ok(claimed) => {
            let caller: Hotkey = claimed.caller();
            let rank = service.admission.admit(&caller);
            let rank = rank.map_err(|why| Refusal::not_let_in(Reason::NotAdmitted, why))?;
            let rate = service.rates.signed.look(&caller, started);
            rate.map_err(Refusal::too_often)?;
            Ok((Some(claimed), rank))
        }
        Err(VerifyError::Unsigned(_)) if service.admission.admits_unsigned() => {
            if let Some(Peer(address)) = parts.extensions.get() {
                let rate = service.rates.unsigned.take(*address, started);
                rate.map_err(Refusal::too_often)?;
            }
            Ok((None, Rank::default()))
        }
        Err(why) => Err(why.into()),
    }
}

/// For how long the caller waits for an answer, as far as this miner lets it.
fn patience(headers: &HeaderMap, most: u64) -> Result<Duration, Refusal> {
    let most = Duration::from_secs(most);
    let Some(stated) = headers.get(TIMEOUT_HEADER) else {
        return Ok(most);
    };
    let milliseconds = stated.to_str().ok().and_then(|text| text.parse().ok());
    let milliseconds = milliseconds.ok_or_else(|| {
        Refusal::bad_request(format!(
            "`{TIMEOUT_HEADER}` must be a number of milliseconds"
        ))
    })?;
    Ok(Duration::from_millis(milliseconds).min(most))
}

/// The whole body, within the limits of size and time.
async fn read_body(service: &Service, headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    let limit = service.limits.body_bytes;
    let too_large = || {
        let why = format!("the body is over this miner's limit of {limit} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, why)
    };
    let stated = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    if stated
        .and_then(|length| length.parse::<usize>().ok())
        .is_some_and(|length| length > limit)
    {
        return Err(too_large());
    }
    let collected = Limited::new(body, limit).collect();
    match tokio::time::timeout(service.body_deadline(), collected).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(why)) if why.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Ok(Err(why)) => Err(Refusal::bad_request(format!(
            "the body did not arrive whole: {why}"
        ))),
        Err(_) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not arrive in time",
        )),
    }
}

/// Adds the receipt to an answer. `checking` is how long the request's signature took.
async fn receipted(
    service: Arc<Service>,
    asked: RequestRecord,
    answer: Response,
    checking: Duration,
) -> Response {
    let (mut parts, body) = answer.into_parts();
    // Our own answers are in memory already; collecting them can't fail.
    let Ok(collected) = body.collect().await else {
        return Refusal::internal().into_response();
    };
    let trailers = collected.trailers().cloned();
    let started = Instant::now();
    let body = collected.to_bytes();
    let bytes = body.clone();
    let signed = by_size(body.len(), move || {
        let (key, now) = (&service.key, service.clock.now());
        sign_receipt(
            key,
            &asked,
            parts.status.as_u16(),
            &mut parts.headers,
            &bytes,
            now,
        )
        .map(|_| parts)
    })
    .await;
    crate::metrics::signing(checking + started.elapsed());
    match signed {
        Ok(Ok(parts)) => Response::from_parts(parts, with_trailers(body, trailers)),
        Ok(Err(why)) => {
            tracing::error!(%why, "an answer could not be signed");
            Refusal::internal().into_response()
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// A body as it was before it was collected: answers over gRPC end with trailers.
fn with_trailers(body: Bytes, trailers: Option<HeaderMap>) -> Body {
    match trailers {
        None => Body::from(body),
        Some(trailers) => {
            let trailers = std::future::ready(Some(Ok(trailers)));
            Body::new(Full::new(body).with_trailers(trailers))
        }
    }
}
