//! The configuration: flags over environment over file over defaults.

use assay_primitives::{BlockNumber, NetUid};
use assay_protocol::keys::KeySource;
use assay_telemetry::LogFormat;
use clap::Parser;
use figment::{
    providers::{Env, Format, Serialized, Toml},
    value::{Dict, Map, Value},
    Figment, Metadata, Profile, Provider,
};
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// The prefix of environment variables; `__` separates a table from its field, as in
/// `ASSAY_VALIDATOR_HOTKEY__FILE`.
pub const ENV_PREFIX: &str = "ASSAY_VALIDATOR_";

/// Why the configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that was named is not there.
    #[error("the configuration file {} is not there", .0.display())]
    NoFile(PathBuf),
    /// A field is unknown, missing or of the wrong type.
    #[error("the configuration can't be read: {0}")]
    Unreadable(Box<figment::Error>),
    /// A value is out of range.
    #[error("`{field}` {reason}")]
    OutOfRange {
        /// The field.
        field: &'static str,
        /// What it must be.
        reason: &'static str,
    },
}

/// Everything that a validator can be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// WebSocket address of the node.
    pub node: String,
    /// The subnet.
    pub netuid: NetUid,
    /// The folder of the subnet's task.
    pub task: PathBuf,
    /// The hotkey that signs requests and weight calls.
    pub hotkey: KeySource,
    /// The SQLite file that holds what must not be forgotten.
    pub state: PathBuf,
    /// Where health, metrics and explanations are served.
    pub listen: SocketAddr,
    /// Blocks from the start of one round to that of the next.
    pub round_every: BlockNumber,
    /// Blocks before the epoch's end at which weights are committed; without it a third of the
    /// tempo, within 5 and 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_before: Option<BlockNumber>,
    /// Blocks to wait after gaining a permit before anybody is asked, so that the miners know of
    /// the permit too.
    pub settle_blocks: BlockNumber,
    /// Milliseconds between looks at the chain.
    pub poll_ms: u64,
    /// Miners asked at once.
    pub miners_at_once: usize,
    /// Requests that one miner is sent at once.
    pub requests_at_once: usize,
    /// Addresses (`host:port`) that should always be reachable. A miner's silence does not count
    /// when none of them is. Without any, the node is the probe.
    pub probes: Vec<String>,
    /// Rounds that are kept with their receipts.
    pub keep_rounds: u64,
    /// Which logs are written, in the syntax of `tracing`'s `EnvFilter`.
    pub log: String,
    /// How they look.
    pub log_format: LogFormat,
}

