//! Rounds, their outcomes, and what they say about miners.

use super::{bytes, signed, unsigned, JobError, Key, Store, StoreError};
use crate::{
    round::{RequestOutcome, RoundOutcome, RoundStart},
    score::{Posterior, Tally},
    task::ScoreRules,
};
use assay_primitives::{Digest, EpochIndex, Generation, Serial, TaskVersion};
use codec::Encode as _;
use rusqlite::{named_params, params, OptionalExtension as _, Transaction};
use serde::Serialize;
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

/// One request, as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutcomeLine {
    /// The round.
    pub round: u64,
    /// The first item's place in the round.
    pub first_item: u32,
    /// Items asked.
    pub items: u32,
    /// The mean score of the items.
    pub score: f64,
    /// `answered`, or the failure's name.
    pub kind: String,
    /// What there is to say about it.
    pub detail: Option<String>,
    /// Milliseconds until the answer was there.
    pub took_ms: Option<f64>,
    /// Whether it says something about the miner.
    pub counted: bool,
    /// The receipt.
    pub receipt: Option<serde_json::Value>,
}

/// What is recorded about a miner.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MinerHistory {
    /// Requests by outcome, of those still kept.
    pub outcomes: Vec<(String, u64)>,
    /// The latest requests, newest first.
    pub latest: Vec<OutcomeLine>,
}

impl Store {
    /// Takes the next round's number and notes where it starts. `round` in `start` is ignored.
    pub async fn begin_round(&self, start: &RoundStart) -> Result<u64, StoreError> {
        let start = start.clone();
        self.call(move |tx| {
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
            Ok(unsigned(tx.last_insert_rowid()))
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
                "SELECT serial, artifact, hits, misses, time, asked FROM posteriors",
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

    /// What is recorded about a miner, with its `limit` latest requests.
    pub async fn history(&self, serial: Serial, limit: u32) -> Result<MinerHistory, StoreError> {
        self.call(move |tx| {
            let serial = signed(serial.0);
            let mut counts = tx.prepare_cached(
                "SELECT kind, count(*) FROM outcomes WHERE serial = ?1 GROUP BY kind ORDER BY kind",
            )?;
            let outcomes = counts
                .query_map([serial], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?
                .collect::<Result<_, _>>()?;
            let mut lines = tx.prepare_cached(
                "SELECT round, first_item, items, score, kind, detail, took_us, counted, receipt
                 FROM outcomes WHERE serial = ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let latest = lines
                .query_map(params![serial, limit], outcome_line)?
                .collect::<Result<_, _>>()?;
            Ok(MinerHistory { outcomes, latest })
        })
        .await
    }

    /// Drops all but the `keep` latest rounds, and what is known about miners that were not asked
    /// in them. Receipts that a pending commit rests on are younger than that in any sensible
    /// setting; the commit itself is kept apart and stays.
    pub async fn forget_before(&self, keep: u64) -> Result<(), StoreError> {
        self.call(move |tx| {
            let newest: Option<i64> =
                tx.query_row("SELECT max(round) FROM rounds", [], |row| row.get(0))?;
            let before = unsigned(newest.unwrap_or_default()).saturating_sub(keep);
            tx.execute("DELETE FROM rounds WHERE round <= ?1", [signed(before)])?;
            tx.execute(
                "DELETE FROM posteriors WHERE last_round <= ?1",
                [signed(before)],
            )?;
            Ok(())
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
            None => ("answered", None),
            Some(reason) => ("unjudgeable", Some(reason.clone())),
        },
        Err(failure) => (failure.kind(), Some(failure.to_string())),
    };
    let mut insert = tx.prepare_cached(
        "INSERT INTO outcomes
         (round, uid, serial, artifact, first_item, items, score, kind, detail, took_us, counted,
          receipt, leaf)
         VALUES (:round, :uid, :serial, :artifact, :first_item, :items, :score, :kind, :detail,
                 :took_us, :counted, :receipt, :leaf)",
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
            "SELECT hits, misses, time, asked FROM posteriors WHERE serial = ?1 AND artifact = ?2",
            params![signed(serial.0), artifact.0],
            |row| {
                Ok(Posterior {
                    hits: row.get(0)?,
                    misses: row.get(1)?,
                    time: row.get(2)?,
                    asked: unsigned(row.get(3)?),
                })
            },
        )
        .optional()?;
    let mut posterior = known.unwrap_or_default();
    posterior.update(tally, rules);
    tx.execute(
        "INSERT OR REPLACE INTO posteriors
         (serial, artifact, hits, misses, time, asked, last_round)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            signed(serial.0),
            artifact.0,
            posterior.hits,
            posterior.misses,
            posterior.time,
            signed(posterior.asked),
            round,
        ],
    )?;
    Ok(())
}

fn outcome_line(row: &rusqlite::Row<'_>) -> rusqlite::Result<OutcomeLine> {
    let items: u32 = row.get(2)?;
    let score = unsigned(row.get(3)?) as f64;
    let one = f64::from(assay_primitives::SCORE_ONE);
    let receipt: Option<String> = row.get(8)?;
    Ok(OutcomeLine {
        round: unsigned(row.get(0)?),
        first_item: row.get(1)?,
        items,
        score: score / one / f64::from(items.max(1)),
        kind: row.get(4)?,
        detail: row.get(5)?,
        took_ms: row
            .get::<_, Option<i64>>(6)?
            .map(|took| took as f64 / 1000.0),
        counted: row.get(7)?,
        receipt: receipt.and_then(|text| serde_json::from_str(&text).ok()),
    })
}
