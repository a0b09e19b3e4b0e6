//! Finding and loading ONNX Runtime.
//!
//! It is a shared library that is not linked in, so that the same miner runs with the CPU build, the
//! GPU build or none yet: without it, the miner says what to do instead of failing to start.

use ort::{environment::Environment, logging::LogLevel};
use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Oldest ONNX Runtime 1.x that has what we use.
const OLDEST_MINOR: u32 = 24;

/// Where `cargo xtask setup` installs it, below the home folder: a folder per version.
const INSTALLED: &str = ".cache/assay/onnxruntime";

/// Where it is put for every user of a machine, services among them, in the same way.
const INSTALLED_FOR_ALL: &str = "/usr/local/lib/assay/onnxruntime";

/// The folder beside ONNX Runtime that holds CUDA's libraries.
const PRELOADED: &str = "cuda";

/// Read by ONNX Runtime when it starts.
const DISABLE_TELEMETRY: &str = "ORT_DISABLE_TELEMETRY";

/// Why ONNX Runtime can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LibraryError {
    /// It is nowhere.
    #[error(
        "ONNX Runtime was not found: run `cargo xtask setup`, copy what it installed from \
         ~/{INSTALLED} to {INSTALLED_FOR_ALL}, or name libonnxruntime.so in \
         `inference.onnxruntime` or in ORT_DYLIB_PATH"
    )]
    Missing,
    /// What was named is not ONNX Runtime.
    #[error(
        "{} can't be loaded as ONNX Runtime: run `cargo xtask setup` to install it, or name \
         another one in `inference.onnxruntime`", path.display()
    )]
    NotOnnxRuntime {
        /// The file.
        path: PathBuf,
    },
    /// It is too old.
    #[error("{} is ONNX Runtime 1.{minor}; 1.{OLDEST_MINOR} or newer is needed", path.display())]
    TooOld {
        /// The file.
        path: PathBuf,
        /// Its minor version.
        minor: u32,
    },
    /// It was found but does not start.
    #[error("ONNX Runtime at {} does not start: {why}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What it said.
        why: String,
    },
}

/// Keeps ONNX Runtime from telling its maker what runs here. Its builds for Linux do so from 1.29 on,
/// under a name that they keep in the home folder, and what its interface has for refusing comes after
/// the first report.
///
/// To be called first in a program, while it has one thread: other threads may read the environment.
pub fn refuse_telemetry() {
    env::set_var(DISABLE_TELEMETRY, "1");
}

/// Loads ONNX Runtime: the one `configured`, else that of `ORT_DYLIB_PATH`, else the newest that
/// `cargo xtask setup` installed for this user, or that lies where all users find it. A process has
/// one; later calls return the first one's.
pub fn load_library(configured: Option<&Path>) -> Result<Environment, LibraryError> {
    static LOADED: Mutex<Option<Environment>> = Mutex::new(None);
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = &*loaded {
        return Ok(environment.clone());
    }
    let path = find(configured)?;
    let minor = ort::util::probe(&path);
    let minor = minor.ok_or_else(|| LibraryError::NotOnnxRuntime { path: path.clone() })?;
    if minor < OLDEST_MINOR {
        return Err(LibraryError::TooOld { path, minor });
    }
    let broken = |why: String| LibraryError::Broken {
        path: path.clone(),
        why,
    };
    if env::var_os(DISABLE_TELEMETRY).is_none_or(|value| value != "1") {
        tracing::warn!("ONNX Runtime may report to its maker: {DISABLE_TELEMETRY}=1 forbids it");
    }
    preload(&path);
    let builder = ort::init_from(&path).map_err(|why| broken(why.to_string()))?;
    let environment = builder
        .with_name("assay")
        .with_telemetry(false)
        .build()
        .map_err(|why| broken(why.to_string()))?;
    environment.set_log_level(heard());
    tracing::info!(path = %path.display(), version = format!("1.{minor}"), "ONNX Runtime loaded");
    *loaded = Some(environment.clone());
    Ok(environment)
}

/// What of ONNX Runtime's messages somebody hears. It writes out every one that its level lets through
/// before it hands it over, with some models dozens to a run.
fn heard() -> LogLevel {
    use tracing::{enabled, Level};
    if enabled!(target: "ort::logging", Level::TRACE) {
        LogLevel::Verbose
    } else if enabled!(target: "ort::logging", Level::INFO) {
        LogLevel::Info
    } else if enabled!(target: "ort::logging", Level::WARN) {
        LogLevel::Warning
    } else {
        LogLevel::Error
    }
}

/// Loads the libraries of CUDA that `cargo xtask setup --gpu` put beside ONNX Runtime, so that its
/// providers find them. Where there are none, the system's own are looked for.
fn preload(runtime: &Path) {
    let Some(folder) = runtime.parent().map(|folder| folder.join(PRELOADED)) else {
        return;
    };
    let Ok(entries) = fs::read_dir(&folder) else {
        return;
    };
    let mut left: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    // They need each other in an order that their names don't tell: as long as any can be loaded,
    // the others are tried again.
    loop {
        let before = left.len();
        left.retain(|path| ort::util::preload_dylib(path.as_os_str()).is_err());
        if left.is_empty() || left.len() == before {
            break;
        }
    }
    for path in left {
        tracing::debug!(path = %path.display(), "a library of CUDA can't be loaded");
    }
}

fn find(configured: Option<&Path>) -> Result<PathBuf, LibraryError> {
    if let Some(path) = configured {
        return Ok(path.to_owned());
    }
    if let Some(path) = env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    env::var_os("HOME")
        .and_then(|home| newest(&Path::new(&home).join(INSTALLED)))
        .or_else(|| newest(Path::new(INSTALLED_FOR_ALL)))
        .ok_or(LibraryError::Missing)
}

/// `VERSION/libonnxruntime.so*` with the largest version.
fn newest(folder: &Path) -> Option<PathBuf> {
    let versions = fs::read_dir(folder).ok()?.flatten().filter_map(|entry| {
        let name = entry.file_name();
        let numbers = name
            .to_str()?
            .split('.')
            .map(str::parse)
            .collect::<Result<Vec<u32>, _>>();
        let library = fs::read_dir(entry.path()).ok()?.flatten().find(|file| {
            // `libonnxruntime_providers_shared.so` lies next to it in the GPU build.
            file.file_name()
                .to_string_lossy()
                .starts_with("libonnxruntime.so")
        })?;
        Some((numbers.ok()?, library.path()))
    });
    versions.max().map(|(_, path)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_goes_by_number() {
        let folder = tempfile::tempdir().unwrap();
        for file in [
            "1.9.0/libonnxruntime.so.1.9.0",
            "1.31.1/libonnxruntime.so.1.31.1",
            "x/y",
        ] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        assert!(newest(folder.path())
            .unwrap()
            .ends_with("1.31.1/libonnxruntime.so.1.31.1"));
        assert_eq!(newest(&folder.path().join("gone")), None);
    }

    #[test]
    fn load_library_says_what_to_do_when_the_file_is_not_onnx_runtime() {
        let error = load_library(Some(Path::new("/dev/null"))).unwrap_err();
        assert!(error.to_string().contains("cargo xtask setup"), "{error}");
        assert!(LibraryError::Missing
            .to_string()
            .contains("cargo xtask setup"));
    }
}
