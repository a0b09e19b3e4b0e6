//! `assay weights`: a validator's weights by hand, for whoever does not run `assay-validator`.

use crate::{
    node::{Node, SigningHotkey},
    output::{print, table, Format},
};
use anyhow::{bail, ensure, Context, Result};
use assay_chain_client::{
    calls::{self, Reveal},
    AccountId32, ChainClient,
};
use assay_primitives::{
    commit_hash, seed_commitment, CommitPayload, Digest, EpochIndex, Evidence, Generation,
    Metagraph, NetUid, Salt, TaskVersion, WeightRowView,
};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// Show, commit to and reveal weights by hand
#[derive(clap::Subcommand)]
pub enum Weights {
    /// Show the weights in force
    Show(Show),
    /// Put weights into force at once, in a subnet that allows it
    Set(Set),
    /// Commit to weights, and keep what opens the commit in a file
    Commit(Commit),
    /// Open the commit that a file was kept for
    Reveal(Open),
}

impl Weights {
    pub async fn run(self) -> Result<()> {
        match self {
            Self::Show(command) => command.run().await,
            Self::Set(command) => command.run().await,
            Self::Commit(command) => command.run().await,
            Self::Reveal(command) => command.run().await,
        }
    }
}

#[derive(clap::Args)]
pub struct Show {
    /// The subnet's number
    netuid: NetUid,
    #[command(flatten)]
    node: Node,
    #[command(flatten)]
    format: Format,
}

impl Show {
    async fn run(self) -> Result<()> {
        let snapshot = self.node.client().at_finalized().await?;
        // Else a subnet that does not exist would be one without weights.
        snapshot.subnet(self.netuid).await?;
        let rows = snapshot.weights(self.netuid).await?;
        self.format.print(&rows, |rows| shown(rows))
    }
}

fn shown(rows: &[WeightRowView]) -> String {
    let mut lines = table(["validator", "since block", "weights (uid = part)"]);
    for row in rows {
        let sum: f64 = row.values.iter().map(|value| f64::from(*value)).sum();
        let weights = row.targets.iter().zip(&row.values);
        let weights: Vec<_> = weights
            .map(|(uid, value)| format!("{uid} = {:.4}", f64::from(*value) / sum))
            .collect();
        lines.add_row([
            row.validator.to_string(),
            row.last_update.to_string(),
            weights.join(", "),
        ]);
    }
    lines.to_string()
}

/// A row as it is written on the command line.
#[derive(clap::Args, Clone)]
struct Row {
    /// Weights, of which only the proportions count: UID=WEIGHT
    #[arg(required = true, value_name = "UID=WEIGHT", value_parser = parse_weight)]
    weights: Vec<(u16, f64)>,
}

/// Uids, ascending, and their raw weights, the largest of which is 65,535.
type RawRow = (Vec<u16>, Vec<u16>);

impl Row {
    fn raw(&self) -> Result<RawRow> {
        let mut weights = self.weights.clone();
        weights.sort_by_key(|(uid, _)| *uid);
        if let Some(twice) = weights.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            bail!("uid {} is named twice", twice[0].0);
        }
        let most = weights
            .iter()
            .map(|(_, weight)| *weight)
            .fold(0.0, f64::max);
        ensure!(most > 0.0, "one weight at least must be above 0");
        let raw = |weight: f64| (weight / most * f64::from(u16::MAX)).round() as u16;
        Ok(weights
            .iter()
            .map(|(uid, weight)| (*uid, raw(*weight)))
            .unzip())
    }
}

fn parse_weight(text: &str) -> Result<(u16, f64)> {
    let wanted = || format!("`{text}` is not UID=WEIGHT, such as 7=0.25");
    let (uid, weight) = text.split_once('=').with_context(wanted)?;
    let uid = uid.trim().parse().with_context(wanted)?;
    let weight: f64 = weight.trim().parse().with_context(wanted)?;
    ensure!(
        weight.is_finite() && weight >= 0.0,
        "the weight of uid {uid} must be a number from 0 up"
    );
    Ok((uid, weight))
}

#[derive(clap::Args)]
pub struct Set {
    /// The subnet's number
    netuid: NetUid,
    #[command(flatten)]
    row: Row,
    #[command(flatten)]
    hotkey: SigningHotkey,
    #[command(flatten)]
    node: Node,
}

impl Set {
    async fn run(self) -> Result<()> {
        let (targets, values) = self.row.raw()?;
        let (netuid, key) = (self.netuid, self.hotkey.load()?);
        let client = self.node.client();
        let graph = metagraph(&client, netuid).await?;
        let call = calls::set_weights(netuid, targets, values, graph.task_version);
        let receipt = client.submit(&key, &call).await?;
        let block = receipt.block.number;
        print(&format!("in force since block {block}"))
    }
}

/// Commit to weights, and keep what opens the commit in a file
///
/// The file is written before anything is sent: without it, the commit can't be opened, and a commit
/// that is not opened in its epoch counts as absence. Weights by hand rest on no evidence.
#[derive(clap::Args)]
pub struct Commit {
    /// The subnet's number
    netuid: NetUid,
    #[command(flatten)]
    row: Row,
    /// A new file for what `assay weights reveal` needs; keep it secret until then
    #[arg(long, value_name = "FILE")]
    keep: PathBuf,
    #[command(flatten)]
    hotkey: SigningHotkey,
    #[command(flatten)]
    node: Node,
}

/// What opens a commit.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    network: Digest,
    hotkey: AccountId32,
    netuid: NetUid,
    generation: Generation,
    epoch: EpochIndex,
    task_version: TaskVersion,
    targets: Vec<u16>,
    values: Vec<u16>,
    salt: Digest,
}

