//! What is stored per validator, and the questions that it answers by itself.

use assay_primitives::{
    BlockNumber, CommitView, Digest, EpochIndex, Evidence, Salt, Serial, TaskVersion, MAX_NEURONS,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::ConstU32, weights::Weight, BoundedVec};
use scale_info::TypeInfo;

/// Uids, ascending.
pub type Targets = BoundedVec<u16, ConstU32<{ MAX_NEURONS as u32 }>>;

/// Raw weights, one per target.
pub type Values = BoundedVec<u16, ConstU32<{ MAX_NEURONS as u32 }>>;

/// Most commits that a validator can have pending: one in each epoch of the longest reveal period
/// and one in the open epoch. The integrity test holds it to the hyperparameter's bound.
pub const MAX_PENDING_COMMITS: u32 = 9;

/// A validator's weights.
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    MaxEncodedLen,
    TypeInfo,
    DecodeWithMemTracking,
)]
pub struct Row {
    /// Uids, ascending.
    pub targets: Targets,
    /// Raw weights, one per target.
    pub values: Values,
}

impl Row {
    /// How many weights.
    pub fn len(&self) -> u16 {
        // The bound is a u16.
        self.targets.len() as u16
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }
}

/// The facts about a row in force.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    MaxEncodedLen,
    TypeInfo,
    DecodeWithMemTracking,
)]
pub struct RowInfo {
    /// How many weights the row has.
    pub len: u16,
    /// The block at which it was set or, under commit and reveal, committed.
    pub last_update: BlockNumber,
    /// The epoch that was open then.
    pub epoch: EpochIndex,
    /// The version of the task that it was made for.
    pub task_version: TaskVersion,
}

/// How much a subnet has in force.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    MaxEncodedLen,
    TypeInfo,
    DecodeWithMemTracking,
)]
pub struct RowTotals {
    /// Rows.
    pub rows: u32,
    /// Weights in all of them.
    pub weights: u32,
}

impl RowTotals {
    /// These totals after a row of `old` weights gave way to one of `new`; `None` stands for no
    /// row. Saturation never happens while every row was counted when it came, which `try_state`
    /// checks; the totals price an epoch and no more depends on them.
    #[must_use]
    pub fn replacing(self, old: Option<u16>, new: Option<u16>) -> Self {
        let count = |row: Option<u16>| u32::from(row.is_some());
        let len = |row: Option<u16>| u32::from(row.unwrap_or(0));
        Self {
            rows: self
                .rows
                .saturating_add(count(new))
                .saturating_sub(count(old)),
            weights: self
                .weights
                .saturating_add(len(new))
                .saturating_sub(len(old)),
        }
    }
}

/// A commit that waits for its reveal.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    MaxEncodedLen,
    TypeInfo,
    DecodeWithMemTracking,
)]
pub struct Commit {
    /// The epoch in which it was made.
    pub epoch: EpochIndex,
    /// The epoch in which it must be opened. Fixed when it is made, so that a change of the reveal
    /// period moves no window that somebody counts on.
    pub reveal_in: EpochIndex,
    /// The hash of what will be revealed.
    pub hash: Digest,
    /// The hotkey that made it, which the hash binds. Its neuron's hotkey may be exchanged before
    /// the reveal; whoever holds the place then opens it.
    pub hotkey: [u8; 32],
    /// The hash of the secret of the next epoch's rounds.
    pub next_seed: Digest,
    /// The block in which it was made.
    pub at: BlockNumber,
    /// The serial of the neuron that made it, who is liable for it.
    pub serial: Serial,
    /// The version of the task in force when it was made, for which its weights must be.
    pub task_version: TaskVersion,
}

impl From<Commit> for CommitView {
    fn from(commit: Commit) -> Self {
        Self {
            epoch: commit.epoch,
            hash: commit.hash,
            next_seed: commit.next_seed,
            at: commit.at,
            reveal_in: commit.reveal_in,
        }
    }
}

/// A commit that was opened.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    MaxEncodedLen,
    TypeInfo,
    DecodeWithMemTracking,
)]
pub struct Reveal {
    /// The commit.
    pub commit: Commit,
    /// The block in which it was opened.
    pub at: BlockNumber,
    /// What the weights rest on.
    pub evidence: Evidence,
}

/// What opens a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The epoch in which the commit was made.
    pub epoch: EpochIndex,
    /// The weights.
    pub row: Row,
    /// What kept the hash from being guessed.
    pub salt: Salt,
    /// The version of the task that the weights were made for.
    pub task_version: TaskVersion,
    /// What they rest on.
    pub evidence: Evidence,
}

/// What free calls took of a block.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    MaxEncodedLen,
    TypeInfo,
    DecodeWithMemTracking,
)]
pub struct Usage {
    /// Of its weight.
    pub weight: Weight,
    /// Of its length, in bytes.
    pub length: u32,
}

impl Usage {
    /// Whether nothing was taken yet.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// This and one more call.
    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        // What saturates is over any limit.
        Self {
            weight: self.weight.saturating_add(more.weight),
            length: self.length.saturating_add(more.length),
        }
    }

    /// Whether this is no more than `limit` in any dimension.
    pub fn fits(&self, limit: &Self) -> bool {
        self.weight.all_lte(limit.weight) && self.length <= limit.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_follow_rows_that_come_change_and_go() {
        let one = RowTotals::default().replacing(None, Some(3));
        assert_eq!(
            one,
            RowTotals {
                rows: 1,
                weights: 3
            }
        );
        let changed = one.replacing(Some(3), Some(0));
        assert_eq!(
            changed,
            RowTotals {
                rows: 1,
                weights: 0
            }
        );
        assert_eq!(changed.replacing(Some(0), None), RowTotals::default());
    }

    #[test]
    fn usage_fits_only_when_every_dimension_does() {
        let usage = |time, proof, length| Usage {
            weight: Weight::from_parts(time, proof),
            length,
        };
        let limit = usage(10, 10, 10);
        assert!(usage(10, 10, 10).fits(&limit));
        for over in [usage(11, 0, 0), usage(0, 11, 0), usage(0, 0, 11)] {
            assert!(!over.fits(&limit));
        }
        assert_eq!(usage(1, 2, 3).plus(usage(4, 5, 6)), usage(5, 7, 9));
        assert!(Usage::default().is_empty());
        assert!(!usage(0, 0, 1).is_empty());
    }
}
