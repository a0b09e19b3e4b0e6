//! `assay stake`: stake behind validators.

use crate::{
    node::{parse_account, Node, Password, SigningKey},
    output::{asy, parse_asy, print, table, Format},
};
use anyhow::Result;
use assay_chain_client::{calls, AccountId32};
use assay_primitives::{Balance, ColdkeyStake, Generation, NetUid};

#[derive(clap::Subcommand)]
pub enum Stake {
    /// Show where an account's stake is
    Show(Show),
    /// Stake on a validator
    Add(Change),
    /// Take stake out: it can be withdrawn after the unbonding time
    Remove(Change),
    /// Withdraw what has finished unbonding
    Withdraw(Withdraw),
    /// Move stake to another validator or another subnet
    Move(super::stake_moves::Move),
    /// Let stake arrive that was moved and has waited: anybody may
    Arrive(super::stake_moves::Arrive),
    /// Set a validator's take
    Take(super::stake_moves::SetTake),
}

/// Show where an account's stake is
#[derive(clap::Args)]
pub struct Show {
    /// The coldkey's SS58 address
    #[arg(value_parser = parse_account)]
    coldkey: AccountId32,
    #[command(flatten)]
    node: Node,
    #[command(flatten)]
    format: Format,
}

/// A change of a position
#[derive(clap::Args)]
pub struct Change {
    /// The subnet's number
    netuid: NetUid,
    /// The validator's hotkey, SS58
    #[arg(value_parser = parse_account)]
    hotkey: AccountId32,
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

/// Withdraw what has finished unbonding
#[derive(clap::Args)]
pub struct Withdraw {
    /// The subnet's number
    netuid: NetUid,
    /// The validator's hotkey, SS58
    #[arg(value_parser = parse_account)]
    hotkey: AccountId32,
    /// The generation of the subnet, where it was dissolved: `assay stake show` says which
    #[arg(long)]
    generation: Option<Generation>,
    #[command(flatten)]
    key: SigningKey,
    #[command(flatten)]
    password: Password,
    #[command(flatten)]
    node: Node,
}

impl Stake {
    pub async fn run(self) -> Result<()> {
        match self {
            Self::Show(show) => {
                let client = show.node.client();
                let stake = client.at_finalized().await?.stake_of(&show.coldkey).await?;
                show.format.print(&stake, people)
            }
            Self::Add(change) => {
                let signer = change.key.load(&change.password)?;
                let call = calls::add_stake(change.netuid, &change.hotkey, change.amount);
                let receipt = change.node.client().submit(&signer, &call).await?;
                print(&format!(
                    "{} enter after the subnet's next payout; added in block {}",
                    asy(change.amount),
                    receipt.block.number
                ))
            }
            Self::Remove(change) => {
                let signer = change.key.load(&change.password)?;
                let call = calls::remove_stake(change.netuid, &change.hotkey, Some(change.amount));
                let receipt = change.node.client().submit(&signer, &call).await?;
                print(&format!(
                    "{} are unbonding since block {}; `assay stake show` says when they can be \
                     withdrawn",
                    asy(change.amount),
                    receipt.block.number
                ))
            }
            Self::Withdraw(Withdraw {
                netuid,
                hotkey,
                generation,
                key,
                password,
                node,
            }) => {
                let signer = key.load(&password)?;
                let client = node.client();
                let receipt = match generation {
                    Some(generation) => {
                        let call = calls::withdraw_dissolved(netuid, generation, &hotkey);
                        client.submit(&signer, &call).await?
                    }
                    None => {
                        client
                            .submit(&signer, &calls::withdraw(netuid, &hotkey))
                            .await?
                    }
                };
                print(&format!("withdrawn in block {}", receipt.block.number))
            }
            Self::Move(command) => command.run().await,
            Self::Arrive(command) => command.run().await,
            Self::Take(command) => command.run().await,
        }
    }
}

fn people(stake: &ColdkeyStake<AccountId32>) -> String {
    let mut rows = table([
        "subnet",
        "validator",
        "staked",
        "entering",
        "unbonding",
        "withdrawable at",
    ]);
    for position in &stake.positions {
        rows.add_row([
            position.netuid.to_string(),
            position.hotkey.to_string(),
            asy(position.staked),
            asy(position.entering),
            "–".into(),
            "–".into(),
        ]);
    }
    for leaving in &stake.unbonding {
        rows.add_row([
            match leaving.dissolved {
                Some(generation) => {
                    format!("{}, dissolved (generation {generation})", leaving.netuid)
                }
                None => leaving.netuid.to_string(),
            },
            leaving.hotkey.to_string(),
            "–".into(),
            "–".into(),
            asy(leaving.amount),
            match &leaving.moves_to {
                None => format!("block {}", leaving.withdrawable_at),
                Some(to) => format!(
                    "block {}, then to {} in subnet {}",
                    leaving.withdrawable_at, to.hotkey, to.netuid
                ),
            },
        ]);
    }
    rows.to_string()
}
