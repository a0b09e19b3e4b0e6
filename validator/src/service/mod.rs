//! The loop: looks at the chain, and does what is due.
//!
//! ```text
//!          epoch e                              epoch e + 1
//! ├── round ── round ── round ── commit(e) ──┼── reveal(e) ── round ── round ── commit(e+1) ──┼
//! ```
//!
//! A look at the chain that fails is tried again. A store that can't be written for now (a full
//! disk) stops rounds and new commits, never the reveal of what was committed to; one that is broken
//! ends the validator, since going on without it could lose a reveal.
//!
//! The subnet is read as a whole once a round, and at every block only while a call is under way or
//! due: what else happens in between shows at the next round.

mod looking;
mod rounds;
mod submitting;

use crate::{
    chain::{Chain, Hotkey, Snapshot},
    config::Config,
    error::Error,
    metrics::Metrics,
    ports::{Clock, Entropy},
    round::RoundRunner,
    scoring::Rules,
    status::{Status, Trouble},
    store::{Key, Store, StoreError},
    task::TaskFolder,
    weights::WeightPolicy,
};
use assay_primitives::{BlockNumber, Generation, TaskVersion};
use assay_telemetry::Shutdown;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::task::{JoinError, JoinSet};

/// The longest wait between tries while the node is away.
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// What a validator is made of.
pub struct Parts {
    /// The settings.
    pub config: Config,
    /// The task's rules.
    pub folder: TaskFolder,
    /// Our public key.
    pub hotkey: Hotkey,
    /// The chain.
    pub chain: Arc<dyn Chain>,
    /// What must not be forgotten.
    pub store: Store,
    /// How scores become weights.
    pub policy: Arc<dyn WeightPolicy>,
    /// How a round is run.
    pub runner: Arc<RoundRunner>,
    /// Where salts and secrets come from.
    pub entropy: Arc<dyn Entropy>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is shown.
    pub status: Arc<Status>,
    /// What is counted.
    pub metrics: Metrics,
}

impl Parts {
    /// Everything by which answers become scores and scores weights.
    pub fn rules(&self) -> Rules {
        Rules {
            score: self.folder.score,
            weights: self.folder.weights,
            chance: self.runner.task.chance(),
        }
    }
}

/// A validator at work.
pub struct Validator {
    parts: Parts,
    // Both are cut short when the validator is dropped.
    round: JoinSet<Result<(), StoreError>>,
    sends: JoinSet<Result<(), StoreError>>,
    last_round_at: Option<BlockNumber>,
    permitted_since: Option<BlockNumber>,
    checked: Option<(Generation, TaskVersion, bool)>,
    looks: looking::Looks,
    /// What was sent while the store could not say so.
    unsaved: BTreeMap<Key, BlockNumber>,
    /// The epoch for which a dry run has shown its weights.
    shown: Option<Key>,
    /// Commits that are not ours are put up with until this block.
    foreign_until: Option<BlockNumber>,
}

