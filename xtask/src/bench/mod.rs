//! Benchmarks: of the incentive maths, and of the miner beside what users would take otherwise.

mod miner;
mod servers;

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{ci, workspace::Workspace};

/// `miner` times the miner; what else there is, [`ci::bench`] knows.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    match args.split_first() {
        Some((first, rest)) if first == "miner" => miner::run(workspace, rest),
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
