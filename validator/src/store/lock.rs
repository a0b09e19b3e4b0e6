//! One validator a file.

use super::StoreError;
use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long the file of one that is just ending is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// Locks the file beside `path` for as long as the handle lives. The system lets go of it however
/// the process ends.
pub(super) fn take(path: &Path) -> Result<File, StoreError> {
    let beside = beside(path);
    let failed = |source| StoreError::Folder {
        path: path.to_owned(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(beside)
        .map_err(failed)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(PAUSE);
            }
            Err(TryLockError::WouldBlock) => {
                let path = path.to_owned();
                return Err(StoreError::InUse { path });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}
