//! What a run came to, as people and programs read it.

use crate::cast::{MinerRole, ValidatorRole};
use assay_primitives::{Balance, BlockNumber, ASY};
use comfy_table::{presets::UTF8_FULL_CONDENSED, Cell, CellAlignment, Color, Table};
use serde::Serialize;

/// The network at one block. Amounts are in ASY, shares in [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Epochs of the subnet that ran.
    pub epochs: u32,
    /// The block that was read.
    pub block: BlockNumber,
    /// Miners by uid.
    pub miners: Vec<MinerLine>,
    /// Validators by uid.
    pub validators: Vec<ValidatorLine>,
    /// What was issued since the network started: minted to miners, validators and owner, or
    /// waiting in the subnets' pots.
    pub issued: f64,
}

/// One miner.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MinerLine {
    /// Its uid.
    pub uid: u16,
    /// What it does.
    pub role: MinerRole,
    /// The model it serves; of a relay or a random miner, none.
    pub model: Option<String>,
    /// The model's accuracy on the benchmark split.
    pub heldout_accuracy: Option<f64>,
    /// Its accuracy as the honest validators estimate it.
    pub accuracy: Option<f64>,
    /// Its score: the mean of the honest validators' scores.
    pub score: Option<f64>,
    /// The mean of the honest validators' weights for it, as a share.
    pub weight: f64,
    /// Its incentive in the last epoch.
    pub incentive: f64,
    /// What it was paid in all.
    pub emission: f64,
}

/// One validator.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ValidatorLine {
    /// Its uid.
    pub uid: u16,
    /// What it does.
    pub role: ValidatorRole,
    /// Its stake.
    pub stake: f64,
    /// Its validator trust in the last epoch.
    pub validator_trust: f64,
    /// Its dividends in the last epoch.
    pub dividends: f64,
    /// What it and its stakers were paid in all.
    pub emission: f64,
}

/// An amount in ASY, as near as a float comes.
pub fn asy(amount: Balance) -> f64 {
    amount as f64 / ASY as f64
}

/// A share of the chain in [0, 1].
pub fn share(share: u32) -> f64 {
    f64::from(share) / 4_294_967_296.0
}

impl Report {
    /// The report as two tables, one under the other.
    pub fn tables(&self) -> String {
        format!("{}\n{}", self.miner_table(), self.validator_table())
    }

    fn miner_table(&self) -> Table {
        let mut table = table(&[
            "uid",
            "role",
            "model",
            "held out",
            "accuracy",
            "score",
            "weight",
            "incentive",
            "emission",
        ]);
        for miner in &self.miners {
            let colour = match miner.role {
                MinerRole::Honest => Color::Green,
                _ => Color::Yellow,
            };
            table.add_row(vec![
                Cell::new(miner.uid),
                Cell::new(word(miner.role)).fg(colour),
                Cell::new(miner.model.as_deref().unwrap_or("–")),
                number(miner.heldout_accuracy),
                number(miner.accuracy),
                number(miner.score),
                number(Some(miner.weight)),
                number(Some(miner.incentive)),
                amount(miner.emission),
            ]);
        }
        table
    }

    fn validator_table(&self) -> Table {
        let mut table = table(&["uid", "role", "stake", "trust", "dividends", "emission"]);
        for validator in &self.validators {
            let colour = match validator.role {
                ValidatorRole::Honest => Color::Green,
                _ => Color::Yellow,
            };
            table.add_row(vec![
                Cell::new(validator.uid),
                Cell::new(word(validator.role)).fg(colour),
                amount(validator.stake),
                number(Some(validator.validator_trust)),
                number(Some(validator.dividends)),
                amount(validator.emission),
            ]);
        }
        table
    }
}

/// A role as JSON names it.
fn word(role: impl Serialize) -> String {
    match serde_json::to_value(role) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(UTF8_FULL_CONDENSED)
        .set_header(header.to_vec());
    for (index, column) in table.column_iter_mut().enumerate() {
        if header[index] != "role" && header[index] != "model" {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn number(value: Option<f64>) -> Cell {
    match value {
        Some(value) => Cell::new(format!("{value:.3}")),
        None => Cell::new("–"),
    }
}

fn amount(asy: f64) -> Cell {
    Cell::new(format!("{asy:.4}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_show_what_is_known_and_mark_what_is_not() {
        let report = Report {
            epochs: 3,
            block: 60,
            miners: vec![MinerLine {
                uid: 4,
                role: MinerRole::Relay,
                model: None,
                heldout_accuracy: None,
                accuracy: Some(0.5),
                score: None,
                weight: 0.25,
                incentive: share(1 << 31),
                emission: asy(ASY / 2),
            }],
            validators: vec![],
            issued: 1.0,
        };
        let text = report.tables();
        for expected in ["relay", "–", "0.250", "0.500", "0.5000"] {
            assert!(text.contains(expected), "{expected} is missing in\n{text}");
        }
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["miners"][0]["role"], "relay");
        assert_eq!(
            json["miners"][0]["heldout_accuracy"],
            serde_json::Value::Null
        );
    }
}
