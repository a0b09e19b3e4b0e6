//! Runs a miner against clients that others wrote: `cargo xtask test --clients`.
//!
//! They come from PyPI, into a virtual environment under the cache folder that is made anew when
//! `tests/clients/requirements.txt` changes. That takes hundreds of megabytes, so it is no part of
//! what runs before every merge.

use std::{fs, process::Command};

use anyhow::{Context, Result};

use crate::{ci, process, workspace::Workspace};

/// The list of clients, copied into the environment once it holds them.
const REQUIREMENTS: &str = "requirements.txt";

/// Installs the clients if they are not there, builds the miner, and lets them ask it.
pub fn run(workspace: &Workspace) -> Result<()> {
    let folder = workspace.root().join("tests/clients");
    let environment = workspace.clients_dir();
    let wanted = fs::read_to_string(folder.join(REQUIREMENTS))
        .context("tests/clients/requirements.txt can't be read")?;
    let installed = environment.join(REQUIREMENTS);
    if fs::read_to_string(&installed).ok().as_ref() != Some(&wanted) {
        let mut python = Command::new("python3");
        python.args(["-m", "venv", "--clear"]).arg(&environment);
        process::run(&mut python)
            .context("`apt-get install python3-venv` may be what is missing")?;
        let mut pip = Command::new(environment.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(folder.join(REQUIREMENTS));
        process::run(&mut pip)?;
        fs::write(&installed, &wanted)
            .with_context(|| format!("can't write {}", installed.display()))?;
    }
    process::run(&mut ci::build_programs(workspace))?;
    let mut check = workspace.command(environment.join("bin/python"));
    check
        .arg(folder.join("check.py"))
        .arg(workspace.program("assay-miner"));
    process::run(&mut check)
}
