//! `assay subnet pruning`: who gives way next, and why.

use crate::{
    node::Node,
    output::{share, table, Format},
};
use anyhow::Result;
use assay_chain_client::AccountId32;
use assay_primitives::{NetUid, PruningRule, PruningView};

/// Show which neuron gives way to the next one that registers, and why
#[derive(clap::Args)]
pub struct Pruning {
    /// The subnet's number
    netuid: NetUid,
    #[command(flatten)]
    node: Node,
    #[command(flatten)]
    format: Format,
}

impl Pruning {
    pub async fn run(self) -> Result<()> {
        let snapshot = self.node.client().at_finalized().await?;
        let view = snapshot.next_to_prune(self.netuid).await?;
        self.format.print(&view, people)
    }
}

fn people(view: &PruningView<AccountId32>) -> String {
    let PruningView {
        neurons,
        places,
        immune,
        ..
    } = view;
    let room = match places.checked_sub(*neurons) {
        None | Some(0) => "the next registration takes the place of the first of these".to_string(),
        Some(free) => format!("nobody gives way while {free} places are free"),
    };
    let mut rows = table([
        "goes",
        "uid",
        "hotkey",
        "standing",
        "registered at",
        "serial",
    ]);
    for (order, neuron) in ["next", "after"].into_iter().zip([&view.next, &view.after]) {
        let Some(neuron) = neuron else {
            continue;
        };
        rows.add_row([
            order.to_string(),
            neuron.uid.to_string(),
            neuron.hotkey.to_string(),
            format!("{:.6}", share(neuron.standing)),
            format!("block {}", neuron.registered_at),
            neuron.serial.to_string(),
        ]);
    }
    let why = match view.decided_by {
        _ if view.next.is_none() => {
            "all are immune: a registration into a full subnet is refused until that lapses"
        }
        None => "it is the only one that is not immune",
        Some(PruningRule::LeastStanding) => "the first stands lower",
        Some(PruningRule::RegisteredFirst) => "both stand alike; the first was registered earlier",
        Some(PruningRule::LowerUid) => {
            "both stand alike and came in one block; the first has the lower uid"
        }
    };
    format!("{neurons} of {places} places taken, {immune} neurons immune: {room}\n{rows}\n{why}")
}
