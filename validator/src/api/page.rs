//! What the pages say, for programs and people alike.

use super::{Api, ApiError};
use crate::{
    chain::Snapshot,
    scoring::{self, Breakdown},
    store::{KnownMiner, MinerHistory, State},
    weights::{row, Row},
};
use assay_primitives::{
    Balance, BlockNumber, EpochIndex, MinerScore, NetUid, Uid, ASY, DECIMALS, SCORE_ONE,
};
use serde::{Deserialize, Serialize};

/// Requests of a miner that are shown.
const LATEST: u32 = 50;

/// Everything about one miner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinerPage {
    /// The subnet.
    pub netuid: NetUid,
    /// The validator whose view this is.
    pub validator: String,
    /// The miner's hotkey.
    pub hotkey: String,
    /// The finalized block that the view rests on.
    pub block: BlockNumber,
    /// The open epoch.
    pub epoch: EpochIndex,
    /// The reasons for its score and its weight.
    pub breakdown: Breakdown,
    /// The best score of all miners, which gets the largest weight.
    pub best: f64,
    /// The weights submitted last.
    pub submitted: Option<Submitted>,
    /// What the chain made of all validators' weights.
    pub on_chain: OnChain,
    /// What was asked and what came of it.
    pub history: MinerHistory,
}

/// What of the weights submitted last concerns the miner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Submitted {
    /// Their epoch.
    pub epoch: EpochIndex,
    /// How far they are.
    pub state: State,
    /// The score that they rest on.
    pub score: f64,
    /// The miner's weight.
    pub weight: u16,
    /// The part of the row that it is.
    pub part: f64,
}

/// What the last epoch came to for a miner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnChain {
    /// Its consensus weight, within 0 and 1.
    pub consensus: f64,
    /// How much of what validators gave it consensus left, within 0 and 1.
    pub trust: f64,
    /// Its part of the miners' part.
    pub incentive: f64,
    /// What the last epoch paid it, in ASY.
    pub emission: String,
    /// What all epochs paid it since it registered, in ASY.
    pub earned: String,
}

/// Sentences under a title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The title.
    pub title: &'static str,
    /// The sentences.
    pub lines: Vec<String>,
}

/// What is believed now: every miner's reasons, and the scores and the row behind them.
struct Now {
    lines: Vec<Breakdown>,
    scores: Vec<MinerScore>,
    row: Row,
}

async fn now(api: &Api, snapshot: &Snapshot) -> Result<Now, ApiError> {
    let store = api.store.get().ok_or(ApiError::Starting)?;
    let (_, known) = store.known().await?;
    let scores = scoring::scores(snapshot, &api.hotkey, &known, &api.rules);
    let row = row(scores.iter(), &api.rules.weights).unwrap_or_default();
    let miners = snapshot.miners(&api.hotkey);
    let lines = scores
        .iter()
        .zip(miners)
        .map(|(score, miner)| {
            let posterior = KnownMiner::about(known.get(&miner.serial), miner.artifact);
            let artifact = miner.artifact.to_string();
            Breakdown::new(score, artifact, &posterior, &api.rules, &row)
        })
        .collect();
    Ok(Now { lines, scores, row })
}

/// Every miner with the reasons for its score.
pub(super) async fn breakdowns(api: &Api) -> Result<Vec<Breakdown>, ApiError> {
    let snapshot = api.status.snapshot().ok_or(ApiError::Starting)?;
    Ok(now(api, &snapshot).await?.lines)
}

/// The row as it would be committed now.
#[derive(Serialize)]
pub(super) struct WeightsPage {
    block: BlockNumber,
    epoch: EpochIndex,
    dry_run: bool,
    targets: Vec<u16>,
    values: Vec<u16>,
    scores: Vec<MinerScore>,
}

pub(super) async fn weights(api: &Api) -> Result<WeightsPage, ApiError> {
    let snapshot = api.status.snapshot().ok_or(ApiError::Starting)?;
    let Now { scores, row, .. } = now(api, &snapshot).await?;
    Ok(WeightsPage {
        block: snapshot.block(),
        epoch: snapshot.epoch(),
        dry_run: api.status.health().dry_run,
        targets: row.targets,
        values: row.values,
        scores,
    })
}

/// Everything about one miner.
pub(super) async fn miner(api: &Api, uid: u16) -> Result<MinerPage, ApiError> {
    let missing = "no miner with this uid announced an endpoint";
    let snapshot = api.status.snapshot().ok_or(ApiError::Starting)?;
    let store = api.store.get().ok_or(ApiError::Starting)?;
    let now = now(api, &snapshot).await?;
    let best = now.scores.iter().map(|score| score.score).max();
    let breakdown = now.lines.into_iter().find(|line| line.uid == Uid(uid));
    let breakdown = breakdown.ok_or(ApiError::NotFound(missing))?;
    let latest = store.latest_submission().await?;
    let submitted = latest.map(|latest| Submitted {
        epoch: latest.key.epoch,
        state: latest.state,
        score: latest
            .scores
            .iter()
            .find(|score| score.serial == breakdown.serial)
            .map_or(0.0, |score| part(score.score)),
        weight: latest.row.value(Uid(uid)),
        part: latest.row.part(Uid(uid)),
    });
    let history = store.history(breakdown.serial, LATEST).await?;
    let key = snapshot.metagraph.hotkeys.get(usize::from(uid)).copied();
    Ok(MinerPage {
        netuid: api.netuid,
        validator: assay_protocol::Hotkey(api.hotkey).to_string(),
        hotkey: assay_protocol::Hotkey(key.unwrap_or_default()).to_string(),
        block: snapshot.block(),
        epoch: snapshot.epoch(),
        best: part(best.unwrap_or_default()),
        breakdown,
        submitted,
        on_chain: OnChain::of(&snapshot, uid),
        history,
    })
}

