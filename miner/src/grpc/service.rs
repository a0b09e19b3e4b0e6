//! The methods.

use super::{
    convert::{to_answer, to_query},
    inference::{
        grpc_inference_service_server::GrpcInferenceService,
        model_metadata_response::TensorMetadata as WireTensor, ModelInferRequest,
        ModelInferResponse, ModelMetadataRequest, ModelMetadataResponse, ModelReadyRequest,
        ModelReadyResponse, ServerLiveRequest, ServerLiveResponse, ServerMetadataRequest,
        ServerMetadataResponse, ServerReadyRequest, ServerReadyResponse,
    },
};
use crate::http::{by_size, Asked, Refusal, Service};
use assay_protocol::oip::{datatype_name, TensorMetadata};
use prost::Message as _;
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
fn version(text: &str) -> Option<&str> {
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

    async fn model_infer(
        &self,
        request: Request<ModelInferRequest>,
    ) -> Result<Response<ModelInferResponse>, Status> {
        let rank = request.extensions().get::<Asked>().copied();
        let rank = rank.unwrap_or_default();
        let request = request.into_inner();
        let (name, asked) = (request.model_name.clone(), request.model_version.clone());
        self.0.find(&name, version(&asked))?;
        let bytes = request.encoded_len();
        let query = by_size(bytes, move || to_query(request)).await?;
        let query = query.map_err(Refusal::from)?;
        let answer = self.0.answer(rank, &name, version(&asked), query).await?;
        let elements = answer.outputs.iter().map(|tensor| tensor.data().len());
        let answer = by_size(elements.sum(), move || to_answer(answer)).await?;
        Ok(Response::new(answer.map_err(Refusal::from)?))
    }
}

fn wire_tensor(known: TensorMetadata) -> WireTensor {
    WireTensor {
        name: known.name,
        datatype: datatype_name(known.datatype).into(),
        shape: known.shape,
    }
}
