//! A round redone from what a validator shows once its epoch is over.
//!
//! The leaves name what was asked by digest, and the epoch's secret says what had to be asked:
//! whoever holds the task's folder makes the same requests again and compares. What is checked:
//!
//! 1. the leaves and the scores are those under the roots that were committed;
//! 2. the secret is the one that was committed to an epoch earlier, where that epoch is shown, and
//!    rounds follow from no other;
//! 3. every request is what the secret, the block and the miner's serial demand;
//! 4. the commit's hash binds exactly these weights and roots;
//! 5. [`receipts`]: each leaf's signatures are the validator's and the miner's;
//! 6. [`chain`]: all of that is what stands on the chain, and who signed held the place.
//!
//! The first four take the page's word for what was committed; [`chain`] takes nobody's.
//!
//! It can't be seen here whether an answer was judged rightly, unless one has the answer: the
//! receipt names its digest, and the miner who gave it has it.

pub mod chain;
pub mod look_up;
pub mod receipts;

use crate::{
    peers::request_body,
    store::State,
    task::{Item, Seeds, Task, TaskFolder},
};
use assay_primitives::{
    commit_hash, merkle_root, query_seed, score_root, seed_commitment, BlockNumber, CommitPayload,
    Digest, EpochIndex, Evidence, Generation, MinerScore, NetUid, ReceiptLeaf, Salt, Serial,
    TaskVersion,
};
use assay_protocol::sha256;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a validator shows of an epoch, as far as it is checked.
#[derive(Clone, Debug, Deserialize)]
pub struct EpochPage {
    /// The validator's public key.
    pub hotkey: Option<Digest>,
    /// The subnet's generation.
    pub generation: Generation,
    /// The epoch.
    pub epoch: EpochIndex,
    /// The task's version.
    pub task_version: TaskVersion,
    /// How far the validator says that its submission came.
    #[serde(default)]
    pub state: Option<State>,
    /// What was committed.
    pub hash: Digest,
    /// The commitment to the next epoch's secret.
    pub next_seed: Digest,
    /// What the weights rest on.
    pub evidence: Evidence,
    /// Scores in order of uid.
    #[serde(default)]
    pub scores: Vec<MinerScore>,
    /// What is shown when the epoch is over.
    pub revealed: Option<Revealed>,
    /// The leaves in the order of their tree.
    #[serde(default)]
    pub leaves: Vec<Leaf>,
    /// Where the rounds of the leaves started.
    #[serde(default)]
    pub rounds: Vec<RoundLine>,
}

/// What is shown when the epoch is over.
#[derive(Clone, Debug, Deserialize)]
pub struct Revealed {
    /// The uids.
    pub targets: Vec<u16>,
    /// Their weights.
    pub values: Vec<u16>,
    /// What kept the hash from being guessed.
    pub salt: Digest,
    /// What the queries follow from.
    pub secret: Option<Digest>,
}

/// Where a round started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundLine {
    /// Its number.
    pub round: u64,
    /// The epoch whose secret it followed from.
    pub epoch: EpochIndex,
    /// The finalized block at its start.
    pub block: BlockNumber,
    /// That block's hash.
    pub block_hash: Digest,
    /// The secret of its epoch.
    pub secret: Digest,
}

/// A leaf as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Leaf {
    genesis: Digest,
    netuid: NetUid,
    generation: Generation,
    task_version: TaskVersion,
    round: u64,
    item: u32,
    serial: Serial,
    artifact: Digest,
    request_digest: Digest,
    response_digest: Digest,
    score: u32,
    request_signature: String,
    response_signature: String,
}

impl EpochPage {
    /// The subnet, as the leaves name it.
    pub fn netuid(&self) -> Option<NetUid> {
        self.leaves.first().map(|leaf| leaf.netuid)
    }
}

impl Leaf {
    fn decoded(&self) -> Option<ReceiptLeaf> {
        Some(ReceiptLeaf {
            genesis: self.genesis,
            netuid: self.netuid,
            generation: self.generation,
            task_version: self.task_version,
            round: self.round,
            item: self.item,
            serial: self.serial,
            artifact: self.artifact,
            request_digest: self.request_digest,
            response_digest: self.response_digest,
            score: self.score,
            request_signature: signature(&self.request_signature)?,
            response_signature: signature(&self.response_signature)?,
        })
    }
}

fn signature(text: &str) -> Option<[u8; 64]> {
    let digit = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    let bytes: Vec<u8> = (0..text.len())
        .step_by(2)
        .map(digit)
        .collect::<Option<_>>()?;
    bytes.try_into().ok()
}

/// What came of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Redone {
    /// Leaves that were looked at.
    pub leaves: usize,
    /// Rounds that they belong to.
    pub rounds: usize,
    /// Requests that are what they had to be.
    pub as_due: usize,
    /// What was checked and holds.
    pub holds: Vec<String>,
    /// What does not hold.
    pub problems: Vec<String>,
    /// What could not be checked.
    pub unchecked: Vec<String>,
}

impl Redone {
    fn note(&mut self, holds: bool, what: &str) {
        let list = if holds {
            &mut self.holds
        } else {
            &mut self.problems
        };
        list.push(what.to_owned());
    }
}

