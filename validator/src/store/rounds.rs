//! Rounds, their outcomes, and what they say about miners.

use super::{bytes, signed, unsigned, JobError, Key, Store, StoreError};
use crate::{
    round::{RequestOutcome, RoundOutcome, RoundStart},
    score::{Posterior, Tally},
    task::ScoreRules,
};
use assay_primitives::{BlockNumber, Digest, EpochIndex, Generation, Serial, TaskVersion};
use codec::Encode as _;
use rusqlite::{named_params, params, OptionalExtension as _, Transaction};
use std::{collections::HashMap, time::Duration};

/// What is known about one miner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KnownMiner {
    /// The model that the evidence is about.
    pub artifact: Digest,
    /// What the evidence says.
    pub posterior: Posterior,
}

impl KnownMiner {
    /// What is known about a miner that now serves `artifact`: nothing, if it was another model.
    pub fn about(known: Option<&Self>, artifact: Digest) -> Posterior {
        known
            .filter(|known| known.artifact == artifact)
            .map_or_else(Default::default, |known| known.posterior)
    }
}

impl Store {
    /// Takes the next round's number and notes where it starts. `round` in `start` is ignored.
    /// `None` where a round started at that very block: its queries would be the same again.
    pub async fn begin_round(&self, start: &RoundStart) -> Result<Option<u64>, StoreError> {
        let start = start.clone();
        self.call(move |tx| {
            let known: bool = tx.query_row(
                "SELECT EXISTS (SELECT 1 FROM rounds WHERE generation = ?1 AND block_hash = ?2)",
                params![start.generation.0, start.block_hash.0],
                |row| row.get(0),
            )?;
            if known {
                return Ok(None);
            }
            tx.execute(
                "INSERT INTO rounds
                 (generation, epoch, task_version, block, block_hash, started_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    start.generation.0,
                    start.epoch.0,
                    start.task_version.0,
                    start.block,
                    start.block_hash.0,
                    signed(start.started_ms),
                ],
            )?;
            Ok(Some(unsigned(tx.last_insert_rowid())))
        })
        .await
    }

    /// The block of the newest round that was begun, finished or not.
    pub async fn last_round_at(
        &self,
        generation: Generation,
    ) -> Result<Option<BlockNumber>, StoreError> {
        self.call(move |tx| {
            let found = tx.query_row(
                "SELECT block FROM rounds WHERE generation = ?1 ORDER BY round DESC LIMIT 1",
                [generation.0],
                |row| row.get(0),
            );
            Ok(found.optional()?)
        })
        .await
    }

    /// Records a round as a whole: its outcomes with their receipts, and what they say.
    pub async fn record_round(
        &self,
        outcome: RoundOutcome,
        rules: ScoreRules,
        deadline: Duration,
    ) -> Result<(), StoreError> {
        self.call(move |tx| {
            let round = signed(outcome.start.round);
            tx.execute(
                "UPDATE rounds SET finished_ms = ?2, own_failure = ?3 WHERE round = ?1",
                params![round, signed(outcome.finished_ms), outcome.own_failure],
            )?;
            for asked in &outcome.miners {
                let miner = &asked.miner;
                for request in &asked.requests {
                    insert_outcome(
                        tx,
                        round,
                        miner.uid.0,
                        miner.serial,
                        miner.artifact,
                        request,
                    )?;
                }
                let tally = asked.tally(deadline);
                learn(tx, round, miner.serial, miner.artifact, &tally, &rules)?;
            }
            Ok(())
        })
        .await
    }

    /// What is known about every miner, and the last round that it rests on.
    pub async fn known(&self) -> Result<(u64, HashMap<Serial, KnownMiner>), StoreError> {
        self.call(|tx| {
            let last: Option<i64> = tx.query_row(
                "SELECT max(round) FROM rounds WHERE finished_ms IS NOT NULL",
                [],
                |row| row.get(0),
            )?;
            let mut statement = tx.prepare_cached(
                "SELECT serial, artifact, hits, misses, time, asked, absent FROM posteriors",
            )?;
            let mut rows = statement.query([])?;
            let mut known = HashMap::new();
            while let Some(row) = rows.next()? {
                let artifact = Digest(bytes(row.get(1)?, "an artifact's digest")?);
                let posterior = Posterior {
                    hits: row.get(2)?,
                    misses: row.get(3)?,
                    time: row.get(4)?,
                    asked: unsigned(row.get(5)?),
                    absent: row.get(6)?,
                };
                known.insert(
                    Serial(unsigned(row.get(0)?)),
                    KnownMiner {
                        artifact,
                        posterior,
                    },
                );
            }
            Ok((unsigned(last.unwrap_or_default()), known))
        })
        .await
    }

    /// The secret that an epoch's queries follow from: the one committed to an epoch ahead, or
    /// `fresh` where none was.
    pub async fn secret(
        &self,
        generation: Generation,
        epoch: EpochIndex,
        fresh: [u8; 32],
    ) -> Result<[u8; 32], StoreError> {
        self.call(move |tx| secret(tx, generation, epoch, fresh))
            .await
    }

    /// The secret of an epoch, if there is one.
    pub async fn known_secret(&self, key: Key) -> Result<Option<[u8; 32]>, StoreError> {
        self.call(move |tx| find_secret(tx, key.generation, key.epoch))
            .await
    }
}

