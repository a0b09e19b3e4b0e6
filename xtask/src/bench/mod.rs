//! Benchmarks: of the incentive maths, and of the miner beside what users would take otherwise.

mod miner;
mod servers;

use anyhow::Result;

use crate::{ci, workspace::Workspace};

/// `miner` times the miner; what else there is, [`ci::bench`] knows.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    match args.split_first() {
        Some((first, rest)) if first == "miner" => miner::run(workspace, rest),
        _ => ci::bench(workspace, args),
    }
}
