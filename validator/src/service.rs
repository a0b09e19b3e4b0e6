//! The loop: looks at the chain, and does what is due.
//!
//! ```text
//!          epoch e                              epoch e + 1
//! ├── round ── round ── round ── commit(e) ──┼── reveal(e) ── round ── round ── commit(e+1) ──┼
//! ```
//!
//! A look at the chain that fails is tried again; a store that fails ends the validator, since
//! going on without it could lose a reveal.

use crate::{
    chain::{Chain, ChainError, Hotkey, Snapshot},
    config::Config,
    error::Error,
    metrics,
    ports::{Clock, Entropy},
    round::{RoundRunner, RoundStart},
    scoring,
    status::Status,
    store::{Draft, Key, KnownMiner, State, Store, StoreError, Submission},
    submission::{commit_call, next_step, reveal_call, Step, View},
    task::TaskFolder,
    weights::{Situation, WeightPolicy},
};
use assay_primitives::{BlockNumber, Generation, TaskVersion, Uid};
use assay_telemetry::Shutdown;
use std::{sync::Arc, time::Duration};
use tokio::task::{JoinError, JoinSet};

/// Rounds between two clean-ups of the store.
const CLEAN_EVERY: u64 = 50;
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
                    metrics::chain_error();
                    tracing::warn!(%error, "the chain can't be asked; trying again");
                    self.parts.status.problem(&error.to_string());
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
        let snapshot = self.parts.chain.snapshot().await?;
        metrics::snapshot(&snapshot);
        let own = snapshot.uid_of(&self.parts.hotkey);
        let permitted = own.is_some_and(|uid| snapshot.is_permitted(uid));
        self.parts.status.looked(&snapshot, own, permitted);
        self.permitted_since = permitted.then(|| self.permitted_since.unwrap_or(snapshot.block()));
        let task_fits = self.check_task(&snapshot).await?;
        if let Some(own) = own.filter(|_| permitted && task_fits) {
            self.prepare_when_due(&snapshot, own).await?;
        }
        // What was committed to is revealed even if the task has changed. The chain takes a reveal
        // from permit holders alone, so one who lost the permit tries until the window ends.
        self.drive_submissions(&snapshot).await?;
        if permitted && task_fits {
            self.start_round_when_due(&snapshot).await?;
        }
        Ok(())
    }

    /// Waits for the round and the calls in flight.
    pub async fn settle(&mut self) -> Result<(), Error> {
        for tasks in [&mut self.round, &mut self.sends] {
            while let Some(outcome) = tasks.join_next().await {
                ended(outcome)?;
            }
        }
        Ok(())
    }

    /// Takes note of what ended since the last look.
    fn collect(&mut self) -> Result<(), Error> {
        for tasks in [&mut self.round, &mut self.sends] {
            while let Some(outcome) = tasks.try_join_next() {
                ended(outcome)?;
            }
        }
        Ok(())
    }

    /// Whether the folder holds the task that stands on chain. The first time it must; later on,
    /// when the subnet moved to another task, the validator waits for the new folder.
    async fn check_task(&mut self, snapshot: &Snapshot) -> Result<bool, Error> {
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
        let fits = match self.parts.folder.check_against(&spec) {
            Ok(()) => true,
            Err(error) if self.checked.is_none() => return Err(error.into()),
            Err(error) => {
                tracing::error!(%error, "no rounds and no commits until the folder is replaced");
                self.parts.status.problem(&error.to_string());
                false
            }
        };
        self.checked = Some((generation, version, fits));
        Ok(fits)
    }

    async fn prepare_when_due(&self, snapshot: &Snapshot, own: Uid) -> Result<(), Error> {
        let graph = &snapshot.metagraph;
        let left = graph.next_epoch_at.saturating_sub(graph.block);
        let before = self.parts.config.commit_before(graph.hyperparameters.tempo);
        if left < 2 || left > before {
            return Ok(());
        }
        let key = Key {
            generation: graph.generation,
            epoch: graph.epoch,
        };
        let taken = snapshot
            .own_commits
            .iter()
            .any(|commit| commit.epoch == key.epoch);
        if taken || self.parts.store.submission(key).await?.is_some() {
            return Ok(());
        }
        let Some(draft) = self.draft(snapshot, own, key).await? else {
            return Ok(());
        };
        let submission = self.parts.store.prepare(draft).await?;
        metrics::submission(State::Prepared);
        tracing::info!(
            epoch = submission.key.epoch.0,
            weights = submission.row.targets.len(),
            hash = %submission.hash,
            "weights prepared"
        );
        Ok(())
    }

    async fn draft(&self, snapshot: &Snapshot, own: Uid, key: Key) -> Result<Option<Draft>, Error> {
        let parts = &self.parts;
        let (up_to_round, known) = parts.store.known().await?;
        let chance = parts.runner.task.chance();
        let rules = &parts.folder.score;
        let scores = scoring::scores(snapshot, &parts.hotkey, &known, rules, chance);
        let situation = Situation {
            snapshot,
            own,
            scores: &scores,
        };
        let row = match parts.policy.choose(&situation).await {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(None),
            Err(error) => {
                tracing::warn!(%error, "no weights this time");
                return Ok(None);
            }
        };
        if let Err(error) = row.check(snapshot.metagraph.hotkeys.len()) {
            tracing::error!(%error, "the weights that were chosen would be refused");
            return Ok(None);
        }
        let silent = known.values().all(|miner| miner.posterior.asked == 0);
        if row.targets.is_empty() && silent {
            // Nobody was asked yet, or our own network failed all the time: there is nothing to
            // say, and nothing that would justify taking earlier weights back.
            return Ok(None);
        }
        let Some(serial) = snapshot.serial_of(own) else {
            return Ok(None);
        };
        Ok(Some(Draft {
            key,
            netuid: snapshot.metagraph.netuid,
            hotkey: parts.hotkey,
            serial,
            task_version: snapshot.metagraph.task_version,
            row,
            scores,
            up_to_round,
            salt: parts.entropy.secret(),
            next_secret: parts.entropy.secret(),
        }))
    }

    async fn drive_submissions(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        let view = View::new(snapshot, &self.parts.hotkey);
        for submission in self.parts.store.open_submissions().await? {
            self.drive(submission, &view, snapshot).await?;
        }
        let latest = self.parts.store.latest_submission().await?;
        self.parts.status.submitted(latest.as_ref());
        Ok(())
    }

    async fn drive(
        &mut self,
        mut submission: Submission,
        view: &View,
        snapshot: &Snapshot,
    ) -> Result<(), Error> {
        let step = next_step(&submission, view);
        let reached = match step {
            Step::Wait => return Ok(()),
            Step::SendCommit => State::CommitSent,
            Step::SendReveal => State::RevealSent,
            Step::SeenCommitted { at, reveal_in } => {
                submission.committed_at = Some(at);
                submission.reveal_in = Some(reveal_in);
                State::Committed
            }
            Step::SeenRevealed => State::Revealed,
            Step::Failed(state, ref reason) => {
                tracing::error!(
                    epoch = submission.key.epoch.0,
                    reason,
                    "a submission failed"
                );
                submission.detail = Some(reason.clone());
                state
            }
        };
        let sends = matches!(step, Step::SendCommit | Step::SendReveal);
        submission.state = reached;
        submission.sent_at = sends.then_some(view.block);
        if sends || !reached.is_final() {
            submission.detail = None;
        }
        // On disk first: after this line a crash can't make us forget that we may have sent it.
        self.parts.store.advance(&submission).await?;
        metrics::submission(reached);
        tracing::info!(
            epoch = submission.key.epoch.0,
            state = reached.name(),
            "submission"
        );
        if sends {
            self.send(submission, snapshot);
        }
        Ok(())
    }

    /// Sends a call beside the loop, since it may take until the block is final.
    fn send(&mut self, submission: Submission, snapshot: &Snapshot) {
        let netuid = snapshot.metagraph.netuid;
        let (chain, store) = (self.parts.chain.clone(), self.parts.store.clone());
        let commit = commit_call(netuid, &submission);
        let reveal = reveal_call(netuid, &submission);
        self.sends.spawn(async move {
            let sent = if submission.state == State::CommitSent {
                chain.commit_weights(&commit).await
            } else {
                chain.reveal_weights(&reveal).await
            };
            let Err(error) = sent else { return Ok(()) };
            tracing::warn!(epoch = submission.key.epoch.0, %error, "a weight call was not taken");
            // What certainly was not included may be tried again at the next look.
            let again = !matches!(error, ChainError::Unavailable(_));
            store
                .not_taken(submission.key, submission.state, error.to_string(), again)
                .await
        });
    }

    async fn start_round_when_due(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        let block = snapshot.block();
        let settled = self
            .permitted_since
            .is_some_and(|since| block >= since.saturating_add(self.parts.config.settle_blocks));
        let due = self
            .last_round_at
            .is_none_or(|last| block >= last.saturating_add(self.parts.config.round_every));
        if !settled || !due || !self.round.is_empty() {
            return Ok(());
        }
        let parts = &self.parts;
        let (_, known) = parts.store.known().await?;
        let runner = parts.runner.clone();
        let miners: Vec<_> = snapshot
            .miners(&parts.hotkey)
            .into_iter()
            .map(|miner| {
                let asked = KnownMiner::about(known.get(&miner.serial), miner.artifact).asked;
                (miner, runner.share(asked))
            })
            .collect();
        if miners.is_empty() {
            return Ok(());
        }
        let mut start = RoundStart::new(snapshot, 0, parts.clock.now_ms());
        let fresh = parts.entropy.secret();
        let secret = parts
            .store
            .secret(start.generation, start.epoch, fresh)
            .await?;
        start.round = parts.store.begin_round(&start).await?;
        self.last_round_at = Some(block);
        let (store, rules) = (parts.store.clone(), parts.folder.score);
        let keep = parts.config.keep_rounds;
        self.round.spawn(async move {
            let deadline = runner.deadline;
            let round = start.round;
            let outcome = runner.run(start, &secret, miners).await;
            metrics::round(&outcome);
            if let Some(reason) = &outcome.own_failure {
                tracing::warn!(
                    round,
                    reason,
                    "our own network failed: silences don't count"
                );
            }
            tracing::debug!(round, miners = outcome.miners.len(), "round finished");
            store.record_round(outcome, rules, deadline).await?;
            if round.is_multiple_of(CLEAN_EVERY) {
                store.forget_before(keep).await?;
            }
            Ok(())
        });
        Ok(())
    }
}

/// What a task beside the loop came to. One that was cut short left nothing half done: rounds are
/// recorded as a whole, and what was sent is read from the chain.
fn ended(outcome: Result<Result<(), StoreError>, JoinError>) -> Result<(), Error> {
    match outcome {
        Ok(outcome) => Ok(outcome?),
        Err(error) => {
            tracing::error!(%error, "a task beside the loop was cut short");
            Ok(())
        }
    }
}
