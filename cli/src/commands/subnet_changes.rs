//! What is changed about a subnet: its settings, its task, its owner, its place.

use crate::{
    node::{parse_account, Node, Password, SigningKey},
    output::{asy, print, table, Format},
};
use anyhow::{bail, Context, Result};
use assay_chain_client::{calls, AccountId32, TransactionReceipt};
use assay_primitives::{Hyperparameter, NetUid, SubnetPlaces};
use assay_validator::task::TaskFolder;
use std::path::PathBuf;

/// Show the places for subnets, and who gives way for the next one
#[derive(clap::Args)]
pub struct Places {
    #[command(flatten)]
    node: Node,
    #[command(flatten)]
    format: Format,
}

/// Who signs, and which node is told.
#[derive(clap::Args)]
struct Signing {
    #[command(flatten)]
    key: SigningKey,
    #[command(flatten)]
    password: Password,
    #[command(flatten)]
    node: Node,
}

/// Change settings, from the subnet's next epoch on
#[derive(clap::Args)]
pub struct Set {
    /// The subnet's number
    netuid: NetUid,
    /// Settings and their values, such as tempo=360: docs/hyperparameters.md lists them
    #[arg(required = true, value_name = "NAME=VALUE", value_parser = parse_change)]
    changes: Vec<Hyperparameter>,
    /// Sign as root, with the key of `sudo`: for settings that are root's
    #[arg(long)]
    sudo: bool,
    #[command(flatten)]
    signing: Signing,
}

/// Announce another task
#[derive(clap::Args)]
pub struct UpdateTask {
    /// The subnet's number
    netuid: NetUid,
    /// The task's folder, with task.toml
    #[arg(long, value_name = "FOLDER")]
    task: PathBuf,
    #[command(flatten)]
    signing: Signing,
}

/// Offer a subnet to somebody, or withdraw the offer
#[derive(clap::Args)]
pub struct Offer {
    /// The subnet's number
    netuid: NetUid,
    /// The new owner's coldkey, SS58; without one the offer is withdrawn
    #[arg(value_parser = parse_account)]
    to: Option<AccountId32>,
    #[command(flatten)]
    signing: Signing,
}

/// Take over a subnet that was offered to you
#[derive(clap::Args)]
pub struct Accept {
    /// The subnet's number
    netuid: NetUid,
    #[command(flatten)]
    signing: Signing,
}

/// Say that a subnet's miners and owner are paid, or are not any more (root)
#[derive(clap::Args)]
pub struct Admit {
    /// The subnet's number
    netuid: NetUid,
    /// Admit it no longer
    #[arg(long)]
    revoke: bool,
    #[command(flatten)]
    signing: Signing,
}

/// End a subnet (root)
#[derive(clap::Args)]
pub struct Dissolve {
    /// The subnet's number
    netuid: NetUid,
    #[command(flatten)]
    signing: Signing,
}

fn parse_change(text: &str) -> Result<Hyperparameter> {
    let (name, value) = text
        .split_once('=')
        .with_context(|| format!("`{text}` is not of the form NAME=VALUE"))?;
    Hyperparameter::parse(name, value).map_err(anyhow::Error::msg)
}

/// A call that `sudo` made can fail inside a transaction that succeeds.
fn check_sudo(receipt: TransactionReceipt) -> Result<TransactionReceipt> {
    if calls::sudo_failed(&receipt) {
        bail!(
            "the call that sudo made in block {} failed: is there such a subnet, and is what you \
             ask for within bounds?",
            receipt.block.number
        );
    }
    Ok(receipt)
}

impl Places {
    pub async fn run(self) -> Result<()> {
        let snapshot = self.node.client().at_finalized().await?;
        let places = snapshot.subnet_places().await?;
        self.format.print(&places, people)
    }
}