impl Validator {
    /// Puts a validator together. Nothing happens until [`Self::run`] or [`Self::tick`].
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            round: JoinSet::new(),
            sends: JoinSet::new(),
            last_round_at: None,
            permitted_since: None,
            checked: None,
            looks: looking::Looks::default(),
            unsaved: BTreeMap::new(),
            shown: None,
            foreign_until: None,
        }
    }

    /// Works until `shutdown` is tripped. A round in flight is dropped then: it is recorded as a
    /// whole or not at all.
    pub async fn run(mut self, shutdown: Shutdown) -> Result<(), Error> {
        let poll = Duration::from_millis(self.parts.config.poll_ms);
        let mut pause = poll;
        let clock = self.parts.clock.clone();
        loop {
            let looked = tokio::select! {
                () = shutdown.tripped() => break,
                looked = self.tick() => looked,
            };
            pause = match looked {
                Ok(()) => poll,
                Err(Error::Chain(error)) => {
                    self.parts.metrics.chain_error();
                    tracing::warn!(%error, "the chain can't be asked; trying again");
                    let status = &self.parts.status;
                    status.trouble(Trouble::Chain, Some(error.to_string()));
                    (pause * 2).clamp(poll, MAX_BACKOFF.max(poll))
                }
                Err(error) => return Err(error),
            };
            tokio::select! {
                () = shutdown.tripped() => break,
                () = clock.sleep(pause) => {}
            }
        }
        Ok(())
    }

    /// One look at the chain, and everything that is due.
    pub async fn tick(&mut self) -> Result<(), Error> {
        self.collect()?;
        let block = self.parts.chain.finalized().await?;
        self.parts.status.trouble(Trouble::Chain, None);
        if !self.is_due(block) {
            return Ok(());
        }
        let snapshot = self.parts.chain.snapshot().await?;
        if snapshot.block() < block {
            // Another node behind the same address; the next look may be luckier.
            return Ok(());
        }
        self.act(&snapshot).await
    }

    async fn act(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        self.parts.metrics.snapshot(snapshot);
        self.look_for_a_second(snapshot).await?;
        let own = snapshot.uid_of(&self.parts.hotkey);
        let permitted = own.is_some_and(|uid| snapshot.is_permitted(uid));
        self.parts.status.looked(snapshot, own, permitted);
        self.parts.metrics.own(snapshot, own, permitted);
        self.permitted_since = permitted.then(|| self.permitted_since.unwrap_or(snapshot.block()));
        let clock_fits = self.check_clock(snapshot);
        let task_fits = self.check_task(snapshot).await?;
        let mut settled = true;
        if let Some(own) = own.filter(|_| permitted && task_fits) {
            settled = match self.prepare_when_due(snapshot, own).await {
                Err(Error::Store(error)) if error.is_full() => self.stuck(&error),
                settled => settled?,
            };
        }
        // What was committed to is revealed even if the task has changed. The chain takes a reveal
        // from permit holders alone, so one who lost the permit tries until the window ends.
        let busy = match self.drive_submissions(snapshot).await {
            Err(Error::Store(error)) if error.is_full() => !self.stuck(&error),
            busy => busy?,
        };
        if permitted && task_fits && clock_fits {
            match self.start_round_when_due(snapshot).await {
                Err(Error::Store(error)) if error.is_full() => {
                    self.stuck(&error);
                }
                started => started?,
            }
        }
        self.plan_next_look(snapshot, permitted, busy || !settled);
        Ok(())
    }

    /// Waits for the round and the calls in flight.
    pub async fn settle(&mut self) -> Result<(), Error> {
        while let Some(outcome) = self.round.join_next().await {
            self.ended(outcome)?;
        }
        while let Some(outcome) = self.sends.join_next().await {
            self.ended(outcome)?;
        }
        Ok(())
    }

    /// Takes note of what ended since the last look.
    fn collect(&mut self) -> Result<(), Error> {
        while let Some(outcome) = self.round.try_join_next() {
            self.ended(outcome)?;
        }
        while let Some(outcome) = self.sends.try_join_next() {
            self.ended(outcome)?;
        }
        Ok(())
    }

    /// What a task beside the loop came to. One that was cut short left nothing half done: rounds
    /// are recorded as a whole, and what was sent is read from the chain.
    fn ended(&self, outcome: Result<Result<(), StoreError>, JoinError>) -> Result<(), Error> {
        match outcome {
            Ok(Ok(())) => self.parts.status.trouble(Trouble::Disk, None),
            Ok(Err(error)) if error.is_full() => {
                self.stuck(&error);
            }
            Ok(Err(error)) => return Err(error.into()),
            Err(error) => tracing::error!(%error, "a task beside the loop was cut short"),
        }
        Ok(())
    }

    /// Says that nothing can be written. Returns `false`: what was due is still to be done.
    fn stuck(&self, error: &StoreError) -> bool {
        tracing::error!(%error, "nothing can be written: no rounds and no new commits until it can");
        self.parts.metrics.disk_error();
        let status = &self.parts.status;
        status.trouble(Trouble::Disk, Some(error.to_string()));
        false
    }
}
