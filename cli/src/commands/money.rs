//! `assay balance` and `assay transfer`.

use crate::{
    node::{parse_account, Node, Password, SigningKey},
    output::{asy, parse_asy, print, Format},
};
use anyhow::Result;
use assay_chain_client::{calls, AccountId32};
use assay_primitives::Balance;
use serde_json::json;

/// Show what an account can spend
#[derive(clap::Args)]
pub struct BalanceOf {
    /// The account's SS58 address
    #[arg(value_parser = parse_account)]
    account: AccountId32,
    #[command(flatten)]
    node: Node,
    #[command(flatten)]
    format: Format,
}

impl BalanceOf {
    pub async fn run(self) -> Result<()> {
        let balance = self
            .node
            .client()
            .at_finalized()
            .await?
            .balance(&self.account)
            .await?;
        self.format
            .print(&json!({ "free": balance.to_string() }), |_| asy(balance))
    }
}

/// Send ASY to an account
#[derive(clap::Args)]
pub struct Transfer {
    /// The receiver's SS58 address
    #[arg(value_parser = parse_account)]
    to: AccountId32,
    /// How much, in ASY
    #[arg(value_parser = parse_asy)]
    amount: Balance,
    #[command(flatten)]
    key: SigningKey,
    #[command(flatten)]
    password: Password,
    #[command(flatten)]
    node: Node,
}

impl Transfer {
    pub async fn run(self) -> Result<()> {
        let signer = self.key.load(&self.password)?;
        let call = calls::transfer(&self.to, self.amount);
        let receipt = self.node.client().submit(&signer, &call).await?;
        let (amount, block) = (asy(self.amount), receipt.block.number);
        print(&format!("sent {amount} to {} in block {block}", self.to))
    }
}
