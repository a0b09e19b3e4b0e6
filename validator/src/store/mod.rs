//! What a validator must not forget, in SQLite.
//!
//! All of SQLite runs on one thread of its own: callers send it closures through a bounded queue
//! and wait for the outcome, so that no async thread ever waits for a disk. Each closure is one
//! transaction. The file is in WAL mode with full synchronisation: what a call has returned is
//! still there after a power cut, which is what makes it safe to send a commit afterwards.
//!
//! A lock file beside the database keeps a second validator on this machine away from it.

mod history;
mod lock;
mod rounds;
mod schema;
mod submissions;

pub use history::{EpochLine, MinerHistory, OutcomeLine, Receipts};
pub use rounds::KnownMiner;
pub use submissions::{Draft, Key, State, Submission};

use assay_primitives::{Digest, NetUid};
use rusqlite::{Connection, OptionalExtension, Transaction};
use std::{
    fs::File,
    path::{Path, PathBuf},
};
use tokio::sync::{mpsc, oneshot};

/// Closures that wait for the store; more than this and callers wait too.
const QUEUE: usize = 64;

/// Why the store did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite's own error.
    #[error("the state in {path} can't be used: {source}; see that the disk is not full and that no other validator uses it", path = .path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The folder can't be made.
    #[error("the folder of {path} can't be made: {source}", path = .path.display())]
    Folder {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file was written by a later version.
    #[error("{path} was written by a later version of the validator (layout {found}, this one knows {known}): use that version", path = .path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its layout.
        found: u32,
        /// The newest layout known here.
        known: u32,
    },
    /// The file belongs to another chain, subnet or hotkey.
    #[error("{path} holds the state of another validator ({what} differs): give each its own file", path = .path.display())]
    OtherOwner {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: String,
    },
    /// Another process holds the file.
    #[error("{path} is in use by another validator: give each its own file, or end the other one", path = .path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A stored value can't be read.
    #[error("the state holds a value that can't be read: {0}")]
    Corrupt(String),
    /// The store's thread is gone.
    #[error("the store has stopped")]
    Stopped,
}

impl StoreError {
    /// Whether nothing can be written just now, as on a full disk. What was written before can still
    /// be read, and waiting may help.
    pub fn is_full(&self) -> bool {
        use rusqlite::ErrorCode::{DiskFull, SystemIoFailure};
        let Self::Sqlite { source, .. } = self else {
            return false;
        };
        matches!(source.sqlite_error_code(), Some(DiskFull | SystemIoFailure))
    }
}

/// Whom the state belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Hash of the chain's first block.
    pub genesis: Digest,
    /// The subnet.
    pub netuid: NetUid,
    /// The validator's public key.
    pub hotkey: [u8; 32],
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A handle to the store's thread; clones share it. The thread ends with the last handle.
#[derive(Clone)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
    path: PathBuf,
}

impl Store {
    /// Opens or makes the file, and brings it to the newest layout.
    pub async fn open(path: &Path, owner: Owner) -> Result<Self, StoreError> {
        let path = path.to_owned();
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder).map_err(|source| StoreError::Folder {
                path: path.clone(),
                source,
            })?;
        }
        let (jobs, queue) = mpsc::channel::<Job>(QUEUE);
        let (opened, outcome) = oneshot::channel();
        let file = path.clone();
        std::thread::Builder::new()
            .name("store".into())
            .spawn(move || serve(&file, queue, opened))
            .map_err(|source| StoreError::Folder {
                path: path.clone(),
                source,
            })?;
        outcome.await.map_err(|_| StoreError::Stopped)??;
        let store = Self { jobs, path };
        store.claim(owner).await?;
        Ok(store)
    }

    /// Runs `job` in a transaction on the store's thread.
    async fn call<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, JobError> + Send + 'static,
    {
        self.run(move |connection| transact(connection, job)).await
    }

    /// Runs `job` on the store's thread, outside a transaction.
    async fn run<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, JobError> + Send + 'static,
    {
        let (done, outcome) = oneshot::channel();
        let boxed: Job = Box::new(move |connection| {
            // The caller may have gone away; what was written stays written.
            let _ = done.send(job(connection));
        });
        self.jobs
            .send(boxed)
            .await
            .map_err(|_| StoreError::Stopped)?;
        outcome
            .await
            .map_err(|_| StoreError::Stopped)?
            .map_err(|error| match error {
                JobError::Sqlite(source) => StoreError::Sqlite {
                    path: self.path.clone(),
                    source,
                },
                JobError::Corrupt(what) => StoreError::Corrupt(what),
            })
    }

    async fn claim(&self, owner: Owner) -> Result<(), StoreError> {
        let facts = [
            ("genesis", owner.genesis.0.to_vec()),
            ("netuid", owner.netuid.0.to_be_bytes().to_vec()),
            ("hotkey", owner.hotkey.to_vec()),
        ];
        let differs = self
            .call(move |tx| {
                for (name, value) in facts {
                    let known: Option<Vec<u8>> = tx
                        .query_row("SELECT value FROM owner WHERE name = ?1", [name], |row| {
                            row.get(0)
                        })
                        .optional()?;
                    match known {
                        Some(known) if known != value => return Ok(Some(name)),
                        Some(_) => {}
                        None => {
                            tx.execute("INSERT INTO owner VALUES (?1, ?2)", (name, value))?;
                        }
                    }
                }
                Ok(None)
            })
            .await?;
        match differs {
            Some(what) => Err(StoreError::OtherOwner {
                path: self.path.clone(),
                what: what.to_owned(),
            }),
            None => Ok(()),
        }
    }
}

/// Why a transaction was rolled back.
#[derive(Debug)]
enum JobError {
    Sqlite(rusqlite::Error),
    Corrupt(String),
}

impl From<rusqlite::Error> for JobError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn transact<T>(
    connection: &mut Connection,
    job: impl FnOnce(&Transaction<'_>) -> Result<T, JobError>,
) -> Result<T, JobError> {
    // Taking the write lock at once keeps a reader from failing when it turns writer.
    let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let outcome = job(&tx)?;
    tx.commit()?;
    Ok(outcome)
}

fn serve(
    path: &Path,
    mut queue: mpsc::Receiver<Job>,
    opened: oneshot::Sender<Result<(), StoreError>>,
) {
    // The lock is dropped after the connection.
    let opening = lock::take(path).and_then(|lock| Ok((lock, schema::open(path)?)));
    let (_lock, mut connection): (File, Connection) = match opening {
        Ok(both) => both,
        Err(error) => {
            let _ = opened.send(Err(error));
            return;
        }
    };
    if opened.send(Ok(())).is_err() {
        return;
    }
    while let Some(job) = queue.blocking_recv() {
        job(&mut connection);
    }
}

/// SQLite's integers are signed; ids of ours are stored bit for bit.
fn signed(number: u64) -> i64 {
    i64::from_ne_bytes(number.to_ne_bytes())
}

/// The number behind [`signed`].
fn unsigned(number: i64) -> u64 {
    u64::from_ne_bytes(number.to_ne_bytes())
}

/// A blob of exactly `N` bytes.
fn bytes<const N: usize>(blob: Vec<u8>, what: &str) -> Result<[u8; N], JobError> {
    let length = blob.len();
    blob.try_into()
        .map_err(|_| JobError::Corrupt(format!("{what} has {length} bytes where {N} are due")))
}

/// SCALE, as stored.
fn decode<T: codec::Decode>(blob: &[u8], what: &str) -> Result<T, JobError> {
    T::decode(&mut &blob[..]).map_err(|error| JobError::Corrupt(format!("{what}: {error}")))
}
