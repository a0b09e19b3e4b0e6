//! `assay evidence`: what validators' weights rest on.

use crate::output::Format;
use anyhow::{bail, Context, Result};
use assay_validator::{
    redo::{redo, EpochPage, Redone},
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
    /// Where the validator shows its evidence, such as http://127.0.0.1:9100
    #[arg(long, value_name = "URL", required_unless_present = "file")]
    validator: Option<String>,
    /// The epoch
    #[arg(long, required_unless_present = "file")]
    epoch: Option<u32>,
    /// A page that was kept, instead of asking the validator
    #[arg(long, value_name = "FILE", conflicts_with_all = ["validator", "epoch"])]
    file: Option<PathBuf>,
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
        let work = move || -> Result<Redone> {
            let task = built_in(&folder)?;
            Ok(redo(&folder, &task, &page, previous.as_ref()))
        };
        let redone = tokio::task::spawn_blocking(work).await??;
        self.format.print(&redone, people)?;
        if redone.problems.is_empty() {
            return Ok(());
        }
        bail!("the evidence does not hold")
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
        let page = page(url, epoch).await?;
        let previous = match epoch.checked_sub(1) {
            Some(before) => self::page(url, before).await.ok(),
            None => None,
        };
        Ok((page, previous))
    }
}

async fn page(url: &str, epoch: u32) -> Result<EpochPage> {
    let url = format!("{}/epochs/{epoch}", url.trim_end_matches('/'));
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
