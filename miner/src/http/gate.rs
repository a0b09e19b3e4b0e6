//! What stands before every POST: who asks, whether they may, whether the request is new; and what
//! follows it: the receipt.

use super::{by_size, Refusal, Service};
use crate::metrics::Gauged;
use assay_protocol::{
    sign_receipt, ClaimedRequest, Reason, RequestRecord, VerifiedRequest, VerifyError,
};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{
        header::{CONTENT_ENCODING, CONTENT_LENGTH},
        HeaderMap, Method, StatusCode,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use std::{sync::Arc, time::Instant};

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
        Ok(_place) => answered(service, request, next).await,
        Err(_) => {
            let why = "the miner is busy: try again in a moment";
            Refusal::not_let_in(Reason::Overloaded, why).into_response()
        }
    };
    crate::metrics::answer(endpoint, response.status().as_u16(), started.elapsed());
    response
}

async fn answered(service: Arc<Service>, request: Request, next: Next) -> Response {
    match admitted(&service, request).await {
        Ok((request, None)) => next.run(request).await,
        Ok((request, Some(asked))) => {
            let answer = next.run(request).await;
            receipted(service, asked.record, answer).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// The request with its body at hand, and what was verified of it if it was signed.
async fn admitted(
    service: &Service,
    request: Request,
) -> Result<(Request, Option<VerifiedRequest>), Refusal> {
    let (parts, body) = request.into_parts();
    if parts
        .headers
        .get(CONTENT_ENCODING)
        .is_some_and(|coding| coding != "identity")
    {
        let why = "compressed bodies are not read: send the body as it is";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let now = service.clock.now();
    let claimed =
        match ClaimedRequest::read(&parts.method, target, &parts.headers, &service.policy, now) {
            Ok(claimed) => Some(claimed),
            Err(VerifyError::Unsigned(_)) if service.admission.admits_unsigned() => None,
            Err(why) => return Err(why.into()),
        };
    if let Some(claimed) = &claimed {
        let admitted = service.admission.admit(&claimed.caller());
        admitted.map_err(|why| Refusal::not_let_in(Reason::NotAdmitted, why))?;
    }
    let body = read_body(service, &parts.headers, body).await?;
    let verified = match claimed {
        None => None,
        Some(claimed) => {
            let bytes = body.clone();
            let verified = by_size(body.len(), move || claimed.verify(&bytes)).await??;
            service.seen.record(&verified, now)?;
            Some(verified)
        }
    };
    Ok((Request::from_parts(parts, Body::from(body)), verified))
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

/// Adds the receipt to an answer.
async fn receipted(service: Arc<Service>, asked: RequestRecord, answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    // Our own answers are in memory already; collecting them can't fail.
    let Ok(collected) = body.collect().await else {
        return Refusal::internal().into_response();
    };
    let trailers = collected.trailers().cloned();
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
    });
    match signed.await {
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
