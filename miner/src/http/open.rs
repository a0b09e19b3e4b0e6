//! What everyone may read: health and metadata.

use super::{path::Named, Refusal, Service};
use crate::grpc;
use assay_protocol::oip::{ModelMetadata, ServerMetadata};
use axum::{
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
    Json,
};
use serde_json::json;
use std::sync::Arc;

type Shared = State<Arc<Service>>;
type Version = Named<(String, String)>;

pub(super) async fn server(State(service): Shared) -> Json<ServerMetadata> {
    Json(service.server_metadata())
}

pub(super) async fn live() -> Response {
    Json(json!({ "live": true })).into_response()
}

/// Some clients read the status, others the body: both say the same.
const fn status(ready: bool) -> StatusCode {
    if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

pub(super) async fn newest(
    State(service): Shared,
    Named(model): Named<String>,
) -> Result<Json<ModelMetadata>, Refusal> {
    service.model_metadata(&model, None).map(Json)
}

pub(super) async fn version(
    State(service): Shared,
    Named((model, version)): Version,
) -> Result<Json<ModelMetadata>, Refusal> {
    service.model_metadata(&model, Some(&version)).map(Json)
}

pub(super) async fn newest_ready(
    State(service): Shared,
    Named(model): Named<String>,
) -> Result<Response, Refusal> {
    model_ready(&service, &model, None)
}

pub(super) async fn version_ready(
    State(service): Shared,
    Named((model, version)): Version,
) -> Result<Response, Refusal> {
    model_ready(&service, &model, Some(&version))
}

fn model_ready(service: &Service, name: &str, version: Option<&str>) -> Result<Response, Refusal> {
    let ready = service.model_ready(name, version)?;
    let body = Json(json!({ "name": name, "ready": ready }));
    Ok((status(ready), body).into_response())
}

pub(crate) async fn nothing_here(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path();
    if grpc::is_call(&headers) {
        return grpc::no_such_method(path);
    }
    Refusal::not_found(format!("there is nothing at `{path}`: try /v2")).into_response()
}

/// Who asks for something by another method than it has. What that is follows from the path.
pub(crate) async fn wrong_method(method: Method, uri: Uri) -> Refusal {
    let why = format!("`{}` is not for {method}", uri.path());
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, why)
}
