//! What a miner needs before it can serve, from its configuration: models or the engine behind, what
//! is announced; and the check of all that.

use crate::{
    backend::{Backend, ModelInfo},
    chain::{Chain as _, ChainError, NodeChain, Standing},
    config::{BackendChoice, ChainSettings, Config, ConfigError},
    onnx::{self, OnnxBackend},
    registration::{Wish, Wishes},
    reload::{announcement, Announcing},
    tls::Identity,
    upstream::Upstream,
    Error,
};
use assay_primitives::{Digest, ASY};
use assay_protocol::Hotkey;
use std::{collections::HashSet, sync::Arc};

/// What a check found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The miner's hotkey.
    pub hotkey: Hotkey,
    /// What would be served.
    pub models: Vec<Arc<ModelInfo>>,
    /// The certificate that would be shown, where there is one already.
    pub certificate: Option<Digest>,
    /// How the miner stands on chain, in words; or why that can't be told.
    pub chain: Option<Result<String, ChainError>>,
}

impl Checked {
    /// A line for each good finding.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("hotkey {}: ok", self.hotkey)];
        lines.extend(
            self.models
                .iter()
                .map(|model| format!("{} {} on {}: ok", model.name, model.version, model.provider)),
        );
        lines.extend(self.certificate.map(|it| format!("certificate {it}: ok")));
        if let Some(Ok(standing)) = &self.chain {
            lines.push(standing.clone());
        }
        lines
    }
}

/// Checks a configuration as far as can be without serving: loads the keys, the certificate and
/// every model, or asks the engine behind, and asks the chain how the miner stands. It changes
/// nothing.
pub async fn check(config: &Config) -> Result<Checked, Error> {
    config.check()?;
    let hotkey = config.hotkey.load().map_err(Error::Hotkey)?.hotkey();
    let certificate = match &config.tls {
        // Where there is none yet, it is made when the miner starts.
        Some(settings) if settings.certificate.exists() => Some(Identity::load(settings)?.digest),
        _ => None,
    };
    let models = load_backend(config).await?.backend.models();
    let chain = match &config.chain {
        None => None,
        Some(settings) => {
            wish(settings, &models, certificate)?;
            let chain = NodeChain::new(settings, &config.hotkey)?;
            let standing = chain.standing().await;
            Some(standing.map(|standing| in_words(settings.netuid.0, &standing)))
        }
    };
    Ok(Checked {
        hotkey,
        models,
        certificate,
        chain,
    })
}

fn in_words(netuid: u16, standing: &Standing) -> String {
    match &standing.neuron {
        Some(neuron) => format!("subnet {netuid}: registered as uid {}", neuron.uid.0),
        None => format!(
            "subnet {netuid}: not registered; a registration costs {:.6} ASY now",
            standing.registration_price as f64 / ASY as f64
        ),
    }
}

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
    Ok(Some(Announcing { model, wishes }))
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
