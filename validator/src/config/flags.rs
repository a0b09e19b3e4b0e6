//! The command line. Every flag overrides the setting it names.

use assay_primitives::BlockNumber;
use assay_telemetry::LogFormat;
use clap::Parser;
use figment::Figment;
use serde::Serialize;
use std::{net::SocketAddr, path::PathBuf};

/// Scores miners on an Assay subnet's task and submits weights.
///
/// Settings come from flags, over ASSAY_VALIDATOR_* in the environment (nested names joined with
/// two underscores), over the configuration file.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "assay-validator", version)]
pub struct Flags {
    /// Configuration file (TOML).
    #[arg(long, short, env = "ASSAY_VALIDATOR_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The node's WebSocket address.
    #[arg(long, value_name = "URL")]
    pub chain_url: Option<String>,
    /// The subnet.
    #[arg(long)]
    pub netuid: Option<u16>,
    /// The folder of the subnet's task.
    #[arg(long, value_name = "FOLDER")]
    pub task: Option<PathBuf>,
    /// File with the hotkey.
    #[arg(long, value_name = "FILE")]
    pub hotkey_file: Option<PathBuf>,
    /// The SQLite file that holds what must not be forgotten.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Where the operator sees health, metrics and scores.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Where miners read what concerns them, with signed requests.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub public_listen: Option<SocketAddr>,
    /// Blocks from the start of one round to that of the next.
    #[arg(long, value_name = "BLOCKS")]
    pub round_every: Option<BlockNumber>,
    /// Blocks before the epoch's end at which weights are committed.
    #[arg(long, value_name = "BLOCKS")]
    pub commit_before: Option<BlockNumber>,
    /// How log lines look: text or json.
    #[arg(long)]
    pub log_format: Option<LogFormat>,
    /// Which log lines there are, such as info,assay_validator=debug.
    #[arg(long, value_name = "FILTER")]
    pub log_filter: Option<String>,
    /// Score, and set no weights.
    #[arg(long)]
    pub dry_run: bool,
    /// Put up with commits of this hotkey on chain that were not made here: after the state was
    /// lost, never beside another validator.
    #[arg(long)]
    pub take_over: bool,
    /// Check settings, key, task folders, files, node and registration, say what is wrong, and end.
    #[arg(long)]
    pub check: bool,
    /// Print the settings in force, secrets redacted, and end.
    #[arg(long)]
    pub print_config: bool,
}

impl Flags {
    /// Lays the flags that were given over `figment`.
    pub(super) fn over(&self, figment: Figment) -> Figment {
        let figment = set(figment, "chain.url", &self.chain_url);
        let figment = set(figment, "chain.netuid", &self.netuid);
        let figment = set(figment, "task", &self.task);
        let figment = set(figment, "hotkey.file", &self.hotkey_file);
        let figment = set(figment, "state", &self.state);
        let figment = set(figment, "listen", &self.listen);
        let figment = set(figment, "public_listen", &self.public_listen);
        let figment = set(figment, "dry_run", &self.dry_run.then_some(true));
        let figment = set(figment, "take_over", &self.take_over.then_some(true));
        let figment = set(figment, "round_every", &self.round_every);
        let figment = set(figment, "commit_before", &self.commit_before);
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
