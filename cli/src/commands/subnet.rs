//! `assay subnet`: subnets.

use crate::{
    node::{Node, Password, SigningKey},
    output::{asy, parse_asy, print, share, table, Format},
};
use anyhow::{Context, Result};
use assay_chain_client::{
    calls::{self, SubnetRegistration},
    AccountId32,
};
use assay_primitives::{Balance, NetUid, SubnetDetails, SubnetSummary};
use assay_validator::task::TaskFolder;
use std::path::PathBuf;

use super::subnet_changes::{Accept, Admit, Dissolve, Offer, Places, Set, UpdateTask};

#[derive(clap::Subcommand)]
pub enum Subnet {
    /// List all subnets
    List(List),
    /// Show one subnet with its task and settings
    Show(Show),
    /// Show which neuron gives way to the next one that registers, and why
    Pruning(super::pruning::Pruning),
    /// Register a new subnet for the task in a folder
    Create(Create),
    /// Show the places for subnets, and who gives way for the next one
    Places(Places),
    /// Change settings, from the subnet's next epoch on
    Set(Set),
    /// Announce another task
    UpdateTask(UpdateTask),
    /// Offer a subnet to somebody, or withdraw the offer
    Offer(Offer),
    /// Take over a subnet that was offered to you
    Accept(Accept),
    /// Say that a subnet's miners and owner are paid, or are not any more (root)
    Admit(Admit),
    /// End a subnet (root)
    Dissolve(Dissolve),
}

/// List all subnets
#[derive(clap::Args)]
pub struct List {
    #[command(flatten)]
    node: Node,
    #[command(flatten)]
    format: Format,
}

/// Show one subnet with its task and settings
#[derive(clap::Args)]
pub struct Show {
    /// The subnet's number
    netuid: NetUid,
    #[command(flatten)]
    node: Node,
    #[command(flatten)]
    format: Format,
}

/// Register a new subnet for the task in a folder
#[derive(clap::Args)]
pub struct Create {
    /// The task's folder, with task.toml
    #[arg(long, value_name = "FOLDER")]
    task: PathBuf,
    /// The most to pay, in ASY
    #[arg(long, value_parser = parse_asy)]
    max_price: Balance,
    #[command(flatten)]
    key: SigningKey,
    #[command(flatten)]
    password: Password,
    #[command(flatten)]
    node: Node,
}

impl Subnet {
    pub async fn run(self) -> Result<()> {
        match self {
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Pruning(pruning) => pruning.run().await,
            Self::Create(create) => create.run().await,
            Self::Places(places) => places.run().await,
            Self::Set(set) => set.run().await,
            Self::UpdateTask(update) => update.run().await,
            Self::Offer(offer) => offer.run().await,
            Self::Accept(accept) => accept.run().await,
            Self::Admit(admit) => admit.run().await,
            Self::Dissolve(dissolve) => dissolve.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Result<()> {
        let subnets = self.node.client().at_finalized().await?.subnets().await?;
        self.format.print(&subnets, |subnets| list(subnets))
    }
}

fn list(subnets: &[SubnetSummary<AccountId32>]) -> String {
    if subnets.is_empty() {
        return "there is no subnet yet: `assay subnet create` registers one".into();
    }
    let mut rows = table([
        "netuid", "task", "admitted", "neurons", "stake", "issuance", "price", "epoch", "next at",
        "owner",
    ]);
    for subnet in subnets {
        rows.add_row([
            subnet.netuid.to_string(),
            String::from_utf8_lossy(&subnet.name).into_owned(),
            if subnet.admitted { "yes" } else { "no" }.into(),
            format!("{}/{}", subnet.neurons, subnet.max_neurons),
            asy(subnet.stake),
            format!("{:.2} %", 100.0 * share(subnet.issuance_share)),
            asy(subnet.registration_price),
            subnet.epoch.to_string(),
            subnet.next_epoch_at.to_string(),
            subnet.owner.to_string(),
        ]);
    }
    rows.to_string()
}

impl Show {
    async fn run(self) -> Result<()> {
        let details = self
            .node
            .client()
            .at_finalized()
            .await?
            .subnet(self.netuid)
            .await?;
        self.format.print(&details, people)
    }
}

fn people(details: &SubnetDetails<AccountId32>) -> String {
    let summary = list(std::slice::from_ref(&details.summary));
    // The task and the settings have names of their own: JSON shows them as they are.
    let task = serde_json::to_string_pretty(&details.task).unwrap_or_default();
    let settings = serde_json::to_string_pretty(&details.hyperparameters).unwrap_or_default();
    let next_task = details.next_task.as_ref().map_or_else(String::new, |next| {
        let task = serde_json::to_string_pretty(&next.task).unwrap_or_default();
        format!(
            "\ntask from epoch {} on, version {}: {task}",
            next.from_epoch, next.version
        )
    });
    let next_settings = details
        .next_hyperparameters
        .map_or_else(String::new, |next| {
            let settings = serde_json::to_string_pretty(&next).unwrap_or_default();
            format!("\nsettings from the next epoch on: {settings}")
        });
    let offered = details
        .offered_to
        .map_or_else(String::new, |to| format!("\noffered to: {to}"));
    let admitted = match details.summary.admitted {
        true => "",
        false => "\nits miners and its owner are paid once root has admitted it",
    };
    format!(
        "{summary}{admitted}\nlocked by its owner: {}\ndue to its neurons: {}\ntask, version {}: {task}\n\
         settings: {settings}{next_task}{next_settings}{offered}",
        asy(details.lock),
        asy(details.pot),
        details.task_version
    )
}

impl Create {
    async fn run(self) -> Result<()> {
        let folder = TaskFolder::load(&self.task)
            .with_context(|| format!("{} is no task folder", self.task.display()))?;
        let task = folder.spec()?;
        let signer = self.key.load(&self.password)?;
        let call = calls::register_subnet(&task, self.max_price);
        let receipt = self.node.client().submit(&signer, &call).await?;
        let block = receipt.block.number;
        match calls::subnet_registration(&receipt)
            .context("the chain registered no subnet though the call succeeded")?
        {
            SubnetRegistration::Registered(netuid) => {
                print(&format!("subnet {netuid} is registered in block {block}"))
            }
            SubnetRegistration::Waiting(netuid) => print(&format!(
                "all places are taken: subnet {netuid} gives way, and yours is registered under \
                 its number as soon as it is dissolved; paid in block {block}. `assay subnet \
                 places` shows how far that is"
            )),
        }
    }
}