/// An epoch's secret, if there is one.
fn find_secret(
    tx: &Transaction<'_>,
    generation: Generation,
    epoch: EpochIndex,
) -> Result<Option<[u8; 32]>, JobError> {
    let known: Option<Vec<u8>> = tx
        .query_row(
            "SELECT secret FROM secrets WHERE generation = ?1 AND epoch = ?2",
            params![generation.0, epoch.0],
            |row| row.get(0),
        )
        .optional()?;
    known.map(|known| bytes(known, "a secret")).transpose()
}

/// Reads or makes an epoch's secret.
pub(super) fn secret(
    tx: &Transaction<'_>,
    generation: Generation,
    epoch: EpochIndex,
    fresh: [u8; 32],
) -> Result<[u8; 32], JobError> {
    if let Some(known) = find_secret(tx, generation, epoch)? {
        return Ok(known);
    }
    tx.execute(
        "INSERT INTO secrets (generation, epoch, secret) VALUES (?1, ?2, ?3)",
        params![generation.0, epoch.0, fresh],
    )?;
    Ok(fresh)
}

/// The leaves that no commit rests on yet, up to a round, in the order of the evidence's tree.
pub(super) fn take_leaves(
    tx: &Transaction<'_>,
    generation: Generation,
    task_version: TaskVersion,
    up_to: u64,
    epoch: EpochIndex,
) -> Result<Vec<Vec<u8>>, JobError> {
    let key = named_params! {
        ":generation": generation.0,
        ":version": task_version.0,
        ":up_to": signed(up_to),
    };
    let mut statement = tx.prepare_cached(
        "SELECT id, leaf FROM outcomes JOIN rounds USING (round)
         WHERE leaf IS NOT NULL AND evidence_epoch IS NULL
           AND generation = :generation AND task_version = :version AND round <= :up_to
         ORDER BY round, first_item, serial",
    )?;
    let mut rows = statement.query(key)?;
    let (mut ids, mut leaves) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        ids.push(row.get::<_, i64>(0)?);
        leaves.push(row.get(1)?);
    }
    let mut mark = tx.prepare_cached("UPDATE outcomes SET evidence_epoch = ?2 WHERE id = ?1")?;
    for id in ids {
        mark.execute(params![id, epoch.0])?;
    }
    Ok(leaves)
}

fn insert_outcome(
    tx: &Transaction<'_>,
    round: i64,
    uid: u16,
    serial: Serial,
    artifact: Digest,
    request: &RequestOutcome,
) -> Result<(), JobError> {
    let judged = request.result.as_ref().ok();
    let (kind, detail) = match &request.result {
        Ok(judged) => match &judged.unjudgeable {
            Some(reason) => ("unjudgeable", Some(reason.clone())),
            None if judged.withheld.is_some() => ("withheld", judged.withheld.clone()),
            None => ("answered", None),
        },
        Err(failure) => (failure.kind(), Some(failure.to_string())),
    };
    let mut insert = tx.prepare_cached(
        "INSERT INTO outcomes
         (round, uid, serial, artifact, first_item, items, score, kind, detail, took_us, counted,
          receipt, leaf, shown)
         VALUES (:round, :uid, :serial, :artifact, :first_item, :items, :score, :kind, :detail,
                 :took_us, :counted, :receipt, :leaf, :shown)",
    )?;
    insert.execute(named_params! {
        ":round": round,
        ":uid": uid,
        ":serial": signed(serial.0),
        ":artifact": artifact.0,
        ":first_item": request.first_item,
        ":items": request.items,
        ":score": signed(judged.map_or(0, |judged| judged.score)),
        ":kind": kind,
        ":detail": detail,
        ":took_us": judged.map(|judged| judged.took.as_micros().min(i64::MAX as u128) as i64),
        ":counted": request.counted,
        ":receipt": judged.map(|judged| judged.receipt.as_str()),
        ":leaf": judged.map(|judged| judged.leaf.encode()),
        // A page without it is better than a round that is not recorded.
        ":shown": request.shown.as_ref().and_then(|shown| serde_json::to_string(shown).ok()),
    })?;
    Ok(())
}

/// Updates what is known about a miner. A new model starts from nothing: a score belongs to an
/// artifact.
fn learn(
    tx: &Transaction<'_>,
    round: i64,
    serial: Serial,
    artifact: Digest,
    tally: &Tally,
    rules: &ScoreRules,
) -> Result<(), JobError> {
    let known = tx
        .query_row(
            "SELECT hits, misses, time, asked, absent FROM posteriors
             WHERE serial = ?1 AND artifact = ?2",
            params![signed(serial.0), artifact.0],
            |row| {
                Ok(Posterior {
                    hits: row.get(0)?,
                    misses: row.get(1)?,
                    time: row.get(2)?,
                    asked: unsigned(row.get(3)?),
                    absent: row.get(4)?,
                })
            },
        )
        .optional()?;
    let mut posterior = known.unwrap_or_default();
    posterior.update(tally, rules);
    tx.execute(
        "INSERT OR REPLACE INTO posteriors
         (serial, artifact, hits, misses, time, asked, last_round, absent)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            signed(serial.0),
            artifact.0,
            posterior.hits,
            posterior.misses,
            posterior.time,
            signed(posterior.asked),
            round,
            posterior.absent,
        ],
    )?;
    Ok(())
}
