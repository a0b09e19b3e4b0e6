//! `cargo xtask bench validator`: what a round costs, with the validator built as users run it.

use anyhow::{Context, Result};

use crate::{page, process, workspace::Workspace};

const BENCH: [&str; 5] = ["bench", "-p", "assay-validator", "--bench", "validator"];

/// Builds with optimisation, measures, and writes the figures down.
pub fn run(workspace: &Workspace) -> Result<()> {
    // Nothing of the chain's is needed, so its Wasm need not be built.
    let bench = || {
        let mut bench = workspace.cargo(BENCH);
        bench.env("SKIP_WASM_BUILD", "1");
        bench
    };
    process::run(bench().arg("--no-run"))?;
    let before = page::load();
    let figures = process::read(&mut bench()).context("the validator could not be measured")?;
    println!("{figures}");
    let about = format!(
        "Measured by `cargo xtask bench validator`, in the optimised build, on {}, miners and validator on \
         the same machine, whose load before it began was {before:.1}; means of five rounds.\n\n",
        page::machine()?
    );
    page::write_down(
        workspace,
        "bench validator",
        &(about + figures.trim() + "\n\n"),
    )
}
