//! `assay-node` runs the Assay chain: it makes and checks blocks, finalizes them, and answers
//! clients.
//!
//! It executes whatever runtime the chain carries and knows nothing of what the runtime does: no
//! pallet is named here, only runtime APIs and, for a network's first block, genesis fields.

// The SDK's error types are large. They are returned while starting, once.
#![allow(clippy::result_large_err)]

mod chain_spec;
mod cli;
mod command;
mod network_file;
mod rpc;
mod service;

use std::process::ExitCode;

fn main() -> ExitCode {
    match command::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("assay-node: {error}");
            ExitCode::FAILURE
        }
    }
}
