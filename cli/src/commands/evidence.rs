//! `assay evidence`: what validators' weights rest on.

use crate::output::Format;
use anyhow::{bail, Context, Result};
use assay_chain_client::{ChainClient, ChainConfig};
use assay_primitives::NetUid;
use assay_validator::{
    redo::{
        chain::{compare, OnChain},
        look_up::look_up,
        receipts::{check_receipts, ReceiptLine},
        redo, EpochPage, Redone,
    },
    task::{artifact, built_in, TaskFolder},
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// The time that a validator has to answer.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(clap::Subcommand)]
pub enum Evidence {
    /// Redo an epoch's rounds from what a validator shows of them
    Check(Check),
}

/// Redo an epoch's rounds from what a validator shows of them
///
/// With --node, what is shown is compared with the chain: the commit and what it was opened to, the
/// commitments to the secrets, the blocks that rounds started from, and whose signatures the receipts
/// bear. Without it, the validator's word is taken for all of that.
#[derive(clap::Args)]
pub struct Check {
    /// The subnet's task folder
    #[arg(long, value_name = "FOLDER")]
    task: PathBuf,
    /// Where the validator shows its evidence, such as http://127.0.0.1:9620
    #[arg(long, value_name = "URL", required_unless_present = "file")]
    validator: Option<String>,
    /// The subnet: where the validator has several, and where an epoch has no leaf that names it
    #[arg(long)]
    netuid: Option<u16>,
    /// The epoch
    #[arg(long, required_unless_present = "file")]
    epoch: Option<u32>,
    /// A page that was kept, instead of asking the validator
    #[arg(long, value_name = "FILE", conflicts_with_all = ["validator", "epoch"])]
    file: Option<PathBuf>,
    /// The receipts that were kept with it, one JSON object a line
    #[arg(long, value_name = "FILE", requires = "file")]
    receipts: Option<PathBuf>,
    /// A node's RPC address, to compare with the chain
    #[arg(long, env = "ASSAY_NODE", value_name = "URL")]
    node: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// What a validator shows.
struct Shown {
    page: EpochPage,
    previous: Option<EpochPage>,
    receipts: Result<Vec<ReceiptLine>>,
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
        let shown = match &self.file {
            Some(file) => self.kept(file)?,
            None => self.asked().await?,
        };
        let (page, previous) = (shown.page.clone(), shown.previous.clone());
        let work = move || -> Result<Redone> {
            let task = built_in(&folder)?;
            Ok(redo(&folder, &task, &page, previous.as_ref()))
        };
        let mut redone = tokio::task::spawn_blocking(work).await??;
        if shown.page.revealed.is_some() {
            let chain = self.look_up(&shown.page, &mut redone).await?;
            settle(&shown, chain.as_ref(), &mut redone);
        }
        self.format.print(&redone, people)?;
        if redone.problems.is_empty() {
            return Ok(());
        }
        bail!(
            "the evidence does not hold in {} respects",
            redone.problems.len()
        )
    }

    /// What the chain says, where a node was named.
    async fn look_up(&self, page: &EpochPage, redone: &mut Redone) -> Result<Option<OnChain>> {
        let Some(node) = &self.node else {
            let what = "whether this is what stands on chain: name a node with --node";
            redone.unchecked.push(what.into());
            return Ok(None);
        };
        let netuid = self.netuid.map(NetUid).or(page.netuid());
        let netuid = netuid.context("the page names no subnet: say which one with --netuid")?;
        let hotkey = page.hotkey.context("the page names no hotkey")?.0;
        let node = ChainClient::new(ChainConfig::new(node.clone()));
        Ok(Some(look_up(&node, netuid, page, hotkey).await?))
    }

    /// What was kept in files.
    fn kept(&self, file: &Path) -> Result<Shown> {
        let read = |file: &Path| {
            fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))
        };
        let page = serde_json::from_str(&read(file)?)
            .with_context(|| format!("{} is no page of a validator", file.display()))?;
        let receipts = match &self.receipts {
            Some(file) => read(file).and_then(|text| lines(&text)),
            None => Err(anyhow::anyhow!("name the file with --receipts")),
        };
        Ok(Shown {
            page,
            previous: None,
            receipts,
        })
    }

    /// What the validator shows of the epoch and of the one before.
    async fn asked(&self) -> Result<Shown> {
        let (Some(url), Some(epoch)) = (&self.validator, self.epoch) else {
            bail!("name the validator and the epoch, or a file");
        };
        let within = self.netuid.map(|netuid| format!("/subnets/{netuid}"));
        let url = format!(
            "{}{}",
            url.trim_end_matches('/'),
            within.unwrap_or_default()
        );
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .build()?;
        let previous = match epoch.checked_sub(1) {
            Some(before) => page(&http, &url, before).await.ok(),
            None => None,
        };
        Ok(Shown {
            page: page(&http, &url, epoch).await?,
            previous,
            receipts: receipts(&http, &url, epoch).await,
        })
    }
}

/// Compares what is shown with the chain, and the leaves with their receipts.
fn settle(shown: &Shown, chain: Option<&OnChain>, redone: &mut Redone) {
    if let Some(chain) = chain {
        compare(&shown.page, chain, redone);
    }
    match &shown.receipts {
        Ok(lines) => {
            let holder = |round, serial| chain?.holder(round, serial);
            check_receipts(&shown.page, lines, holder, redone);
        }
        Err(error) => {
            let what = format!("the signatures under the leaves: no receipts: {error:#}");
            redone.unchecked.push(what);
        }
    }
}

async fn page(http: &reqwest::Client, url: &str, epoch: u32) -> Result<EpochPage> {
    let url = format!("{url}/epochs/{epoch}");
    let (_, text) = get(http, &url).await?;
    serde_json::from_str(&text).with_context(|| format!("{url} is no page of a validator"))
}

/// All receipts of an epoch, which come a part at a time.
async fn receipts(http: &reqwest::Client, url: &str, epoch: u32) -> Result<Vec<ReceiptLine>> {
    let (mut all, mut from) = (Vec::new(), 0u64);
    loop {
        let url = format!("{url}/epochs/{epoch}/receipts?from={from}");
        let (next, text) = get(http, &url).await?;
        all.extend(lines(&text).with_context(|| format!("{url} holds no receipts"))?);
        match next {
            Some(next) if next > from => from = next,
            _ => return Ok(all),
        }
    }
}

fn lines(text: &str) -> Result<Vec<ReceiptLine>> {
    let parsed = text.lines().map(serde_json::from_str);
    Ok(parsed.collect::<Result<_, _>>()?)
}

/// The text of a page, and the round from which the rest is to be had.
async fn get(http: &reqwest::Client, url: &str) -> Result<(Option<u64>, String)> {
    let answer = http.get(url).send().await;
    let answer = answer.with_context(|| format!("{url} can't be reached"))?;
    let status = answer.status();
    let next = answer.headers().get("assay-next");
    let next = next.and_then(|next| next.to_str().ok()?.parse().ok());
    let text = answer.text().await?;
    if !status.is_success() {
        bail!("{url} answers {status}: {}", text.trim());
    }
    Ok((next, text))
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
