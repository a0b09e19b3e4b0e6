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

mod outcome;

pub use outcome::{Judged, MinerOutcome, RequestOutcome, RoundOutcome};

use crate::{
    chain::{Miner, Snapshot},
    peers::{Answer, Failure, Peers, Question},
    ports::Clock,
    pulse::Pulse,
    shown::{self, Shown},
    task::{
        probes::{self, Mark, Memory, Trace},
        Item, JudgeError, Queries, Query, Seed, Seeds, Task,
    },
};
use assay_primitives::{
    query_seed, BlockNumber, Digest, EpochIndex, Generation, NetUid, ReceiptLeaf, Serial,
    TaskVersion, SCORE_ONE,
};
use assay_protocol::oip::Tensor;
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

/// Longer than any deadline: how soon one answers that does not.
const NEVER: Duration = Duration::from_secs(3600);

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

    /// The seeds of what one miner is asked.
    pub fn seeds(&self, secret: &[u8; 32], serial: Serial) -> Seeds {
        Seeds {
            round: self.seed(secret, EVERYBODY),
            miner: self.seed(secret, serial),
        }
    }
}

/// What stays the same from round to round.
pub struct RoundRunner {
    /// The task.
    pub task: Arc<Task>,
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
    /// What is known of the miners' answers and pace, to tell an original from its copy.
    pub memory: Memory,
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
        let pulse = Pulse::start();
        let asking: Vec<_> = miners
            .into_iter()
            .map(|(miner, count)| {
                let seeds = start.seeds(secret, miner.serial);
                self.ask_miner(&start, &pulse, miner, seeds, count)
            })
            .collect();
        let mut miners: Vec<MinerOutcome> = stream::iter(asking)
            .buffer_unordered(self.miners_at_once)
            .collect()
            .await;
        miners.sort_by_key(|outcome| outcome.miner.uid);
        self.compare(&mut miners);
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
        seeds: Seeds,
        count: u32,
    ) -> MinerOutcome {
        let before = pulse.lost();
        let shaken = self.peers.handshake(&miner, &self.name).await;
        let prepared = match shaken.map_err(|failure| fair(failure, pulse.lost() - before)) {
            Ok(model) => self.draw(seeds, count).await.map(|drawn| (model, drawn)),
            Err(failure) => Err(failure),
        };
        let (model, drawn) = match prepared {
            Ok(prepared) => prepared,
            Err(failure) => {
                let request = RequestOutcome {
                    first_item: 0,
                    items: count,
                    result: Err(failure),
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
            .zip(drawn.chunks(size))
            .map(|(first, batch)| {
                self.ask_batch(start, pulse, &miner, &model, first, batch.to_vec())
            })
            .collect();
        let requests = stream::iter(asking)
            .buffered(self.requests_at_once)
            .collect()
            .await;
        MinerOutcome { miner, requests }
    }

    /// What a miner is asked. Items may come from a program, so they are made on a thread of their
    /// own.
    async fn draw(&self, seeds: Seeds, count: u32) -> Result<Vec<Query>, Failure> {
        let task = self.task.clone();
        tokio::task::spawn_blocking(move || task.queries(&seeds, count))
            .await
            .map_err(|error| Failure::Own(error.to_string()))?
            .map_err(|fault| Failure::Own(fault.to_string()))
    }

    async fn ask_batch(
        &self,
        start: &RoundStart,
        pulse: &Pulse,
        miner: &Miner,
        model: &str,
        first_item: u32,
        batch: Vec<Query>,
    ) -> RequestOutcome {
        let items = batch.len() as u32;
        let inputs = match self.task.ask(batch.iter().map(|query| &query.item)) {
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
                let clocked = answer.took;
                answer.took = clocked.saturating_sub(lost);
                shown.came_back = shown::tensors(&answer.outputs);
                let judged = self.judge(start, miner, first_item, batch, answer).await;
                judged.map(|(judged, scores)| {
                    shown.scores = scores;
                    Judged { clocked, ..judged }
                })
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

    /// The answer judged as a whole, and each item's score; on a thread of its own, since a rule may
    /// run a model or wait for a program.
    async fn judge(
        &self,
        start: &RoundStart,
        miner: &Miner,
        first_item: u32,
        batch: Vec<Query>,
        answer: Answer,
    ) -> Result<(Judged, Vec<u32>), Failure> {
        let task = self.task.clone();
        let count = batch.len().max(1) as u64;
        let (proof, took, outputs) = (answer.proof, answer.took, answer.outputs);
        let verdict = tokio::task::spawn_blocking(move || {
            let items: Vec<&Item> = batch.iter().map(|query| &query.item).collect();
            let scores = task.judge(&items, &outputs)?;
            let marks = marks(&task, &batch, &outputs, &scores, first_item);
            Ok((scores, marks))
        });
        let verdict = verdict
            .await
            .map_err(|error| Failure::Own(error.to_string()))?;
        let (scores, marks, unjudgeable) = match verdict {
            Ok((scores, marks)) => (scores, marks, None),
            Err(JudgeError::Unjudgeable(reason)) => {
                (vec![0; count as usize], Vec::new(), Some(reason))
            }
            Err(JudgeError::Own(fault)) => return Err(Failure::Own(fault.to_string())),
        };
        let scores: Vec<u32> = scores.into_iter().map(|one| one.min(SCORE_ONE)).collect();
        let score: u64 = scores.iter().copied().map(u64::from).sum();
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
            score: (score / count) as u32,
            request_signature: proof.request_signature,
            response_signature: proof.response_signature,
        };
        let judged = Judged {
            score,
            unjudgeable,
            withheld: None,
            marks,
            took,
            clocked: took,
            leaf,
            receipt: proof.receipt,
        };
        Ok((judged, scores))
    }

    /// Withholds what was earned by answers that contradict each other, and by one whose answers are
    /// another's. The leaves keep what each answer was worth by itself.
    fn compare(&self, miners: &mut [MinerOutcome]) {
        let rules = self.task.probes();
        for outcome in miners.iter_mut() {
            let all: Vec<Mark> = outcome.judged().flat_map(|it| it.marks.clone()).collect();
            for (first, again) in probes::contradictions(&all, rules) {
                outcome.withhold(&all, &[first, again]);
            }
        }
        let traces: Vec<Trace> = miners.iter().map(MinerOutcome::trace).collect();
        let serials: Vec<Serial> = miners.iter().map(|it| it.miner.serial).collect();
        let copies = self.memory.copies(&serials, &traces, rules);
        for (place, copy) in copies.into_iter().enumerate() {
            let Some(copy) = copy else {
                continue;
            };
            let original = miners[copy.original].miner.uid;
            tracing::debug!(
                copy = miners[place].miner.uid.0,
                original = original.0,
                certain = copy.certain,
                "one model"
            );
            miners[place].withhold_all(copy.certain, original);
        }
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

/// The answers to what is asked more than once.
fn marks(
    task: &Task,
    batch: &[Query],
    outputs: &[Tensor],
    scores: &[u32],
    first_item: u32,
) -> Vec<Mark> {
    let marked = batch.iter().zip(scores).enumerate();
    let marked = marked.filter(|(_, (query, _))| query.is_probe);
    let marks = marked.map(|(row, (query, score))| Mark {
        place: first_item + row as u32,
        slot: query.slot,
        score: (*score).min(SCORE_ONE),
        numbers: task.fingerprint(outputs, row, batch.len()),
    });
    marks.collect()
}
