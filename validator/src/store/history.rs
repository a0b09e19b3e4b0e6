//! What is recorded about miners, and how the old of it is compacted.

use super::{signed, unsigned, Key, Store, StoreError};
use crate::shown::Shown;
use assay_primitives::{BlockNumber, EpochIndex, Generation, Serial, SCORE_ONE};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Free pages that one clean-up gives back to the file system: 40 MB.
const PAGES: u32 = 10_000;

/// One request, as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeLine {
    /// The round.
    pub round: u64,
    /// The block at its start.
    pub block: BlockNumber,
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
    /// What was asked and what came back.
    pub shown: Option<Shown>,
    /// The receipt.
    pub receipt: Option<Value>,
}

/// What one epoch's rounds that are not kept any more came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochLine {
    /// The subnet's generation.
    pub generation: Generation,
    /// The epoch.
    pub epoch: EpochIndex,
    /// Rounds.
    pub rounds: u64,
    /// Items that counted.
    pub items: u64,
    /// Their mean score.
    pub score: f64,
    /// Requests that were answered.
    pub answered: u64,
}

/// What is recorded about a miner.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MinerHistory {
    /// Requests by outcome, of those still kept.
    pub outcomes: Vec<(String, u64)>,
    /// The latest requests, newest first.
    pub latest: Vec<OutcomeLine>,
    /// Earlier epochs, newest first.
    pub before: Vec<EpochLine>,
}

/// Receipts as JSON, one a line, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipts {
    /// The lines.
    pub lines: String,
    /// The round to ask from for the rest; `None` where there is none.
    pub next: Option<u64>,
}

