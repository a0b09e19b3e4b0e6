//! `assay key`: keys.

use crate::{
    node::{load, Password},
    output::Format,
};
use anyhow::Result;
use assay_chain_client::AccountId32;
use serde::Serialize;
use std::path::PathBuf;

#[derive(clap::Subcommand)]
pub enum Key {
    /// Show the address of a key
    Inspect(Inspect),
}

/// Show the address of a key
#[derive(clap::Args)]
pub struct Inspect {
    /// The key as a secret URI, for development: //Alice
    #[arg(long, value_name = "URI", required_unless_present = "key_file")]
    suri: Option<String>,
    /// A file with a mnemonic, a seed or a polkadot-js keystore
    #[arg(long, value_name = "FILE", conflicts_with = "suri")]
    key_file: Option<PathBuf>,
    #[command(flatten)]
    password: Password,
    #[command(flatten)]
    format: Format,
}

#[derive(Serialize)]
struct Shown {
    address: String,
    public_key: String,
}

impl Key {
    pub fn run(self) -> Result<()> {
        let Self::Inspect(Inspect {
            suri,
            key_file,
            password,
            format,
        }) = self;
        let pair = load(&suri, &key_file, &password.file())?;
        let public_key = pair.public_key().0;
        let shown = Shown {
            address: AccountId32(public_key).to_string(),
            public_key: format!("0x{}", assay_primitives::Digest(public_key)),
        };
        format.print(&shown, |shown| {
            format!("{}\n{}", shown.address, shown.public_key)
        })
    }
}
