//! The pallets' weights: the runtime built with its benchmarks, and the program that runs them.
//!
//! Both are built in folders of their own. A runtime with benchmarks has other features in every
//! crate below it, and would otherwise have the workspace compiled anew.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{process, setup, workspace::Workspace};

/// The bencher, a crate beside the workspace.
const BENCHER: &str = "runtime/bencher";

/// As the builder of the runtime's Wasm has it: a table to call through, memory given by the node,
/// and a name for the compilation without a standard library.
const WASM_FLAGS: &str = "-C link-arg=--export-table -C link-arg=--export=__heap_base \
                          -C link-arg=--import-memory --cfg substrate_runtime";

/// Runs the benchmarks; `args` go to the bencher: `--verify`, `--factor`, names of pallets.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    let wasm = build_runtime(workspace)?;
    let bencher = build_bencher(workspace)?;
    process::run(
        workspace
            .command(bencher)
            .arg("--wasm")
            .arg(wasm)
            .arg("--checkout")
            .arg(workspace.root())
            .args(args),
    )?;
    process::run(&mut workspace.cargo(["fmt", "--all"]))
}

/// Builds the runtime's Wasm with its benchmarks and says where it is.
fn build_runtime(workspace: &Workspace) -> Result<PathBuf> {
    let target = workspace.benchmarks_target();
    let mut cargo = setup::wasm_cargo();
    cargo
        .current_dir(workspace.root())
        .args([
            "rustc",
            "--locked",
            "--release",
            "--package",
            "assay-runtime",
        ])
        .args(["--lib", "--crate-type", "cdylib", "--no-default-features"])
        .args(["--features", "runtime-benchmarks"])
        .args(["--target", setup::WASM_TARGET, "--target-dir"])
        .arg(&target)
        .env("RUSTFLAGS", WASM_FLAGS)
        .env("CARGO_PROFILE_RELEASE_LTO", "thin")
        .env("CARGO_PROFILE_RELEASE_PANIC", "abort");
    process::run(&mut cargo).context("`cargo xtask setup` installs what the Wasm needs")?;
    let folder = target.join(setup::WASM_TARGET).join("release");
    Ok(folder.join("assay_runtime.wasm"))
}

/// Builds the bencher and says where it is.
fn build_bencher(workspace: &Workspace) -> Result<PathBuf> {
    let target = workspace.benchmarks_target();
    let mut cargo = workspace.cargo(["build", "--locked", "--target-dir"]);
    cargo
        .arg(&target)
        .current_dir(workspace.root().join(BENCHER));
    process::run(&mut cargo)?;
    Ok(target.join("debug/assay-bencher"))
}

/// Tries an upgrade of a chain as the executive does with its checks, which exist with the feature
/// `try-runtime` alone.
pub fn try_upgrade(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo(["nextest", "run", "--package", "assay-runtime", "--lib"]);
    process::run(
        cargo
            .args(["--features", "try-runtime", "upgrade"])
            .env("SKIP_WASM_BUILD", "1")
            .env("CARGO_TARGET_DIR", workspace.benchmarks_target()),
    )
}
