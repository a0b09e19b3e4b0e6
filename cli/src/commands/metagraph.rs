//! `assay metagraph`: a subnet's neurons.

use crate::{
    node::Node,
    output::{asy, share, table, Format},
};
use anyhow::Result;
use assay_chain_client::AccountId32;
use assay_primitives::{Metagraph as View, NetUid};

/// Show everything about a subnet's neurons
#[derive(clap::Args)]
pub struct Metagraph {
    /// The subnet's number
    netuid: NetUid,
    #[command(flatten)]
    node: Node,
    #[command(flatten)]
    format: Format,
}

impl Metagraph {
    pub async fn run(self) -> Result<()> {
        let view = self
            .node
            .client()
            .at_finalized()
            .await?
            .metagraph(self.netuid)
            .await?;
        self.format.print(&view, people)
    }
}

fn people(view: &View<AccountId32>) -> String {
    let mut rows = table([
        "uid",
        "hotkey",
        "stake",
        "permit",
        "active",
        "trust",
        "validator trust",
        "incentive",
        "dividends",
        "paid last",
        "earned",
        "endpoint",
    ]);
    for uid in 0..view.hotkeys.len() {
        let endpoint = view.endpoints[uid]
            .as_ref()
            .map_or("–".into(), |announced| {
                let endpoint = &announced.what;
                format!(
                    "{}:{}",
                    String::from_utf8_lossy(&endpoint.host),
                    endpoint.port
                )
            });
        let yes = |fact: bool| if fact { "yes" } else { "–" };
        rows.add_row([
            uid.to_string(),
            view.hotkeys[uid].to_string(),
            asy(view.stake[uid]),
            yes(view.permits[uid]).into(),
            yes(view.active[uid]).into(),
            format!("{:.4}", share(view.trust[uid])),
            format!("{:.4}", share(view.validator_trust[uid])),
            format!("{:.4}", share(view.incentive[uid])),
            format!("{:.4}", share(view.dividends[uid])),
            asy(view.emission[uid]),
            asy(view.earned[uid]),
            endpoint,
        ]);
    }
    format!(
        "subnet {} at block {}: epoch {}, due at block {}\n{rows}",
        view.netuid, view.block, view.epoch, view.next_epoch_at
    )
}
