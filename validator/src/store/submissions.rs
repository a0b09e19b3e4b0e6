//! Commits and reveals: everything that either needs, on disk before it is sent.

use super::{bytes, decode, rounds, signed, unsigned, JobError, Store, StoreError};
use crate::{redo::RoundLine, weights::Row};
use assay_primitives::{
    commit_hash, merkle_root, score_root, seed_commitment, BlockNumber, CommitPayload, Digest,
    EpochIndex, Evidence, Generation, MinerScore, NetUid, ReceiptLeaf, Salt, Serial, TaskVersion,
};
use codec::Encode as _;
use rusqlite::{named_params, params};
use serde::{Deserialize, Serialize};

/// Which commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The subnet's generation.
    pub generation: Generation,
    /// The epoch that it is for.
    pub epoch: EpochIndex,
}

/// How far a submission is.
///
/// ```text
/// Prepared ─> CommitSent ─> Committed ─> RevealSent ─> Revealed
///     └────────────┴─> Missed     └───────────┴─> Expired
/// ```
///
/// `Committed` and `Revealed` are entered only when a finalized block says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// On disk, not sent.
    Prepared,
    /// Sent; whether it arrived is not known.
    CommitSent,
    /// Seen on chain.
    Committed,
    /// The reveal is sent; whether it arrived is not known.
    RevealSent,
    /// The reveal was seen on chain.
    Revealed,
    /// The epoch ended and the commit is not on chain.
    Missed,
    /// The window ended and the reveal is not on chain.
    Expired,
}

impl State {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Prepared, "prepared"),
        (Self::CommitSent, "commit_sent"),
        (Self::Committed, "committed"),
        (Self::RevealSent, "reveal_sent"),
        (Self::Revealed, "revealed"),
        (Self::Missed, "missed"),
        (Self::Expired, "expired"),
    ];

    /// Whether nothing is left to do.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Revealed | Self::Missed | Self::Expired)
    }

    /// The name it is stored and shown under.
    pub fn name(self) -> &'static str {
        // Every state stands in the table.
        Self::ALL
            .iter()
            .find(|(state, _)| *state == self)
            .map_or("", |(_, name)| name)
    }

    fn from_name(name: &str) -> Result<Self, JobError> {
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        found
            .map(|(state, _)| *state)
            .ok_or_else(|| JobError::Corrupt(format!("`{name}` is no state of a submission")))
    }
}

/// One epoch's weights on their way to the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Which.
    pub key: Key,
    /// Our own registration when it was made: under another one it can't be revealed.
    pub serial: Serial,
    /// The task that the weights were computed for.
    pub task_version: TaskVersion,
    /// The weights.
    pub row: Row,
    /// Keeps the hash from being guessed.
    pub salt: Salt,
    /// What the weights rest on.
    pub evidence: Evidence,
    /// The scores under the evidence's second root.
    pub scores: Vec<MinerScore>,
    /// What is committed.
    pub hash: Digest,
    /// The commitment to the next epoch's secret.
    pub next_seed: Digest,
    /// How far it is.
    pub state: State,
    /// The finalized block at which the latest call was sent.
    pub sent_at: Option<BlockNumber>,
    /// The block of the commit.
    pub committed_at: Option<BlockNumber>,
    /// The epoch in which it must be revealed.
    pub reveal_in: Option<EpochIndex>,
    /// The latest error, or why it failed.
    pub detail: Option<String>,
}

/// What a submission is made of.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Which.
    pub key: Key,
    /// The subnet.
    pub netuid: NetUid,
    /// Our public key.
    pub hotkey: [u8; 32],
    /// Our registration.
    pub serial: Serial,
    /// The task that the weights were computed for.
    pub task_version: TaskVersion,
    /// The weights.
    pub row: Row,
    /// Every miner's score, in order of uid.
    pub scores: Vec<MinerScore>,
    /// The last round that the scores rest on.
    pub up_to_round: u64,
    /// A fresh salt.
    pub salt: Salt,
    /// A fresh secret for the next epoch, used where none is stored.
    pub next_secret: [u8; 32],
}

