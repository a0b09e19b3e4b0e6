//! Runs a miner and a chain against clients that others wrote, and a miner before a server that others
//! wrote: `cargo xtask test --clients`.
//!
//! They come from PyPI and npm, as their lock files say, into folders under the cache that are made
//! anew when what `tests/clients` asks for changes. That takes hundreds of megabytes, so it is no
//! part of what runs before every merge.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{bench, ci, process, workspace::Workspace};

/// What pip installs, and every version that this comes to.
const PYTHON: [&str; 2] = ["requirements.txt", "constraints.txt"];
/// What npm installs, and every version that this comes to.
const NODE: [&str; 2] = ["package.json", "package-lock.json"];

/// Installs the clients if they are not there, builds the programs, and lets the clients use them.
pub fn run(workspace: &Workspace) -> Result<()> {
    let folder = workspace.root().join("tests/clients");
    let python = install_python(workspace, &folder)?;
    let scripts = install_node(workspace, &folder.join("chain"))?;
    process::run(&mut ci::build_programs(workspace))?;
    let mut miner = workspace.command(&python);
    miner
        .arg(folder.join("check.py"))
        .arg(workspace.program("assay-miner"));
    process::run(&mut miner)?;
    let mut upstream = workspace.command(bench::mlserver(workspace)?);
    upstream
        .arg(folder.join("upstream.py"))
        .arg(workspace.program("assay-miner"));
    process::run(&mut upstream)?;
    let mut chain = workspace.command(&python);
    chain
        .arg(folder.join("chain/check.py"))
        .arg(workspace.program("assay-node"))
        .arg(scripts);
    process::run(&mut chain)
}

/// An environment with the clients for Python; says where its interpreter is.
fn install_python(workspace: &Workspace, folder: &Path) -> Result<PathBuf> {
    let environment = workspace.clients_dir();
    if !holds(&environment, folder, PYTHON)? {
        let mut python = Command::new("python3");
        python.args(["-m", "venv", "--clear"]).arg(&environment);
        process::run(&mut python)?;
        let [wanted, locked] = PYTHON.map(|name| folder.join(name));
        let mut pip = Command::new(environment.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(wanted)
            .arg("-c")
            .arg(locked);
        process::run(&mut pip)?;
        copy(folder, &environment, PYTHON)?;
    }
    Ok(environment.join("bin/python"))
}

/// A folder with the clients for Node.js and our scripts beside them, since a script imports only
/// what lies beside or above itself.
fn install_node(workspace: &Workspace, folder: &Path) -> Result<PathBuf> {
    let environment = workspace.node_clients_dir();
    if !holds(&environment, folder, NODE)? {
        if environment.exists() {
            fs::remove_dir_all(&environment)?;
        }
        fs::create_dir_all(&environment)?;
        let mut npm = Command::new("npm");
        // Nothing that comes along needs to run anything to be installed. `npm ci` would be stricter:
        // some releases of it miss packages for other systems in a lock that was written on this one.
        npm.args([
            "install",
            "--no-save",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
        ])
        .current_dir(&environment);
        copy(folder, &environment, NODE)?;
        if let Err(error) = process::run(&mut npm) {
            // What it leaves would pass for installed.
            fs::remove_file(environment.join(NODE[0]))?;
            return Err(error);
        }
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if let (Some("mjs"), Some(name)) = (
            path.extension().and_then(|it| it.to_str()),
            path.file_name(),
        ) {
            fs::copy(&path, environment.join(name))?;
        }
    }
    Ok(environment)
}

/// Whether an environment was made for these very files.
fn holds(environment: &Path, folder: &Path, names: [&str; 2]) -> Result<bool> {
    for name in names {
        let wanted = folder.join(name);
        let wanted = fs::read_to_string(&wanted)
            .with_context(|| format!("can't read {}", wanted.display()))?;
        if fs::read_to_string(environment.join(name)).ok() != Some(wanted) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn copy(from: &Path, to: &Path, names: [&str; 2]) -> Result<()> {
    for name in names {
        fs::copy(from.join(name), to.join(name))
            .with_context(|| format!("can't write {}", to.join(name).display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_is_made_anew_when_a_list_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (wanted, made) = (folder.path().join("wanted"), folder.path().join("made"));
        fs::create_dir_all(&wanted).unwrap();
        fs::create_dir_all(&made).unwrap();
        for name in NODE {
            fs::write(wanted.join(name), name).unwrap();
        }
        assert!(!holds(&made, &wanted, NODE).unwrap());
        copy(&wanted, &made, NODE).unwrap();
        assert!(holds(&made, &wanted, NODE).unwrap());
        fs::write(wanted.join(NODE[1]), "other versions").unwrap();
        assert!(!holds(&made, &wanted, NODE).unwrap());
        fs::remove_file(wanted.join(NODE[0])).unwrap();
        assert!(holds(&made, &wanted, NODE).is_err());
    }
}
