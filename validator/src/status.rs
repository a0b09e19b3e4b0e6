//! What the validator is doing, for those who look from outside.

use crate::{
    chain::Snapshot,
    store::{State, Submission},
};
use assay_primitives::{BlockNumber, EpochIndex, NetUid, Uid};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

/// What can be wrong. Each stands until it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The node does not answer, or is behind.
    Chain,
    /// The state can't be written.
    Disk,
    /// Our clock and the chain's differ.
    Clock,
    /// The task on chain is another one than ours.
    Task,
    /// The validator of this subnet has ended.
    Ended,
}

/// What `/health` shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Health {
    /// Whether the chain was read and nothing is wrong.
    pub ok: bool,
    /// The subnet.
    pub netuid: Option<NetUid>,
    /// The newest finalized block seen.
    pub block: Option<BlockNumber>,
    /// The open epoch.
    pub epoch: Option<EpochIndex>,
    /// Our place in the subnet.
    pub uid: Option<Uid>,
    /// Whether we may validate in this epoch.
    pub permitted: bool,
    /// Whether weights are shown and none are set.
    pub dry_run: bool,
    /// The newest submission.
    pub submission: Option<SubmissionLine>,
    /// What is wrong.
    pub problem: Option<String>,
}

/// The newest submission in a line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SubmissionLine {
    /// Its epoch.
    pub epoch: EpochIndex,
    /// How far it is.
    pub state: State,
    /// The latest error, or why it failed.
    pub detail: Option<String>,
}

#[derive(Default)]
struct Inner {
    health: Health,
    troubles: BTreeMap<Trouble, String>,
    snapshot: Option<Arc<Snapshot>>,
}

/// Shared between the loop, which writes, and the HTTP server, which reads.
#[derive(Default)]
pub struct Status(RwLock<Inner>);

impl Status {
    /// The status of a validator that was told to set no weights, or to set them.
    pub fn new(dry_run: bool) -> Self {
        let status = Self::default();
        status.change(|inner| inner.health.dry_run = dry_run);
        status
    }

    /// What `/health` shows.
    pub fn health(&self) -> Health {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut health = inner.health.clone();
        health.ok = inner.snapshot.is_some() && inner.troubles.is_empty();
        if !inner.troubles.is_empty() {
            let words: Vec<&str> = inner.troubles.values().map(String::as_str).collect();
            health.problem = Some(words.join("; "));
        }
        health
    }

    /// The newest snapshot.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .snapshot
            .clone()
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn reached(&self, block: BlockNumber) {
        self.change(|inner| inner.health.block = Some(block));
    }

    pub(crate) fn looked(&self, snapshot: &Snapshot, own: Option<Uid>, permitted: bool) {
        self.change(|inner| {
            let health = &mut inner.health;
            health.netuid = Some(snapshot.metagraph.netuid);
            health.block = health.block.max(Some(snapshot.block()));
            health.epoch = Some(snapshot.epoch());
            health.uid = own;
            health.permitted = permitted;
            // Not ours to mend here, and no reason for whoever watches to restart us.
            health.problem = own
                .is_none()
                .then(|| "the hotkey is not registered in this subnet".to_owned());
            inner.snapshot = Some(Arc::new(snapshot.clone()));
        });
    }

    /// Notes what is wrong, or that it is over.
    pub(crate) fn trouble(&self, kind: Trouble, problem: Option<String>) {
        self.change(|inner| match problem {
            Some(problem) => {
                inner.troubles.insert(kind, problem);
            }
            None => {
                inner.troubles.remove(&kind);
            }
        });
    }

    pub(crate) fn submitted(&self, submission: Option<&Submission>) {
        self.change(|inner| {
            inner.health.submission = submission.map(|submission| SubmissionLine {
                epoch: submission.key.epoch,
                state: submission.state,
                detail: submission.detail.clone(),
            });
        });
    }
}
