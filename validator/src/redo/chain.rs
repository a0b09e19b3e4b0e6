//! What a validator shows of an epoch, beside what stands on chain.
//!
//! A page can be consistent in itself and still be made up afterwards. What can't be is on chain: the
//! commit that was opened, with its hash, its roots and the commitment to the next secret; the
//! blocks that rounds started from; and who held which place, with which model. [`super::look_up`]
//! reads that, and here it is compared.

use super::{receipts::Holder, EpochPage, Redone, RoundLine};
use crate::store::State;
use assay_primitives::{
    seed_commitment, BlockNumber, Digest, EpochIndex, Evidence, NetUid, Serial, TaskVersion,
};
use std::collections::{BTreeMap, HashMap};

/// What the chain says about a validator's epoch.
#[derive(Clone, Debug, Default)]
pub struct OnChain {
    /// Hash of the first block.
    pub genesis: Digest,
    /// The subnet that was read.
    pub netuid: NetUid,
    /// The epoch's commit.
    pub opened: Opening,
    /// By round, the block that it names.
    pub rounds: BTreeMap<u64, AtStart>,
    /// What could not be read, and why.
    pub unread: Vec<String>,
}

/// What the chain says about a commit.
#[derive(Clone, Debug, Default)]
pub enum Opening {
    /// It could not be found out.
    #[default]
    Unknown,
    /// No commit of this epoch was opened by this hotkey.
    Never,
    /// It was opened.
    Opened(OpenedAs),
}

/// A commit as it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenedAs {
    /// What was committed.
    pub hash: Digest,
    /// The commitment to the next epoch's secret.
    pub next_seed: Digest,
    /// The task's version.
    pub task_version: TaskVersion,
    /// What the weights rest on.
    pub evidence: Evidence,
}

/// The chain at the block that a round started from.
#[derive(Clone, Debug, Default)]
pub struct AtStart {
    /// The block's height.
    pub block: BlockNumber,
    /// Whether the chain has this very block at that height.
    pub on_chain: bool,
    /// The epoch that was open.
    pub epoch: EpochIndex,
    /// What the validator had committed to as that epoch's secret.
    pub seed: Option<Digest>,
    /// Who held which place.
    pub holders: HashMap<Serial, Holder>,
}

impl OnChain {
    /// Who held a serial when a round started, where that was read.
    pub fn holder(&self, round: u64, serial: Serial) -> Option<Holder> {
        self.rounds.get(&round)?.holders.get(&serial).copied()
    }
}

/// Compares. A serial that nobody held when a round started is a problem, too.
pub fn compare(page: &EpochPage, chain: &OnChain, redone: &mut Redone) {
    redone.unchecked.extend(chain.unread.iter().cloned());
    check_place(page, chain, redone);
    check_opening(page, chain, redone);
    let known: Vec<(&RoundLine, &AtStart)> = page
        .rounds
        .iter()
        .filter_map(|line| Some((line, chain.rounds.get(&line.round)?)))
        .collect();
    let before = redone.problems.len();
    let mut secrets = 0;
    for (line, start) in &known {
        check_start(line, start, redone);
        secrets += usize::from(check_seed(line, start, redone));
    }
    if redone.problems.len() == before && !known.is_empty() {
        redone.holds.push(format!(
            "{} of {} rounds started from blocks of the chain, {secrets} with the secret that stood \
             committed there",
            known.len(),
            page.rounds.len()
        ));
    }
    check_holders(page, chain, redone);
}

fn check_place(page: &EpochPage, chain: &OnChain, redone: &mut Redone) {
    let elsewhere = page.leaves.iter().find(|leaf| {
        (leaf.genesis, leaf.netuid, leaf.generation)
            != (chain.genesis, chain.netuid, page.generation)
    });
    if let Some(leaf) = elsewhere {
        redone.problems.push(format!(
            "round {}, serial {}, item {}: the leaf is of another chain, subnet or generation",
            leaf.round, leaf.serial, leaf.item
        ));
    }
}

fn check_opening(page: &EpochPage, chain: &OnChain, redone: &mut Redone) {
    let opened = match &chain.opened {
        Opening::Unknown => return,
        Opening::Never if page.state == Some(State::Revealed) => {
            return redone.problems.push(format!(
                "the chain shows no commit of epoch {} that this hotkey opened",
                page.epoch
            ));
        }
        Opening::Never => {
            return redone.unchecked.push(format!(
                "the commit of epoch {}: it was never opened on chain",
                page.epoch
            ));
        }
        Opening::Opened(opened) => opened,
    };
    redone.note(opened.hash == page.hash, "the commit is the one on chain");
    redone.note(
        opened.evidence == page.evidence,
        "the roots over leaves and scores are those that were revealed on chain",
    );
    redone.note(
        opened.next_seed == page.next_seed,
        "the commitment to the next secret is the one on chain",
    );
    redone.note(
        opened.task_version == page.task_version,
        "the task's version is the one on chain",
    );
}

fn check_start(line: &RoundLine, start: &AtStart, redone: &mut Redone) {
    let round = line.round;
    if start.block != line.block {
        redone.problems.push(format!(
            "round {round}: the block that it started from has the height {}, not {}",
            start.block, line.block
        ));
    } else if !start.on_chain {
        redone.problems.push(format!(
            "round {round}: the block that it started from is not the chain's at height {}",
            line.block
        ));
    }
    if start.epoch != line.epoch {
        redone.problems.push(format!(
            "round {round}: epoch {} was open when it started, and it says {}",
            start.epoch, line.epoch
        ));
    }
}

/// Whether the secret is the one that was committed to.
fn check_seed(line: &RoundLine, start: &AtStart, redone: &mut Redone) -> bool {
    let Some(seed) = start.seed else {
        redone.unchecked.push(format!(
            "round {}: the chain shows no commitment to the secret of epoch {}, which is so in a \
             validator's first epoch and after one without a commit",
            line.round, line.epoch
        ));
        return false;
    };
    let committed = seed == seed_commitment(&line.secret.0);
    if !committed {
        redone.problems.push(format!(
            "round {}: its secret is not the one that stood committed on chain for epoch {}",
            line.round, line.epoch
        ));
    }
    committed
}

fn check_holders(page: &EpochPage, chain: &OnChain, redone: &mut Redone) {
    for leaf in &page.leaves {
        let start = chain.rounds.get(&leaf.round);
        if start.is_some_and(|start| !start.holders.contains_key(&leaf.serial)) {
            redone.problems.push(format!(
                "round {}, item {}: nobody held the serial {} on chain when the round started",
                leaf.round, leaf.item, leaf.serial
            ));
        }
    }
}
