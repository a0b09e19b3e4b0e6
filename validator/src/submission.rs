//! What to do next about a submission, from what the chain says.
//!
//! The decision is a pure function of the stored submission and of one finalized snapshot. It never
//! trusts what a call returned, so it does not matter when the process died: after a restart the
//! same question gets the same answer. Sending is repeated only after enough blocks that the first
//! try must have been decided, and the chain takes one commit an epoch and one reveal a commit, so
//! a repetition can be refused and nothing worse.

use crate::{
    chain::{Commit, Hotkey, Reveal, Snapshot},
    store::{Key, State, Submission},
};
use assay_primitives::{BlockNumber, CommitView, EpochIndex, Generation, NetUid, Serial};

/// Blocks after which a call that was not seen on chain is sent again.
pub const RESEND_AFTER: BlockNumber = 6;

/// What a snapshot says about our submissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The subnet's generation.
    pub generation: Generation,
    /// The open epoch.
    pub epoch: EpochIndex,
    /// The finalized block.
    pub block: BlockNumber,
    /// The block at which the open epoch falls due.
    pub next_epoch_at: BlockNumber,
    /// Our registration, if we have one.
    pub serial: Option<Serial>,
    /// The block of our weights in force.
    pub last_update: Option<BlockNumber>,
    /// Our commits that wait for their reveal.
    pub commits: Vec<CommitView>,
}

impl View {
    /// What `snapshot` says about the neuron of `hotkey`.
    pub fn new(snapshot: &Snapshot, hotkey: &Hotkey) -> Self {
        let uid = snapshot.uid_of(hotkey);
        Self {
            generation: snapshot.metagraph.generation,
            epoch: snapshot.epoch(),
            block: snapshot.block(),
            next_epoch_at: snapshot.metagraph.next_epoch_at,
            serial: uid.and_then(|uid| snapshot.serial_of(uid)),
            last_update: uid.and_then(|uid| snapshot.last_update_of(uid)),
            commits: snapshot.own_commits.clone(),
        }
    }

    /// Whether a call can still reach the block before the epoch falls due.
    fn has_time(&self) -> bool {
        self.block + 1 < self.next_epoch_at
    }

    fn may_send(&self, submission: &Submission) -> bool {
        let rested = submission
            .sent_at
            .is_none_or(|sent| self.block >= sent.saturating_add(RESEND_AFTER));
        rested && self.has_time()
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing now.
    Wait,
    /// Send the commit.
    SendCommit,
    /// The commit is on chain.
    SeenCommitted {
        /// Its block.
        at: BlockNumber,
        /// The epoch in which it must be revealed.
        reveal_in: EpochIndex,
    },
    /// Send the reveal.
    SendReveal,
    /// The reveal is on chain.
    SeenRevealed,
    /// It failed for good.
    Failed(State, String),
}

/// What to do next about `submission`.
pub fn next_step(submission: &Submission, view: &View) -> Step {
    let committed = matches!(submission.state, State::Committed | State::RevealSent);
    let ours =
        view.generation == submission.key.generation && view.serial == Some(submission.serial);
    match submission.state {
        state if state.is_final() => Step::Wait,
        _ if !ours => {
            let state = if committed {
                State::Expired
            } else {
                State::Missed
            };
            Step::Failed(
                state,
                "the registration that it was made under is gone".into(),
            )
        }
        _ if committed => after_commit(submission, view),
        _ => before_commit(submission, view),
    }
}

fn before_commit(submission: &Submission, view: &View) -> Step {
    let Key { epoch, .. } = submission.key;
    let on_chain = view.commits.iter().find(|commit| commit.epoch == epoch);
    match on_chain {
        Some(commit) if commit.hash == submission.hash => Step::SeenCommitted {
            at: commit.at,
            reveal_in: commit.reveal_in,
        },
        Some(_) => Step::Failed(
            State::Missed,
            "another commit of this hotkey stands on chain".into(),
        ),
        None if view.epoch > epoch => Step::Failed(
            State::Missed,
            "the epoch ended and no commit is on chain".into(),
        ),
        None if view.epoch == epoch && view.may_send(submission) => Step::SendCommit,
        None => Step::Wait,
    }
}

fn after_commit(submission: &Submission, view: &View) -> Step {
    let waits = view
        .commits
        .iter()
        .any(|commit| commit.hash == submission.hash);
    let over = submission
        .reveal_in
        .is_some_and(|window| view.epoch > window);
    let in_force = view.last_update >= submission.committed_at && view.last_update.is_some();
    if !waits && in_force {
        return Step::SeenRevealed;
    }
    if over {
        return Step::Failed(
            State::Expired,
            "the reveal's window ended and no reveal is on chain".into(),
        );
    }
    if !view.may_send(submission) {
        return Step::Wait;
    }
    if waits && submission.reveal_in == Some(view.epoch) {
        return Step::SendReveal;
    }
    if !waits && submission.key.epoch == view.epoch {
        // Its epoch is still open and the commit is gone: the chain went back behind it.
        return Step::SendCommit;
    }
    Step::Wait
}

/// The call that commits.
pub fn commit_call(netuid: NetUid, submission: &Submission) -> Commit {
    Commit {
        netuid,
        epoch: submission.key.epoch,
        hash: submission.hash,
        next_seed: submission.next_seed,
    }
}

/// The call that reveals.
pub fn reveal_call(netuid: NetUid, submission: &Submission) -> Reveal {
    Reveal {
        netuid,
        epoch: submission.key.epoch,
        targets: submission.row.targets.clone(),
        values: submission.row.values.clone(),
        salt: submission.salt,
        task_version: submission.task_version,
        evidence: submission.evidence,
    }
}
