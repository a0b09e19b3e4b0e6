//! One round: every miner is asked, every answer is judged.
//!
//! ```text
//! snapshot ─ seed ─┬─ handshake ─ ask ask ask … ─ judge ─┐
//!                  ├─ handshake ✗ (all items wrong)      ├─ own network alive? ─ outcome
//!                  └─ handshake ─ ask ✗ …                ┘
//! ```
//!
//! What is asked follows from the round's secret, the block at its start and the miner's serial
//! alone, so a round can be redone. A round writes nothing: its outcome is recorded as a whole.

use crate::{
    chain::{Miner, Snapshot},
    peers::{Answer, Failure, Peers, Question},
    ports::Clock,
    pulse::Pulse,
    score::Tally,
    shown::{self, Shown},
    task::{Item, Queries, Seed, Task},
};
use assay_primitives::{
    query_seed, BlockNumber, Digest, EpochIndex, Generation, NetUid, ReceiptLeaf, Serial,
    TaskVersion, SCORE_ONE,
};
use futures::{stream, StreamExt as _};
use std::{sync::Arc, time::Duration};

/// The serial that no neuron has: the seed made with it draws what all miners are asked alike.
pub const EVERYBODY: Serial = Serial(u64::MAX);

/// From this many miners on, silence of them all is put down to our own network: a node on this
/// machine as the probe would be reached even with the cable cut.
const TOO_MANY_AT_ONCE: usize = 3;
/// An answer that is late is not held against the miner when our own program lost this part of the
/// deadline: a tenth.
const LOST_PART: u32 = 10;

/// Where and when a round starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundStart {
    /// Its number within the subnet.
    pub round: u64,
    /// Hash of the chain's first block.
    pub genesis: Digest,
    /// The subnet.
    pub netuid: NetUid,
    /// Its generation.
    pub generation: Generation,
    /// The open epoch.
    pub epoch: EpochIndex,
    /// The task's version.
    pub task_version: TaskVersion,
    /// The finalized block.
    pub block: BlockNumber,
    /// Its hash.
    pub block_hash: Digest,
    /// When it started.
    pub started_ms: u64,
}

impl RoundStart {
    /// A round that starts from a snapshot.
    pub fn new(snapshot: &Snapshot, round: u64, started_ms: u64) -> Self {
        let graph = &snapshot.metagraph;
        Self {
            round,
            genesis: snapshot.genesis,
            netuid: graph.netuid,
            generation: graph.generation,
            epoch: graph.epoch,
            task_version: graph.task_version,
            block: graph.block,
            block_hash: snapshot.block_hash,
            started_ms,
        }
    }

    /// The seed of one miner's queries.
    pub fn seed(&self, secret: &[u8; 32], serial: Serial) -> Seed {
        let hash = &self.block_hash.0;
        query_seed(
            secret,
            hash,
            self.netuid,
            self.generation,
            self.task_version,
            serial,
        )
    }
}

/// What came of a round.
#[derive(Clone, Debug)]
pub struct RoundOutcome {
    /// Where and when it started.
    pub start: RoundStart,
    /// When it ended.
    pub finished_ms: u64,
    /// Why silences don't count, where our own network failed.
    pub own_failure: Option<String>,
    /// By miner.
    pub miners: Vec<MinerOutcome>,
}

/// What came of one miner's queries.
#[derive(Clone, Debug)]
pub struct MinerOutcome {
    /// The miner.
    pub miner: Miner,
    /// By request.
    pub requests: Vec<RequestOutcome>,
}

/// What came of one request.
#[derive(Clone, Debug)]
pub struct RequestOutcome {
    /// The first item's place in the round.
    pub first_item: u32,
    /// Items asked.
    pub items: u32,
    /// The answer, or why there is none.
    pub result: Result<Judged, Failure>,
    /// Whether it says something about the miner.
    pub counted: bool,
    /// What there is to show of it; nothing where nothing was asked.
    pub shown: Option<Shown>,
}

/// An answer with its receipt, judged.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Sum of the items' scores.
    pub score: u64,
    /// Why the answer is wrong as a whole.
    pub unjudgeable: Option<String>,
    /// From sending to the last byte.
    pub took: Duration,
    /// What stands under the evidence's root.
    pub leaf: ReceiptLeaf,
    /// The receipt as JSON.
    pub receipt: String,
}

