//! `--check`: everything that can be found out without asking a miner or writing to the chain.

use crate::{
    chain::{Chain, ChainError},
    config::{Config, SubnetSettings},
    start::connect,
    task::{built_in, TaskFolder},
};
use assay_primitives::{BlockNumber, Hyperparameters};
use assay_protocol::Hotkey;
use std::{path::Path, sync::Arc, time::Duration};

/// How long the node may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// What was looked at, and what is wrong with it or worth knowing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// What is worth knowing, or what is wrong.
    pub found: Result<String, String>,
}

/// Looks at settings, key, task folders, files, node and registration.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut note = |what: &str, found: Result<String, String>| {
        findings.push(Finding {
            what: what.to_owned(),
            found,
        });
    };
    let key = config.hotkey.load().map(|key| key.hotkey());
    note("hotkey", words(&key, Hotkey::to_string));
    if let Some(path) = &config.operator_password_file {
        let read = crate::api::Password::read(path).map(|_| "can be read".to_owned());
        note(
            "operator's password",
            read.map_err(|error| error.to_string()),
        );
    }
    let chains = connect(config).map_err(|error| error.to_string());
    for (index, subnet) in config.validated().iter().enumerate() {
        let name = |what: &str| format!("subnet {}: {what}", subnet.netuid);
        let folder = TaskFolder::load(&subnet.task)
            .and_then(|folder| built_in(&folder).map(|_| folder))
            .map_err(|error| error.to_string());
        note(&name("task"), words(&folder, |folder| folder.name.clone()));
        if let Some(state) = &subnet.state {
            note(&name("state"), writable(state));
        }
        let (Ok(folder), Ok(chains), Ok(key)) = (&folder, &chains, &key) else {
            continue;
        };
        let Some(chain) = chains.get(index) else {
            continue;
        };
        for (what, found) in on_chain(config, subnet, folder, chain, *key).await {
            note(&name(what), found);
        }
    }
    findings
}

fn words<T, E: ToString>(
    outcome: &Result<T, E>,
    say: impl Fn(&T) -> String,
) -> Result<String, String> {
    match outcome {
        Ok(value) => Ok(say(value)),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether the state's folder can be written to.
fn writable(state: &Path) -> Result<String, String> {
    let folder = match state.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let probe = folder.join(".assay-validator-check");
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&probe, b"x"))
        .and_then(|()| std::fs::remove_file(&probe))
        .map_err(|error| format!("{} can't be written to: {error}", folder.display()))?;
    Ok(state.display().to_string())
}

type Facts = Vec<(&'static str, Result<String, String>)>;

async fn on_chain(
    config: &Config,
    subnet: &SubnetSettings,
    folder: &TaskFolder,
    chain: &Arc<dyn Chain>,
    key: Hotkey,
) -> Facts {
    let read = async {
        let snapshot = chain.snapshot().await?;
        let (_, _, spec) = chain.task().await?;
        Ok::<_, ChainError>((snapshot, spec))
    };
    let (snapshot, spec) = match tokio::time::timeout(PATIENCE, read).await {
        Ok(Ok(both)) => both,
        Ok(Err(error)) => return vec![("chain", Err(error.to_string()))],
        Err(_) => {
            let url = &config.chain.url;
            let late = format!("{url} gave no answer in {} s", PATIENCE.as_secs());
            return vec![("chain", Err(late))];
        }
    };
    let mut facts: Facts = vec![("chain", Ok(format!("final block {}", snapshot.block())))];
    let matches = folder.check_against(&spec);
    let matches = matches.map(|()| "is the folder's".to_owned());
    facts.push(("task on chain", matches.map_err(|error| error.to_string())));
    let uid = snapshot.uid_of(&key.0);
    facts.push((
        "registration",
        match uid {
            Some(uid) => Ok(format!("uid {uid}")),
            None => Err(format!(
                "{key} holds no place: assay register {}",
                subnet.netuid
            )),
        },
    ));
    if let Some(uid) = uid {
        let permit = match snapshot.is_permitted(uid) {
            true => Ok("held in this epoch".to_owned()),
            false => Err("none in this epoch: is there enough stake on the hotkey?".to_owned()),
        };
        facts.push(("permit", permit));
    }
    let settings = &snapshot.metagraph.hyperparameters;
    facts.push(("newcomers", newcomers(config, folder, settings)));
    facts
}

/// Whether newcomers are known before their immunity ends, with the task's and our own settings.
fn newcomers(
    config: &Config,
    folder: &TaskFolder,
    settings: &Hyperparameters,
) -> Result<String, String> {
    let rounds: BlockNumber = settings.immunity_period / config.round_every.max(1);
    let queries = &folder.queries;
    let most = u64::from(queries.items_per_round) * u64::from(queries.newcomer_factor) * 2;
    let asked = u64::from(rounds) * most;
    if asked < queries.newcomer_below {
        return Err(format!(
            "{rounds} rounds fit into the immunity of {} blocks: at most {asked} items of the {} \
             that make a miner known; lower round_every",
            settings.immunity_period, queries.newcomer_below
        ));
    }
    Ok(format!(
        "{rounds} rounds fit into the immunity of {} blocks",
        settings.immunity_period
    ))
}
