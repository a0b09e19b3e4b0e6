//! `assay`: what a person does by hand.
//!
//! Reads print tables for people and, with `--json`, exactly one JSON document for programs.
//! Whatever changes the chain says what it did and what it cost. Nothing here decides anything: the
//! chain, the local network and the incentive maths live in their own crates.

#![warn(missing_docs)]

mod commands;
mod node;
mod output;

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

/// Assay: a subnet incentive network with validator scoring
#[derive(Parser)]
#[command(name = "assay", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start and watch a whole network on this machine
    #[command(subcommand)]
    Localnet(commands::localnet::Localnet),
    /// Run a case of the incentive maths offline
    Epoch(commands::epoch::Epoch),
    /// List, show and create subnets
    #[command(subcommand)]
    Subnet(commands::subnet::Subnet),
    /// Show everything about a subnet's neurons
    Metagraph(commands::metagraph::Metagraph),
    /// Register a hotkey in a subnet
    Register(commands::register::Register),
    /// Show, add and take out stake
    #[command(subcommand)]
    Stake(commands::stake::Stake),
    /// Look at keys
    #[command(subcommand)]
    Key(commands::key::Key),
    /// Show what an account can spend
    Balance(commands::money::BalanceOf),
    /// Send ASY to an account
    Transfer(commands::money::Transfer),
    /// Print a completion script for a shell
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Parses the command line, does what it says and reports failure as `error: …` on standard error.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Command::Localnet(command) => block_on(command.run()),
        Command::Epoch(command) => command.run(),
        Command::Subnet(command) => block_on(command.run()),
        Command::Metagraph(command) => block_on(command.run()),
        Command::Register(command) => block_on(command.run()),
        Command::Stake(command) => block_on(command.run()),
        Command::Key(command) => command.run(),
        Command::Balance(command) => block_on(command.run()),
        Command::Transfer(command) => block_on(command.run()),
        Command::Completion { shell } => {
            let mut command = Cli::command();
            clap_complete::generate(shell, &mut command, "assay", &mut std::io::stdout());
            Ok(())
        }
    }
}

fn block_on(work: impl std::future::Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
