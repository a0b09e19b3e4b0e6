//! ONNX Runtime, in which miners run their models.
//!
//! Miners load it when they start, so it is not needed to compile anything. It comes out of the
//! Python package of the same name: the library in there is the one that everybody uses, and the
//! package registry is reachable where release pages often are not.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{bail, Context, Result};

use super::{apt, Need};
use crate::{
    process,
    workspace::{Workspace, ONNX_RUNTIME, ORT_DYLIB_PATH},
};

pub struct OnnxRuntime {
    library: PathBuf,
    folder: PathBuf,
}

impl OnnxRuntime {
    pub fn new(workspace: &Workspace) -> Self {
        Self {
            library: workspace.onnx_runtime(),
            folder: workspace.onnx_runtime_dir(),
        }
    }
}

impl Need for OnnxRuntime {
    fn name(&self) -> String {
        format!(
            "ONNX Runtime {ONNX_RUNTIME} (into {})",
            self.folder.display()
        )
    }

    fn purpose(&self) -> &'static str {
        "runs the miners' models"
    }

    fn is_met(&self) -> bool {
        self.library.is_file()
    }

    fn meet(&self) -> Result<()> {
        if let Some(path) = env::var_os(ORT_DYLIB_PATH) {
            bail!(
                "{ORT_DYLIB_PATH} names {}, where nothing is",
                path.to_string_lossy()
            );
        }
        let parent = self.folder.parent().context("the cache has no folder")?;
        fs::create_dir_all(parent).with_context(|| format!("can't make {}", parent.display()))?;
        // Beside its final place, so that it gets there by one rename and is never seen half-made.
        let scratch = tempfile::tempdir_in(parent).context("can't make a temporary folder")?;
        let wheel = fetch(scratch.path(), &format!("onnxruntime=={ONNX_RUNTIME}"))?;
        self.keep_libraries(&unpack(&wheel)?.join("onnxruntime").join("capi"))
    }

    fn remedy(&self) -> String {
        format!(
            "set {ORT_DYLIB_PATH} to a libonnxruntime.so of version 1.24 or later that you have, \
             or put {ONNX_RUNTIME} at {}",
            self.library.display()
        )
    }
}

impl OnnxRuntime {
    /// Moves the libraries to where they stay, and leaves the rest of the package behind.
    pub(super) fn keep_libraries(&self, from: &Path) -> Result<()> {
        let kept = from.join("kept");
        fs::create_dir_all(&kept)?;
        for entry in fs::read_dir(from).context("the package holds no libraries")? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_string_lossy().starts_with("libonnxruntime") {
                fs::rename(entry.path(), kept.join(name))?;
            }
        }
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)
                .with_context(|| format!("can't replace {}", self.folder.display()))?;
        }
        fs::rename(&kept, &self.folder)
            .with_context(|| format!("can't make {}", self.folder.display()))
    }
}

/// Fetches the package of a requirement, without what it depends on, into a folder of its own within
/// `scratch`.
pub(super) fn fetch(scratch: &Path, requirement: &str) -> Result<PathBuf> {
    let pip = ["-m", "pip", "--version"];
    if !process::succeeds(Command::new("python3").args(pip)) {
        eprintln!("setup: installing python3-pip: fetches ONNX Runtime");
        apt::install(&["python3-pip"])?;
    }
    let name: String = requirement
        .chars()
        .take_while(|letter| letter.is_alphanumeric() || *letter == '-')
        .collect();
    let folder = scratch.join(name);
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
    ])
    .args(["--no-deps", "--only-binary=:all:", "--implementation", "cp"])
    // Which Python the package is for doesn't matter: only its library is used.
    .args(["--python-version", "3.12"])
    .args(platforms()?)
    .arg("--dest")
    .arg(&folder)
    .arg(requirement);
    process::run(&mut pip)?;
    first_file(&folder, ".whl")
}

/// Unpacks a package beside itself.
pub(super) fn unpack(wheel: &Path) -> Result<PathBuf> {
    let unpacked = wheel.with_extension("unpacked");
    let mut unzip = Command::new("python3");
    unzip
        .args(["-m", "zipfile", "-e"])
        .arg(wheel)
        .arg(&unpacked);
    process::run(&mut unzip)?;
    Ok(unpacked)
}

/// The systems for which a package would run here, as pip's arguments.
fn platforms() -> Result<Vec<String>> {
    if env::consts::OS != "linux" {
        bail!("it is fetched for Linux only");
    }
    let tags = ["manylinux_2_28", "manylinux_2_27", "manylinux2014"];
    Ok(tags
        .iter()
        .flat_map(|tag| {
            [
                "--platform".to_owned(),
                format!("{tag}_{}", env::consts::ARCH),
            ]
        })
        .collect())
}

fn first_file(folder: &Path, ending: &str) -> Result<PathBuf> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(ending) {
            return Ok(path);
        }
    }
    bail!("pip said that it fetched a package, but there is none")
}
