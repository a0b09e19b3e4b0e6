//! Settings around serving: who may ask and how often, TLS, and the engine behind.

use super::{invalid, ConfigError};
use assay_protocol::oip::TensorMetadata;
use serde::{Deserialize, Serialize};
use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
};

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

/// How often one caller may ask: a bucket that holds `burst` requests and is filled with
/// `per_second`. Who signs is known by its hotkey, who does not by its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rates {
    /// Requests a second of one hotkey; 0 for any number.
    pub per_second: u32,
    /// Requests of one hotkey at once.
    pub burst: NonZeroU32,
    /// Unsigned requests a second from one address; 0 for any number.
    pub unsigned_per_second: u32,
    /// Unsigned requests from one address at once.
    pub unsigned_burst: NonZeroU32,
    /// Requests a second from one address that have a wrong signature or digest or were seen
    /// before; 0 for any number. While there were more, none that is signed is looked at.
    pub failed_per_second: u32,
    /// Such requests from one address at once.
    pub failed_burst: NonZeroU32,
}

impl Default for Rates {
    fn default() -> Self {
        let burst = |requests| NonZeroU32::new(requests).unwrap_or(NonZeroU32::MIN);
        Self {
            per_second: 200,
            burst: burst(400),
            unsigned_per_second: 50,
            unsigned_burst: burst(100),
            failed_per_second: 10,
            failed_burst: burst(100),
        }
    }
}

/// The certificate that this miner shows. Where neither file is there, both are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// The certificate, and those it was issued by, in PEM.
    pub certificate: PathBuf,
    /// Its private key in PEM, readable by its owner alone.
    pub key: PathBuf,
}

impl Default for TlsSettings {
    fn default() -> Self {
        let folder = Path::new("tls");
        Self {
            certificate: folder.join("certificate.pem"),
            key: folder.join("key.pem"),
        }
    }
}

/// Another server of the Open Inference Protocol that runs the models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamSettings {
    /// Its address, such as `http://127.0.0.1:8000`. It is spoken to in clear: keep it on this
    /// machine or in a network of your own.
    pub url: String,
    /// The models that it runs.
    pub models: Vec<UpstreamModel>,
    /// Queries that may be under way there at once, per model.
    #[serde(default = "in_flight")]
    pub in_flight: usize,
    /// Most bytes of an answer of its.
    #[serde(default = "answer_bytes")]
    pub answer_bytes: usize,
    /// Seconds between looks at whether it is ready.
    #[serde(default = "probe_seconds")]
    pub probe_seconds: u64,
}

/// A model that runs elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamModel {
    /// The name under which this miner serves it.
    pub name: String,
    /// Its name there, if it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_name: Option<String>,
    /// The version to ask for there; if unset, whichever it chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_version: Option<String>,
    /// The version under which this miner serves it.
    #[serde(default = "first")]
    pub version: u32,
    /// The file that runs there: its digest is announced on chain.
    pub artifact: PathBuf,
    /// What it takes, where the server does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<TensorMetadata>,
    /// What it gives, where the server does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<TensorMetadata>,
}

const fn in_flight() -> usize {
    64
}

const fn answer_bytes() -> usize {
    64 * 1024 * 1024
}

const fn probe_seconds() -> u64 {
    5
}

const fn first() -> u32 {
    1
}

impl UpstreamModel {
    /// Its name at the other end.
    pub fn name_there(&self) -> &str {
        self.upstream_name.as_deref().unwrap_or(&self.name)
    }
}

impl UpstreamSettings {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let host = self.url.strip_prefix("http://").unwrap_or_default();
        if host.is_empty() || host.starts_with('/') {
            let why = "must be an address such as \"http://127.0.0.1:8000\"";
            return Err(invalid("upstream.url", why));
        }
        for (name, value) in [
            ("upstream.models", self.models.len()),
            ("upstream.in_flight", self.in_flight),
            ("upstream.answer_bytes", self.answer_bytes),
            (
                "upstream.probe_seconds",
                usize::from(self.probe_seconds > 0),
            ),
        ] {
            if value == 0 {
                return Err(invalid(name, "must be at least 1"));
            }
        }
        for (index, model) in self.models.iter().enumerate() {
            let place = (&model.name, model.version);
            if self.models[..index]
                .iter()
                .any(|other| (&other.name, other.version) == place)
            {
                let why = format!("name version {} of `{}` twice", model.version, model.name);
                return Err(invalid("upstream.models", why));
            }
            for name in [model.name.as_str(), model.name_there()] {
                if !stands_in_a_path(name) {
                    let why = format!("name `{name}`: names are letters, digits, `.`, `_` and `-`");
                    return Err(invalid("upstream.models", why));
                }
            }
            if let Some(version) = &model.upstream_version {
                if !stands_in_a_path(version) {
                    let why = format!("name `{version}`, which is no version");
                    return Err(invalid("upstream.models", why));
                }
            }
        }
        Ok(())
    }
}

fn stands_in_a_path(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !name.is_empty() && name.len() <= 128 && name.bytes().all(plain)
}
