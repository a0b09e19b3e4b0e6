//! `assay`: what a person does by hand.
//!
//! Reads print tables for people and, with `--json`, exactly one JSON document for programs.
//! Whatever changes the chain says what it did and what it cost. Nothing here decides anything: the
//! chain, the local network and the incentive maths live in their own crates.

#![warn(missing_docs)]

mod commands;
mod keystore;
mod node;
mod output;

use anyhow::Result;
use assay_validator::task::refuse_telemetry;
use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

/// Assay: a subnet incentive network with validator scoring
#[derive(Parser)]
#[command(name = "assay", version, propagate_version = true)]
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
    /// Write, try out and complete task folders
    #[command(subcommand)]
    Task(commands::task::Task),
    /// Check what validators' weights rest on
    #[command(subcommand)]
    Evidence(commands::evidence::Evidence),
    /// Show everything about a subnet's neurons
    Metagraph(commands::metagraph::Metagraph),
    /// Show, commit to and reveal weights by hand
    #[command(subcommand)]
    Weights(commands::weights::Weights),
    /// Show one neuron with the reasons for its numbers
    Neuron(commands::neuron::Neuron),
    /// Look for what stands in the way of taking part
    Doctor(commands::doctor::Doctor),
    /// Register a hotkey in a subnet
    Register(commands::register::Register),
    /// Show, add and take out stake
    #[command(subcommand)]
    Stake(commands::stake::Stake),
    /// Exchange a hotkey for another one
    #[command(subcommand)]
    Hotkey(commands::hotkey::Hotkey),
    /// Change a coldkey: announce, dispute, take over
    #[command(subcommand)]
    Coldkey(commands::coldkey::Coldkey),
    /// See why a validator scores a miner as it does
    #[command(subcommand)]
    Score(commands::score::Score),
    /// Make keys, and look at them
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
    refuse_telemetry();
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", in_words(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes, each said once: many errors quote their cause themselves.
fn in_words(error: &anyhow::Error) -> String {
    let mut words = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !words.contains(&cause) {
            words.push_str(": ");
            words.push_str(&cause);
        }
    }
    words
}

fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Command::Localnet(command) => block_on(command.run()),
        Command::Epoch(command) => command.run(),
        Command::Subnet(command) => block_on(command.run()),
        Command::Task(command) => block_on(command.run()),
        Command::Evidence(command) => block_on(command.run()),
        Command::Metagraph(command) => block_on(command.run()),
        Command::Weights(command) => block_on(command.run()),
        Command::Neuron(command) => block_on(command.run()),
        Command::Doctor(command) => block_on(command.run()),
        Command::Register(command) => block_on(command.run()),
        Command::Stake(command) => block_on(command.run()),
        Command::Hotkey(command) => block_on(command.run()),
        Command::Coldkey(command) => block_on(command.run()),
        Command::Score(command) => block_on(command.run()),
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
    fn in_words_says_each_cause_once() {
        let quoting = anyhow::anyhow!("no such file").context("a.json: no such file");
        assert_eq!(in_words(&quoting), "a.json: no such file");
        let adding = anyhow::anyhow!("no such file").context("a.json can't be opened");
        assert_eq!(in_words(&adding), "a.json can't be opened: no such file");
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
