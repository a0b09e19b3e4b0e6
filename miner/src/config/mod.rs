//! What a miner is told: one `Config`, from flags over environment over a TOML file over defaults.
//!
//! A name that means nothing is an error wherever it stands, so that a misspelt setting does not
//! pass for a default.

mod chain;
mod environment;
mod flags;
mod serving;

pub use chain::ChainSettings;
pub use flags::Flags;
pub use serving::{AdmissionMode, Rates, TlsSettings, UpstreamModel, UpstreamSettings};

use crate::{
    admin::AdminSettings,
    http::Limits,
    onnx::{Batching, Device, RunOptions},
    reload::FolderSettings,
};
use assay_primitives::Balance;
use assay_protocol::{keys::KeySource, Hotkey};
use assay_telemetry::LogFormat;
use figment::{
    providers::{Format as _, Toml},
    Figment,
};
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, num::NonZeroUsize, path::PathBuf};

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What runs the models.
    pub backend: BackendChoice,
    /// The model folder.
    pub models: PathBuf,
    /// How the model folder is followed.
    pub folder: FolderSettings,
    /// Where models are loaded and unloaded by call; nowhere if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<AdminSettings>,
    /// The folder in which the miner keeps which requests it has answered, so that none is answered
    /// twice across a restart. Empty: nothing is kept.
    pub state: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where to serve metrics; not at all if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<SocketAddr>,
    /// Who may ask.
    pub admission: AdmissionMode,
    /// Hotkeys that may ask. With `signed`, an empty list means all; with `permitted`, these are
    /// let in besides the permit holders. Stake is not asked of them.
    pub allow: Vec<Hotkey>,
    /// Hotkeys that may not ask, whatever else speaks for them.
    pub deny: Vec<Hotkey>,
    /// Least stake on the subnet, in ASY, of those who are not named in `allow`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_stake: Option<String>,
    /// The key that names this miner and signs its receipts.
    pub hotkey: KeySource,
    /// Bounds.
    pub limits: Limits,
    /// How often one caller may ask.
    pub rates: Rates,
    /// How models are run.
    pub inference: Inference,
    /// How queries that come at the same time are joined, where a model's own settings don't say.
    pub batching: Batching,
    /// The engine behind this miner, with `backend = "upstream"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<UpstreamSettings>,
    /// TLS; plain HTTP without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSettings>,
    /// Logs.
    pub log: Log,
    /// The subnet; without it, the miner serves and leaves the chain alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<ChainSettings>,
}

/// What runs the models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackendChoice {
    /// ONNX Runtime in this process, on the models of the folder.
    #[default]
    Onnx,
    /// Another server of the Open Inference Protocol.
    Upstream,
}

/// How models are run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inference {
    /// `libonnxruntime.so`; if unset, it is looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub onnxruntime: Option<PathBuf>,
    /// What to run on.
    pub provider: ProviderChoice,
    /// Which GPU.
    pub cuda_device: i32,
    /// Sessions per model, each on a thread of its own; if unset, as there are cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<NonZeroUsize>,
    /// Queries that may wait per model.
    pub queue: usize,
    /// Threads that one query may use; if unset, workers share the cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<NonZeroUsize>,
}

/// What to run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderChoice {
    /// The GPU if it can be used, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU, or nothing.
    Cuda,
    /// The GPU through TensorRT, or nothing. Engines are built when a model is loaded, which takes
    /// minutes for large ones; that is why it is not chosen by itself.
    Tensorrt,
}

/// Logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// Which lines there are.
    pub filter: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            backend: BackendChoice::default(),
            models: "models".into(),
            folder: FolderSettings::default(),
            admin: None,
            state: "state".into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            metrics: None,
            admission: AdmissionMode::default(),
            allow: Vec::new(),
            deny: Vec::new(),
            minimum_stake: None,
            hotkey: KeySource::default(),
            limits: Limits::default(),
            rates: Rates::default(),
            inference: Inference::default(),
            batching: Batching::default(),
            upstream: None,
            tls: None,
            log: Log::default(),
            chain: None,
        }
    }
}

impl Default for Inference {
    fn default() -> Self {
        Self {
            onnxruntime: None,
            provider: ProviderChoice::default(),
            cuda_device: 0,
            workers: None,
            queue: 64,
            threads: None,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::default(),
            filter: "info,ort=warn".into(),
        }
    }
}

/// Why a configuration is wrong.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It can't be read: a name that means nothing, or a value of another kind.
    #[error("configuration: {0}")]
    Unreadable(Box<figment::Error>),
    /// The file is not there.
    #[error("the configuration file {} does not exist", .0.display())]
    NoFile(PathBuf),
    /// A value makes no sense.
    #[error("configuration: `{name}` {why}")]
    Invalid {
        /// The setting.
        name: &'static str,
        /// What is wrong.
        why: String,
    },
}