fn part(score: u32) -> f64 {
    f64::from(score) / f64::from(SCORE_ONE)
}

impl OnChain {
    fn of(snapshot: &Snapshot, uid: u16) -> Self {
        let graph = &snapshot.metagraph;
        let at = usize::from(uid);
        let share = |column: &[u32]| {
            let one = f64::from(u32::MAX) + 1.0;
            f64::from(column.get(at).copied().unwrap_or_default()) / one
        };
        let amount = |column: &[Balance]| asy(column.get(at).copied().unwrap_or_default());
        Self {
            consensus: share(&graph.consensus),
            trust: share(&graph.trust),
            incentive: share(&graph.incentive),
            emission: amount(&graph.emission),
            earned: amount(&graph.earned),
        }
    }
}

fn asy(amount: Balance) -> String {
    let width = usize::from(DECIMALS);
    let text = format!("{}.{:0width$}", amount / ASY, amount % ASY);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl MinerPage {
    /// How what was asked became score, weight and emission, in sentences with the figures in them.
    pub fn explanation(&self) -> Vec<Section> {
        let sections = [
            ("What was asked", self.asked()),
            ("How that became a score", self.scored()),
            ("How that becomes a weight", self.weighed()),
            ("What the chain made of it", self.paid()),
        ];
        sections
            .into_iter()
            .map(|(title, lines)| Section { title, lines })
            .collect()
    }

    fn asked(&self) -> Vec<String> {
        let it = &self.breakdown;
        let mut lines = vec![format!(
            "{} items were asked of the model {} so far.",
            it.asked, it.artifact
        )];
        let outcomes: Vec<String> = self
            .history
            .outcomes
            .iter()
            .map(|(kind, count)| format!("{count} {}", kind.replace('_', " ")))
            .collect();
        if !outcomes.is_empty() {
            lines.push(format!("Requests still kept: {}.", outcomes.join(", ")));
        }
        let uncounted = self.history.latest.iter().filter(|line| !line.counted);
        match uncounted.count() {
            0 => {}
            count => lines.push(format!(
                "{count} of the latest don't count: the failure was the validator's own."
            )),
        }
        lines
    }

    fn scored(&self) -> Vec<String> {
        let it = &self.breakdown;
        let skill = ((it.low - it.chance) / (1.0 - it.chance)).max(0.0);
        let mut lines = vec![
            format!(
                "Older answers counting less, {:.1} were right and {:.1} wrong or missing.",
                it.hits, it.misses
            ),
            format!(
                "So the share of right answers is {:.4}, and lies within {:.4} and {:.4} with a \
                 probability of {:.0} %.",
                it.quality,
                it.low,
                it.high,
                it.level * 100.0
            ),
            format!(
                "The score starts from the lower end, less what guessing earns: \
                 ({:.4} - {:.4}) / (1 - {:.4}) = {skill:.4}.",
                it.low, it.chance, it.chance
            ),
        ];
        if it.latency_weight > 0.0 {
            lines.push(format!(
                "Answers took {:.4} of the deadline on average: times 1 - {} · {:.4}.",
                it.time, it.latency_weight, it.time
            ));
        }
        if it.availability_weight > 0.0 {
            lines.push(format!(
                "{:.4} of the items got no answer: times 1 - {} · {:.4}.",
                it.absence, it.availability_weight, it.absence
            ));
        }
        lines.push(format!("Measured: {:.6}.", it.measured));
        if it.score < it.measured {
            lines.push(format!(
                "That is better than the best model announced before it, but not by the margin that \
                 the task asks for: it counts as {:.6}.",
                it.score
            ));
        }
        lines
    }

    fn weighed(&self) -> Vec<String> {
        let it = &self.breakdown;
        let mut lines = vec![format!(
            "The best score is {:.6}. Now this one would get the weight {} of 65535 at most, which \
             is {:.4} of the row.",
            self.best, it.weight, it.part
        )];
        lines.push(match &self.submitted {
            Some(last) => format!(
                "The weights of epoch {} are {}: score {:.6}, weight {}, {:.4} of the row.",
                last.epoch,
                last.state.name().replace('_', " "),
                last.score,
                last.weight,
                last.part
            ),
            None => "No weights were submitted yet.".to_owned(),
        });
        lines
    }

    fn paid(&self) -> Vec<String> {
        let it = &self.on_chain;
        vec![
            format!(
                "All validators' weights by stake come to a consensus weight of {:.4}, and left \
                 {:.4} of what they gave.",
                it.consensus, it.trust
            ),
            format!(
                "Its part of the miners' part was {:.4}: {} ASY in the last epoch, {} ASY since it \
                 registered.",
                it.incentive, it.emission, it.earned
            ),
        ]
    }
}