impl MinerOutcome {
    /// What the round says about the miner.
    pub fn tally(&self, deadline: Duration) -> Tally {
        let counted = self.requests.iter().filter(|request| request.counted);
        counted.fold(Tally::default(), |mut tally, request| {
            tally.items += request.items;
            let part = match &request.result {
                Ok(judged) => {
                    tally.score += judged.score;
                    judged.took.as_secs_f64() / deadline.as_secs_f64()
                }
                Err(failure) => {
                    if failure.is_absence() {
                        tally.absent += request.items;
                    }
                    1.0
                }
            };
            tally.time += part.min(1.0) * f64::from(request.items);
            tally
        })
    }
}

/// What stays the same from round to round.
pub struct RoundRunner {
    /// The task.
    pub task: Arc<dyn Task>,
    /// Its name, which models may bear.
    pub name: String,
    /// How much is asked.
    pub queries: Queries,
    /// The time for one request.
    pub deadline: Duration,
    /// The miners.
    pub peers: Arc<dyn Peers>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Miners asked at once.
    pub miners_at_once: usize,
    /// Requests that one miner is sent at once.
    pub requests_at_once: usize,
}

impl RoundRunner {
    /// How many items a miner is asked that was asked `asked` so far: newcomers more, so that they
    /// are known soon, and more still where `rounds_left` until their immunity ends are too few for
    /// that, at most twice as many. Being new is worth questions, never weight.
    pub fn share(&self, asked: u64, rounds_left: Option<u32>) -> u32 {
        let Queries {
            items_per_round,
            newcomer_factor,
            newcomer_below,
            ..
        } = self.queries;
        let missing = newcomer_below.saturating_sub(asked);
        if missing == 0 {
            return items_per_round;
        }
        let usual = items_per_round.saturating_mul(newcomer_factor);
        let hurried = rounds_left.map_or(0, |rounds| missing.div_ceil(u64::from(rounds.max(1))));
        let hurried = u32::try_from(hurried).unwrap_or(u32::MAX);
        hurried.clamp(usual, usual.saturating_mul(2))
    }

    /// Asks each miner its number of items. Never fails: what goes wrong is part of the outcome.
    pub async fn run(
        &self,
        start: RoundStart,
        secret: &[u8; 32],
        miners: Vec<(Miner, u32)>,
    ) -> RoundOutcome {
        let most = miners
            .iter()
            .map(|(_, count)| *count)
            .max()
            .unwrap_or_default();
        let drawn = self
            .task
            .draw(&start.seed(secret, EVERYBODY), most as usize);
        let pulse = Pulse::start();
        let asking: Vec<_> = miners
            .into_iter()
            .map(|(miner, count)| {
                let seed = start.seed(secret, miner.serial);
                let items = &drawn[..drawn.len().min(count as usize)];
                self.ask_miner(&start, &pulse, miner, seed, items)
            })
            .collect();
        let mut miners: Vec<MinerOutcome> = stream::iter(asking)
            .buffer_unordered(self.miners_at_once)
            .collect()
            .await;
        miners.sort_by_key(|outcome| outcome.miner.uid);
        let own_failure = self.settle(&mut miners).await;
        let finished_ms = self.clock.now_ms();
        RoundOutcome {
            start,
            finished_ms,
            own_failure,
            miners,
        }
    }

    async fn ask_miner(
        &self,
        start: &RoundStart,
        pulse: &Pulse,
        miner: Miner,
        seed: Seed,
        items: &[Item],
    ) -> MinerOutcome {
        let before = pulse.lost();
        let shaken = self.peers.handshake(&miner, &self.name).await;
        let model = match shaken.map_err(|failure| fair(failure, pulse.lost() - before)) {
            Ok(model) => model,
            Err(failure) => {
                let items = items.len() as u32;
                let result = Err(failure);
                let request = RequestOutcome {
                    first_item: 0,
                    items,
                    result,
                    counted: true,
                    shown: None,
                };
                return MinerOutcome {
                    miner,
                    requests: vec![request],
                };
            }
        };
        let size = usize::from(self.queries.items_per_request).max(1);
        let asking: Vec<_> = (0u32..)
            .step_by(size)
            .zip(items.chunks(size))
            .map(|(first, batch)| self.ask_batch(start, pulse, &miner, &model, &seed, first, batch))
            .collect();
        let requests = stream::iter(asking)
            .buffered(self.requests_at_once)
            .collect()
            .await;
        MinerOutcome { miner, requests }
    }