impl Store {
    /// Makes a submission of a draft and stores it, with the next epoch's secret. Where one is
    /// stored for that epoch already, it is returned as it is: an epoch has one commit.
    pub async fn prepare(&self, draft: Draft) -> Result<Submission, StoreError> {
        self.call(move |tx| {
            if let Some(stored) = find(tx, draft.key)? {
                return Ok(stored);
            }
            let Key { generation, epoch } = draft.key;
            let blobs =
                rounds::take_leaves(tx, generation, draft.task_version, draft.up_to_round, epoch)?;
            let leaves = blobs
                .iter()
                .map(|blob| decode::<ReceiptLeaf>(blob, "a leaf"))
                .collect::<Result<Vec<_>, _>>()?;
            let leaf_count = u32::try_from(leaves.len())
                .map_err(|_| JobError::Corrupt("more leaves than can be counted".into()))?;
            let evidence = Evidence::V1 {
                root: merkle_root(&leaves),
                leaf_count,
                score_root: score_root(&draft.scores),
            };
            let secret = rounds::secret(tx, generation, epoch.next(), draft.next_secret)?;
            let hash = commit_hash(&CommitPayload {
                hotkey: draft.hotkey,
                netuid: draft.netuid,
                generation,
                epoch,
                task_version: draft.task_version,
                targets: &draft.row.targets,
                values: &draft.row.values,
                salt: draft.salt,
                evidence,
            });
            let submission = Submission {
                key: draft.key,
                serial: draft.serial,
                task_version: draft.task_version,
                row: draft.row,
                salt: draft.salt,
                evidence,
                scores: draft.scores,
                hash,
                next_seed: seed_commitment(&secret),
                state: State::Prepared,
                sent_at: None,
                committed_at: None,
                reveal_in: None,
                detail: None,
            };
            insert(tx, &submission)?;
            Ok(submission)
        })
        .await
    }

    /// The submission of an epoch.
    pub async fn submission(&self, key: Key) -> Result<Option<Submission>, StoreError> {
        self.call(move |tx| find(tx, key)).await
    }

    /// The submissions that are not finished, oldest first.
    pub async fn open_submissions(&self) -> Result<Vec<Submission>, StoreError> {
        self.call(|tx| {
            let mut statement = tx.prepare_cached(&format!(
                "{SELECT} WHERE state NOT IN ('revealed', 'missed', 'expired')
                 ORDER BY generation, epoch"
            ))?;
            let mut rows = statement.query([])?;
            let mut open = Vec::new();
            while let Some(row) = rows.next()? {
                open.push(read(row)?);
            }
            Ok(open)
        })
        .await
    }

    /// The newest submission.
    pub async fn latest_submission(&self) -> Result<Option<Submission>, StoreError> {
        self.call(|tx| {
            let sql = format!("{SELECT} ORDER BY generation DESC, epoch DESC LIMIT 1");
            let mut statement = tx.prepare_cached(&sql)?;
            let mut rows = statement.query([])?;
            rows.next()?.map(read).transpose()
        })
        .await
    }

    /// Stores how far a submission is. What was committed to never changes.
    pub async fn advance(&self, submission: &Submission) -> Result<(), StoreError> {
        let it = submission.clone();
        self.call(move |tx| {
            let mut update = tx.prepare_cached(
                "UPDATE submissions SET state = :state, sent_at = :sent_at,
                     committed_at = :committed_at, reveal_in = :reveal_in, detail = :detail
                 WHERE generation = :generation AND epoch = :epoch",
            )?;
            update.execute(named_params! {
                ":state": it.state.name(),
                ":sent_at": it.sent_at,
                ":committed_at": it.committed_at,
                ":reveal_in": it.reveal_in.map(|epoch| epoch.0),
                ":detail": it.detail,
                ":generation": it.key.generation.0,
                ":epoch": it.key.epoch.0,
            })?;
            Ok(())
        })
        .await
    }

    /// Notes why a call was not taken, unless the submission moved on meanwhile. With `again` it may
    /// be sent at once.
    pub async fn not_taken(
        &self,
        key: Key,
        state: State,
        reason: String,
        again: bool,
    ) -> Result<(), StoreError> {
        self.call(move |tx| {
            tx.execute(
                "UPDATE submissions SET detail = ?4, sent_at = iif(?5, NULL, sent_at)
                 WHERE generation = ?1 AND epoch = ?2 AND state = ?3",
                params![key.generation.0, key.epoch.0, state.name(), reason, again],
            )?;
            Ok(())
        })
        .await
    }

