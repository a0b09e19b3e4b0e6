//! Measures a running chain under load: `cargo xtask bench chain`, `cargo xtask soak epochs`.
//!
//! The state that a measurement starts from (thousands of neurons with stake, weights and bonds)
//! would take days to reach by transactions, so it is written into a chain's specification with the
//! runtime's own types ([`seed`]). From there on everything is as users have it: the node as a
//! process, its Wasm, signed transactions over its RPC.
//!
//! ```text
//! assay-node export-chain-spec ──► seed ──► specification ──► assay-node ◄── signed transactions
//!                                             │      ┌─────────▲ │
//!                                             └► forge           └──► blocks, events, state ──► report
//! ```
//!
//! It must never judge by the clock of a busy machine: figures that matter are ratios of one run.

mod blocks;
mod epochs;
mod forge;
mod import;
mod node;
mod reading;
mod report;
mod rpc;
mod seed;
mod state;
mod throughput;
mod transactions;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Measures a running chain under load
#[derive(Parser)]
struct Args {
    /// The node's program
    #[arg(long)]
    node: PathBuf,
    /// The page between whose marks the figures go; without it they are only printed
    #[arg(long, global = true)]
    page: Option<PathBuf>,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Transactions per second, import of blocks, bytes per neuron, reading a metagraph
    Chain {
        /// Blocks to import
        #[arg(long, default_value_t = 10_000)]
        blocks: u32,
        /// Only these
        #[arg(value_enum)]
        parts: Vec<Part>,
    },
    /// 64 subnets with 256 neurons, all of whose epochs fall due in one block
    Epochs {
        /// Subnets
        #[arg(long, default_value_t = 64)]
        subnets: u16,
        /// Neurons of each
        #[arg(long, default_value_t = 256)]
        neurons: u16,
        /// Validators among them
        #[arg(long, default_value_t = 64)]
        validators: u16,
        /// The length of a slot, in milliseconds
        #[arg(long, default_value_t = 6_000)]
        slot_millis: u64,
    },
}

/// What can be measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Throughput,
    Import,
    Bytes,
    Metagraph,
}

fn main() -> Result<()> {
    let args = Args::parse();
    match args.what {
        What::Chain { blocks, parts } => {
            let wanted = |part| parts.is_empty() || parts.contains(&part);
            let mut text = report::about();
            if wanted(Part::Throughput) {
                text += &throughput::measure(&args.node)?;
            }
            if wanted(Part::Bytes) {
                text += &reading::bytes(&args.node)?;
            }
            if wanted(Part::Metagraph) {
                text += &reading::metagraph(&args.node)?;
            }
            if wanted(Part::Import) {
                text += &import::measure(&args.node, blocks)?;
            }
            report::finish(args.page.as_deref(), "bench chain", &text)
        }
        What::Epochs {
            subnets,
            neurons,
            validators,
            slot_millis,
        } => {
            let size = state::Size {
                subnets,
                neurons,
                validators,
            };
            let text = report::about() + &epochs::measure(&args.node, size, slot_millis)?;
            report::finish(args.page.as_deref(), "soak epochs", &text)
        }
    }
}
