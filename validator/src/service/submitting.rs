//! From scores to weights on chain: prepared on disk, committed, revealed.

use super::Validator;
use crate::{
    chain::{ChainError, Snapshot},
    error::Error,
    scoring,
    store::{Draft, Key, State, Submission},
    submission::{commit_call, next_step, reveal_call, Step, View, RESEND_AFTER},
    weights::Situation,
};
use assay_primitives::{CommitView, EpochIndex, Uid};

impl Validator {
    /// Prepares the epoch's weights in the blocks before its end. Returns whether nothing is left to
    /// prepare for now.
    pub(super) async fn prepare_when_due(
        &mut self,
        snapshot: &Snapshot,
        own: Uid,
    ) -> Result<bool, Error> {
        let graph = &snapshot.metagraph;
        let left = graph.next_epoch_at.saturating_sub(graph.block);
        let before = self.parts.config.commit_before(graph.hyperparameters.tempo);
        if left < 2 || left > before {
            return Ok(true);
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
            return Ok(true);
        }
        let Some(draft) = self.draft(snapshot, own, key).await? else {
            return Ok(false);
        };
        if self.parts.config.dry_run {
            self.show(&draft);
            return Ok(true);
        }
        let submission = self.parts.store.prepare(draft).await?;
        self.parts.metrics.submission(State::Prepared);
        tracing::info!(
            epoch = submission.key.epoch.0,
            weights = submission.row.targets.len(),
            hash = %submission.hash,
            "weights prepared"
        );
        Ok(true)
    }

    /// Says what a dry run would have committed, once an epoch.
    fn show(&mut self, draft: &Draft) {
        if self.shown.replace(draft.key) != Some(draft.key) {
            tracing::info!(
                epoch = draft.key.epoch.0,
                targets = ?draft.row.targets,
                values = ?draft.row.values,
                "dry run: these weights would be committed"
            );
        }
    }

    async fn draft(&self, snapshot: &Snapshot, own: Uid, key: Key) -> Result<Option<Draft>, Error> {
        let parts = &self.parts;
        let (up_to_round, known) = parts.store.known().await?;
        let rules = parts.rules();
        let scores = scoring::scores(snapshot, &parts.hotkey, &known, &rules);
        let situation = Situation {
            snapshot,
            own,
            scores: &scores,
            rules: &rules.weights,
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

    /// Takes every submission a step further. Returns whether one needs a look at the next block.
    pub(super) async fn drive_submissions(&mut self, snapshot: &Snapshot) -> Result<bool, Error> {
        let mut busy = false;
        if !self.parts.config.dry_run {
            let view = View::new(snapshot, &self.parts.hotkey);
            for commit in &snapshot.own_commits {
                self.reopen(commit, &view).await?;
            }
            for submission in self.parts.store.open_submissions().await? {
                let waits =
                    submission.state == State::Committed && submission.reveal_in > Some(view.epoch);
                busy |= !waits;
                self.drive(submission, &view, snapshot).await?;
            }
        }
        let latest = self.parts.store.latest_submission().await?;
        self.parts.status.submitted(latest.as_ref());
        Ok(busy)
    }

    /// Takes up a submission that was done with and whose commit waits on chain all the same: the
    /// chain went back behind its reveal.
    async fn reopen(&self, commit: &CommitView, view: &View) -> Result<(), Error> {
        let key = Key {
            generation: view.generation,
            epoch: commit.epoch,
        };
        let stored = self.parts.store.submission(key).await?;
        let done = stored.filter(|it| it.state.is_final() && it.hash == commit.hash);
        let Some(mut submission) = done.filter(|it| view.serial == Some(it.serial)) else {
            return Ok(());
        };
        let epoch: EpochIndex = key.epoch;
        tracing::warn!(%epoch, "the chain went back: a finished submission waits for its reveal again");
        submission.state = State::Committed;
        submission.committed_at = Some(commit.at);
        submission.reveal_in = Some(commit.reveal_in);
        submission.sent_at = None;
        Ok(self.parts.store.advance(&submission).await?)
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
        match self.parts.store.advance(&submission).await {
            Ok(()) => {
                self.unsaved.remove(&submission.key);
            }
            // What a reveal needs was written before the commit, and repeating a call is safe. So
            // a full disk keeps neither from being sent, only from being noted.
            Err(error) if error.is_full() => {
                self.stuck(&error);
                if !sends || !self.rested(&submission, view) {
                    return Ok(());
                }
            }
            Err(error) => return Err(error.into()),
        }
        self.parts.metrics.submission(reached);
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

    /// Whether enough blocks have passed since a call was sent that could not be noted.
    fn rested(&mut self, submission: &Submission, view: &View) -> bool {
        let sent = self.unsaved.get(&submission.key);
        let rested = sent.is_none_or(|sent| view.block >= sent.saturating_add(RESEND_AFTER));
        if rested {
            self.unsaved.insert(submission.key, view.block);
        }
        rested
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
}
