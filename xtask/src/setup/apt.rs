//! Installing Debian's packages, as root or through sudo.

use std::{
    ffi::OsStr,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{bail, Context, Result};

use crate::process;

/// Installs packages by name.
///
/// The lists are brought up to date once per run, since those of a fresh machine are empty.
pub fn install(packages: &[&str]) -> Result<()> {
    static UPDATED: AtomicBool = AtomicBool::new(false);
    if process::find("apt-get").is_none() {
        bail!("there is no apt-get here to install it with");
    }
    if !UPDATED.swap(true, Ordering::Relaxed) {
        process::run(privileged("apt-get")?.args(["update", "--quiet", "--quiet"]))
            .context("can't fetch the lists of packages")?;
    }
    let mut command = privileged("env")?;
    command
        .args([
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "install",
            "--yes",
            "--quiet",
        ])
        .arg("--no-install-recommends")
        .args(packages);
    process::run(&mut command)
}

/// The command, run by root.
pub fn privileged(program: impl AsRef<OsStr>) -> Result<Command> {
    if process::read(Command::new("id").arg("-u"))? == "0" {
        return Ok(Command::new(program));
    }
    if process::find("sudo").is_none() {
        bail!("this needs root: run `cargo xtask setup` once as root, or install sudo");
    }
    let mut command = Command::new("sudo");
    command.arg(program);
    Ok(command)
}
