//! `assay register`: a hotkey takes a place in a subnet.

use crate::{
    node::{Node, Password, SigningHotkey, SigningKey},
    output::{asy, parse_asy, print},
};
use anyhow::{Context, Result};
use assay_chain_client::calls;
use assay_primitives::{Balance, NetUid};

/// Register a hotkey in a subnet
#[derive(clap::Args)]
pub struct Register {
    /// The subnet's number
    netuid: NetUid,
    #[command(flatten)]
    hotkey: SigningHotkey,
    /// The most to pay, in ASY; without it the present price is shown and nothing is done
    #[arg(long, value_parser = parse_asy)]
    max_price: Option<Balance>,
    #[command(flatten)]
    key: SigningKey,
    #[command(flatten)]
    password: Password,
    #[command(flatten)]
    node: Node,
}

impl Register {
    pub async fn run(self) -> Result<()> {
        let client = self.node.client();
        let price = client
            .at_finalized()
            .await?
            .registration_price(self.netuid)
            .await?;
        let Some(max_price) = self.max_price else {
            let (price, netuid) = (asy(price), self.netuid);
            return print(&format!(
                "registering in subnet {netuid} costs {price} now; to go on, say --max-price"
            ));
        };
        let coldkey = self.key.load(&self.password)?;
        let hotkey = self.hotkey.load()?;
        let receipt = client
            .register(&coldkey, &hotkey, self.netuid, max_price)
            .await?;
        let neuron = calls::registered_neuron(&receipt)
            .context("the chain registered no neuron though the call succeeded")?;
        print(&format!(
            "registered as uid {} of subnet {} in block {}; it cost {}",
            neuron.uid,
            self.netuid,
            receipt.block.number,
            asy(neuron.price)
        ))
    }
}
