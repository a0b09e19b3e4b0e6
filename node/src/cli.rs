//! The command line.

use clap::Parser;
use sc_cli::{
    ChainInfoCmd, CheckBlockCmd, ExportBlocksCmd, ExportChainSpecCmd, ExportStateCmd,
    ImportBlocksCmd, KeySubcommand, PurgeChainCmd, RevertCmd, RunCmd,
};

/// Everything that can be asked for: a subcommand, or to run the node.
#[derive(Debug, Parser)]
pub struct Cli {
    #[command(subcommand)]
    pub subcommand: Option<Subcommand>,

    #[command(flatten)]
    pub run: RunCmd,
}

/// What the program does besides running a node.
#[derive(Debug, clap::Subcommand)]
pub enum Subcommand {
    /// Make, inspect and store keys.
    #[command(subcommand)]
    Key(KeySubcommand),

    /// Write a chain's specification as JSON, for `--chain` and for light clients.
    ExportChainSpec(ExportChainSpecCmd),

    /// Show the genesis, best and finalized block of the stored chain.
    ChainInfo(ChainInfoCmd),

    /// Execute stored blocks again.
    CheckBlock(CheckBlockCmd),

    /// Write blocks to a file.
    ExportBlocks(ExportBlocksCmd),

    /// Write a block's state to a chain specification.
    ExportState(ExportStateCmd),

    /// Read blocks from a file.
    ImportBlocks(ImportBlocksCmd),

    /// Delete the stored chain.
    PurgeChain(PurgeChainCmd),

    /// Forget the newest blocks.
    Revert(RevertCmd),
}