    /// The leaves under a submission's evidence, in the tree's order.
    pub async fn leaves(&self, key: Key) -> Result<Vec<ReceiptLeaf>, StoreError> {
        self.call(move |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT leaf FROM outcomes JOIN rounds USING (round)
                 WHERE generation = ?1 AND evidence_epoch = ?2 AND leaf IS NOT NULL
                 ORDER BY round, first_item, serial",
            )?;
            let mut rows = statement.query(params![key.generation.0, key.epoch.0])?;
            let mut leaves = Vec::new();
            while let Some(row) = rows.next()? {
                leaves.push(decode(&row.get::<_, Vec<u8>>(0)?, "a leaf")?);
            }
            Ok(leaves)
        })
        .await
    }
}

impl Store {
    /// Where the rounds started that a submission's leaves come from, with the secrets of their
    /// epochs, all of which are over when the submission's is.
    pub async fn rounds_behind(&self, key: Key) -> Result<Vec<RoundLine>, StoreError> {
        self.call(move |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT DISTINCT round, rounds.epoch, block, block_hash, secret
                 FROM outcomes JOIN rounds USING (round)
                      JOIN secrets ON secrets.generation = rounds.generation
                                  AND secrets.epoch = rounds.epoch
                 WHERE rounds.generation = ?1 AND evidence_epoch = ?2 AND leaf IS NOT NULL
                 ORDER BY round",
            )?;
            let mut rows = statement.query(params![key.generation.0, key.epoch.0])?;
            let mut lines = Vec::new();
            while let Some(row) = rows.next()? {
                lines.push(RoundLine {
                    round: unsigned(row.get(0)?),
                    epoch: EpochIndex(row.get(1)?),
                    block: row.get(2)?,
                    block_hash: Digest(bytes(row.get(3)?, "a block's hash")?),
                    secret: Digest(bytes(row.get(4)?, "a secret")?),
                });
            }
            Ok(lines)
        })
        .await
    }
}

const SELECT: &str = "SELECT generation, epoch, serial, task_version, targets, row_values, salt,
    evidence, scores, hash, next_seed, state, sent_at, committed_at, reveal_in, detail
    FROM submissions";

fn find(tx: &rusqlite::Transaction<'_>, key: Key) -> Result<Option<Submission>, JobError> {
    let sql = format!("{SELECT} WHERE generation = ?1 AND epoch = ?2");
    let mut statement = tx.prepare_cached(&sql)?;
    let mut rows = statement.query(params![key.generation.0, key.epoch.0])?;
    rows.next()?.map(read).transpose()
}

fn insert(tx: &rusqlite::Transaction<'_>, it: &Submission) -> Result<(), JobError> {
    tx.execute(
        "INSERT INTO submissions
         (generation, epoch, serial, task_version, targets, row_values, salt, evidence, scores,
          hash, next_seed, state)
         VALUES (:generation, :epoch, :serial, :task_version, :targets, :row_values, :salt,
                 :evidence, :scores, :hash, :next_seed, :state)",
        named_params! {
            ":generation": it.key.generation.0,
            ":epoch": it.key.epoch.0,
            ":serial": signed(it.serial.0),
            ":task_version": it.task_version.0,
            ":targets": it.row.targets.encode(),
            ":row_values": it.row.values.encode(),
            ":salt": it.salt,
            ":evidence": it.evidence.encode(),
            ":scores": it.scores.encode(),
            ":hash": it.hash.0,
            ":next_seed": it.next_seed.0,
            ":state": it.state.name(),
        },
    )?;
    Ok(())
}

fn read(row: &rusqlite::Row<'_>) -> Result<Submission, JobError> {
    let blob = |index: usize| row.get::<_, Vec<u8>>(index);
    Ok(Submission {
        key: Key {
            generation: Generation(row.get(0)?),
            epoch: EpochIndex(row.get(1)?),
        },
        serial: Serial(unsigned(row.get(2)?)),
        task_version: TaskVersion(row.get(3)?),
        row: Row {
            targets: decode(&blob(4)?, "targets")?,
            values: decode(&blob(5)?, "values")?,
        },
        salt: bytes(blob(6)?, "a salt")?,
        evidence: decode(&blob(7)?, "evidence")?,
        scores: decode(&blob(8)?, "scores")?,
        hash: Digest(bytes(blob(9)?, "a hash")?),
        next_seed: Digest(bytes(blob(10)?, "a commitment")?),
        state: State::from_name(&row.get::<_, String>(11)?)?,
        sent_at: row.get(12)?,
        committed_at: row.get(13)?,
        reveal_in: row.get::<_, Option<u32>>(14)?.map(EpochIndex),
        detail: row.get(15)?,
    })
}
