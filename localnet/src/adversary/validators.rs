//! Validators that do not play fair.

use assay_chain_client::ChainClient;
use assay_primitives::WeightRowView;
use assay_validator::{
    chain::Hotkey,
    weights::{PolicyError, Row, Situation, WeightPolicy},
};
use async_trait::async_trait;
use std::collections::BTreeMap;

/// Votes for one miner, whatever it is worth.
pub struct Selfish {
    pub favourite: Hotkey,
}

#[async_trait]
impl WeightPolicy for Selfish {
    async fn choose(&self, situation: &Situation<'_>) -> Result<Option<Row>, PolicyError> {
        let favourite = situation.snapshot.uid_of(&self.favourite);
        Ok(favourite.map(|uid| Row {
            targets: vec![uid.0],
            values: vec![u16::MAX],
        }))
    }
}

/// Votes as the others' weights in force do, measuring nothing.
pub struct Copier {
    pub chain: ChainClient,
}

#[async_trait]
impl WeightPolicy for Copier {
    async fn choose(&self, situation: &Situation<'_>) -> Result<Option<Row>, PolicyError> {
        let failed = |error: assay_chain_client::ChainError| PolicyError(error.to_string());
        let netuid = situation.snapshot.metagraph.netuid;
        let at = self.chain.at_finalized().await.map_err(failed)?;
        let mut rows = at.weights(netuid).await.map_err(failed)?;
        rows.retain(|row| row.validator != situation.own);
        Ok(mean(&rows))
    }
}

/// The mean of rows, each taken as shares, scaled to its largest entry; `None` without any.
fn mean(rows: &[WeightRowView]) -> Option<Row> {
    let mut sums: BTreeMap<u16, f64> = BTreeMap::new();
    for row in rows {
        let total: f64 = row.values.iter().copied().map(f64::from).sum();
        for (target, value) in row.targets.iter().zip(&row.values) {
            *sums.entry(*target).or_default() += f64::from(*value) / total.max(1.0);
        }
    }
    let largest = sums.values().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        return None;
    }
    // Within 0 and 65535, so the cast keeps the value.
    let scaled = |sum: f64| (sum / largest * f64::from(u16::MAX)).round() as u16;
    let (targets, values) = sums
        .into_iter()
        .map(|(uid, sum)| (uid, scaled(sum)))
        .unzip();
    Some(Row { targets, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_primitives::Uid;

    fn row(validator: u16, targets: &[u16], values: &[u16]) -> WeightRowView {
        let (targets, values) = (targets.to_vec(), values.to_vec());
        WeightRowView {
            validator: Uid(validator),
            targets,
            values,
            last_update: 1,
        }
    }

    #[test]
    fn mean_counts_every_row_alike() {
        let rows = [row(0, &[2, 3], &[1, 1]), row(1, &[3], &[60_000])];
        let mean = mean(&rows).unwrap();
        assert_eq!(
            mean,
            Row {
                targets: vec![2, 3],
                values: vec![21845, 65535]
            }
        );
    }

    #[test]
    fn mean_is_none_when_nobody_voted() {
        assert_eq!(mean(&[]), None);
        assert_eq!(mean(&[row(0, &[], &[])]), None);
    }
}
