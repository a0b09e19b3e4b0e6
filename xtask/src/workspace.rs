//! Where things are, and the one way in which this crate calls cargo.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

/// The release of ONNX Runtime that miners are tested with.
pub const ONNX_RUNTIME: &str = "1.31.1";

/// The variable by which everyone names ONNX Runtime's library.
pub const ORT_DYLIB_PATH: &str = "ORT_DYLIB_PATH";

/// The checkout, and the folders outside it that hold what is built and downloaded.
pub struct Workspace {
    root: PathBuf,
    cache: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds the checkout from which cargo started us.
    ///
    /// What is built goes to `CARGO_TARGET_DIR`, or to `~/.cache/assay/target`, so that a fresh
    /// checkout starts warm.
    pub fn locate() -> Result<Self> {
        let manifest_dir = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest_dir
            .parent()
            .context("xtask's folder has no parent: start it with `cargo xtask`")?
            .to_owned();
        let home = env::var_os("HOME").context(
            "HOME is not set, so there is no place for downloads: set it to your home directory",
        )?;
        let cache = Path::new(&home).join(".cache").join("assay");
        let target = match env::var_os("CARGO_TARGET_DIR") {
            // Relative paths mean the directory in which cargo was called, which may not be ours.
            Some(path) => std::path::absolute(path).context("CARGO_TARGET_DIR is empty")?,
            None => cache.join("target"),
        };
        Ok(Self {
            root,
            cache,
            target,
        })
    }

    /// The checkout.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where everything is compiled.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Where the runtime is compiled with features that nothing else has: its benchmarks, its
    /// trials.
    pub fn benchmarks_target(&self) -> PathBuf {
        self.cache.join("target-bench")
    }

    /// Where fuzz targets are compiled, and where what fuzzers found is kept.
    pub fn fuzz_target(&self) -> PathBuf {
        self.cache.join("target-fuzz")
    }

    /// A program of the workspace, once it is built.
    pub fn program(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(name)
    }

    /// A program of the workspace as users would run it, once it is built.
    pub fn release(&self, name: &str) -> PathBuf {
        self.target.join("release").join(name)
    }

    /// Where benchmarks keep what they need of others, and their logs.
    pub fn bench_dir(&self) -> PathBuf {
        self.cache.join("bench")
    }

    /// Where the clients that others wrote are installed, those for Python.
    pub fn clients_dir(&self) -> PathBuf {
        self.cache.join("clients-venv")
    }

    /// The same, those for Node.js.
    pub fn node_clients_dir(&self) -> PathBuf {
        self.cache.join("clients-node")
    }

    /// Where `setup` puts ONNX Runtime.
    pub fn onnx_runtime_dir(&self) -> PathBuf {
        self.cache.join("onnxruntime").join(ONNX_RUNTIME)
    }

    /// ONNX Runtime's library: the one that the environment names, or the one from `setup`.
    pub fn onnx_runtime(&self) -> PathBuf {
        env::var_os(ORT_DYLIB_PATH).map_or_else(
            || {
                self.onnx_runtime_dir()
                    .join(format!("libonnxruntime.so.{ONNX_RUNTIME}"))
            },
            PathBuf::from,
        )
    }

    /// Starts a command in the checkout, with what every program of ours may need to find.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            .env(ORT_DYLIB_PATH, self.onnx_runtime());
        command
    }

    /// Starts cargo in the checkout.
    ///
    /// Every call goes through here: commands that differ in flags or environment rebuild what
    /// others have just built. What cargo says to this program about itself is taken back for the
    /// same reason: build scripts of others (that of `ring`, say) look at it too.
    pub fn cargo<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = self.command(cargo);
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(is_about_this_package) {
                command.env_remove(name);
            }
        }
        command.args(args);
        command
    }
}

/// Whether a variable is one that `cargo run` sets to describe the package that it runs.
fn is_about_this_package(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_hears_nothing_about_this_package() {
        // Cargo sets it for tests as it does for programs.
        assert!(env::var_os("CARGO_MANIFEST_DIR").is_some());
        let workspace = Workspace::locate().expect("this is run in the checkout");
        let command = workspace.cargo(["version"]);
        let mut removed = command.get_envs().filter(|(_, value)| value.is_none());
        assert!(removed.any(|(name, _)| name == "CARGO_MANIFEST_DIR"));
        assert!(!is_about_this_package("CARGO_TARGET_DIR"));
    }
}