fn people(places: &SubnetPlaces<AccountId32>) -> String {
    let next = match places.next_to_dissolve {
        Some(netuid) => format!("the next one dissolves subnet {netuid}"),
        None if places.free > 0 => "the next one takes a free one".into(),
        None if places.dissolving.iter().any(|one| one.successor.is_none()) => {
            "the next one takes the one that becomes free".into()
        }
        None => "there is none for another: all subnets are immune".into(),
    };
    let mut text = format!(
        "{} of {} places are free; {next}. A subnet costs {}.\n",
        places.free,
        places.places,
        asy(places.price)
    );
    let mut rows = table([
        "gives way",
        "netuid",
        "stake on average",
        "immune until block",
    ]);
    for (index, standing) in places.standings.iter().enumerate() {
        rows.add_row([
            if standing.immune {
                "never yet".into()
            } else {
                format!("{}.", index + 1)
            },
            standing.netuid.to_string(),
            asy(standing.average_stake),
            standing.immune_until.to_string(),
        ]);
    }
    text.push_str(&rows.to_string());
    for subnet in &places.dissolving {
        let waiting = subnet.successor.map_or_else(
            || "its number is free then".into(),
            |owner| format!("a subnet of {owner} is registered then"),
        );
        text.push_str(&format!(
            "\nsubnet {} (generation {}) is being dissolved; {waiting}",
            subnet.netuid, subnet.generation
        ));
    }
    text
}

impl Set {
    pub async fn run(self) -> Result<()> {
        let signer = self.signing.key.load(&self.signing.password)?;
        let client = self.signing.node.client();
        let receipt = if self.sudo {
            let call = calls::sudo_patch_hyperparameters(self.netuid, &self.changes);
            check_sudo(client.submit(&signer, &call).await?)?
        } else {
            let call = calls::patch_hyperparameters(self.netuid, &self.changes);
            client.submit(&signer, &call).await?
        };
        print(&format!(
            "in force from the next epoch of subnet {} on; set in block {}",
            self.netuid, receipt.block.number
        ))
    }
}

impl UpdateTask {
    pub async fn run(self) -> Result<()> {
        let folder = TaskFolder::load(&self.task)
            .with_context(|| format!("{} is no task folder", self.task.display()))?;
        let call = calls::update_task(self.netuid, &folder.spec()?);
        let signer = self.signing.key.load(&self.signing.password)?;
        let receipt = self.signing.node.client().submit(&signer, &call).await?;
        let epoch = calls::announced_task(&receipt)
            .context("the chain announced no task though the call succeeded")?;
        print(&format!(
            "in force from epoch {epoch} of subnet {} on; announced in block {}",
            self.netuid, receipt.block.number
        ))
    }
}

impl Offer {
    pub async fn run(self) -> Result<()> {
        let signer = self.signing.key.load(&self.signing.password)?;
        let call = calls::offer_subnet(self.netuid, self.to);
        let receipt = self.signing.node.client().submit(&signer, &call).await?;
        let (netuid, block) = (self.netuid, receipt.block.number);
        print(&match self.to {
            Some(to) => format!(
                "subnet {netuid} is {to}'s as soon as that accepts it with `assay subnet accept \
                 {netuid}`; offered in block {block}"
            ),
            None => format!("subnet {netuid} is offered to nobody since block {block}"),
        })
    }
}

impl Accept {
    pub async fn run(self) -> Result<()> {
        let signer = self.signing.key.load(&self.signing.password)?;
        let call = calls::accept_subnet(self.netuid);
        let receipt = self.signing.node.client().submit(&signer, &call).await?;
        print(&format!(
            "subnet {} is yours since block {}",
            self.netuid, receipt.block.number
        ))
    }
}

impl Admit {
    pub async fn run(self) -> Result<()> {
        let signer = self.signing.key.load(&self.signing.password)?;
        let call = calls::sudo_set_admitted(self.netuid, !self.revoke);
        let receipt = check_sudo(self.signing.node.client().submit(&signer, &call).await?)?;
        let said = if self.revoke { "is not" } else { "is" };
        print(&format!(
            "subnet {} {said} admitted since block {}",
            self.netuid, receipt.block.number
        ))
    }
}

impl Dissolve {
    pub async fn run(self) -> Result<()> {
        let signer = self.signing.key.load(&self.signing.password)?;
        let call = calls::sudo_dissolve_subnet(self.netuid);
        let receipt = check_sudo(self.signing.node.client().submit(&signer, &call).await?)?;
        print(&format!(
            "subnet {} has ended in block {}; `assay subnet places` shows it until nothing of it \
             is left",
            self.netuid, receipt.block.number
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_when_they_name_a_setting_and_a_value() {
        assert_eq!(parse_change("tempo=50").unwrap(), Hyperparameter::Tempo(50));
        assert_eq!(
            parse_change("registration_open=false").unwrap(),
            Hyperparameter::RegistrationOpen(false)
        );
        for wrong in ["tempo", "tempo=soon", "speed=1"] {
            assert!(parse_change(wrong).is_err(), "{wrong}");
        }
    }
}
