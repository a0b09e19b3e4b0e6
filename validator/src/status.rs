//! What the validator is doing, for those who look from outside.

use crate::{
    chain::Snapshot,
    store::{State, Submission},
};
use assay_primitives::{BlockNumber, EpochIndex, Uid};
use serde::Serialize;
use std::sync::{Arc, PoisonError, RwLock};

/// What `/health` shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Health {
    /// Whether the chain was read and nothing is wrong.
    pub ok: bool,
    /// The newest finalized block seen.
    pub block: Option<BlockNumber>,
    /// The open epoch.
    pub epoch: Option<EpochIndex>,
    /// Our place in the subnet.
    pub uid: Option<Uid>,
    /// Whether we may validate in this epoch.
    pub permitted: bool,
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
    snapshot: Option<Arc<Snapshot>>,
}

/// Shared between the loop, which writes, and the HTTP server, which reads.
#[derive(Default)]
pub struct Status(RwLock<Inner>);

impl Status {
    /// What `/health` shows.
    pub fn health(&self) -> Health {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .health
            .clone()
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

    pub(crate) fn looked(&self, snapshot: &Snapshot, own: Option<Uid>, permitted: bool) {
        self.change(|inner| {
            inner.health = Health {
                ok: true,
                block: Some(snapshot.block()),
                epoch: Some(snapshot.epoch()),
                uid: own,
                permitted,
                submission: inner.health.submission.take(),
                problem: own
                    .is_none()
                    .then(|| "the hotkey is not registered in this subnet".to_owned()),
            };
            inner.snapshot = Some(Arc::new(snapshot.clone()));
        });
    }

    pub(crate) fn problem(&self, problem: &str) {
        self.change(|inner| {
            inner.health.ok = false;
            inner.health.problem = Some(problem.to_owned());
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
