//! When to look at the chain, and whether what is seen can be trusted.

use super::Validator;
use crate::{chain::Snapshot, error::Error, status::Trouble, store::Key};
use assay_primitives::BlockNumber;

/// Looks in a row at which the node is behind what was seen before, until that is taken for the
/// truth: a chain that went back behind what was final, which takes people to do.
const BEHIND_LOOKS: u32 = 60;
/// Seconds by which the newest final block may be older than our clock says: finality takes a few
/// blocks. Miners put up with as much.
const OLDEST_BLOCK: u64 = 60;
/// Seconds by which it may be younger.
const YOUNGEST_BLOCK: u64 = 10;

/// What was seen, and what to look for next.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// The newest final block.
    seen: BlockNumber,
    /// The block at which the subnet is read again.
    again_at: BlockNumber,
    /// Looks in a row at which the node was behind.
    behind: u32,
}

impl Validator {
    /// Whether there is anything to do at this block.
    pub(super) fn is_due(&mut self, block: BlockNumber) -> bool {
        let looks = &mut self.looks;
        let status = &self.parts.status;
        if block < looks.seen {
            looks.behind += 1;
            if looks.behind < BEHIND_LOOKS {
                let behind = format!(
                    "the node is behind: block {block} is its newest final one, {} was seen before",
                    looks.seen
                );
                status.trouble(Trouble::Chain, Some(behind));
                return false;
            }
            tracing::warn!(
                block,
                seen = looks.seen,
                "the chain went back; going on from there"
            );
            looks.again_at = block;
            self.last_round_at = self.last_round_at.map(|last| last.min(block));
        }
        looks.behind = 0;
        looks.seen = block;
        status.reached(block);
        self.parts.metrics.reached(block);
        block >= looks.again_at
    }

    /// Decides when the subnet is read next: at the next block while something is under way, or else
    /// when a round, the end of the epoch or its commit falls due.
    pub(super) fn plan_next_look(&mut self, snapshot: &Snapshot, permitted: bool, busy: bool) {
        let (block, graph) = (snapshot.block(), &snapshot.metagraph);
        let config = &self.parts.config;
        let next = block.saturating_add(1);
        let mut at = block.saturating_add(config.round_every);
        at = at.min(graph.next_epoch_at);
        if permitted {
            let settled = self
                .permitted_since
                .map_or(next, |since| since.saturating_add(config.settle_blocks));
            let round = self
                .last_round_at
                .map_or(next, |last| last.saturating_add(config.round_every));
            at = at.min(round.max(settled));
            let before = config.commit_before(graph.hyperparameters.tempo);
            let commit = graph.next_epoch_at.saturating_sub(before);
            if commit > block {
                at = at.min(commit);
            }
        }
        self.looks.again_at = if busy { next } else { at.max(next) };
    }

    /// Ends the validator where a commit of its hotkey is on chain that it did not make: two with
    /// one key would each lose what the other commits. The one whose commit is there goes on.
    pub(super) async fn look_for_a_second(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        if self.parts.config.take_over && self.foreign_until.is_none() {
            self.foreign_until = Some(snapshot.block());
        }
        for commit in &snapshot.own_commits {
            let key = Key {
                generation: snapshot.metagraph.generation,
                epoch: commit.epoch,
            };
            let stored = self.parts.store.submission(key).await?;
            let ours = stored.is_some_and(|stored| stored.hash == commit.hash);
            let tolerated = self.foreign_until.is_some_and(|until| commit.at <= until);
            if !ours && !tolerated {
                return Err(Error::SecondValidator {
                    netuid: snapshot.metagraph.netuid,
                    epoch: commit.epoch,
                    block: commit.at,
                });
            }
        }
        Ok(())
    }

    /// Whether our clock and the chain's agree. Where they don't, miners would refuse what we sign,
    /// and it would be our fault: no round starts. Weight calls go by blocks, not by clocks.
    pub(super) fn check_clock(&self, snapshot: &Snapshot) -> bool {
        let Some(block_ms) = snapshot.time_ms else {
            return true;
        };
        let (now, block) = (self.parts.clock.now_ms() / 1000, block_ms / 1000);
        let wrong = if now > block.saturating_add(OLDEST_BLOCK) {
            let ahead = now - block;
            Some(format!(
                "the newest final block is {ahead} s old by our clock: the clock is ahead, or the \
                 node or the chain is behind; no rounds until that is over"
            ))
        } else if block > now.saturating_add(YOUNGEST_BLOCK) {
            let behind = block - now;
            Some(format!(
                "our clock is at least {behind} s behind the chain's: set it (is NTP running?); no \
                 rounds until then"
            ))
        } else {
            None
        };
        let fits = wrong.is_none();
        self.parts.status.trouble(Trouble::Clock, wrong);
        fits
    }

    /// Whether the folder holds the task that stands on chain. The first time it must; later on,
    /// when the subnet moved to another task, the validator waits for the new folder.
    pub(super) async fn check_task(&mut self, snapshot: &Snapshot) -> Result<bool, Error> {
        let present = (
            snapshot.metagraph.generation,
            snapshot.metagraph.task_version,
        );
        if let Some((generation, version, fits)) = self.checked {
            if (generation, version) == present {
                return Ok(fits);
            }
        }
        let (generation, version, spec) = self.parts.chain.task().await?;
        if (generation, version) != present {
            // The task changed between the two reads; the next look sees both.
            return Ok(false);
        }
        let wrong = match self.parts.folder.check_against(&spec) {
            Ok(()) => None,
            Err(error) if self.checked.is_none() => return Err(error.into()),
            Err(error) => {
                tracing::error!(%error, "no rounds and no commits until the folder is replaced");
                Some(error.to_string())
            }
        };
        let fits = wrong.is_none();
        self.parts.status.trouble(Trouble::Task, wrong);
        self.checked = Some((generation, version, fits));
        Ok(fits)
    }
}
