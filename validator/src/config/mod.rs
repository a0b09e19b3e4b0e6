//! What a validator is told: one `Config`, from flags over environment over a TOML file over
//! defaults. A name that means nothing is an error wherever it stands.

mod flags;

pub use flags::Flags;

use assay_primitives::{BlockNumber, Digest, NetUid};
use assay_protocol::keys::KeySource;
use assay_telemetry::LogFormat;
use figment::{
    providers::{Env, Format as _, Toml},
    Figment,
};
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, path::PathBuf};

/// Prefix of the environment's settings: `ASSAY_VALIDATOR_HOTKEY__FILE=hotkey.json`.
const ENVIRONMENT: &str = "ASSAY_VALIDATOR_";

/// Why the configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that was named is not there.
    #[error("the configuration file {} does not exist", .0.display())]
    NoFile(PathBuf),
    /// A field is unknown, missing or of the wrong type.
    #[error("configuration: {0}")]
    Unreadable(Box<figment::Error>),
    /// A value makes no sense.
    #[error("configuration: `{name}` {why}")]
    Invalid {
        /// The setting.
        name: &'static str,
        /// What it must be.
        why: &'static str,
    },
}

/// Everything that a validator can be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder of the subnet's task.
    pub task: PathBuf,
    /// The SQLite file that holds what must not be forgotten.
    #[serde(default = "default::state")]
    pub state: PathBuf,
    /// Where the operator sees health, metrics and everything about every miner.
    #[serde(default = "default::listen")]
    pub listen: SocketAddr,
    /// A file with the password that the operator's pages ask for. Without one they are open to
    /// whoever reaches them, so `listen` must then be an address of this machine alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_password_file: Option<PathBuf>,
    /// Where miners read what concerns them with signed requests, and everybody the evidence of
    /// epochs past; without it nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_listen: Option<SocketAddr>,
    /// Score, and set no weights.
    #[serde(default)]
    pub dry_run: bool,
    /// Put up with commits of this hotkey that are on chain at the start and were not made here:
    /// after the state was lost, never beside another validator.
    #[serde(default)]
    pub take_over: bool,
    /// Blocks from the start of one round to that of the next.
    #[serde(default = "default::round_every")]
    pub round_every: BlockNumber,
    /// Blocks before the epoch's end at which weights are committed; without it half the tempo,
    /// within 8 and 50. Finality is a few blocks behind, and the commit must be included in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_before: Option<BlockNumber>,
    /// Blocks to wait after gaining a permit before anybody is asked, so that the miners know of
    /// the permit too.
    #[serde(default = "default::settle_blocks")]
    pub settle_blocks: BlockNumber,
    /// Milliseconds between looks at the chain.
    #[serde(default = "default::poll_ms")]
    pub poll_ms: u64,
    /// Miners asked at once.
    #[serde(default = "default::miners_at_once")]
    pub miners_at_once: usize,
    /// Requests that one miner is sent at once.
    #[serde(default = "default::requests_at_once")]
    pub requests_at_once: usize,
    /// Addresses (`host:port`) that should always be reachable. A miner's silence does not count
    /// when none of them is. Without any, the node is the probe.
    #[serde(default)]
    pub probes: Vec<String>,
    /// Rounds that are kept with their receipts.
    #[serde(default = "default::keep_rounds")]
    pub keep_rounds: u64,
    /// The subnet.
    pub chain: ChainSettings,
    /// Further subnets that the same hotkey validates.
    #[serde(default, rename = "subnet", skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<SubnetSettings>,
    /// The key that signs requests and weight calls.
    pub hotkey: KeySource,
    /// Logs.
    #[serde(default)]
    pub log: Log,
}

/// The subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainSettings {
    /// The node's WebSocket address.
    #[serde(default = "default::url")]
    pub url: String,
    /// The subnet.
    pub netuid: NetUid,
    /// Hash of the network's first block; if set, a node of another network is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genesis: Option<Digest>,
}

/// One subnet of those that a process validates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubnetSettings {
    /// The subnet.
    pub netuid: NetUid,
    /// The folder of its task.
    pub task: PathBuf,
    /// Its SQLite file; without it one beside the first subnet's, with the number in its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<PathBuf>,
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

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::default(),
            filter: "info".into(),
        }
    }
}

