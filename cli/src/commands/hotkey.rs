//! `assay hotkey`: hotkeys that change.

use crate::{
    node::{parse_account, Node, Password, SigningHotkey, SigningKey},
    output::{asy, print},
};
use anyhow::{Context, Result};
use assay_chain_client::{key_calls, AccountId32, SignsProofs};

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
    #[command(flatten)]
    new: SigningHotkey,
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
        let new = swap.new.load()?;
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