impl Store {
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
                "SELECT round, block, first_item, items, score, kind, detail, took_us, counted,
                        shown, receipt
                 FROM outcomes JOIN rounds USING (round)
                 WHERE serial = ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let latest = lines
                .query_map(params![serial, limit], outcome_line)?
                .collect::<Result<_, _>>()?;
            let mut epochs = tx.prepare_cached(
                "SELECT generation, epoch, sum(rounds), sum(items), sum(score), sum(answered)
                 FROM history WHERE serial = ?1 GROUP BY generation, epoch
                 ORDER BY generation DESC, epoch DESC LIMIT ?2",
            )?;
            let before = epochs
                .query_map(params![serial, limit], epoch_line)?
                .collect::<Result<_, _>>()?;
            Ok(MinerHistory {
                outcomes,
                latest,
                before,
            })
        })
        .await
    }

    /// The receipts of a miner's answers from round `from` on, of whole rounds, as many as there are
    /// in `rounds` rounds.
    pub async fn receipts(
        &self,
        serial: Serial,
        from: u64,
        rounds: u32,
    ) -> Result<Receipts, StoreError> {
        self.call(move |tx| {
            let serial = signed(serial.0);
            let mut numbers = tx.prepare_cached(
                "SELECT DISTINCT round FROM outcomes
                 WHERE serial = ?1 AND round >= ?2 AND receipt IS NOT NULL
                 ORDER BY round LIMIT ?3",
            )?;
            let limit = i64::from(rounds) + 1;
            let numbers: Vec<i64> = numbers
                .query_map(params![serial, signed(from), limit], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            let next = numbers.get(rounds as usize).copied();
            let mut receipts = tx.prepare_cached(
                "SELECT round, first_item, receipt FROM outcomes
                 WHERE serial = ?1 AND round >= ?2 AND round < ?3 AND receipt IS NOT NULL
                 ORDER BY round, first_item",
            )?;
            let end = next.unwrap_or(i64::MAX);
            let mut rows = receipts.query(params![serial, signed(from), end])?;
            let mut lines = String::new();
            while let Some(row) = rows.next()? {
                let (round, item): (i64, u32) = (row.get(0)?, row.get(1)?);
                let receipt: String = row.get(2)?;
                // Stored as the JSON that it is.
                lines += &format!("{{\"round\":{round},\"item\":{item},\"receipt\":{receipt}}}\n");
            }
            let next = next.map(unsigned);
            Ok(Receipts { lines, next })
        })
        .await
    }

    /// The receipts behind a submission's leaves, of up to `rounds` rounds from round `from` on.
    pub async fn receipts_behind(
        &self,
        key: Key,
        from: u64,
        rounds: u32,
    ) -> Result<Receipts, StoreError> {
        self.call(move |tx| {
            let (generation, epoch) = (key.generation.0, key.epoch.0);
            let mut numbers = tx.prepare_cached(
                "SELECT DISTINCT round FROM outcomes JOIN rounds USING (round)
                 WHERE generation = ?1 AND evidence_epoch = ?2 AND leaf IS NOT NULL AND round >= ?3
                 ORDER BY round LIMIT ?4",
            )?;
            let limit = i64::from(rounds) + 1;
            let numbers: Vec<i64> = numbers
                .query_map(params![generation, epoch, signed(from), limit], |row| {
                    row.get(0)
                })?
                .collect::<Result<_, _>>()?;
            let next = numbers.get(rounds as usize).copied();
            let mut receipts = tx.prepare_cached(
                "SELECT round, first_item, serial, receipt FROM outcomes JOIN rounds USING (round)
                 WHERE generation = ?1 AND evidence_epoch = ?2 AND leaf IS NOT NULL
                       AND round >= ?3 AND round < ?4 AND receipt IS NOT NULL
                 ORDER BY round, first_item, serial",
            )?;
            let end = next.unwrap_or(i64::MAX);
            let mut rows = receipts.query(params![generation, epoch, signed(from), end])?;
            let mut lines = String::new();
            while let Some(row) = rows.next()? {
                let (round, item): (i64, u32) = (row.get(0)?, row.get(1)?);
                let serial = unsigned(row.get(2)?);
                let receipt: String = row.get(3)?;
                // Stored as the JSON that it is.
                lines += &format!(
                    "{{\"round\":{round},\"item\":{item},\"serial\":{serial},\"receipt\":{receipt}}}\n"
                );
            }
            let next = next.map(unsigned);
            Ok(Receipts { lines, next })
        })
        .await
    }

    /// Drops all but the `keep` latest rounds, of which sums by miner and epoch remain, and what is
    /// known about miners that were not asked in them. Receipts that a pending commit rests on are
    /// younger than that in any sensible setting; the commit itself is kept apart and stays.
    pub async fn forget_before(&self, keep: u64) -> Result<(), StoreError> {
        self.call(move |tx| {
            let newest: Option<i64> =
                tx.query_row("SELECT max(round) FROM rounds", [], |row| row.get(0))?;
            let before = unsigned(newest.unwrap_or_default()).saturating_sub(keep);
            let before = signed(before);
            tx.execute(
                "INSERT INTO history
                     (serial, artifact, generation, epoch, rounds, items, score, answered)
                 SELECT serial, artifact, generation, epoch, count(DISTINCT round),
                        sum(items), sum(score), sum(receipt IS NOT NULL)
                 FROM outcomes JOIN rounds USING (round)
                 WHERE round <= ?1 AND counted
                 GROUP BY serial, artifact, generation, epoch
                 ON CONFLICT DO UPDATE SET rounds = rounds + excluded.rounds,
                     items = items + excluded.items, score = score + excluded.score,
                     answered = answered + excluded.answered",
                [before],
            )?;
            tx.execute("DELETE FROM rounds WHERE round <= ?1", [before])?;
            tx.execute("DELETE FROM posteriors WHERE last_round <= ?1", [before])?;
            Ok(())
        })
        .await?;
        // Pages that are free now go back to the file system, a part at a time.
        self.run(|connection| {
            let sql = format!("PRAGMA incremental_vacuum({PAGES})");
            let mut vacuum = connection.prepare(&sql)?;
            let mut rows = vacuum.query([])?;
            while rows.next()?.is_some() {}
            Ok(())
        })
        .await
    }
}

fn outcome_line(row: &rusqlite::Row<'_>) -> rusqlite::Result<OutcomeLine> {
    let items: u32 = row.get(3)?;
    let shown: Option<String> = row.get(9)?;
    let receipt: Option<String> = row.get(10)?;
    Ok(OutcomeLine {
        round: unsigned(row.get(0)?),
        block: row.get(1)?,
        first_item: row.get(2)?,
        items,
        score: mean(unsigned(row.get(4)?), items.into()),
        kind: row.get(5)?,
        detail: row.get(6)?,
        took_ms: row
            .get::<_, Option<i64>>(7)?
            .map(|took| took as f64 / 1000.0),
        counted: row.get(8)?,
        shown: shown.and_then(|text| serde_json::from_str(&text).ok()),
        receipt: receipt.and_then(|text| serde_json::from_str(&text).ok()),
    })
}

fn epoch_line(row: &rusqlite::Row<'_>) -> rusqlite::Result<EpochLine> {
    let items = unsigned(row.get(3)?);
    Ok(EpochLine {
        generation: Generation(row.get(0)?),
        epoch: EpochIndex(row.get(1)?),
        rounds: unsigned(row.get(2)?),
        items,
        score: mean(unsigned(row.get(4)?), items),
        answered: unsigned(row.get(5)?),
    })
}

fn mean(score: u64, items: u64) -> f64 {
    score as f64 / f64::from(SCORE_ONE) / (items.max(1) as f64)
}
