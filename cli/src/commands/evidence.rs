//! `assay evidence`: what validators' weights rest on.

use crate::output::Format;
use anyhow::{bail, Context, Result};
use assay_chain_client::{ChainClient, ChainConfig};
use assay_validator::{
    redo::{redo, EpochPage, Redone, RoundLine},
    task::{artifact, built_in, TaskFolder},
};
use std::{fs, path::PathBuf, time::Duration};

/// The time that a validator has to answer.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(clap::Subcommand)]
pub enum Evidence {
    /// Redo an epoch's rounds from what a validator shows of them
    Check(Check),
}

/// Redo an epoch's rounds from what a validator shows of them
#[derive(clap::Args)]
pub struct Check {
    /// The subnet's task folder
    #[arg(long, value_name = "FOLDER")]
    task: PathBuf,
    /// Where the validator shows its evidence, such as http://127.0.0.1:9620
    #[arg(long, value_name = "URL", required_unless_present = "file")]
    validator: Option<String>,
    /// The subnet, where the validator has several
    #[arg(long, requires = "validator")]
    netuid: Option<u16>,
    /// The epoch
    #[arg(long, required_unless_present = "file")]
    epoch: Option<u32>,
    /// A page that was kept, instead of asking the validator
    #[arg(long, value_name = "FILE", conflicts_with_all = ["validator", "epoch"])]
    file: Option<PathBuf>,
    /// A node's RPC address, to look up the blocks that rounds started from
    #[arg(long, env = "ASSAY_NODE", value_name = "URL")]
    node: Option<String>,
    #[command(flatten)]
    format: Format,
}

impl Evidence {
    pub async fn run(self) -> Result<()> {
        match self {
            Self::Check(check) => check.run().await,
        }
    }
}

impl Check {
    async fn run(self) -> Result<()> {
        let folder = TaskFolder::load(&self.task)?;
        artifact::fetch(&folder).await?;
        let (page, previous) = self.pages().await?;
        let rounds = page.rounds.clone();
        let work = move || -> Result<Redone> {
            let task = built_in(&folder)?;
            Ok(redo(&folder, &task, &page, previous.as_ref()))
        };
        let mut redone = tokio::task::spawn_blocking(work).await??;
        self.look_up_blocks(&rounds, &mut redone).await;
        self.format.print(&redone, people)?;
        if redone.problems.is_empty() {
            return Ok(());
        }
        bail!("the evidence does not hold")
    }

    /// Whether rounds started from the chain's blocks: hashes made up could steer what was asked.
    async fn look_up_blocks(&self, rounds: &[RoundLine], redone: &mut Redone) {
        let Some(node) = &self.node else {
            let what = "the blocks that rounds started from: name a node with --node";
            redone.unchecked.push(what.into());
            return;
        };
        let chain = ChainClient::new(ChainConfig::new(node.clone()));
        let mut known = 0;
        for line in rounds {
            match chain.at_block(line.block_hash).await {
                Ok(found) if found.block().number == line.block => known += 1,
                Ok(found) => redone.problems.push(format!(
                    "round {}: the block that it started from has the height {}, not {}",
                    line.round,
                    found.block().number,
                    line.block
                )),
                Err(error) => redone.unchecked.push(format!(
                    "round {}: the node does not have its block {}: {error}",
                    line.round, line.block
                )),
            }
        }
        redone.holds.push(format!(
            "{known} of {} rounds started from blocks of the chain",
            rounds.len()
        ));
    }

    /// The epoch's page and that of the epoch before, where it is shown.
    async fn pages(&self) -> Result<(EpochPage, Option<EpochPage>)> {
        if let Some(file) = &self.file {
            let text =
                fs::read(file).with_context(|| format!("{} can't be read", file.display()))?;
            let page = serde_json::from_slice(&text)
                .with_context(|| format!("{} is no page of a validator", file.display()))?;
            return Ok((page, None));
        }
        let (Some(url), Some(epoch)) = (&self.validator, self.epoch) else {
            bail!("name the validator and the epoch, or a file");
        };
        let within = self.netuid.map(|netuid| format!("/subnets/{netuid}"));
        let url = format!(
            "{}{}",
            url.trim_end_matches('/'),
            within.unwrap_or_default()
        );
        let page = page(&url, epoch).await?;
        let previous = match epoch.checked_sub(1) {
            Some(before) => self::page(&url, before).await.ok(),
            None => None,
        };
        Ok((page, previous))
    }
}

async fn page(url: &str, epoch: u32) -> Result<EpochPage> {
    let url = format!("{url}/epochs/{epoch}");
    let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
    let answer = client.get(&url).send().await?;
    let status = answer.status();
    let text = answer.text().await?;
    if !status.is_success() {
        bail!("{url} answers {status}: {}", text.trim());
    }
    serde_json::from_str(&text).with_context(|| format!("{url} is no page of a validator"))
}

fn people(redone: &Redone) -> String {
    let mut text = format!("{} leaves of {} rounds\n", redone.leaves, redone.rounds);
    for (mark, lines) in [
        ("holds", &redone.holds),
        ("DOES NOT HOLD", &redone.problems),
        ("not checked", &redone.unchecked),
    ] {
        for line in lines {
            text.push_str(&format!("{mark}: {line}\n"));
        }
    }
    text
}
