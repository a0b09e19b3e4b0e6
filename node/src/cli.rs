//! The command line.

use std::path::PathBuf;

use clap::Parser;
use directories::ProjectDirs;
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

    /// Where compiled runtimes are kept, so that only the first start has to compile one. Nobody
    /// else may be able to write there [default: the user's cache folder]
    #[arg(long, value_name = "FOLDER", global = true)]
    compiled_runtimes: Option<PathBuf>,
}

impl Cli {
    /// Where compiled runtimes are kept; nowhere for a user without a home.
    pub fn compiled_runtimes(&self) -> Option<PathBuf> {
        self.compiled_runtimes.clone().or_else(|| {
            let folders = ProjectDirs::from("", "", "assay")?;
            Some(folders.cache_dir().join("compiled-runtimes"))
        })
    }
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

    /// Compile a runtime that is to come, so that the node misses no slot when it is in force.
    CompileRuntime {
        /// The runtime's Wasm, compressed or not
        wasm: PathBuf,
    },
}
