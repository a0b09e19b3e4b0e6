//! `assay neuron`: one neuron with the reasons for its numbers.

use crate::{
    node::Node,
    output::{asy, share, table, Format},
};
use anyhow::{bail, Context, Result};
use assay_chain_client::{AccountId32, ChainClient, Snapshot};
use assay_primitives::{ClippedWeight, NetUid, NeuronOutlook, NeuronView, Uid};

/// Show one neuron with the reasons for its numbers
///
/// Its weights and those on it are shown as the open epoch would take them if it ran in the next
/// block: as parts of their rows, before and after what exceeds consensus is clipped.
#[derive(clap::Args)]
pub struct Neuron {
    /// The subnet's number
    netuid: NetUid,
    /// The neuron's place
    uid: Uid,
    /// Show the weights of which the last epoch made its numbers, instead of those of the next.
    /// The node must still have the state of the block before it
    #[arg(long)]
    last_epoch: bool,
    #[command(flatten)]
    node: Node,
    #[command(flatten)]
    format: Format,
}

impl Neuron {
    pub async fn run(self) -> Result<()> {
        let client = self.node.client();
        let mut view = self.read(&client.at_finalized().await?).await?;
        if self.last_epoch {
            view.outlook = Some(self.last_outlook(&client, &view).await?);
        }
        self.format.print(&view, people)
    }

    async fn read(&self, snapshot: &Snapshot) -> Result<NeuronView<AccountId32>> {
        let (netuid, uid) = (self.netuid, self.uid);
        let view = snapshot.neuron(netuid, uid).await?;
        view.with_context(|| {
            format!("subnet {netuid} has no neuron {uid}: `assay metagraph {netuid}` lists them")
        })
    }

    /// What the last epoch saw: the outlook in the block before it ran.
    async fn last_outlook(
        &self,
        client: &ChainClient,
        now: &NeuronView<AccountId32>,
    ) -> Result<NeuronOutlook> {
        let block = now.last_epoch_at.saturating_sub(1);
        let snapshot = client.at_height(block).await;
        let snapshot = snapshot.with_context(|| {
            format!("block {block} can't be read; ask a node that keeps the state of old blocks")
        })?;
        let then = self.read(&snapshot).await?;
        match then.outlook {
            Some(outlook) if then.serial == now.serial => Ok(outlook),
            _ => bail!(
                "no epoch ran yet since neuron {} was registered in subnet {}",
                self.uid,
                self.netuid
            ),
        }
    }
}

fn people(view: &NeuronView<AccountId32>) -> String {
    let outcome = &view.outcome;
    let mut facts = table(["of the last epoch", "", "now", ""]);
    let part = |fraction: u32| format!("{:.6}", share(fraction));
    let rows = [
        ["active", yes(outcome.active), "permit", yes(view.permit)].map(String::from),
        [
            "part of active stake".into(),
            part(outcome.stake),
            "stake".into(),
            asy(view.stake),
        ],
        [
            "consensus".into(),
            part(outcome.consensus),
            "standing".into(),
            part(view.standing),
        ],
        [
            "trust".into(),
            part(outcome.trust),
            "immune until block".into(),
            view.immune_until.to_string(),
        ],
        [
            "validator trust".into(),
            part(outcome.validator_trust),
            "registered at block".into(),
            view.registered_at.to_string(),
        ],
        [
            "incentive".into(),
            part(outcome.incentive),
            "serial".into(),
            view.serial.to_string(),
        ],
        [
            "dividends".into(),
            part(outcome.dividends),
            "pending commits".into(),
            view.commits.len().to_string(),
        ],
        [
            "paid".into(),
            asy(outcome.emission),
            "bonds".into(),
            view.bonds.len().to_string(),
        ],
    ];
    facts.add_rows(rows);
    let outlook = view.outlook.as_ref().map_or_else(String::new, weights);
    format!(
        "neuron {} of subnet {}: hotkey {}, of coldkey {}\n{facts}\n{outlook}{}",
        view.uid,
        view.netuid,
        view.hotkey,
        view.coldkey,
        bonds(view)
    )
}

fn yes(fact: bool) -> &'static str {
    if fact {
        "yes"
    } else {
        "–"
    }
}

fn weights(outlook: &NeuronOutlook) -> String {
    let active = if outlook.active {
        format!("it has {:.6} of the active stake", share(outlook.stake))
    } else {
        "its stake is not active".into()
    };
    let mut text = format!(
        "\nin epoch {} {active}; consensus on it is {:.6}\n",
        outlook.epoch,
        share(outlook.consensus)
    );
    let sides = [
        ("weights on it", "validator", &outlook.received),
        ("its own weights", "target", &outlook.given),
    ];
    for (title, other, weights) in sides {
        if weights.is_empty() {
            text.push_str(&format!("{title}: none that count\n"));
            continue;
        }
        let mut rows = table([other, "active stake", "weight", "left by consensus"]);
        for weight in weights {
            rows.add_row(row(other, weight));
        }
        text.push_str(&format!("{title}:\n{rows}\n"));
    }
    text
}

fn row(other: &str, weight: &ClippedWeight) -> [String; 4] {
    let uid = match other {
        "validator" => weight.validator,
        _ => weight.target,
    };
    [
        uid.to_string(),
        format!("{:.6}", share(weight.stake)),
        format!("{:.6}", share(weight.weight)),
        format!("{:.6}", share(weight.clipped)),
    ]
}

fn bonds(view: &NeuronView<AccountId32>) -> String {
    if view.bonds.is_empty() {
        return String::new();
    }
    let mut rows = table(["bond with", "bond"]);
    for (uid, bond) in &view.bonds {
        // Bonds are fractions of the largest number, not of the one after it.
        let bond = f64::from(*bond) / f64::from(u32::MAX);
        rows.add_row([uid.to_string(), format!("{bond:.6}")]);
    }
    format!("{rows}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_primitives::{EpochIndex, NeuronOutcome, Serial};

    const HALF: u32 = 1 << 31;

    fn view() -> NeuronView<AccountId32> {
        NeuronView {
            netuid: NetUid(3),
            uid: Uid(7),
            hotkey: AccountId32([1; 32]),
            coldkey: AccountId32([2; 32]),
            serial: Serial(9),
            registered_at: 5,
            immune_until: 50,
            stake: 0,
            permit: false,
            standing: HALF,
            last_epoch_at: 40,
            outcome: NeuronOutcome {
                incentive: HALF / 2,
                ..NeuronOutcome::default()
            },
            weights: Vec::new(),
            bonds: Vec::new(),
            commits: Vec::new(),
            outlook: Some(NeuronOutlook {
                epoch: EpochIndex(4),
                consensus: HALF / 4,
                received: vec![ClippedWeight {
                    validator: Uid(1),
                    target: Uid(7),
                    stake: HALF,
                    weight: HALF,
                    clipped: HALF / 4,
                }],
                ..NeuronOutlook::default()
            }),
        }
    }

    #[test]
    fn people_see_each_weight_before_and_after_it_was_clipped() {
        let text = people(&view());
        for said in [
            "neuron 7 of subnet 3",
            "0.250000",
            "in epoch 4 its stake is not active; consensus on it is 0.125000",
            "its own weights: none that count",
        ] {
            assert!(text.contains(said), "{said} is not in\n{text}");
        }
        let row = text
            .lines()
            .find(|line| line.contains("0.500000") && line.contains("0.125000"))
            .expect("the weight has a row");
        assert!(row.contains(" 1 "), "{row}");
    }
}