fn invalid(name: &'static str, why: impl Into<String>) -> ConfigError {
    ConfigError::Invalid {
        name,
        why: why.into(),
    }
}

impl Config {
    /// Reads and checks the settings.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        let mut figment = Figment::new();
        if let Some(path) = &flags.config {
            if !path.is_file() {
                return Err(ConfigError::NoFile(path.clone()));
            }
            figment = figment.merge(Toml::file_exact(path));
        }
        let figment = flags.over(environment::over(figment));
        let config: Self = figment
            .extract()
            .map_err(|why| ConfigError::Unreadable(Box::new(why)))?;
        config.check()?;
        Ok(config)
    }

    /// Checks what the types alone can't say.
    pub fn check(&self) -> Result<(), ConfigError> {
        for (name, value) in [
            ("limits.body_bytes", self.limits.body_bytes),
            ("limits.requests", self.limits.requests),
            ("limits.connections", self.limits.connections),
            ("limits.per_address", self.limits.per_address),
            ("limits.nonces", self.limits.nonces),
            ("limits.nonces_per_caller", self.limits.nonces_per_caller),
            ("inference.queue", self.inference.queue),
            ("batching.max_rows", self.batching.max_rows),
        ] {
            if value == 0 {
                return Err(invalid(name, "must be at least 1"));
            }
        }
        if self.limits.answer_seconds == 0 {
            return Err(invalid("limits.answer_seconds", "must be at least 1"));
        }
        if self.limits.bodies_bytes < self.limits.body_bytes {
            let why = "must be at least `limits.body_bytes`";
            return Err(invalid("limits.bodies_bytes", why));
        }
        self.check_admission()?;
        if let Some(admin) = &self.admin {
            admin.check()?;
            if self.backend == BackendChoice::Upstream {
                let why = "means nothing with an upstream: its models are loaded there";
                return Err(invalid("admin", why));
            }
        }
        match (self.backend, &self.upstream) {
            (BackendChoice::Upstream, None) => {
                let why = "is `upstream`, which needs the settings of `upstream`";
                return Err(invalid("backend", why));
            }
            (BackendChoice::Upstream, Some(upstream)) => upstream.check()?,
            (BackendChoice::Onnx, Some(_)) => {
                let why = "means nothing unless `backend` is \"upstream\"";
                return Err(invalid("upstream", why));
            }
            (BackendChoice::Onnx, None) => {}
        }
        match &self.chain {
            Some(chain) => chain.check(),
            None => Ok(()),
        }
    }

    fn check_admission(&self) -> Result<(), ConfigError> {
        if self.admission == AdmissionMode::Public {
            let named = [
                ("allow", !self.allow.is_empty()),
                ("deny", !self.deny.is_empty()),
                ("minimum_stake", self.minimum_stake.is_some()),
            ];
            if let Some((name, _)) = named.into_iter().find(|(_, set)| *set) {
                let why = "means nothing with public admission: use `signed`";
                return Err(invalid(name, why));
            }
        }
        if let Some(both) = self.allow.iter().find(|it| self.deny.contains(it)) {
            return Err(invalid(
                "deny",
                format!("names {both}, and `allow` does too"),
            ));
        }
        self.minimum_stake()?;
        if self.chain.is_none() {
            if self.admission == AdmissionMode::Permitted {
                let why = "is `permitted`, which needs the settings of `chain`";
                return Err(invalid("admission", why));
            }
            if self.minimum_stake.is_some() {
                return Err(invalid("minimum_stake", "needs the settings of `chain`"));
            }
        }
        Ok(())
    }

    /// Least stake of a caller.
    pub fn minimum_stake(&self) -> Result<Balance, ConfigError> {
        let stake = chain::amount("minimum_stake", self.minimum_stake.as_deref())?;
        Ok(stake.unwrap_or_default())
    }

    /// The settings in force as TOML, secrets redacted.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string_pretty(self).map_err(|why| invalid("config", why.to_string()))
    }

    /// How models are run.
    pub fn run_options(&self) -> RunOptions {
        let cuda_device = self.inference.cuda_device;
        RunOptions {
            device: match self.inference.provider {
                ProviderChoice::Auto => Device::Auto { cuda_device },
                ProviderChoice::Cpu => Device::Cpu,
                ProviderChoice::Cuda => Device::Cuda { cuda_device },
                ProviderChoice::Tensorrt => Device::TensorRt { cuda_device },
            },
            workers: self.inference.workers,
            queue: self.inference.queue,
            threads: self.inference.threads,
            batching: self.batching,
        }
    }
}
