//! The command line. Every flag overrides the setting it names.

use super::{AdmissionMode, ProviderChoice};
use assay_telemetry::LogFormat;
use clap::Parser;
use figment::Figment;
use serde::{de::DeserializeOwned, Serialize};
use std::{net::SocketAddr, path::PathBuf};

/// Serves ONNX models over the Open Inference Protocol, signed, to an Assay subnet.
///
/// Settings come from flags, over ASSAY_MINER_* in the environment (nested names joined with two
/// underscores), over the configuration file.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "assay-miner", version)]
pub struct Flags {
    /// Configuration file (TOML).
    #[arg(long, short, env = "ASSAY_MINER_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Model folder: NAME/VERSION/model.onnx.
    #[arg(long, value_name = "FOLDER")]
    pub models: Option<PathBuf>,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Where to serve metrics.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub metrics: Option<SocketAddr>,
    /// File with the hotkey.
    #[arg(long, value_name = "FILE")]
    pub hotkey_file: Option<PathBuf>,
    /// Who may ask: signed, permitted or public.
    #[arg(long, value_parser = by_name::<AdmissionMode>)]
    pub admission: Option<AdmissionMode>,
    /// What to run models on: auto, cpu, cuda or tensorrt.
    #[arg(long, value_parser = by_name::<ProviderChoice>)]
    pub provider: Option<ProviderChoice>,
    /// The node's WebSocket address.
    #[arg(long, value_name = "URL")]
    pub chain_url: Option<String>,
    /// The subnet.
    #[arg(long)]
    pub netuid: Option<u16>,
    /// How log lines look: text or json.
    #[arg(long, value_parser = by_name::<LogFormat>)]
    pub log_format: Option<LogFormat>,
    /// Which log lines there are, such as info,assay_miner=debug.
    #[arg(long, value_name = "FILTER")]
    pub log_filter: Option<String>,
    /// Check the configuration, load the key and every model, and end.
    #[arg(long)]
    pub check: bool,
    /// Print the settings in force, secrets redacted, and end.
    #[arg(long)]
    pub print_config: bool,
}

impl Flags {
    /// Lays the flags that were given over `figment`.
    pub(super) fn over(&self, figment: Figment) -> Figment {
        let figment = set(figment, "models", &self.models);
        let figment = set(figment, "listen", &self.listen);
        let figment = set(figment, "metrics", &self.metrics);
        let figment = set(figment, "hotkey.file", &self.hotkey_file);
        let figment = set(figment, "admission", &self.admission);
        let figment = set(figment, "inference.provider", &self.provider);
        let figment = set(figment, "chain.url", &self.chain_url);
        let figment = set(figment, "chain.netuid", &self.netuid);
        let figment = set(figment, "log.format", &self.log_format);
        set(figment, "log.filter", &self.log_filter)
    }
}

fn set(figment: Figment, name: &'static str, value: &Option<impl Serialize>) -> Figment {
    match value {
        Some(value) => figment.merge((name, value)),
        None => figment,
    }
}

/// Reads a choice by the name that the configuration file uses for it.
fn by_name<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|why| why.to_string())
}
