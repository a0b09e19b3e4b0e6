//! Reads how the network fares: the chain's facts and the validators' own figures.

use crate::{
    cast::{Cast, MinerPlan, ValidatorRole},
    report::{asy, share, MinerLine, Report, ValidatorLine},
};
use assay_chain_client::{AccountId32, ChainClient, ChainError};
use assay_primitives::{Balance, Metagraph, NetUid, Uid, WeightRowView};
use serde::Deserialize;
use std::{collections::HashMap, time::Duration};

/// How long a validator may take to show its scores; without an answer a cell stays empty.
const PAGE_DEADLINE: Duration = Duration::from_secs(3);

/// Where to look.
pub struct Watch {
    /// The chain.
    pub chain: ChainClient,
    /// The subnet.
    pub netuid: NetUid,
    /// What stood on the curve before the subnet was registered: the genesis endowments.
    pub endowed: Balance,
    /// Who takes part.
    pub cast: Cast,
    /// Each participant's name by its hotkey.
    pub names: HashMap<[u8; 32], String>,
    /// The HTTP addresses of the honest validators.
    pub honest: Vec<String>,
    /// Asks validators for their scores.
    pub http: reqwest::Client,
}

/// A line of a validator's `/miners`.
#[derive(Clone, Debug, Deserialize)]
struct ScoreLine {
    uid: Uid,
    score: f64,
    quality: f64,
}

/// The mean over the honest validators.
#[derive(Default)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    fn get(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }
}

/// The network at one block, with what a progress line needs.
pub struct Sight {
    /// The report.
    pub report: Report,
    /// Blocks of the open epoch that have passed.
    pub passed: u32,
    /// Blocks from one epoch to the next.
    pub tempo: u32,
}

impl Watch {
    /// Reads everything once.
    pub async fn look(&self) -> Result<Sight, ChainError> {
        let at = self.chain.at_finalized().await?;
        let graph: Metagraph<AccountId32> = at.metagraph(self.netuid).await?;
        let rows = at.weights(self.netuid).await?;
        let issued = at.issued().await?;
        let scores = self.scores().await;
        let report = Report {
            epochs: graph.epoch.0,
            block: graph.block,
            miners: self.miner_lines(&graph, &rows, &scores),
            validators: self.validator_lines(&graph),
            issued: asy(issued.saturating_sub(self.endowed)),
        };
        let passed = graph.block.saturating_sub(graph.last_epoch_at);
        Ok(Sight {
            report,
            passed,
            tempo: graph.hyperparameters.tempo,
        })
    }

    async fn scores(&self) -> HashMap<Uid, (Mean, Mean)> {
        let mut means: HashMap<Uid, (Mean, Mean)> = HashMap::new();
        for address in &self.honest {
            let lines = match self.page(address).await {
                Ok(lines) => lines,
                Err(error) => {
                    tracing::debug!(address, %error, "no scores");
                    continue;
                }
            };
            for line in lines {
                let (score, accuracy) = means.entry(line.uid).or_default();
                score.add(line.score);
                accuracy.add(line.quality);
            }
        }
        means
    }

    async fn page(&self, address: &str) -> Result<Vec<ScoreLine>, reqwest::Error> {
        let request = self
            .http
            .get(format!("{address}/miners"))
            .timeout(PAGE_DEADLINE);
        request.send().await?.error_for_status()?.json().await
    }

    fn miner_lines(
        &self,
        graph: &Metagraph<AccountId32>,
        rows: &[WeightRowView],
        scores: &HashMap<Uid, (Mean, Mean)>,
    ) -> Vec<MinerLine> {
        let weights = self.mean_weights(graph, rows);
        self.places(graph)
            .filter_map(|(uid, name)| Some((uid, self.miner(name)?)))
            .map(|(uid, plan)| {
                let known = scores.get(&Uid(uid));
                let at = usize::from(uid);
                // The late miner has a model too, but nobody sees its answers in time.
                let model = plan.model.as_ref();
                MinerLine {
                    uid,
                    role: plan.role,
                    model: model.map(|model| model.name.clone()),
                    heldout_accuracy: model.map(|model| model.heldout_accuracy),
                    accuracy: known.and_then(|(_, accuracy)| accuracy.get()),
                    score: known.and_then(|(score, _)| score.get()),
                    weight: weights.get(&uid).and_then(Mean::get).unwrap_or(0.0),
                    incentive: share(graph.incentive[at]),
                    emission: asy(graph.earned[at]),
                }
            })
            .collect()
    }

    fn validator_lines(&self, graph: &Metagraph<AccountId32>) -> Vec<ValidatorLine> {
        self.places(graph)
            .filter_map(|(uid, name)| {
                let plan = self.cast.validators.iter().find(|plan| plan.name == name)?;
                let at = usize::from(uid);
                Some(ValidatorLine {
                    uid,
                    role: plan.role,
                    stake: asy(graph.stake[at]),
                    validator_trust: share(graph.validator_trust[at]),
                    dividends: share(graph.dividends[at]),
                    emission: asy(graph.earned[at]),
                })
            })
            .collect()
    }

    /// The mean share of the honest validators' rows that goes to each uid.
    fn mean_weights(
        &self,
        graph: &Metagraph<AccountId32>,
        rows: &[WeightRowView],
    ) -> HashMap<u16, Mean> {
        let honest: Vec<u16> = self
            .places(graph)
            .filter(|(_, name)| {
                let mut plans = self.cast.validators.iter();
                plans.any(|plan| plan.name == *name && plan.role == ValidatorRole::Honest)
            })
            .map(|(uid, _)| uid)
            .collect();
        let mut means: HashMap<u16, Mean> = HashMap::new();
        for row in rows.iter().filter(|row| honest.contains(&row.validator.0)) {
            let sum: f64 = row.values.iter().copied().map(f64::from).sum();
            for (target, value) in row.targets.iter().zip(&row.values) {
                means
                    .entry(*target)
                    .or_default()
                    .add(f64::from(*value) / sum.max(1.0));
            }
        }
        means
    }

    /// Every uid with the name of who holds it.
    fn places<'a>(
        &'a self,
        graph: &'a Metagraph<AccountId32>,
    ) -> impl Iterator<Item = (u16, &'a str)> {
        (0..=u16::MAX)
            .zip(&graph.hotkeys)
            .filter_map(|(uid, hotkey)| {
                let name = self.names.get(&hotkey.0)?;
                Some((uid, name.as_str()))
            })
    }

    fn miner(&self, name: &str) -> Option<&MinerPlan> {
        self.cast.miners.iter().find(|plan| plan.name == name)
    }
}
