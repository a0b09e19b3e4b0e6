//! What everyone may read: health and metadata.

use super::{Refusal, Service};
use crate::backend::{Backend, ModelInfo};
use assay_protocol::oip::{ModelMetadata, ServerMetadata};
use axum::{
    extract::{Path, State},
    http::{Method, StatusCode, Uri},
    Json,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

type Shared = State<Arc<Service>>;

/// The model of a name, and of a version if one is given.
pub(super) fn find(
    backend: &dyn Backend,
    name: &str,
    version: Option<&str>,
) -> Result<Arc<ModelInfo>, Refusal> {
    let mut models = backend.models();
    models.retain(|model| model.name == name);
    if models.is_empty() {
        return Err(Refusal::not_found(format!(
            "there is no model `{name}` here"
        )));
    }
    let wanted = match version {
        None => models.into_iter().max_by_key(|model| model.version),
        Some(version) => models
            .into_iter()
            .find(|model| model.version.to_string() == version),
    };
    wanted.ok_or_else(|| {
        let version = version.unwrap_or_default();
        Refusal::not_found(format!("model `{name}` has no version `{version}` here"))
    })
}

pub(super) async fn server(State(service): Shared) -> Json<ServerMetadata> {
    let providers: BTreeSet<_> = service
        .backend
        .models()
        .iter()
        .map(|model| model.provider.clone())
        .collect();
    let providers: Vec<_> = providers.into_iter().collect();
    Json(ServerMetadata {
        name: "assay-miner".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        extensions: vec!["binary_tensor_data".into()],
        parameters: BTreeMap::from([
            ("execution_provider".to_owned(), providers.join(", ")),
            ("hotkey".to_owned(), service.key.hotkey().to_string()),
        ]),
    })
}

pub(super) async fn live() -> StatusCode {
    StatusCode::OK
}

pub(super) async fn ready(State(service): Shared) -> StatusCode {
    let backend = &service.backend;
    let able = backend.models().iter().all(|model| backend.is_ready(model));
    if able && !service.shutdown.is_tripped() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

pub(super) async fn newest(
    State(service): Shared,
    Path(model): Path<String>,
) -> Result<Json<ModelMetadata>, Refusal> {
    metadata(&service, &model, None)
}

pub(super) async fn version(
    State(service): Shared,
    Path((model, version)): Path<(String, String)>,
) -> Result<Json<ModelMetadata>, Refusal> {
    metadata(&service, &model, Some(&version))
}

fn metadata(
    service: &Service,
    name: &str,
    version: Option<&str>,
) -> Result<Json<ModelMetadata>, Refusal> {
    let model = find(&*service.backend, name, version)?;
    let served = service
        .backend
        .models()
        .into_iter()
        .filter(|other| other.name == name);
    Ok(Json(model.metadata(
        served.map(|other| other.version.to_string()).collect(),
    )))
}

pub(super) async fn newest_ready(
    State(service): Shared,
    Path(model): Path<String>,
) -> Result<StatusCode, Refusal> {
    model_ready(&service, &model, None)
}

pub(super) async fn version_ready(
    State(service): Shared,
    Path((model, version)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    model_ready(&service, &model, Some(&version))
}

fn model_ready(
    service: &Service,
    name: &str,
    version: Option<&str>,
) -> Result<StatusCode, Refusal> {
    let model = find(&*service.backend, name, version)?;
    let able = service.backend.is_ready(&model);
    Ok(if able {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    })
}

pub(super) async fn nothing_here(uri: Uri) -> Refusal {
    Refusal::not_found(format!("there is nothing at `{}`: try /v2", uri.path()))
}

pub(super) async fn wrong_method(method: Method, uri: Uri) -> Refusal {
    let why = format!("`{}` is not for {method}", uri.path());
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, why)
}