/// What stands where nothing is said. `netuid`, `task` and `hotkey` have no default.
#[derive(Serialize)]
struct Defaults {
    node: &'static str,
    state: &'static str,
    listen: &'static str,
    round_every: BlockNumber,
    settle_blocks: BlockNumber,
    poll_ms: u64,
    miners_at_once: usize,
    requests_at_once: usize,
    probes: [&'static str; 0],
    keep_rounds: u64,
    log: &'static str,
    log_format: LogFormat,
}

const DEFAULTS: Defaults = Defaults {
    node: "ws://127.0.0.1:9944",
    state: "assay-validator.sqlite",
    listen: "127.0.0.1:9620",
    round_every: 10,
    settle_blocks: 3,
    poll_ms: 1000,
    miners_at_once: 32,
    requests_at_once: 4,
    probes: [],
    keep_rounds: 5000,
    log: "info",
    log_format: LogFormat::Text,
};

/// Scores miners on a subnet's task and submits weights.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "assay-validator", version)]
pub struct Flags {
    /// TOML file with any of the settings below, named with `_` for `-`.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// WebSocket address of the node.
    #[arg(long)]
    pub node: Option<String>,
    /// The subnet.
    #[arg(long)]
    pub netuid: Option<u16>,
    /// The folder of the subnet's task.
    #[arg(long)]
    pub task: Option<PathBuf>,
    /// File with the hotkey's secret: a mnemonic, seed or secret URI, or a polkadot-js keystore.
    #[arg(long)]
    pub hotkey_file: Option<PathBuf>,
    /// File with the keystore's password.
    #[arg(long)]
    pub hotkey_password_file: Option<PathBuf>,
    /// The hotkey as a secret URI such as `//Alice`; others can see it in the list of processes.
    #[arg(long)]
    pub hotkey_suri: Option<String>,
    /// The SQLite file that holds what must not be forgotten.
    #[arg(long)]
    pub state: Option<PathBuf>,
    /// Where health, metrics and explanations are served.
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// Blocks from the start of one round to that of the next.
    #[arg(long)]
    pub round_every: Option<BlockNumber>,
    /// Blocks before the epoch's end at which weights are committed.
    #[arg(long)]
    pub commit_before: Option<BlockNumber>,
    /// Milliseconds between looks at the chain.
    #[arg(long)]
    pub poll_ms: Option<u64>,
    /// Which logs are written, such as `info,assay_validator=debug`.
    #[arg(long)]
    pub log: Option<String>,
    /// How logs look: text or json.
    #[arg(long)]
    pub log_format: Option<LogFormat>,
    /// Check configuration, key and task folder, and end.
    #[arg(long)]
    pub check: bool,
    /// Print the configuration in force, without secrets, and end.
    #[arg(long)]
    pub print_config: bool,
}

impl Provider for Flags {
    fn metadata(&self) -> Metadata {
        Metadata::named("command line")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let text = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let hotkey = dict([
            ("file", text(&self.hotkey_file).map(Value::from)),
            (
                "password_file",
                text(&self.hotkey_password_file).map(Value::from),
            ),
            ("suri", self.hotkey_suri.clone().map(Value::from)),
        ]);
        let flags = dict([
            ("node", self.node.clone().map(Value::from)),
            ("netuid", self.netuid.map(Value::from)),
            ("task", text(&self.task).map(Value::from)),
            ("hotkey", (!hotkey.is_empty()).then(|| Value::from(hotkey))),
            ("state", text(&self.state).map(Value::from)),
            (
                "listen",
                self.listen.map(|address| Value::from(address.to_string())),
            ),
            ("round_every", self.round_every.map(Value::from)),
            ("commit_before", self.commit_before.map(Value::from)),
            ("poll_ms", self.poll_ms.map(Value::from)),
            ("log", self.log.clone().map(Value::from)),
            (
                "log_format",
                self.log_format
                    .map(|format| Value::from(format.to_string())),
            ),
        ]);
        Ok(Map::from([(Profile::Default, flags)]))
    }
}

fn dict<const N: usize>(fields: [(&str, Option<Value>); N]) -> Dict {
    let given = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    given.collect()
}

impl Config {
    /// Puts the configuration together and checks it.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(DEFAULTS));
        if let Some(path) = &flags.config {
            if !path.is_file() {
                return Err(ConfigError::NoFile(path.clone()));
            }
            figment = figment.merge(Toml::file_exact(path));
        }
        let config: Self = figment
            .merge(Env::prefixed(ENV_PREFIX).split("__"))
            .merge(flags)
            .extract()
            .map_err(|error| ConfigError::Unreadable(Box::new(error)))?;
        config.check()?;
        Ok(config)
    }

    /// Checks what the types alone can't say.
    pub fn check(&self) -> Result<(), ConfigError> {
        let within = |fits: bool, field, reason| {
            fits.then_some(())
                .ok_or(ConfigError::OutOfRange { field, reason })
        };
        let ws = self.node.starts_with("ws://") || self.node.starts_with("wss://");
        within(ws, "node", "must start with ws:// or wss://")?;
        within(self.round_every > 0, "round_every", "must be at least 1")?;
        within(
            self.commit_before != Some(0),
            "commit_before",
            "must be at least 1",
        )?;
        within(
            (50..=60_000).contains(&self.poll_ms),
            "poll_ms",
            "must lie within 50 and 60000",
        )?;
        let at_once = (1..=1024).contains(&self.miners_at_once);
        within(at_once, "miners_at_once", "must lie within 1 and 1024")?;
        let at_once = (1..=64).contains(&self.requests_at_once);
        within(at_once, "requests_at_once", "must lie within 1 and 64")?;
        let keep = (100..=10_000_000).contains(&self.keep_rounds);
        within(keep, "keep_rounds", "must lie within 100 and 10000000")
    }

    /// Blocks before the epoch's end at which weights are committed.
    pub fn commit_before(&self, tempo: BlockNumber) -> BlockNumber {
        self.commit_before.unwrap_or((tempo / 3).clamp(5, 50))
    }

    /// What tells our own silence from the miners': the probes, or else the node.
    pub fn probes(&self) -> Vec<String> {
        if !self.probes.is_empty() {
            return self.probes.clone();
        }
        let (scheme, rest) = self.node.split_once("://").unwrap_or(("ws", &self.node));
        let authority = rest.split('/').next().unwrap_or(rest);
        let port = if scheme == "wss" { 443 } else { 80 };
        let has_port = authority
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        vec![if has_port {
            authority.to_owned()
        } else {
            format!("{authority}:{port}")
        }]
    }

    /// The file's folder, or the working directory.
    pub fn state_folder(&self) -> &Path {
        self.state
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."))
    }
}
