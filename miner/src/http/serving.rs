//! What can be asked of a miner, whether over REST or over gRPC.

use super::{Asked, Refusal, Service};
use crate::{
    backend::{ModelInfo, FALLBACK},
    check::check_query,
};
use assay_primitives::Digest;
use assay_protocol::oip::{InferRequest, InferResponse, ModelMetadata, ServerMetadata};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

impl Service {
    /// The model of a name, and of a version if one is given; else of the highest.
    pub(crate) fn find(
        &self,
        name: &str,
        version: Option<&str>,
    ) -> Result<Arc<ModelInfo>, Refusal> {
        let mut models = self.backend.models();
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

    /// What this server says of itself.
    pub(crate) fn server_metadata(&self) -> ServerMetadata {
        let models = self.backend.models();
        let providers: BTreeSet<&str> = models.iter().map(|it| it.provider.as_str()).collect();
        let providers: Vec<_> = providers.into_iter().collect();
        let reasons: BTreeSet<&str> = models
            .iter()
            .filter_map(|it| it.fallback.as_deref())
            .collect();
        let mut parameters = BTreeMap::from([
            ("execution_provider".to_owned(), providers.join(", ")),
            ("hotkey".to_owned(), self.key.hotkey().to_string()),
        ]);
        if !reasons.is_empty() {
            let reasons: Vec<_> = reasons.into_iter().collect();
            parameters.insert(FALLBACK.to_owned(), reasons.join("; "));
        }
        ServerMetadata {
            name: "assay-miner".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            extensions: vec!["binary_tensor_data".into()],
            parameters,
        }
    }

    /// Whether what is expected of this server can be had from it.
    pub(crate) fn is_ready(&self) -> bool {
        self.why_unready().is_none()
    }

    /// Why not everything can be had: the server is about to end, or a model can't be asked, among
    /// them the one that the chain names, or there is none at all.
    pub(crate) fn why_unready(&self) -> Option<String> {
        if self.shutdown.is_tripped() {
            return Some("the miner is about to end".into());
        }
        let models = self.backend.models();
        if models.is_empty() {
            return Some("no model is served".into());
        }
        if let Some(model) = models.iter().find(|model| !self.backend.is_ready(model)) {
            let ModelInfo { name, version, .. } = &**model;
            return Some(format!("version {version} of `{name}` can't be asked now"));
        }
        let serves = |digest: &Digest| models.iter().any(|model| model.sha256 == *digest);
        let missing = self.chain.as_ref()?.borrow().missing(serves)?;
        Some(format!(
            "the model that the chain names, {missing}, is not served: validators get no answers"
        ))
    }

    /// Whether one model can be asked.
    pub(crate) fn model_ready(&self, name: &str, version: Option<&str>) -> Result<bool, Refusal> {
        let model = self.find(name, version)?;
        Ok(self.backend.is_ready(&model))
    }

    /// What one model takes and gives.
    pub(crate) fn model_metadata(
        &self,
        name: &str,
        version: Option<&str>,
    ) -> Result<ModelMetadata, Refusal> {
        let model = self.find(name, version)?;
        let mut served = self.backend.models();
        served.retain(|other| other.name == name);
        let versions = served.iter().map(|other| other.version.to_string());
        Ok(model.metadata(versions.collect()))
    }

    /// Asks a model, once it is the query's turn.
    pub(crate) async fn answer(
        &self,
        asked: Asked,
        name: &str,
        version: Option<&str>,
        query: InferRequest,
    ) -> Result<InferResponse, Refusal> {
        let model = self.find(name, version)?;
        check_query(&model, &query)?;
        asked.holds(&query)?;
        let id = query.id.clone();
        let line = self.lines.of(&model.name, model.version);
        let entered = Instant::now();
        let room = self.backend.room(&model);
        let _turn = line.enter(asked.rank, asked.from, room).await?;
        let answer = self.backend.infer_since(Arc::clone(&model), query, entered);
        let outputs = answer.await?;
        Ok(InferResponse {
            model_name: model.name.clone(),
            model_version: Some(model.version.to_string()),
            id,
            outputs,
        })
    }
}
