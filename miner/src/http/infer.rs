//! What is behind the gate: queries and the handshake.

use super::{by_size, gate::Asked, path::Named, Refusal, Service, SOFTWARE};
use assay_protocol::{
    handshake::{Hello, ServedModel, Welcome, PROTOCOL},
    oip::{header_length, InferRequest, Tensor, HEADER_LENGTH},
};
use axum::{
    extract::{Extension, State},
    http::{header::CONTENT_TYPE, HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    Json,
};
use bytes::Bytes;
use std::sync::Arc;

pub(super) async fn infer_newest(
    State(service): State<Arc<Service>>,
    Named(model): Named<String>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    infer(&service, asked, &model, None, &headers, body).await
}

pub(super) async fn infer_version(
    State(service): State<Arc<Service>>,
    Named((model, version)): Named<(String, String)>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    infer(&service, asked, &model, Some(&version), &headers, body).await
}

async fn infer(
    service: &Service,
    asked_for: Asked,
    name: &str,
    version: Option<&str>,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let (length, bytes) = (header_length(headers)?, body.len());
    // Whether there is such a model is told before a body is looked into.
    let model = service.find(name, version)?;
    let read = move || match length {
        Some(0) => InferRequest::from_bare(&model.inputs, &body),
        _ => InferRequest::decode(&body, length),
    };
    let query = by_size(bytes, read).await??;
    // What the answer's form depends on; the tensors go to the model.
    let asked = InferRequest {
        outputs: query.outputs.clone(),
        output_encoding: query.output_encoding,
        ..InferRequest::default()
    };
    let answer = service.answer(asked_for, name, version, query).await?;
    let bytes = answer.outputs.iter().map(Tensor::bytes_held).sum();
    let encoded = by_size(bytes, move || answer.encode(&asked)).await?;
    // The query was fine; that its answer can't be put into JSON is nobody's fault.
    let encoded =
        encoded.map_err(|why| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, why.to_string()))?;
    let mut response = encoded.body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type(encoded.header_length.is_some()));
    if let Some(length) = encoded.header_length {
        headers.insert(HEADER_LENGTH, length.into());
    }
    Ok(response)
}

fn content_type(binary: bool) -> HeaderValue {
    HeaderValue::from_static(if binary {
        "application/octet-stream"
    } else {
        "application/json"
    })
}

/// Says who this is and what it serves. The receipt on the answer is what counts.
pub(super) async fn handshake(
    State(service): State<Arc<Service>>,
    body: Bytes,
) -> Result<Json<Welcome>, Refusal> {
    let hello: Hello = serde_json::from_slice(&body)
        .map_err(|why| Refusal::bad_request(format!("the handshake can't be read: {why}")))?;
    if hello.protocol != PROTOCOL {
        let why = format!(
            "protocol `{}` is not spoken here: use {PROTOCOL}",
            hello.protocol
        );
        return Err(Refusal::bad_request(why));
    }
    // Of each model the version that answers when none is named: the largest comes last.
    let mut models: Vec<ServedModel> = Vec::new();
    for model in service.backend.models() {
        match models.last_mut() {
            Some(last) if last.name == model.name => *last = model.served(),
            _ => models.push(model.served()),
        }
    }
    let hotkey = service.key.hotkey();
    Ok(Json(Welcome {
        protocol: PROTOCOL.into(),
        hotkey,
        software: SOFTWARE.into(),
        models,
    }))
}
