//! The layout of the file, and how an older one becomes the newest.

use super::StoreError;
use rusqlite::Connection;
use std::{path::Path, time::Duration};

/// Each entry leads from the layout of its index to the next; never change one that was released.
const MIGRATIONS: [&str; 2] = [
    "
    CREATE TABLE owner (
        name TEXT PRIMARY KEY,
        value BLOB NOT NULL
    ) STRICT;

    -- One per epoch and generation: the queries of the epoch's rounds follow from it.
    CREATE TABLE secrets (
        generation INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        secret BLOB NOT NULL,
        PRIMARY KEY (generation, epoch)
    ) STRICT;

    -- A number is taken when a round starts, and is never given to another one.
    CREATE TABLE rounds (
        round INTEGER PRIMARY KEY AUTOINCREMENT,
        generation INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        task_version INTEGER NOT NULL,
        block INTEGER NOT NULL,
        block_hash BLOB NOT NULL,
        started_ms INTEGER NOT NULL,
        finished_ms INTEGER,
        own_failure TEXT
    ) STRICT;

    CREATE TABLE outcomes (
        id INTEGER PRIMARY KEY,
        round INTEGER NOT NULL REFERENCES rounds ON DELETE CASCADE,
        uid INTEGER NOT NULL,
        serial INTEGER NOT NULL,
        artifact BLOB NOT NULL,
        first_item INTEGER NOT NULL,
        items INTEGER NOT NULL,
        score INTEGER NOT NULL,
        kind TEXT NOT NULL,
        detail TEXT,
        took_us INTEGER,
        counted INTEGER NOT NULL,
        receipt TEXT,
        leaf BLOB,
        -- The epoch whose commit carries the leaf.
        evidence_epoch INTEGER
    ) STRICT;
    CREATE INDEX outcomes_by_serial ON outcomes (serial, id);
    CREATE INDEX outcomes_by_round ON outcomes (round);
    CREATE INDEX outcomes_unused ON outcomes (id) WHERE leaf IS NOT NULL AND evidence_epoch IS NULL;

    CREATE TABLE posteriors (
        serial INTEGER PRIMARY KEY,
        artifact BLOB NOT NULL,
        hits REAL NOT NULL,
        misses REAL NOT NULL,
        time REAL NOT NULL,
        asked INTEGER NOT NULL,
        last_round INTEGER NOT NULL
    ) STRICT;

    -- Everything that a commit and its reveal need, written before either is sent.
    CREATE TABLE submissions (
        generation INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        serial INTEGER NOT NULL,
        task_version INTEGER NOT NULL,
        targets BLOB NOT NULL,
        row_values BLOB NOT NULL,
        salt BLOB NOT NULL,
        evidence BLOB NOT NULL,
        scores BLOB NOT NULL,
        hash BLOB NOT NULL,
        next_seed BLOB NOT NULL,
        state TEXT NOT NULL,
        sent_at INTEGER,
        committed_at INTEGER,
        reveal_in INTEGER,
        detail TEXT,
        PRIMARY KEY (generation, epoch)
    ) STRICT;
",
    "
    ALTER TABLE posteriors ADD COLUMN absent REAL NOT NULL DEFAULT 0;

    -- What was asked and what came back, in JSON, for people.
    ALTER TABLE outcomes ADD COLUMN shown TEXT;

    -- What is left of rounds that were dropped: sums by miner, model and epoch.
    CREATE TABLE history (
        serial INTEGER NOT NULL,
        artifact BLOB NOT NULL,
        generation INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        rounds INTEGER NOT NULL,
        items INTEGER NOT NULL,
        score INTEGER NOT NULL,
        answered INTEGER NOT NULL,
        PRIMARY KEY (serial, artifact, generation, epoch)
    ) STRICT;
    CREATE INDEX rounds_by_block ON rounds (generation, block_hash);
",
];

/// The newest layout.
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Opens the file and brings it to the newest layout.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let failed = |source| StoreError::Sqlite {
        path: path.to_owned(),
        source,
    };
    let mut connection = Connection::open(path).map_err(failed)?;
    connection
        .busy_timeout(Duration::from_secs(5))
        .map_err(failed)?;
    // Takes effect on a new file alone; in an older one freed pages are used again, not given back.
    connection
        .pragma_update(None, "auto_vacuum", "INCREMENTAL")
        .map_err(failed)?;
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .map_err(failed)?;
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(failed)?;
    connection
        .pragma_update(None, "foreign_keys", true)
        .map_err(failed)?;
    let found: u32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(failed)?;
    if found > VERSION {
        return Err(StoreError::TooNew {
            path: path.to_owned(),
            found,
            known: VERSION,
        });
    }
    for (layout, migration) in (0..).zip(MIGRATIONS).skip(found as usize) {
        let tx = connection.transaction().map_err(failed)?;
        tx.execute_batch(migration).map_err(failed)?;
        tx.pragma_update(None, "user_version", layout + 1)
            .map_err(failed)?;
        tx.commit().map_err(failed)?;
    }
    Ok(connection)
}