/// What stands where nothing is said.
mod default {
    use super::{BlockNumber, PathBuf, SocketAddr};

    pub fn url() -> String {
        "ws://127.0.0.1:9944".into()
    }

    pub fn state() -> PathBuf {
        "assay-validator.sqlite".into()
    }

    pub fn listen() -> SocketAddr {
        ([127, 0, 0, 1], 9620).into()
    }

    pub fn round_every() -> BlockNumber {
        10
    }

    pub fn settle_blocks() -> BlockNumber {
        3
    }

    pub fn poll_ms() -> u64 {
        1000
    }

    pub fn miners_at_once() -> usize {
        32
    }

    pub fn requests_at_once() -> usize {
        4
    }

    pub fn keep_rounds() -> u64 {
        5000
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
        let environment = Env::prefixed(ENVIRONMENT).ignore(&["config"]).split("__");
        let config: Self = flags
            .over(figment.merge(environment))
            .extract()
            .map_err(|error| ConfigError::Unreadable(Box::new(error)))?;
        config.check()?;
        Ok(config)
    }

    /// Checks what the types alone can't say.
    pub fn check(&self) -> Result<(), ConfigError> {
        let within =
            |fits: bool, name, why| fits.then_some(()).ok_or(ConfigError::Invalid { name, why });
        let ws = self.chain.url.starts_with("ws://") || self.chain.url.starts_with("wss://");
        within(ws, "chain.url", "must start with ws:// or wss://")?;
        within(self.round_every > 0, "round_every", "must be at least 1")?;
        within(
            self.commit_before.is_none_or(|it| it > 1),
            "commit_before",
            "must be at least 2",
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
        let open = !self.listen.ip().is_loopback() && self.operator_password_file.is_none();
        within(
            !open,
            "listen",
            "must be an address of this machine alone, such as 127.0.0.1:9620, unless \
             operator_password_file is set; miners read theirs at public_listen",
        )?;
        let mut netuids: Vec<_> = self
            .validated()
            .iter()
            .map(|subnet| subnet.netuid)
            .collect();
        netuids.sort();
        let twice = netuids.windows(2).any(|pair| pair[0] == pair[1]);
        within(!twice, "subnet", "must not name a netuid twice")?;
        let keep = (100..=10_000_000).contains(&self.keep_rounds);
        within(keep, "keep_rounds", "must lie within 100 and 10000000")
    }

    /// The settings as TOML, secrets redacted.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }

    /// All subnets, the first first, each with its file.
    pub fn validated(&self) -> Vec<SubnetSettings> {
        let first = SubnetSettings {
            netuid: self.chain.netuid,
            task: self.task.clone(),
            state: Some(self.state.clone()),
        };
        let further = self.subnets.iter().map(|subnet| {
            let name = self.state.file_stem().unwrap_or_default().to_string_lossy();
            let beside = format!("{name}-{}.sqlite", subnet.netuid);
            let state = subnet.state.clone();
            SubnetSettings {
                state: Some(state.unwrap_or_else(|| self.state.with_file_name(beside))),
                ..subnet.clone()
            }
        });
        std::iter::once(first).chain(further).collect()
    }

    /// The settings of one subnet as if it were the only one.
    pub fn only(&self, subnet: &SubnetSettings) -> Self {
        let mut config = self.clone();
        config.chain.netuid = subnet.netuid;
        config.task = subnet.task.clone();
        if let Some(state) = &subnet.state {
            config.state = state.clone();
        }
        config.subnets = Vec::new();
        config
    }

    /// Blocks before the epoch's end at which weights are committed.
    pub fn commit_before(&self, tempo: BlockNumber) -> BlockNumber {
        self.commit_before.unwrap_or((tempo / 2).clamp(8, 50))
    }

    /// What tells our own silence from the miners': the probes, or else the node.
    pub fn probes(&self) -> Vec<String> {
        if !self.probes.is_empty() {
            return self.probes.clone();
        }
        let url = &self.chain.url;
        let (scheme, rest) = url.split_once("://").unwrap_or(("ws", url));
        let authority = rest.split('/').next().unwrap_or(rest);
        let port = if scheme == "wss" { 443 } else { 80 };
        let stated = authority
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse::<u16>().ok());
        vec![match stated {
            Some(_) => authority.to_owned(),
            None => format!("{authority}:{port}"),
        }]
    }
}
