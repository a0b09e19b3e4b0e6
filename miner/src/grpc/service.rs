//! The methods that everyone may call.

use super::inference::{
    grpc_inference_service_server::GrpcInferenceService,
    model_metadata_response::TensorMetadata as WireTensor, ModelInferRequest, ModelInferResponse,
    ModelMetadataRequest, ModelMetadataResponse, ModelReadyRequest, ModelReadyResponse,
    ServerLiveRequest, ServerLiveResponse, ServerMetadataRequest, ServerMetadataResponse,
    ServerReadyRequest, ServerReadyResponse,
};
use crate::http::Service;
use assay_protocol::oip::{datatype_name, TensorMetadata};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// Answers over gRPC what [`Service`] answers.
pub(super) struct Grpc(Arc<Service>);

impl Grpc {
    pub(super) const fn new(service: Arc<Service>) -> Self {
        Self(service)
    }
}

/// An empty version is none.
pub(super) fn version(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

#[tonic::async_trait]
impl GrpcInferenceService for Grpc {
    async fn server_live(
        &self,
        _: Request<ServerLiveRequest>,
    ) -> Result<Response<ServerLiveResponse>, Status> {
        Ok(Response::new(ServerLiveResponse { live: true }))
    }

    async fn server_ready(
        &self,
        _: Request<ServerReadyRequest>,
    ) -> Result<Response<ServerReadyResponse>, Status> {
        let ready = self.0.is_ready();
        Ok(Response::new(ServerReadyResponse { ready }))
    }

    async fn model_ready(
        &self,
        request: Request<ModelReadyRequest>,
    ) -> Result<Response<ModelReadyResponse>, Status> {
        let asked = request.get_ref();
        let ready = self.0.model_ready(&asked.name, version(&asked.version));
        // A model that is not there is not ready: callers wait for models by asking this.
        let ready = ready.unwrap_or(false);
        Ok(Response::new(ModelReadyResponse { ready }))
    }

    async fn server_metadata(
        &self,
        _: Request<ServerMetadataRequest>,
    ) -> Result<Response<ServerMetadataResponse>, Status> {
        let known = self.0.server_metadata();
        Ok(Response::new(ServerMetadataResponse {
            name: known.name,
            version: known.version,
            extensions: known.extensions,
        }))
    }

    async fn model_metadata(
        &self,
        request: Request<ModelMetadataRequest>,
    ) -> Result<Response<ModelMetadataResponse>, Status> {
        let asked = request.get_ref();
        let known = self
            .0
            .model_metadata(&asked.name, version(&asked.version))?;
        Ok(Response::new(ModelMetadataResponse {
            name: known.name,
            versions: known.versions,
            platform: known.platform,
            inputs: known.inputs.into_iter().map(wire_tensor).collect(),
            outputs: known.outputs.into_iter().map(wire_tensor).collect(),
            properties: known.parameters.into_iter().collect(),
        }))
    }

    /// Queries are for `infer.rs`, behind the gate. There is no other way to a model.
    async fn model_infer(
        &self,
        _: Request<ModelInferRequest>,
    ) -> Result<Response<ModelInferResponse>, Status> {
        Err(Status::internal("a query came past the gate"))
    }
}

fn wire_tensor(known: TensorMetadata) -> WireTensor {
    WireTensor {
        name: known.name,
        datatype: datatype_name(known.datatype).into(),
        shape: known.shape,
    }
}
