//! What validators said earlier: the commits that they opened.
//!
//! A node keeps the state of its last 256 blocks unless it was told to keep more
//! (`--state-pruning archive`); what it no longer has can't be read here.

use crate::{connection::explained, error::ChainError, reads::Snapshot};
use assay_primitives::{
    BlockNumber, Digest, EpochIndex, Evidence, NetUid, Serial, TaskVersion, Uid,
};
use subxt::utils::Static;

/// The last commit that a validator opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenedCommit {
    /// The epoch in which the commit was made.
    pub epoch: EpochIndex,
    /// The hash of what was revealed.
    pub hash: Digest,
    /// The hotkey that made it.
    pub hotkey: [u8; 32],
    /// The commitment to the secret of the next epoch's rounds.
    pub next_seed: Digest,
    /// The block in which it was made.
    pub committed_at: BlockNumber,
    /// The block in which it was opened.
    pub opened_at: BlockNumber,
    /// The serial of the neuron that made it.
    pub serial: Serial,
    /// The version of the task that its weights are for.
    pub task_version: TaskVersion,
    /// What they rest on.
    pub evidence: Evidence,
}

impl Snapshot {
    /// The last commit that a validator had opened by this block; `None` where it had opened none.
    ///
    /// # Errors
    /// See [`ChainError`]; nothing was read.
    pub async fn last_opened(
        &self,
        netuid: NetUid,
        uid: Uid,
    ) -> Result<Option<OpenedCommit>, ChainError> {
        const WHAT: &str = "reading an opened commit";
        let reveals = crate::runtime::storage().weights().reveals();
        let key = (Static(netuid), Static(uid));
        let stored = self
            .chain
            .within(WHAT, async {
                explained(WHAT, self.at.storage().try_fetch(reveals, key).await)
            })
            .await?;
        let Some(stored) = stored else {
            return Ok(None);
        };
        let reveal = explained(WHAT, stored.decode())?;
        let commit = reveal.commit;
        Ok(Some(OpenedCommit {
            epoch: commit.epoch.0,
            hash: commit.hash.0,
            hotkey: commit.hotkey,
            next_seed: commit.next_seed.0,
            committed_at: commit.at,
            opened_at: reveal.at,
            serial: commit.serial.0,
            task_version: commit.task_version.0,
            evidence: reveal.evidence.0,
        }))
    }
}
