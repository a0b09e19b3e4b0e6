//! `assay hotkey`: hotkeys that change.

use crate::{
    node::{load, parse_account, Node, Password, SigningKey},
    output::{asy, print},
};
use anyhow::{Context, Result};
use assay_chain_client::{key_calls, AccountId32, SignsProofs};
use std::path::PathBuf;

#[derive(clap::Subcommand)]
pub enum Hotkey {
    /// Exchange a hotkey for a new one, in all subnets at once
    Swap(Swap),
}

/// Exchange a hotkey for a new one, in all subnets at once
///
/// Stake, places, weights and commits move along. The old key is spent for ever.
#[derive(clap::Args)]
pub struct Swap {
    /// The hotkey that is exchanged, SS58
    #[arg(value_parser = parse_account)]
    old: AccountId32,
    /// The new hotkey as a secret URI, for development: //Alice//hotkey
    #[arg(long, value_name = "URI", required_unless_present = "hotkey_file")]
    hotkey_suri: Option<String>,
    /// A file, readable by its owner alone, with the new hotkey
    #[arg(long, value_name = "FILE", conflicts_with = "hotkey_suri")]
    hotkey_file: Option<PathBuf>,
    #[command(flatten)]
    key: SigningKey,
    #[command(flatten)]
    password: Password,
    #[command(flatten)]
    node: Node,
}

impl Hotkey {
    pub async fn run(self) -> Result<()> {
        let Self::Swap(swap) = self;
        let coldkey = swap.key.load(&swap.password)?;
        let new = load(&swap.hotkey_suri, &swap.hotkey_file, &None)?;
        let client = swap.node.client();
        let receipt = client.swap_hotkey(&coldkey, &swap.old, &new).await?;
        let price = key_calls::swap_price(&receipt)
            .context("the chain exchanged no hotkey though the call succeeded")?;
        print(&format!(
            "{} took the place of {} in block {}; it cost {}. Restart what signs with it: the old \
             key is spent",
            new.account(),
            swap.old,
            receipt.block.number,
            asy(price)
        ))
    }
}
