//! What a miner needs before it can serve, from its configuration: models or the engine behind, and
//! what is announced.

use crate::{
    backend::{Backend, ModelInfo},
    config::{BackendChoice, ChainSettings, Config, ConfigError},
    onnx::{self, OnnxBackend},
    registration::{Wish, Wishes},
    reload::{announcement, Announcing},
    upstream::Upstream,
    Error,
};
use assay_primitives::Digest;
use std::{collections::HashSet, sync::Arc};

/// Whatever runs the models.
pub(crate) struct Loaded {
    pub backend: Arc<dyn Backend>,
    /// The same, if it follows a model folder.
    pub folder: Option<Arc<OnnxBackend>>,
}

pub(crate) async fn load_backend(config: &Config) -> Result<Loaded, Error> {
    if let (BackendChoice::Upstream, Some(settings)) = (config.backend, &config.upstream) {
        return Ok(Loaded {
            backend: Arc::new(Upstream::connect(settings).await?),
            folder: None,
        });
    }
    let folder = load_models(config).await?;
    Ok(Loaded {
        backend: Arc::clone(&folder) as Arc<dyn Backend>,
        folder: Some(folder),
    })
}

async fn load_models(config: &Config) -> Result<Arc<OnnxBackend>, Error> {
    let (folder, options) = (config.models.clone(), config.run_options());
    let library = config.inference.onnxruntime.clone();
    let load = move || {
        // The folder first: what is wrong with it can be told without ONNX Runtime.
        onnx::scan(&folder)?;
        let environment = onnx::load_library(library.as_deref())?;
        OnnxBackend::load(&folder, &environment, options)
    };
    let loaded = tokio::task::spawn_blocking(load)
        .await
        .map_err(std::io::Error::other)?;
    Ok(Arc::new(loaded?))
}

/// Who hears which file of the announced model will be served.
pub(crate) fn announcing(
    config: &Config,
    wishes: Option<Wishes>,
    backend: &dyn Backend,
) -> Result<Option<Announcing>, ConfigError> {
    let (Some(settings), Some(wishes)) = (&config.chain, wishes) else {
        return Ok(None);
    };
    let model = announced_model(settings, &backend.models())?.name.clone();
    Ok(Some(Announcing {
        model,
        is_named: settings.model.is_some(),
        wishes,
    }))
}

/// The host name under which this miner is known, for its certificate.
pub(crate) fn host(config: &Config) -> String {
    let announced = config
        .chain
        .as_ref()
        .and_then(|chain| chain.endpoint.as_deref())
        .and_then(|endpoint| endpoint.rsplit_once(':'));
    match announced {
        Some((host, _)) => host.to_owned(),
        None => config.listen.ip().to_string(),
    }
}

/// The model that the chain shall name: the newest version of the one in the settings, or of the
/// only one.
pub(crate) fn announced_model(
    settings: &ChainSettings,
    models: &[Arc<ModelInfo>],
) -> Result<Arc<ModelInfo>, ConfigError> {
    let invalid = |why: String| ConfigError::Invalid {
        name: "chain.model",
        why,
    };
    let named = |model: &&Arc<ModelInfo>| match &settings.model {
        Some(name) => model.name == *name,
        None => true,
    };
    let candidates: Vec<_> = models.iter().filter(named).collect();
    let names: HashSet<_> = candidates.iter().map(|model| &model.name).collect();
    if names.len() > 1 {
        return Err(invalid(
            "must say which model to announce: there is more than one".into(),
        ));
    }
    let newest = candidates.into_iter().max_by_key(|model| model.version);
    newest.cloned().ok_or_else(|| {
        let name = settings.model.as_deref().unwrap_or_default();
        invalid(format!("names `{name}`, which is not in the model folder"))
    })
}

/// What the chain shall know of this miner.
pub(crate) fn wish(
    settings: &ChainSettings,
    models: &[Arc<ModelInfo>],
    certificate: Option<Digest>,
) -> Result<Wish, ConfigError> {
    let model = announced_model(settings, models)?;
    Ok(Wish {
        max_price: settings.max_price()?,
        register_again: settings.register_again,
        endpoint: settings.announced(certificate)?,
        model: announcement(&model),
    })
}
