//! Files that a task names: found in the folder or in the cache, fetched where they are in neither,
//! and used only if they are what the digest says.
//!
//! The cache is a folder of files named by their SHA-256. Nothing is trusted for lying there: a file
//! is checked each time it is read.

use super::{ArtifactFile, TaskError, TaskFolder};
use assay_primitives::Digest;
use futures::StreamExt as _;
use object_store::ObjectStore as _;
use sha2::{Digest as _, Sha256};
use std::{
    env, fs,
    path::{Path, PathBuf},
};
use url::Url;

/// Names the folder of the cache.
const CACHE: &str = "ASSAY_CACHE";

/// Why a file could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Nobody says where it is.
    #[error("{path} is not in the task's folder and task.toml names no `uri` for it", path = .0.display())]
    NoAddress(PathBuf),
    /// Its address is not one.
    #[error("`{uri}` is no address that can be fetched ({reason}): file:///…, http://…, https://… and s3://… are")]
    BadAddress {
        /// The address.
        uri: String,
        /// What is wrong.
        reason: String,
    },
    /// It can't be had there.
    #[error("{uri} can't be fetched: {reason}")]
    Unavailable {
        /// The address.
        uri: String,
        /// What went wrong.
        reason: String,
    },
    /// What is there is another file.
    #[error("{uri} holds another file: SHA-256 {found}, task.toml names {expected}")]
    WrongFile {
        /// The address.
        uri: String,
        /// The digest of what is there.
        found: Digest,
        /// What is due.
        expected: Digest,
    },
    /// It can't be kept.
    #[error("{path} can't be written: {source}; name another folder in {CACHE}", path = .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Fetches what a task names and is neither in its folder nor in the cache. Returns how many files
/// were fetched.
pub async fn fetch(folder: &TaskFolder) -> Result<usize, FetchError> {
    fetch_into(folder, &cache()).await
}

/// [`fetch`] with a cache of one's own choice.
pub async fn fetch_into(folder: &TaskFolder, cache: &Path) -> Result<usize, FetchError> {
    let mut fetched = 0;
    for file in folder.artifacts() {
        let kept = cache.join(file.sha256.to_string());
        if folder.path().join(&file.path).exists() || is_file(&kept, file) {
            continue;
        }
        let uri = file.uri.as_ref();
        let uri = uri.ok_or_else(|| FetchError::NoAddress(file.path.clone()))?;
        tracing::info!(uri, sha256 = %file.sha256, size = file.size, "fetching");
        let bytes = download(uri, file.size).await?;
        let found = digest(&bytes);
        if found != file.sha256 {
            let (uri, expected) = (uri.clone(), file.sha256);
            return Err(FetchError::WrongFile {
                uri,
                found,
                expected,
            });
        }
        keep(&kept, &bytes)?;
        fetched += 1;
    }
    Ok(fetched)
}

/// The bytes at an address, of which there must be exactly `size`.
async fn download(uri: &str, size: u64) -> Result<Vec<u8>, FetchError> {
    let bad = |reason: String| FetchError::BadAddress {
        uri: uri.to_owned(),
        reason,
    };
    let unavailable = |reason: String| FetchError::Unavailable {
        uri: uri.to_owned(),
        reason,
    };
    let url = Url::parse(uri).map_err(|error| bad(error.to_string()))?;
    if !["file", "http", "https", "s3"].contains(&url.scheme()) {
        return Err(bad(format!("`{}` is not spoken here", url.scheme())));
    }
    // Credentials and endpoints of S3 come from the usual variables. Plain HTTP is allowed since
    // nothing that arrives is believed without its digest.
    let settings = env::vars()
        .filter(|(name, _)| name.starts_with("AWS_"))
        .map(|(name, value)| (name.to_lowercase(), value))
        .chain([("allow_http".to_owned(), "true".to_owned())]);
    let (store, path) =
        object_store::parse_url_opts(&url, settings).map_err(|error| bad(error.to_string()))?;
    let found = store
        .get(&path)
        .await
        .map_err(|error| unavailable(error.to_string()))?;
    let mut bytes = Vec::new();
    let mut parts = found.into_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|error| unavailable(error.to_string()))?;
        if bytes.len() as u64 + part.len() as u64 > size {
            return Err(unavailable(format!("it has more than {size} bytes")));
        }
        bytes.extend_from_slice(&part);
    }
    if (bytes.len() as u64) < size {
        let found = bytes.len();
        return Err(unavailable(format!("it has {found} bytes, not {size}")));
    }
    Ok(bytes)
}

/// Written under another name first, so that a file in the cache is a whole one.
fn keep(path: &Path, bytes: &[u8]) -> Result<(), FetchError> {
    let unwritable = |source| FetchError::Unwritable {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(unwritable)?;
    }
    let part = path.with_extension(format!("part-{}", std::process::id()));
    fs::write(&part, bytes).map_err(unwritable)?;
    fs::rename(&part, path).map_err(unwritable)
}

fn cache() -> PathBuf {
    if let Some(folder) = env::var_os(CACHE).filter(|folder| !folder.is_empty()) {
        return folder.into();
    }
    let home = env::var_os("HOME").unwrap_or_default();
    Path::new(&home).join(".cache/assay/artifacts")
}

fn digest(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

fn is_file(path: &Path, file: &ArtifactFile) -> bool {
    fs::read(path).is_ok_and(|bytes| digest(&bytes) == file.sha256)
}

/// A file's bytes, if they are what `task.toml` says.
pub(super) fn read(path: &Path, file: &ArtifactFile) -> Result<Vec<u8>, TaskError> {
    let bytes = fs::read(path).map_err(|source| TaskError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let (found, size) = (digest(&bytes), bytes.len() as u64);
    if found != file.sha256 || size != file.size {
        return Err(TaskError::WrongDigest {
            path: path.to_owned(),
            found,
            size,
            expected: file.sha256,
            expected_size: file.size,
        });
    }
    Ok(bytes)
}

impl TaskFolder {
    /// Where a file lies: in the folder, or else in the cache.
    pub(super) fn resolve(&self, file: &ArtifactFile) -> Result<PathBuf, TaskError> {
        let path = self.path().join(&file.path);
        if path.exists() {
            return Ok(path);
        }
        let kept = cache().join(file.sha256.to_string());
        if kept.exists() {
            return Ok(kept);
        }
        let hint = if file.uri.is_some() {
            "`assay task fetch` gets it from the address in task.toml"
        } else {
            "task.toml names no `uri` for it, so get it from the subnet's creator"
        };
        Err(TaskError::Missing { path, hint })
    }
}
