//! What is too long for every change: hours instead of minutes.
//!
//! Continuous integration runs a short form of each with the other tests. The long forms are for
//! before a release and for a machine that has nothing better to do. One that fails does not keep
//! the others from running, and all say at the end how long they took and what came of them.

use std::{
    fmt,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{bail, Context, Result};
use clap::ValueEnum;

use crate::{
    ci, clients, fuzz, network, process,
    setup::{self, Scope},
    siege,
    workspace::Workspace,
};

/// In the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Name {
    /// Hundreds of people doing random things for 200,000 blocks of the real runtime
    Simulation,
    /// A validator that is killed a hundred times at random moments
    Validator,
    /// A miner that is attacked in one way after the other, with honest callers beside
    Miner,
    /// What strangers send to a miner, and miners to validators, chosen by libFuzzer; `fuzz SECONDS` for each of its targets
    Fuzz,
    /// 64 subnets of 256 neurons, all of whose epochs fall due in one block of a running node
    Epochs,
    /// Four authors, any of whom is killed fifty times at random moments (`--kills N --seed S`); then
    /// a network that is cut in two and healed, which takes root
    Network,
    /// Clients that others wrote, at a miner and at a chain: `cargo xtask test --clients`
    Clients,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}").to_lowercase())
    }
}

impl Name {
    /// What runs it. Each is a program or a test of its own that says how it fared by its exit
    /// status and what to do about it on its standard output.
    fn run(self, workspace: &Workspace, args: &[String]) -> Result<()> {
        let mut command = match self {
            Self::Miner => return siege::run(workspace, args),
            Self::Fuzz => return fuzz::run(workspace, args),
            Self::Network => return network::run(workspace, args),
            Self::Clients => {
                setup::clients(workspace)?;
                return clients::run(workspace);
            }
            Self::Simulation => workspace.command(workspace.program("assay-simulation")),
            Self::Epochs => {
                let mut load = load(workspace);
                load.arg("epochs");
                load
            }
            Self::Validator => {
                let mut killed = workspace.cargo(["nextest", "run", "-p", "assay-validator"]);
                killed.args(["--no-capture", "-E", "test(crash::)"]);
                killed.env("ASSAY_KILLS", "100");
                killed
            }
        };
        process::run(command.args(args))
    }
}

/// The program that measures a running chain.
pub fn load(workspace: &Workspace) -> Command {
    let mut load = workspace.command(workspace.program("assay-load"));
    load.arg("--node").arg(workspace.program("assay-node"));
    load
}

/// Runs one, with arguments for it, or all of them.
pub fn run(workspace: &Workspace, name: Option<Name>, args: &[String]) -> Result<()> {
    setup::run(workspace, Scope::Test)?;
    if !matches!(name, Some(Name::Miner | Name::Fuzz)) {
        process::run(&mut ci::build_programs(workspace))
            .context("the programs don't build; what is said above comes from the compiler")?;
    }
    let names = match &name {
        Some(name) => std::slice::from_ref(name),
        None => Name::value_variants(),
    };
    let mut outcomes = Vec::new();
    for &name in names {
        eprintln!("\n== {name}");
        let start = Instant::now();
        let outcome = name.run(workspace, args);
        if let Err(error) = &outcome {
            eprintln!("{error:#}");
        }
        outcomes.push((name, start.elapsed(), outcome.is_ok()));
    }
    report(&outcomes)
}

fn report(outcomes: &[(Name, Duration, bool)]) -> Result<()> {
    eprintln!("\nWhat came of it:");
    for (name, took, passed) in outcomes {
        let word = if *passed { "passed" } else { "FAILED" };
        eprintln!("{name:>12}{:9.1} s  {word}", took.as_secs_f64());
    }
    let failed: Vec<String> = outcomes
        .iter()
        .filter(|(_, _, passed)| !passed)
        .map(|(name, ..)| name.to_string())
        .collect();
    if !failed.is_empty() {
        bail!(
            "{} failed; what is said above names the seed that replays it",
            failed.join(", ")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_fails_and_names_what_failed() {
        let took = Duration::from_secs(1);
        assert!(report(&[(Name::Simulation, took, true)]).is_ok());
        let error = report(&[(Name::Simulation, took, false)]).unwrap_err();
        assert!(error.to_string().starts_with("simulation failed"));
    }

    #[test]
    fn names_are_those_of_the_command_line() {
        for name in Name::value_variants() {
            let value = name.to_possible_value().expect("none is hidden");
            assert_eq!(name.to_string(), value.get_name());
        }
    }
}