    #[allow(clippy::too_many_arguments)] // What a batch is made of; a struct would only rename it.
    async fn ask_batch(
        &self,
        start: &RoundStart,
        pulse: &Pulse,
        miner: &Miner,
        model: &str,
        seed: &Seed,
        first_item: u32,
        batch: &[Item],
    ) -> RequestOutcome {
        let varied: Vec<Item> = (first_item..)
            .zip(batch)
            .map(|(index, item)| {
                let mut item = item.clone();
                self.task.vary(seed, index, &mut item);
                item
            })
            .collect();
        let items = varied.len() as u32;
        let inputs = match self.task.ask(&varied) {
            Ok(inputs) => inputs,
            Err(error) => {
                return RequestOutcome {
                    first_item,
                    items,
                    result: Err(Failure::Own(error.to_string())),
                    counted: true,
                    shown: None,
                }
            }
        };
        let mut shown = Shown {
            model: model.to_owned(),
            asked: shown::tensors(&inputs),
            ..Shown::default()
        };
        let question = Question {
            model: model.to_owned(),
            inputs,
            outputs: self.task.outputs().to_vec(),
            deadline: self.deadline,
        };
        let before = pulse.lost();
        let asked = self.peers.ask(miner, &question).await;
        let lost = pulse.lost() - before;
        let result = match asked {
            Err(failure) => Err(fair(failure, lost)),
            Ok(mut answer) => {
                answer.took = answer.took.saturating_sub(lost);
                shown.came_back = shown::tensors(&answer.outputs);
                let (judged, scores) = self.judge(start, miner, first_item, &varied, answer);
                shown.scores = scores;
                Ok(judged)
            }
        };
        RequestOutcome {
            first_item,
            items,
            result,
            counted: true,
            shown: Some(shown),
        }
    }

    /// The answer judged as a whole, and each item's score.
    fn judge(
        &self,
        start: &RoundStart,
        miner: &Miner,
        first_item: u32,
        items: &[Item],
        answer: Answer,
    ) -> (Judged, Vec<u32>) {
        let (scores, unjudgeable) = match self.task.judge(items, &answer.outputs) {
            Ok(scores) => (scores, None),
            Err(reason) => (vec![0; items.len()], Some(reason.0)),
        };
        let scores: Vec<u32> = scores.into_iter().map(|one| one.min(SCORE_ONE)).collect();
        let score: u64 = scores.iter().copied().map(u64::from).sum();
        let proof = answer.proof;
        let leaf = ReceiptLeaf {
            genesis: start.genesis,
            netuid: start.netuid,
            generation: start.generation,
            task_version: start.task_version,
            round: start.round,
            item: first_item,
            serial: miner.serial,
            artifact: miner.artifact,
            request_digest: proof.request_digest,
            response_digest: proof.response_digest,
            // The mean of scores is at most SCORE_ONE.
            score: (score / items.len().max(1) as u64) as u32,
            request_signature: proof.request_signature,
            response_signature: proof.response_signature,
        };
        let judged = Judged {
            score,
            unjudgeable,
            took: answer.took,
            leaf,
            receipt: proof.receipt,
        };
        (judged, scores)
    }

    /// Takes out what says nothing about the miners: our own failures, and silences where our own
    /// network was down.
    async fn settle(&self, miners: &mut [MinerOutcome]) -> Option<String> {
        let requests = || miners.iter().flat_map(|outcome| &outcome.requests);
        let silent = requests()
            .any(|request| matches!(&request.result, Err(failure) if failure.is_silence()));
        let heard = requests().any(|request| match &request.result {
            Ok(_) => true,
            Err(failure) => !failure.is_silence() && !matches!(failure, Failure::Own(_)),
        });
        let own_failure = match silent {
            false => None,
            true => match self.peers.probe().await {
                Err(reason) => Some(reason),
                Ok(()) if !heard && miners.len() >= TOO_MANY_AT_ONCE => Some(format!(
                    "none of {} miners was heard of: they will not all be gone",
                    miners.len()
                )),
                Ok(()) => None,
            },
        };
        for request in miners.iter_mut().flat_map(|outcome| &mut outcome.requests) {
            if let Err(failure) = &request.result {
                let excused = failure.is_silence() && own_failure.is_some();
                request.counted = !(excused || matches!(failure, Failure::Own(_)));
            }
        }
        own_failure
    }
}

/// A failure, but for what our own program lost: late is then not the miner's lateness.
fn fair(failure: Failure, lost: Duration) -> Failure {
    match failure {
        Failure::Late(deadline) if lost * LOST_PART >= deadline => Failure::Own(format!(
            "no answer within {} ms, of which our own program could not run for {} ms",
            deadline.as_millis(),
            lost.as_millis()
        )),
        failure => failure,
    }
}
