//! `assay stake move`, `arrive` and `take`.

use crate::{
    node::{parse_account, Node, Password, SigningKey},
    output::{asy, parse_asy, print},
};
use anyhow::{ensure, Context, Result};
use assay_chain_client::{calls, AccountId32};
use assay_primitives::{Balance, NetUid, Ratio16};

/// Move stake to another validator or another subnet
///
/// It waits as long as stake that is taken out; then `assay stake arrive` lets it enter.
#[derive(clap::Args)]
pub struct Move {
    /// The number of the subnet that it leaves
    netuid: NetUid,
    /// The hotkey that it leaves, SS58
    #[arg(value_parser = parse_account)]
    hotkey: AccountId32,
    /// The number of the subnet that it goes to
    to_netuid: NetUid,
    /// The hotkey that it goes to, SS58
    #[arg(value_parser = parse_account)]
    to_hotkey: AccountId32,
    /// How much, in ASY; without it, all
    #[arg(value_parser = parse_asy)]
    amount: Option<Balance>,
    #[command(flatten)]
    key: SigningKey,
    #[command(flatten)]
    password: Password,
    #[command(flatten)]
    node: Node,
}

impl Move {
    pub async fn run(self) -> Result<()> {
        let signer = self.key.load(&self.password)?;
        let call = calls::move_stake(&calls::StakeMove {
            netuid: self.netuid,
            hotkey: self.hotkey,
            to_netuid: self.to_netuid,
            to_hotkey: self.to_hotkey,
            amount: self.amount,
        });
        let receipt = self.node.client().submit(&signer, &call).await?;
        let arrives_at = calls::arrives_at(&receipt)
            .context("the chain moved no stake though the call succeeded")?;
        print(&format!(
            "{} on its way since block {}; from block {arrives_at} on, `assay stake arrive` lets it \
             enter",
            self.amount.map_or("all of it is".into(), |amount| format!("{} are", asy(amount))),
            receipt.block.number
        ))
    }
}

/// Let stake arrive that was moved and has waited: anybody may
#[derive(clap::Args)]
pub struct Arrive {
    /// The staker's SS58 address
    #[arg(value_parser = parse_account)]
    coldkey: AccountId32,
    /// The number of the subnet that it left
    netuid: NetUid,
    /// The hotkey that it left, SS58
    #[arg(value_parser = parse_account)]
    hotkey: AccountId32,
    #[command(flatten)]
    key: SigningKey,
    #[command(flatten)]
    password: Password,
    #[command(flatten)]
    node: Node,
}

impl Arrive {
    pub async fn run(self) -> Result<()> {
        let signer = self.key.load(&self.password)?;
        let call = calls::complete_move(&self.coldkey, self.netuid, &self.hotkey);
        let receipt = self.node.client().submit(&signer, &call).await?;
        print(&format!("arrived in block {}", receipt.block.number))
    }
}

/// Set a validator's take
#[derive(clap::Args)]
pub struct SetTake {
    /// The subnet's number
    netuid: NetUid,
    /// The validator's hotkey, SS58
    #[arg(value_parser = parse_account)]
    hotkey: AccountId32,
    /// The take in percent, such as 10 or 12.5
    percent: f64,
    #[command(flatten)]
    key: SigningKey,
    #[command(flatten)]
    password: Password,
    #[command(flatten)]
    node: Node,
}

impl SetTake {
    pub async fn run(self) -> Result<()> {
        let take = ratio_of_percent(self.percent)?;
        let signer = self.key.load(&self.password)?;
        let call = calls::set_take(self.netuid, &self.hotkey, take);
        let receipt = self.node.client().submit(&signer, &call).await?;
        let from = calls::take_holds_from(&receipt)
            .context("the chain set no take though the call succeeded")?;
        print(&format!(
            "the take is {} % from block {from} on",
            self.percent
        ))
    }
}

/// Percent in 65535ths, to the nearest.
fn ratio_of_percent(percent: f64) -> Result<Ratio16> {
    ensure!(
        (0.0..=100.0).contains(&percent),
        "a take lies between 0 and 100 percent, not at {percent}"
    );
    // Between 0 and 65535, as was just checked.
    Ok(Ratio16(
        (percent / 100.0 * f64::from(u16::MAX)).round() as u16
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratio_of_percent_is_the_nearest_there_is() {
        for (percent, ratio) in [(0.0, 0), (10.0, 6_554), (12.5, 8_192), (100.0, 65_535)] {
            assert_eq!(ratio_of_percent(percent).unwrap(), Ratio16(ratio));
        }
        for percent in [-1.0, 100.1, f64::NAN] {
            assert!(ratio_of_percent(percent).is_err());
        }
    }
}
