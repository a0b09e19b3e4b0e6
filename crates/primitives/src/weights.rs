//! What a validator commits to, and how the commit's hash is made.

use crate::{Digest, EpochIndex, Evidence, Generation, NetUid, TaskVersion};
use codec::Encode;
use core::fmt;
use sp_crypto_hashing::blake2_256;

/// The random bytes that keep a commit from being guessed.
pub type Salt = [u8; 32];

/// What the hash of a commit binds. It is opened by `reveal_weights`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitPayload<'a> {
    /// The validator's hotkey.
    pub hotkey: [u8; 32],
    /// The subnet.
    pub netuid: NetUid,
    /// Its generation.
    pub generation: Generation,
    /// The epoch in which the commit is made.
    pub epoch: EpochIndex,
    /// The version of the task that the weights were computed for.
    pub task_version: TaskVersion,
    /// Uids, ascending.
    pub targets: &'a [u16],
    /// Raw weights, one per target.
    pub values: &'a [u16],
    /// Kept secret until the reveal.
    pub salt: Salt,
    /// What the weights rest on.
    pub evidence: Evidence,
}

/// BLAKE2b-256 over the domain `assay:commit:v1\n` and the payload's fields in SCALE, in order.
pub fn commit_hash(payload: &CommitPayload<'_>) -> Digest {
    const DOMAIN: &[u8; 16] = b"assay:commit:v1\n";
    let CommitPayload {
        hotkey,
        netuid,
        generation,
        epoch,
        task_version,
        targets,
        values,
        salt,
        evidence,
    } = payload;
    let fields = (
        DOMAIN,
        hotkey,
        netuid,
        generation,
        epoch,
        task_version,
        targets,
        values,
        salt,
        evidence,
    );
    Digest(fields.using_encoded(blake2_256))
}

/// Why a row of weights is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightsError {
    /// Targets and values differ in length.
    UnequalLength,
    /// Targets are not strictly ascending, so one may be repeated.
    NotAscending,
    /// A target is no neuron of the subnet.
    UnknownUid,
}

impl WeightsError {
    /// Checks a row against a subnet of `neurons` neurons. A row that passes has at most
    /// `neurons` entries. Empty rows pass: they take a validator's weights back.
    pub fn check(targets: &[u16], values: &[u16], neurons: u16) -> Result<(), Self> {
        if targets.len() != values.len() {
            return Err(Self::UnequalLength);
        }
        if targets.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(Self::NotAscending);
        }
        match targets.last() {
            Some(&last) if last >= neurons => Err(Self::UnknownUid),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for WeightsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnequalLength => "there must be one value for each target",
            Self::NotAscending => "targets must be ascending and without repeats",
            Self::UnknownUid => "a target is no neuron of the subnet",
        })
    }
}

#[cfg(feature = "std")]
impl std::error::Error for WeightsError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload<'a>(targets: &'a [u16], values: &'a [u16]) -> CommitPayload<'a> {
        CommitPayload {
            hotkey: [1; 32],
            netuid: NetUid(2),
            generation: Generation(3),
            epoch: EpochIndex(4),
            task_version: TaskVersion(5),
            targets,
            values,
            salt: [6; 32],
            evidence: Evidence::none(),
        }
    }

    #[test]
    fn commit_hash_changes_with_every_field() {
        let base = payload(&[1, 2], &[3, 4]);
        let others = [
            CommitPayload {
                hotkey: [9; 32],
                ..base.clone()
            },
            CommitPayload {
                netuid: NetUid(9),
                ..base.clone()
            },
            CommitPayload {
                generation: Generation(9),
                ..base.clone()
            },
            CommitPayload {
                epoch: EpochIndex(9),
                ..base.clone()
            },
            CommitPayload {
                task_version: TaskVersion(9),
                ..base.clone()
            },
            payload(&[1, 3], &[3, 4]),
            payload(&[1, 2], &[3, 5]),
            CommitPayload {
                salt: [9; 32],
                ..base.clone()
            },
            CommitPayload {
                evidence: Evidence::V1 {
                    root: Digest([0; 32]),
                    leaf_count: 1,
                    score_root: Digest([0; 32]),
                },
                ..base.clone()
            },
        ];
        for other in others {
            assert_ne!(commit_hash(&other), commit_hash(&base), "{other:?}");
        }
    }

    #[test]
    fn check_refuses_malformed_rows() {
        assert_eq!(WeightsError::check(&[0, 2], &[1, 1], 3), Ok(()));
        assert_eq!(WeightsError::check(&[], &[], 0), Ok(()));
        assert_eq!(
            WeightsError::check(&[0], &[], 3),
            Err(WeightsError::UnequalLength)
        );
        assert_eq!(
            WeightsError::check(&[2, 2], &[1, 1], 3),
            Err(WeightsError::NotAscending)
        );
        assert_eq!(
            WeightsError::check(&[3], &[1], 3),
            Err(WeightsError::UnknownUid)
        );
    }
}
