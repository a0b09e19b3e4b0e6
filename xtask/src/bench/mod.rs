//! Benchmarks: of the incentive maths, of the miner beside what users would take otherwise, and of a
//! validator's rounds.

mod figures;
mod gpu;
mod miner;
mod servers;
mod validator;

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{
    ci, process,
    setup::{self, Scope},
    soak,
    workspace::Workspace,
};

/// The page that the figures go into.
const PAGE: &str = "docs/performance.md";

/// `miner` times the miner, `gpu` the miner on a GPU, `validator` a round, `chain` a chain; else it is the incentive maths.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    match args.split_first() {
        Some((first, rest)) if first == "miner" => miner::run(workspace, rest),
        Some((first, rest)) if first == "gpu" => gpu::run(workspace, rest),
        Some((first, _)) if first == "validator" => validator::run(workspace),
        Some((first, rest)) if first == "chain" => chain(workspace, rest),
        _ => ci::bench(workspace, args),
    }
}

/// A Python with MLServer, installed if it was not there.
pub fn mlserver(workspace: &Workspace) -> Result<PathBuf> {
    let mut known = servers::FOREIGN.iter();
    let mlserver = known.find(|foreign| foreign.kind == "mlserver");
    mlserver
        .context("MLServer is not among the servers that are compared")?
        .install(workspace)
}

/// Measures a chain on a running node. With nothing named everything is measured, and written down.
fn chain(workspace: &Workspace, args: &[String]) -> Result<()> {
    setup::run(workspace, Scope::Run)?;
    process::run(&mut ci::build_programs(workspace))?;
    let mut load = soak::load(workspace);
    if args.is_empty() {
        load.arg("--page").arg(workspace.root().join(PAGE));
    }
    process::run(load.arg("chain").args(args))
}
