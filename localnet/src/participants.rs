//! The miners and validators as processes, each with its configuration file.

use crate::{
    accounts::{account, coldkey_uri, hotkey_uri},
    authors::{free_port, Author},
    cast::{Cast, MinerPlan, MinerRole, ValidatorPlan, ValidatorRole},
    error::Error,
    process::Process,
    registration::MAX_PRICE,
};
use assay_primitives::{NetUid, ASY};
use assay_validator::task::TaskFolder;
use serde::Serialize;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Blocks from one round of an honest validator to its next.
const ROUND_EVERY: u32 = 4;
/// A dishonest validator does not use what it measures, so it measures seldom.
const SELDOM: u32 = 1_000;
/// By how much the late miner misses the deadline, in milliseconds.
const LATE_BY: u64 = 500;

/// What a miner is told.
#[derive(Serialize)]
struct MinerFile<'a> {
    models: &'a Path,
    state: PathBuf,
    listen: String,
    hotkey: Key,
    chain: MinerChain<'a>,
}

#[derive(Serialize)]
struct MinerChain<'a> {
    url: &'a str,
    netuid: NetUid,
    endpoint: String,
    max_price: String,
    coldkey: Key,
}

/// What a validator is told.
#[derive(Serialize)]
struct ValidatorFile<'a> {
    task: &'a Path,
    state: PathBuf,
    listen: String,
    round_every: u32,
    poll_ms: u64,
    chain: ValidatorChain<'a>,
    hotkey: Key,
}

#[derive(Serialize)]
struct ValidatorChain<'a> {
    url: &'a str,
    netuid: NetUid,
}

/// A key by its secret URI.
#[derive(Serialize)]
struct Key {
    suri: String,
}

impl Key {
    fn of(suri: String) -> Self {
        Self { suri }
    }
}

/// Where the participants come from and what they share.
pub struct Stage<'a> {
    /// The programs' folder.
    pub programs: &'a Path,
    /// Where configurations, models, databases and logs go.
    pub folder: &'a Path,
    /// The task's folder.
    pub task_folder: &'a Path,
    /// The task.
    pub task: &'a TaskFolder,
    /// Who takes part.
    pub cast: &'a Cast,
    /// The nodes.
    pub authors: &'a [Author],
    /// The subnet.
    pub netuid: NetUid,
}

/// A running participant.
pub struct Participant {
    /// Its process.
    pub process: Process,
    /// Its name.
    pub name: String,
    /// Where it serves HTTP.
    pub address: String,
}

