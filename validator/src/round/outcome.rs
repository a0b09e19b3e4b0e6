//! What came of a round, by miner and by request.

use super::{RoundStart, NEVER};
use crate::{
    chain::Miner,
    peers::Failure,
    score::Tally,
    shown::Shown,
    task::{
        probes::{Mark, Trace},
        Slot,
    },
};
use assay_primitives::{ReceiptLeaf, Uid};
use std::time::Duration;

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
    /// Why a part of the score, or all of it, does not count, though the answer was right.
    pub withheld: Option<String>,
    /// Answers to what is asked more than once, of this miner or of all.
    pub marks: Vec<Mark>,
    /// From sending to the last byte, less what our own program lost meanwhile.
    pub took: Duration,
    /// The same by the clock alone, which no stall of ours makes shorter than it was.
    pub clocked: Duration,
    /// What stands under the evidence's root.
    pub leaf: ReceiptLeaf,
    /// The receipt as JSON.
    pub receipt: String,
}

impl MinerOutcome {
    pub(super) fn judged(&self) -> impl Iterator<Item = &Judged> {
        let results = self.requests.iter().map(|request| request.result.as_ref());
        results.filter_map(Result::ok)
    }

    /// What its answers give away about its model.
    pub(super) fn trace(&self) -> Trace {
        let mut trace = Trace::default();
        let answers = self.judged().map(|judged| judged.clocked);
        trace.took = answers.min().unwrap_or(NEVER);
        let marks = self.judged().flat_map(|judged| &judged.marks);
        for mark in marks {
            if let Slot::Shared(item) = mark.slot {
                trace.shared.insert(item, mark.numbers.clone());
            }
        }
        trace
    }

    /// Takes back what the answers at these places earned.
    pub(super) fn withhold(&mut self, marks: &[Mark], places: &[u32]) {
        for mark in marks.iter().filter(|mark| places.contains(&mark.place)) {
            let holder = self.requests.iter_mut().find(|request| {
                (request.first_item..request.first_item + request.items).contains(&mark.place)
            });
            if let Some(Ok(judged)) = holder.map(|request| request.result.as_mut()) {
                judged.score = judged.score.saturating_sub(mark.score.into());
                judged.withheld = Some(format!(
                    "items {} and {} are the same and were answered differently",
                    places[0], places[1]
                ));
            }
        }
    }

    /// Takes back what all answers earned that are another's; where it is not certain whose they are,
    /// they don't count at all.
    pub(super) fn withhold_all(&mut self, certain: bool, original: Uid) {
        let why = if certain {
            format!("these are the answers of uid {original}, which gives them sooner: a model is paid once")
        } else {
            format!(
                "these are also the answers of uid {original}, which came first; they count for \
                 nothing until it is known which of the two gives them sooner"
            )
        };
        for request in &mut self.requests {
            if let Ok(judged) = &mut request.result {
                judged.score = 0;
                judged.withheld = Some(why.clone());
                request.counted &= certain;
            }
        }
    }

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
