//! Reads from a node what [`super::chain`] compares.
//!
//! The commit is looked for where the chain keeps it: with each validator the last one that it
//! opened. An epoch longer ago stands in the state of an older block, which is found by halving.
//! Nodes keep the state of 256 blocks unless they were told to keep all, so what can't be read is
//! said and is no problem of the validator's.

use super::{
    chain::{AtStart, OnChain, OpenedAs, Opening},
    receipts::Holder,
    EpochPage, RoundLine,
};
use crate::chain::Hotkey;
use assay_chain_client::{AccountId32, ChainClient, ChainError, OpenedCommit, Snapshot};
use assay_primitives::{BlockNumber, Digest, EpochIndex, Metagraph, NetUid, Uid};

/// What can be done about state that is gone.
const KEEP: &str = "a node that keeps all state has it (--state-pruning archive)";

/// Reads what the chain says about an epoch of a validator.
///
/// # Errors
/// The node can't be reached, or has no such subnet.
pub async fn look_up(
    node: &ChainClient,
    netuid: NetUid,
    page: &EpochPage,
    hotkey: Hotkey,
) -> Result<OnChain, ChainError> {
    let head = node.at_finalized().await?;
    let graph: Metagraph<Hotkey> = head.metagraph(netuid).await?;
    let mut found = OnChain {
        genesis: node.genesis_hash().await?,
        netuid,
        ..OnChain::default()
    };
    for line in &page.rounds {
        match start_of(node, netuid, line, &hotkey).await {
            Ok(start) => {
                found.rounds.insert(line.round, start);
            }
            Err(error) => found.unread.push(format!(
                "round {}: the node can't read its block {}; {KEEP}: {error}",
                line.round, line.block
            )),
        }
    }
    let uid = graph.hotkeys.iter().position(|held| *held == hotkey);
    let Some(uid) = uid.and_then(|uid| u16::try_from(uid).ok()) else {
        let what = "the commit: the validator's hotkey holds no place in the subnet any more";
        found.unread.push(what.into());
        return Ok(found);
    };
    let commit = Sought {
        node,
        netuid,
        uid: Uid(uid),
        epoch: page.epoch,
    };
    let earliest = page.rounds.iter().map(|line| line.block).min();
    match commit.find(&head, earliest.unwrap_or_default()).await {
        Found::Unreadable(why) => found.unread.push(format!("the commit: {why}; {KEEP}")),
        Found::Nothing => found.opened = Opening::Never,
        Found::Commit(opened) if opened.hotkey != hotkey => {
            let what = "the commit: another hotkey held the validator's place when it was made";
            found.unread.push(what.into());
        }
        Found::Commit(opened) => {
            found.opened = Opening::Opened(OpenedAs {
                hash: opened.hash,
                next_seed: opened.next_seed,
                task_version: opened.task_version,
                evidence: opened.evidence,
            });
        }
    }
    Ok(found)
}

/// The chain at the block that a round names.
async fn start_of(
    node: &ChainClient,
    netuid: NetUid,
    line: &RoundLine,
    hotkey: &Hotkey,
) -> Result<AtStart, ChainError> {
    let at = node.at_block(line.block_hash).await?;
    let graph: Metagraph<Hotkey> = at.metagraph(netuid).await?;
    let block = at.block();
    let on_chain = node.at_height(block.number).await?.block() == block;
    let before = graph.epoch.0.checked_sub(1).map(EpochIndex);
    let seed = match before {
        Some(before) => committed_seed(&at, &graph, hotkey, before).await?,
        None => None,
    };
    let holders = graph.serials.iter().zip(&graph.hotkeys).zip(&graph.models);
    let holders = holders.map(|((serial, hotkey), model)| {
        let holder = Holder {
            hotkey: *hotkey,
            artifact: model.as_ref().map(|model| model.what.sha256),
        };
        (*serial, holder)
    });
    Ok(AtStart {
        block: block.number,
        on_chain,
        epoch: graph.epoch,
        seed,
        holders: holders.collect(),
    })
}

/// The commitment that a commit of `epoch` made, whether it waited for its reveal then or was opened.
async fn committed_seed(
    at: &Snapshot,
    graph: &Metagraph<Hotkey>,
    hotkey: &Hotkey,
    epoch: EpochIndex,
) -> Result<Option<Digest>, ChainError> {
    let pending = at.commits(graph.netuid, &AccountId32(*hotkey)).await?;
    if let Some(commit) = pending.iter().find(|commit| commit.epoch == epoch) {
        return Ok(Some(commit.next_seed));
    }
    let uid = graph.hotkeys.iter().position(|held| held == hotkey);
    let Some(uid) = uid.and_then(|uid| u16::try_from(uid).ok()) else {
        return Ok(None);
    };
    let opened = at.last_opened(graph.netuid, Uid(uid)).await?;
    let opened = opened.filter(|it| it.epoch == epoch && it.hotkey == *hotkey);
    Ok(opened.map(|it| it.next_seed))
}

/// A commit that is looked for.
struct Sought<'a> {
    node: &'a ChainClient,
    netuid: NetUid,
    uid: Uid,
    epoch: EpochIndex,
}

enum Found {
    Commit(OpenedCommit),
    Nothing,
    Unreadable(String),
}

impl Sought<'_> {
    /// Finds the commit of the epoch, between `earliest` and `head`.
    async fn find(&self, head: &Snapshot, earliest: BlockNumber) -> Found {
        let mut newest = match head.last_opened(self.netuid, self.uid).await {
            Ok(Some(opened)) if opened.epoch >= self.epoch => opened,
            Ok(_) => return Found::Nothing,
            Err(error) => return Found::Unreadable(error.to_string()),
        };
        // `newest` was the last one opened at `late`; at `early` none of this epoch was yet.
        let (mut early, mut late) = (earliest, head.block().number);
        let mut unreadable = None;
        while newest.epoch > self.epoch && early.saturating_add(1) < late {
            let middle = early + (late - early) / 2;
            match self.at(middle).await {
                Ok(Some(opened)) if opened.epoch >= self.epoch => {
                    newest = opened;
                    late = middle;
                }
                Ok(_) => early = middle,
                // What a node no longer has is older than what it has.
                Err(error) => {
                    unreadable = Some(error.to_string());
                    early = middle;
                }
            }
        }
        match unreadable {
            _ if newest.epoch == self.epoch => Found::Commit(newest),
            Some(why) => Found::Unreadable(why),
            None => Found::Nothing,
        }
    }

    async fn at(&self, height: BlockNumber) -> Result<Option<OpenedCommit>, ChainError> {
        let at = self.node.at_height(height).await?;
        at.last_opened(self.netuid, self.uid).await
    }
}
