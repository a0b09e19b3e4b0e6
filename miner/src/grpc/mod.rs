//! The Open Inference Protocol v2 over gRPC, on the same port and over the same
//! [`Service`] as over REST.
//!
//! ```text
//! ModelInfer -> http/gate.rs -> infer.rs -> fields.rs, convert.rs -> http/serving.rs -> ... -> receipt
//! the rest  ------------------> service.rs ------------------------> http/serving.rs
//! ```
//!
//! A call over gRPC is a POST like any other: the gate verifies and signs its metadata as it does
//! headers, its content being the one message with the five bytes before it. What is refused is put
//! into gRPC's words here. Compressed messages are not read.

mod convert;
mod fields;
mod infer;
/// The protocol's messages, and client and server of its service. Made from
/// `proto/inference.proto`; `tests/serving/generated.rs` checks that it is current.
#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, missing_docs, rustdoc::all)]
pub mod inference;
mod service;
mod status;

use crate::http::{gated, Refusal, Service};
use axum::{
    extract::{DefaultBodyLimit, Request},
    http::{header::CONTENT_TYPE, HeaderMap, HeaderValue, StatusCode},
    middleware::{from_fn, from_fn_with_state, Next},
    response::{IntoResponse, Response},
    routing::{post, post_service},
    Router,
};
use inference::grpc_inference_service_server::GrpcInferenceServiceServer;
use service::Grpc;
use std::{sync::Arc, time::Duration};
use tonic::{Code, Status};

/// Where queries are posted: the only method that is signed.
pub const INFER_PATH: &str = "/inference.GRPCInferenceService/ModelInfer";

/// The other methods.
const OPEN_PATHS: &str = "/inference.GRPCInferenceService/{method}";

/// Largest message to a method that everyone may call: a name and a version.
const OPEN_BYTES: usize = 4 * 1024;

/// The routes.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(service: &Arc<Service>) -> Router<S> {
    let infer = post(infer::infer).with_state(Arc::clone(service));
    let infer = Router::new()
        .route(INFER_PATH, infer)
        // The gate bounds bodies.
        .layer(DefaultBodyLimit::disable());
    let open = GrpcInferenceServiceServer::new(Grpc::new(Arc::clone(service)));
    let open = post_service(open.max_decoding_message_size(OPEN_BYTES));
    let open = Router::new().route(OPEN_PATHS, open);
    // The gate bounds the time of what passes it.
    let open = open.layer(from_fn_with_state(service.body_deadline(), in_time));
    gated(infer, service)
        .merge(open)
        .layer(from_fn(in_words_of_grpc))
}

async fn in_time(
    axum::extract::State(limit): axum::extract::State<Duration>,
    request: Request,
    next: Next,
) -> Response {
    let answer = tokio::time::timeout(limit, next.run(request)).await;
    answer.unwrap_or_else(|_| {
        let why = "the message did not arrive in time";
        Refusal::new(StatusCode::REQUEST_TIMEOUT, why).into_response()
    })
}

/// A refusal in the words of gRPC, which answers 200 and says in headers of its own what is wrong; any
/// other answer as it is.
pub(crate) fn in_words(mut answer: Response) -> Response {
    match answer.extensions_mut().remove::<Refusal>() {
        Some(refusal) => Status::from(refusal).into_http(),
        None => answer,
    }
}

async fn in_words_of_grpc(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let answer = in_words(next.run(request).await);
    let unknown = Status::from_header_map(answer.headers())
        .is_some_and(|it| it.code() == Code::Unimplemented && it.message().is_empty());
    if unknown {
        no_such_method(&path)
    } else {
        answer
    }
}

/// Whether a request is a call over gRPC, whatever it calls.
pub(crate) fn is_call(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    kind.is_some_and(|kind| kind.starts_with(b"application/grpc"))
}

/// What a call is told that nothing here answers.
pub(crate) fn no_such_method(path: &str) -> Response {
    let why = format!(
        "there is no method `{path}` here: of inference.GRPCInferenceService there are those of the \
         Open Inference Protocol, and none of its extensions"
    );
    Status::unimplemented(why).into_http()
}