/// Redoes what a page shows. `previous` is the epoch before, as the same validator shows it. Blocks:
/// items are made again.
pub fn redo(
    folder: &TaskFolder,
    task: &Task,
    page: &EpochPage,
    previous: Option<&EpochPage>,
) -> Redone {
    let mut redone = Redone::default();
    let Some(revealed) = &page.revealed else {
        let what = "nothing is shown yet: the epoch is not over, or its weights are not revealed";
        redone.unchecked.push(what.into());
        return redone;
    };
    let leaves: Option<Vec<ReceiptLeaf>> = page.leaves.iter().map(Leaf::decoded).collect();
    let Some(leaves) = leaves else {
        redone
            .problems
            .push("a leaf holds a signature that is not one".into());
        return redone;
    };
    redone.leaves = leaves.len();
    redone.rounds = page.rounds.len();
    let Evidence::V1 {
        root,
        leaf_count,
        score_root: scores,
    } = page.evidence;
    redone.note(
        merkle_root(&leaves) == root && leaf_count as usize == leaves.len(),
        "the leaves are those under the committed root",
    );
    redone.note(
        score_root(&page.scores) == scores,
        "the scores are those under the committed root",
    );
    check_hash(page, revealed, &leaves, &mut redone);
    check_secret(page, previous, &mut redone);
    check_requests(folder, task, page, &leaves, &mut redone);
    redone
}

fn check_hash(page: &EpochPage, revealed: &Revealed, leaves: &[ReceiptLeaf], redone: &mut Redone) {
    let (Some(hotkey), Some(leaf)) = (page.hotkey, leaves.first()) else {
        redone
            .unchecked
            .push("the commit's hash: the page names no hotkey, or has no leaf".into());
        return;
    };
    let hash = commit_hash(&CommitPayload {
        hotkey: hotkey.0,
        netuid: leaf.netuid,
        generation: page.generation,
        epoch: page.epoch,
        task_version: page.task_version,
        targets: &revealed.targets,
        values: &revealed.values,
        salt: revealed.salt.0 as Salt,
        evidence: page.evidence,
    });
    redone.note(
        hash == page.hash,
        "the commit binds these weights, leaves and scores",
    );
}

fn check_secret(page: &EpochPage, previous: Option<&EpochPage>, redone: &mut Redone) {
    let secret = page.revealed.as_ref().and_then(|revealed| revealed.secret);
    match (previous, secret) {
        (Some(previous), Some(secret)) => redone.note(
            seed_commitment(&secret.0) == previous.next_seed,
            "the secret is the one that was committed to an epoch earlier",
        ),
        _ => redone.unchecked.push(
            "the secret: the epoch before is not shown, so what was committed there is not known"
                .into(),
        ),
    }
    check_rounds(page, previous, redone);
}

/// A round follows from the secret of the epoch in which it started: this one, or the one before for
/// rounds that started after its commit.
fn check_rounds(page: &EpochPage, previous: Option<&EpochPage>, redone: &mut Redone) {
    let secret_of = |epoch| {
        let pages = [Some(page), previous].into_iter().flatten();
        let shown = pages.filter(|page| page.epoch == epoch);
        shown
            .filter_map(|page| page.revealed.as_ref()?.secret)
            .next()
    };
    let mut all = true;
    for line in &page.rounds {
        match secret_of(line.epoch) {
            Some(secret) => all &= secret == line.secret,
            None => redone.unchecked.push(format!(
                "round {}: its epoch's secret is not shown",
                line.round
            )),
        }
    }
    redone.note(all, "rounds follow from the secrets of their epochs");
}

/// Makes each request again. How many items the last one of a round held is not in the leaf, so it
/// is found by trying.
fn check_requests(
    folder: &TaskFolder,
    task: &Task,
    page: &EpochPage,
    leaves: &[ReceiptLeaf],
    redone: &mut Redone,
) {
    let rounds: BTreeMap<u64, &RoundLine> = page.rounds.iter().map(|it| (it.round, it)).collect();
    let batch = u32::from(folder.queries.items_per_request).max(1);
    let mut by_miner: BTreeMap<(u64, Serial), Vec<&ReceiptLeaf>> = BTreeMap::new();
    let mut unknown = BTreeSet::new();
    for leaf in leaves {
        if rounds.contains_key(&leaf.round) {
            let key = (leaf.round, leaf.serial);
            by_miner.entry(key).or_default().push(leaf);
        } else {
            unknown.insert(leaf.round);
        }
    }
    for round in unknown {
        let what = format!("round {round}: where it started is not shown");
        redone.unchecked.push(what);
    }
    for ((round, serial), leaves) in by_miner {
        let start = rounds[&round];
        let Some(last) = leaves.iter().map(|leaf| leaf.item).max() else {
            continue;
        };
        let seed = |serial| {
            let first = leaves[0];
            query_seed(
                &start.secret.0,
                &start.block_hash.0,
                first.netuid,
                first.generation,
                first.task_version,
                serial,
            )
        };
        let seeds = Seeds {
            round: seed(crate::round::EVERYBODY),
            miner: seed(serial),
        };
        let queries = match task.queries(&seeds, last.saturating_add(batch)) {
            Ok(queries) => queries,
            Err(fault) => {
                redone.unchecked.push(format!("round {round}: {fault}"));
                continue;
            }
        };
        for leaf in leaves {
            let from = queries.iter().skip(leaf.item as usize);
            let items: Vec<&Item> = from.take(batch as usize).map(|it| &it.item).collect();
            let lengths = (1..=items.len()).rev();
            let found = lengths.into_iter().any(|length| {
                let inputs = task.ask(items[..length].iter().copied()).ok();
                let body = inputs.and_then(|inputs| request_body(inputs, task.outputs()).ok());
                body.is_some_and(|body| Digest(sha256(&body.body)) == leaf.request_digest)
            });
            if found {
                redone.as_due += 1;
            } else {
                redone.problems.push(format!(
                    "round {round}, serial {serial}, item {}: what was asked is not what the \
                     secret demands",
                    leaf.item
                ));
            }
        }
    }
    let (as_due, all) = (redone.as_due, redone.leaves);
    redone.note(
        as_due == all,
        &format!("{as_due} of {all} requests are what the secret demands"),
    );
}
