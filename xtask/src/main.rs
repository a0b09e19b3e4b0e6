//! Project automation: `cargo xtask <command>`.
//!
//! Two commands are all that a newcomer needs, `localnet` and `test`; both set up what is missing.
//! The rest is what they are made of, and what continuous integration runs.
//!
//! This crate must never depend on the rest of the workspace: it has to run where nothing else
//! compiles yet. What needs the runtime (its metadata, say) is a test or a program elsewhere that
//! this crate starts.

mod arrows;
mod bench;
mod ci;
mod clients;
mod fuzz;
mod localnet;
mod network;
mod page;
mod process;
mod setup;
mod siege;
mod soak;
mod sources;
mod timings;
mod weights;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{setup::Scope, workspace::Workspace};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Sets up, builds, checks and runs Assay")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing on this machine, saying what and why
    Setup {
        /// Only say what is missing; fails if anything is
        #[arg(long)]
        check: bool,
        /// What the machine will be used for
        #[arg(long = "for", value_enum, default_value = "ci")]
        scope: Scope,
        /// What miners need to run models on an NVIDIA GPU, over 2 GB, and not what tests need
        #[arg(long, conflicts_with = "scope")]
        gpu: bool,
    },
    /// Run a whole network on this machine: chain, miners and validators
    Localnet {
        /// Passed to `assay localnet up`, for example `--epochs 8 --json out.json`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run every test
    Test {
        /// Instead let clients that others wrote use a miner (tritonclient, kserve) and a chain
        /// (@polkadot/api, polkadot-api, smoldot, async-substrate-interface), from PyPI and npm
        #[arg(long)]
        clients: bool,
        /// Passed to `cargo nextest run`: part of a test's name, or `-E 'package(assay-yuma)'`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run what must pass before a change is merged, in order, and stop at the first failure
    Ci {
        /// Name the ten slowest units of compilation at the end
        #[arg(long)]
        timings: bool,
        /// Only these steps
        #[arg(value_enum)]
        steps: Vec<ci::Step>,
    },
    /// Check that dependencies point the way docs/ARCHITECTURE.md says, and that the chain's sources
    /// keep to its rules
    Arrows,
    /// Write the chain's metadata, which clients are compiled against, from the runtime
    Metadata {
        /// Only compare; fails if the committed metadata differs
        #[arg(long)]
        check: bool,
    },
    /// Write docs/chain.md, which lists what the metadata holds, and the metadata with it
    ChainDocs {
        /// Only compare; fails if the page differs
        #[arg(long)]
        check: bool,
    },
    /// Run what is too long for every change: all of it, one after the other, or one by name
    Soak {
        /// Which
        #[arg(value_enum)]
        name: Option<soak::Name>,
        /// Passed to it, for example `simulation --seed 7 --blocks 200000`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Measure what the chain's calls and hooks cost and write the pallets' weights
    Weights {
        /// Names of pallets (`stake`, `epoch`), `--verify` to only check the benchmarks, `--factor`
        /// to compare declared with measured time of whole epochs
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Try a runtime upgrade with the checks that only `try-runtime` compiles
    Upgrade,
    /// Run the benchmarks: the incentive maths, `validator` for what a round costs, `miner` beside
    /// other servers, `gpu` for the miner on one, or `chain` on a running node
    Bench {
        /// `miner [SECONDS]`, `gpu [SECONDS] [--try]`, `validator`, `chain [throughput] [import] [bytes] [metagraph]`, or what
        /// is passed to `cargo bench`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let workspace = Workspace::locate()?;
    match command {
        Command::Setup {
            check, gpu: true, ..
        } => setup::gpu(&workspace, check),
        Command::Setup {
            check: true, scope, ..
        } => setup::check(&workspace, scope),
        Command::Setup { scope, .. } => setup::run(&workspace, scope),
        Command::Localnet { args } => localnet::run(&workspace, &args),
        Command::Test { clients: true, .. } => {
            setup::clients(&workspace)?;
            clients::run(&workspace)
        }
        Command::Test { args, .. } => {
            setup::run(&workspace, Scope::Test)?;
            ci::test(&workspace, &args)
        }
        Command::Ci { timings, steps } => {
            setup::run(&workspace, Scope::Ci)?;
            ci::run(&workspace, &steps, timings)
        }
        Command::Arrows => check_rules(&workspace),
        Command::Weights { args } => {
            setup::run(&workspace, Scope::Run)?;
            weights::run(&workspace, &args)
        }
        Command::Upgrade => {
            setup::run(&workspace, Scope::Test)?;
            weights::try_upgrade(&workspace)
        }
        // One is made of the other, so neither is ever written alone.
        Command::Metadata { check } | Command::ChainDocs { check } => {
            setup::run(&workspace, Scope::Test)?;
            if check {
                ci::check_metadata(&workspace)
            } else {
                ci::write_metadata(&workspace)
            }
        }
        Command::Soak { name, args } => soak::run(&workspace, name, &args),
        Command::Bench { args } => {
            setup::run(&workspace, Scope::Run)?;
            bench::run(&workspace, &args)
        }
    }
}

/// What needs no compiler: quick, so it comes first wherever more is checked.
fn check_rules(workspace: &Workspace) -> Result<()> {
    arrows::check_workspace(workspace)?;
    sources::check(workspace)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn cli_has_no_contradictions() {
        Cli::command().debug_assert();
    }

    #[test]
    fn localnet_passes_flags_on_when_they_are_not_its_own() {
        let cli = Cli::parse_from(["xtask", "localnet", "--epochs", "8", "--json", "out.json"]);
        let Command::Localnet { args } = cli.command else {
            panic!("`localnet` must be parsed as itself");
        };
        assert_eq!(args, ["--epochs", "8", "--json", "out.json"]);
    }

    #[test]
    fn soak_passes_flags_on_to_what_is_named() {
        let cli = Cli::parse_from(["xtask", "soak", "simulation", "--seed", "7"]);
        let Command::Soak { name, args } = cli.command else {
            panic!("`soak` must be parsed as itself");
        };
        assert_eq!(name, Some(soak::Name::Simulation));
        assert_eq!(args, ["--seed", "7"]);
    }

    #[test]
    fn test_keeps_its_own_flag_and_passes_the_rest_on() {
        let cli = Cli::parse_from(["xtask", "test", "--clients"]);
        assert!(matches!(cli.command, Command::Test { clients: true, .. }));
        let cli = Cli::parse_from(["xtask", "test", "-E", "package(assay-yuma)"]);
        let Command::Test { clients, args } = cli.command else {
            panic!("`test` must be parsed as itself");
        };
        assert!(!clients);
        assert_eq!(args, ["-E", "package(assay-yuma)"]);
    }

    #[test]
    fn ci_runs_named_steps_when_given() {
        let cli = Cli::parse_from(["xtask", "ci", "--timings", "fmt", "test"]);
        let Command::Ci { timings, steps } = cli.command else {
            panic!("`ci` must be parsed as itself");
        };
        assert!(timings);
        assert_eq!(steps, [ci::Step::Fmt, ci::Step::Test]);
    }
}