impl Stage<'_> {
    /// Starts the miners, adding each to `miners` as soon as it runs.
    pub fn start_miners(&self, miners: &mut Vec<Participant>) -> Result<(), Error> {
        let mut ports = Vec::new();
        for _ in &self.cast.miners {
            ports.push(free_port()?);
        }
        for (index, (plan, port)) in self.cast.miners.iter().zip(&ports).enumerate() {
            miners.push(self.start_miner(index, plan, *port, &ports)?);
        }
        Ok(())
    }

    fn start_miner(
        &self,
        index: usize,
        plan: &MinerPlan,
        port: u16,
        ports: &[u16],
    ) -> Result<Participant, Error> {
        let folder = self.folder.join(&plan.name);
        let models = folder.join("models");
        self.copy_model(plan, &models)?;
        let config = MinerFile {
            models: &models,
            state: folder.join("state"),
            listen: format!("127.0.0.1:{port}"),
            hotkey: Key::of(hotkey_uri(&plan.name)),
            chain: MinerChain {
                url: self.rpc(index),
                netuid: self.netuid,
                endpoint: format!("127.0.0.1:{port}"),
                max_price: (MAX_PRICE / ASY).to_string(),
                coldkey: Key::of(coldkey_uri(&plan.name)),
            },
        };
        let config = write_config(&folder, "miner.toml", &config)?;
        let deadline = u64::from(self.task.limits.deadline_ms);
        let role: Vec<String> = match plan.role {
            MinerRole::Honest => vec![],
            MinerRole::Random => {
                vec![
                    "random".into(),
                    "--classes".into(),
                    self.classes().to_string(),
                ]
            }
            MinerRole::Late => {
                vec![
                    "late".into(),
                    "--delay-ms".into(),
                    (deadline + LATE_BY).to_string(),
                ]
            }
            MinerRole::Relay => self.relay(ports, deadline)?,
        };
        let process = self.start(&plan.name, "assay-miner", &config, role)?;
        let address = format!("http://127.0.0.1:{port}");
        Ok(Participant {
            process,
            name: plan.name.clone(),
            address,
        })
    }

    /// How many whole numbers an answer at random is drawn from: the classes, where the task has any.
    fn classes(&self) -> u32 {
        self.task.scoring.classes().unwrap_or(2)
    }

    /// Whom the relay asks.
    fn relay(&self, ports: &[u16], deadline: u64) -> Result<Vec<String>, Error> {
        let best = self
            .cast
            .best_honest()
            .map(|best| best.name.clone())
            .unwrap_or_default();
        let position = self.cast.miners.iter().position(|plan| plan.name == best);
        let port = position
            .and_then(|position| ports.get(position))
            .copied()
            .unwrap_or_default();
        let hotkey = account(&hotkey_uri(&best))?.to_string();
        let arguments = [
            "relay",
            "--hotkey",
            &hotkey,
            "--host",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--deadline-ms",
            &deadline.to_string(),
        ];
        Ok(arguments.map(str::to_owned).into())
    }

    /// Gives a miner its own copy of its model, and nothing else of the task. Who has no model of
    /// its own announces the worst one.
    fn copy_model(&self, plan: &MinerPlan, models: &Path) -> Result<(), Error> {
        let cover = self
            .cast
            .miners
            .iter()
            .find_map(|miner| miner.model.as_ref());
        let Some(model) = plan.model.as_ref().or(cover) else {
            return Ok(());
        };
        let target = models.join(&self.task.name).join("1");
        let unwritable = |path: PathBuf| move |source| Error::Unwritable { path, source };
        fs::create_dir_all(&target).map_err(unwritable(target.clone()))?;
        let file = target.join("model.onnx");
        fs::copy(model.folder.join("1/model.onnx"), &file).map_err(unwritable(file.clone()))?;
        Ok(())
    }

    /// Starts the validators, adding each to `validators` as soon as it runs.
    pub fn start_validators(&self, validators: &mut Vec<Participant>) -> Result<(), Error> {
        for (index, plan) in self.cast.validators.iter().enumerate() {
            validators.push(self.start_validator(index, plan)?);
        }
        Ok(())
    }

    fn start_validator(&self, index: usize, plan: &ValidatorPlan) -> Result<Participant, Error> {
        let folder = self.folder.join(&plan.name);
        let port = free_port()?;
        let round_every = match plan.role {
            ValidatorRole::Honest => ROUND_EVERY,
            ValidatorRole::Selfish | ValidatorRole::Copier => SELDOM,
        };
        let config = ValidatorFile {
            task: self.task_folder,
            state: folder.join("validator.sqlite"),
            listen: format!("127.0.0.1:{port}"),
            round_every,
            poll_ms: 500,
            chain: ValidatorChain {
                url: self.rpc(index),
                netuid: self.netuid,
            },
            hotkey: Key::of(hotkey_uri(&plan.name)),
        };
        let config = write_config(&folder, "validator.toml", &config)?;
        let role: Vec<String> = match plan.role {
            ValidatorRole::Honest => vec![],
            ValidatorRole::Copier => vec!["copier".into()],
            ValidatorRole::Selfish => {
                let favourite = self.cast.favourite().map(|plan| hotkey_uri(&plan.name));
                let hotkey = account(&favourite.unwrap_or_default())?.to_string();
                vec!["selfish".into(), "--favourite".into(), hotkey]
            }
        };
        let process = self.start(&plan.name, "assay-validator", &config, role)?;
        let address = format!("http://127.0.0.1:{port}");
        Ok(Participant {
            process,
            name: plan.name.clone(),
            address,
        })
    }

    /// The nodes in turn, so that no one of them serves everybody.
    fn rpc(&self, index: usize) -> &str {
        &self.authors[index % self.authors.len()].rpc
    }

    /// Starts the honest program, or the adversary if there is a role to play.
    fn start(
        &self,
        name: &str,
        honest: &str,
        config: &Path,
        role: Vec<String>,
    ) -> Result<Process, Error> {
        let program = if role.is_empty() {
            honest
        } else {
            "assay-adversary"
        };
        let mut arguments = vec!["--config".to_owned(), config.display().to_string()];
        arguments.extend(role);
        Ok(Process::start(
            name,
            &self.programs.join(program),
            arguments,
            self.folder,
        )?)
    }
}

/// Writes a configuration file, readable by its owner alone because it holds keys.
fn write_config(folder: &Path, name: &str, config: &impl Serialize) -> Result<PathBuf, Error> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let path = folder.join(name);
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let text = toml::to_string(config).map_err(std::io::Error::other)?;
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(text.as_bytes())
    };
    write().map_err(|source| Error::Unwritable {
        path: path.clone(),
        source,
    })?;
    Ok(path)
}