impl Kept {
    fn hash(&self) -> Digest {
        commit_hash(&CommitPayload {
            hotkey: self.hotkey.0,
            netuid: self.netuid,
            generation: self.generation,
            epoch: self.epoch,
            task_version: self.task_version,
            targets: &self.targets,
            values: &self.values,
            salt: self.salt.0,
            evidence: Evidence::none(),
        })
    }

    /// Writes a new file that its owner alone can read, to the disk.
    fn write(&self, path: &Path) -> Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let written = options.open(path).and_then(|mut file| {
            file.write_all(&serde_json::to_vec_pretty(self)?)?;
            file.sync_all()
        });
        written.with_context(|| format!("{} can't be written as a new file", path.display()))
    }

    fn read(path: &Path) -> Result<Self> {
        let of = || format!("{}, as the file of a commit", path.display());
        let text = fs::read(path).with_context(of)?;
        serde_json::from_slice(&text).with_context(of)
    }
}

impl Commit {
    async fn run(self) -> Result<()> {
        let (targets, values) = self.row.raw()?;
        let (netuid, key) = (self.netuid, self.hotkey.load()?);
        let client = self.node.client();
        let graph = metagraph(&client, netuid).await?;
        let salt: Salt = rand::random();
        let kept = Kept {
            network: client.genesis_hash().await?,
            hotkey: AccountId32(key.public_key().0),
            netuid,
            generation: graph.generation,
            epoch: graph.epoch,
            task_version: graph.task_version,
            targets,
            values,
            salt: Digest(salt),
        };
        kept.write(&self.keep)?;
        // Nothing is asked that the secret would be needed for.
        let next_seed = seed_commitment(&rand::random());
        let call = calls::commit_weights(netuid, kept.epoch, kept.hash(), next_seed);
        let file = self.keep.display();
        let receipt = client.submit(&key, &call).await.with_context(|| {
            format!("if the commit is not on chain, {file} opens nothing and can be deleted")
        })?;
        let later = graph.hyperparameters.reveal_period;
        print(&format!(
            "committed in block {}, epoch {}; open it {later} epoch(s) later, from about block {} on: \
             assay weights reveal {file}",
            receipt.block.number,
            kept.epoch,
            graph.next_epoch_at
        ))
    }
}

#[derive(clap::Args)]
pub struct Open {
    /// The file that `assay weights commit` kept
    file: PathBuf,
    #[command(flatten)]
    hotkey: SigningHotkey,
    #[command(flatten)]
    node: Node,
}

impl Open {
    async fn run(self) -> Result<()> {
        let (kept, key) = (Kept::read(&self.file)?, self.hotkey.load()?);
        ensure!(
            key.public_key().0 == kept.hotkey.0,
            "the commit is of {}, and this is another hotkey",
            kept.hotkey
        );
        let client = self.node.client();
        let network = client.genesis_hash().await?;
        ensure!(
            network == kept.network,
            "the commit was made on the network {}, and this node is of {network}",
            kept.network
        );
        let reveal = Reveal {
            epoch: kept.epoch,
            targets: kept.targets,
            values: kept.values,
            salt: kept.salt.0,
            task_version: kept.task_version,
            evidence: Evidence::none(),
        };
        let call = calls::reveal_weights(kept.netuid, reveal);
        let receipt = client.submit(&key, &call).await?;
        print(&format!(
            "revealed in block {}; {} is of no use any more",
            receipt.block.number,
            self.file.display()
        ))
    }
}

async fn metagraph(client: &ChainClient, netuid: NetUid) -> Result<Metagraph<AccountId32>> {
    Ok(client.at_finalized().await?.metagraph(netuid).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(weights: &[&str]) -> Result<RawRow> {
        let weights = weights.iter().map(|text| parse_weight(text));
        let weights = weights.collect::<Result<_>>()?;
        Row { weights }.raw()
    }

    #[test]
    fn raw_sorts_by_uid_and_scales_to_the_largest() {
        let (targets, values) = raw(&["9=0.5", "2=2", "4=0"]).unwrap();
        assert_eq!(targets, [2, 4, 9]);
        assert_eq!(values, [65_535, 0, 16_384]);
    }

    #[test]
    fn raw_is_refused_when_a_weight_is_none() {
        for (weights, says) in [
            (&["1=1", "1=2"][..], "uid 1 is named twice"),
            (&["1=0"], "above 0"),
            (&["1=-1"], "from 0 up"),
            (&["1=NaN"], "from 0 up"),
            (&["1:2"], "UID=WEIGHT"),
            (&["70000=1"], "UID=WEIGHT"),
        ] {
            let error = format!("{:#}", raw(weights).unwrap_err());
            assert!(error.contains(says), "{weights:?}: {error}");
        }
    }

    #[test]
    fn write_leaves_a_file_alone_that_is_there_and_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("commit.json");
        let kept = Kept {
            network: Digest([1; 32]),
            hotkey: AccountId32([2; 32]),
            netuid: NetUid(3),
            generation: Generation(0),
            epoch: EpochIndex(4),
            task_version: TaskVersion(5),
            targets: vec![0, 7],
            values: vec![65_535, 1],
            salt: Digest([6; 32]),
        };
        kept.write(&path).unwrap();
        assert_eq!(Kept::read(&path).unwrap(), kept);
        let again = kept.write(&path).unwrap_err();
        assert!(format!("{again:#}").contains("as a new file"), "{again:#}");
    }
}
