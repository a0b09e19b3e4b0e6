//! What a miner is told: one `Config`, from flags over environment over a TOML file over defaults.
//!
//! A name that means nothing is an error wherever it stands, so that a misspelt setting does not
//! pass for a default.

mod flags;

pub use flags::Flags;

use crate::{
    http::Limits,
    onnx::{Batching, Device, RunOptions},
};
use assay_primitives::{Balance, Digest, Endpoint, EndpointProtocol, NetUid, ASY, DECIMALS};
use assay_protocol::{keys::KeySource, Hotkey};
use assay_telemetry::LogFormat;
use figment::{
    providers::{Env, Format as _, Toml},
    Figment,
};
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, path::PathBuf};

/// Prefix of the environment's settings: `ASSAY_MINER_LIMITS__REQUESTS=64`.
const ENVIRONMENT: &str = "ASSAY_MINER_";

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The model folder.
    pub models: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where to serve metrics; not at all if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<SocketAddr>,
    /// Who may ask.
    pub admission: AdmissionMode,
    /// Hotkeys that may ask. With `signed`, an empty list means all; with `permitted`, these are
    /// let in besides the permit holders.
    pub allow: Vec<Hotkey>,
    /// The key that names this miner and signs its receipts.
    pub hotkey: KeySource,
    /// Bounds.
    pub limits: Limits,
    /// How models are run.
    pub inference: Inference,
    /// How queries that come at the same time are joined, where a model's own settings don't say.
    pub batching: Batching,
    /// Logs.
    pub log: Log,
    /// The subnet; without it, the miner serves and leaves the chain alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<ChainSettings>,
}

/// Who may ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdmissionMode {
    /// Anyone who signs, or those on the list.
    #[default]
    Signed,
    /// Holders of a validator permit on the subnet, and those on the list.
    Permitted,
    /// Anyone at all.
    Public,
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
    /// Sessions per model, each on a thread of its own.
    pub workers: usize,
    /// Queries that may wait per model.
    pub queue: usize,
    /// Threads that one query may use.
    pub threads: usize,
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

/// The subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainSettings {
    /// The node's WebSocket address.
    pub url: String,
    /// The subnet.
    pub netuid: NetUid,
    /// Hash of the network's first block; if set, a node of another network is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genesis: Option<Digest>,
    /// Where others reach this miner: `host:port`. If unset, no endpoint is announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The model to announce; may be left out if there is only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Most that a registration may cost, in ASY, such as `"2.5"`. If unset, the miner does not
    /// register itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_price: Option<String>,
    /// Whether to pay for a new place when the miner is pruned while it runs. At its start it pays
    /// for one in any case, if `max_price` is set and it has none.
    #[serde(default)]
    pub register_again: bool,
    /// The account that pays for the registration and owns the hotkey.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coldkey: Option<KeySource>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            models: "models".into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            metrics: None,
            admission: AdmissionMode::default(),
            allow: Vec::new(),
            hotkey: KeySource::default(),
            limits: Limits::default(),
            inference: Inference::default(),
            batching: Batching::default(),
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
            workers: 1,
            queue: 64,
            threads: 1,
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
        // The file's own path comes by flag or environment and is no setting.
        let environment = Env::prefixed(ENVIRONMENT).ignore(&["config"]).split("__");
        let figment = flags.over(figment.merge(environment));
        let config: Self = figment
            .extract()
            .map_err(|why| ConfigError::Unreadable(Box::new(why)))?;
        config.check()?;
        Ok(config)
    }

    /// Checks what the types alone can't say.
    pub fn check(&self) -> Result<(), ConfigError> {
        let Limits {
            body_bytes,
            requests,
            connections,
            nonces,
            ..
        } = self.limits;
        for (name, value) in [
            ("limits.body_bytes", body_bytes),
            ("limits.requests", requests),
            ("limits.connections", connections),
            ("limits.nonces", nonces),
            ("limits.nonces_per_caller", self.limits.nonces_per_caller),
            ("inference.workers", self.inference.workers),
            ("inference.queue", self.inference.queue),
            ("inference.threads", self.inference.threads),
            ("batching.max_rows", self.batching.max_rows),
        ] {
            if value == 0 {
                return Err(invalid(name, "must be at least 1"));
            }
        }
        if self.admission == AdmissionMode::Public && !self.allow.is_empty() {
            return Err(invalid(
                "allow",
                "means nothing with public admission: use `signed`",
            ));
        }
        match &self.chain {
            Some(chain) => chain.check(),
            None if self.admission == AdmissionMode::Permitted => Err(invalid(
                "admission",
                "is `permitted`, which needs the settings of `chain`",
            )),
            None => Ok(()),
        }
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
            },
            workers: self.inference.workers,
            queue: self.inference.queue,
            threads: self.inference.threads,
            batching: self.batching,
        }
    }
}

impl ChainSettings {
    fn check(&self) -> Result<(), ConfigError> {
        self.announced()?;
        if self.max_price()?.is_some() && self.coldkey.is_none() {
            return Err(invalid(
                "chain.coldkey",
                "is needed to register: it pays the price",
            ));
        }
        Ok(())
    }

    /// The endpoint to announce.
    pub fn announced(&self) -> Result<Option<Endpoint>, ConfigError> {
        const NAME: &str = "chain.endpoint";
        let Some(text) = &self.endpoint else {
            return Ok(None);
        };
        let parts = text
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let (host, port) = parts.ok_or_else(|| invalid(NAME, "must be `host:port`"))?;
        let host = host.as_bytes().to_vec().try_into();
        let host = host.map_err(|_| invalid(NAME, "has a host name over 253 letters"))?;
        let endpoint = Endpoint {
            host,
            port,
            protocol: EndpointProtocol::Http,
            certificate: None,
        };
        endpoint
            .check()
            .map_err(|why| invalid(NAME, format!("can't be announced: {why}")))?;
        Ok(Some(endpoint))
    }

    /// The limit of a registration's price.
    pub fn max_price(&self) -> Result<Option<Balance>, ConfigError> {
        let why = || {
            invalid(
                "chain.max_price",
                "must be an amount in ASY, such as \"2.5\"",
            )
        };
        self.max_price
            .as_deref()
            .map(|text| parse_asy(text).ok_or_else(why))
            .transpose()
    }
}

/// An amount in ASY, with at most as many decimals as the token has.
fn parse_asy(text: &str) -> Option<Balance> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let missing = u32::from(DECIMALS).checked_sub(u32::try_from(decimals.len()).ok()?)?;
    if !digits(whole) || !digits(decimals) {
        return None;
    }
    let whole = whole.parse::<Balance>().ok()?.checked_mul(ASY)?;
    let decimals = decimals
        .parse::<Balance>()
        .ok()?
        .checked_mul(10_u128.checked_pow(missing)?)?;
    whole.checked_add(decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_asy_reads_amounts_to_the_last_unit() {
        assert_eq!(parse_asy("2.5"), Some(2 * ASY + ASY / 2));
        assert_eq!(parse_asy("0.000000000001"), Some(1));
        assert_eq!(parse_asy("21000000"), Some(assay_primitives::CAP));
        for wrong in [
            "",
            ".",
            "-1",
            "1e3",
            "1.",
            ".5",
            "0.0000000000001",
            "+1",
            "1 ASY",
        ] {
            assert_eq!(parse_asy(wrong), None, "{wrong}");
        }
    }
}
