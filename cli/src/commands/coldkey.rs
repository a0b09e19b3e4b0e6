//! `assay coldkey`: a coldkey that is changed.

use crate::{
    node::{parse_account, Node, Password, SigningKey},
    output::{asy, print, Format},
};
use anyhow::{Context, Result};
use assay_chain_client::{key_calls, AccountId32};
use assay_primitives::{ColdkeyChange, ColdkeyChangeStage};

/// Things that one call of the take-over moves.
const STEP: u32 = 50;

#[derive(clap::Subcommand)]
pub enum Coldkey {
    /// Show the change of a coldkey that was announced
    Show(Show),
    /// Announce that everything will belong to another coldkey; freezes the account
    Announce(Announce),
    /// Dispute an announced change: nothing moves until root decides
    Dispute(Sign),
    /// Take over from an old coldkey, signed by the new one
    TakeOver(Old),
    /// Drop a change whose new coldkey did not take over in time
    Drop(Old),
}

/// Show the change of a coldkey that was announced
#[derive(clap::Args)]
pub struct Show {
    /// The old coldkey's SS58 address
    #[arg(value_parser = parse_account)]
    coldkey: AccountId32,
    #[command(flatten)]
    node: Node,
    #[command(flatten)]
    format: Format,
}

/// Announce that everything will belong to another coldkey; freezes the account
#[derive(clap::Args)]
pub struct Announce {
    /// The new coldkey's SS58 address
    #[arg(value_parser = parse_account)]
    new: AccountId32,
    #[command(flatten)]
    sign: Sign,
}

/// A change, named by its old coldkey
#[derive(clap::Args)]
pub struct Old {
    /// The old coldkey's SS58 address
    #[arg(value_parser = parse_account)]
    old: AccountId32,
    #[command(flatten)]
    sign: Sign,
}

/// Who signs, and where
#[derive(clap::Args)]
pub struct Sign {
    #[command(flatten)]
    key: SigningKey,
    #[command(flatten)]
    password: Password,
    #[command(flatten)]
    node: Node,
}

impl Coldkey {
    pub async fn run(self) -> Result<()> {
        match self {
            Self::Show(show) => {
                let snapshot = show.node.client().at_finalized().await?;
                let change = snapshot.coldkey_change(&show.coldkey).await?;
                show.format.print(&change, people)
            }
            Self::Announce(Announce { new, sign }) => announce(&new, &sign).await,
            Self::Dispute(sign) => {
                let signer = sign.key.load(&sign.password)?;
                let call = key_calls::dispute_coldkey_change();
                let receipt = sign.node.client().submit(&signer, &call).await?;
                let block = receipt.block.number;
                print(&format!(
                    "disputed in block {block}: the account stays frozen until root decides"
                ))
            }
            Self::TakeOver(Old { old, sign }) => take_over(&old, &sign).await,
            Self::Drop(Old { old, sign }) => {
                let signer = sign.key.load(&sign.password)?;
                let call = key_calls::drop_coldkey_change(&old);
                let receipt = sign.node.client().submit(&signer, &call).await?;
                let block = receipt.block.number;
                print(&format!("dropped in block {block}: {old} is free again"))
            }
        }
    }
}

async fn announce(new: &AccountId32, sign: &Sign) -> Result<()> {
    let signer = sign.key.load(&sign.password)?;
    let call = key_calls::announce_coldkey_change(new);
    let receipt = sign.node.client().submit(&signer, &call).await?;
    let change = key_calls::announced_change(&receipt)
        .context("the chain announced no change though the call succeeded")?;
    print(&format!(
        "announced in block {} for {}: the account is frozen. {new} may `assay coldkey take-over` \
         from block {} until before block {}",
        receipt.block.number,
        asy(change.price),
        change.ready_at,
        change.expires_at
    ))
}

/// Calls until nothing is left. Each call stands for itself: what was moved stays so, and the next
/// run goes on from there.
async fn take_over(old: &AccountId32, sign: &Sign) -> Result<()> {
    let signer = sign.key.load(&sign.password)?;
    let client = sign.node.client();
    loop {
        let call = key_calls::take_over_coldkey(old, STEP);
        let receipt = client.submit(&signer, &call).await?;
        let block = receipt.block.number;
        if key_calls::changed_coldkey(&receipt) {
            return print(&format!("everything of {old} is moved since block {block}"));
        }
        print(&format!("{STEP} things moved in block {block}"))?;
    }
}

fn people(change: &Option<ColdkeyChange<AccountId32>>) -> String {
    let Some(change) = change else {
        return "no change of this coldkey is announced".into();
    };
    let ColdkeyChange {
        new,
        announced_at,
        ready_at,
        expires_at,
        stage,
    } = change;
    let stage = match stage {
        ColdkeyChangeStage::Announced | ColdkeyChangeStage::Upheld => {
            format!("it may take over from block {ready_at} until before block {expires_at}")
        }
        ColdkeyChangeStage::Disputed => "disputed: root decides".into(),
        ColdkeyChangeStage::Moving => "it is taking over".into(),
    };
    format!("to {new}, announced in block {announced_at}: {stage}")
}
