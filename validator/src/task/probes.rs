//! What answers to probes give away.
//!
//! *Shared* items are asked of every miner in the very same form. Two miners that answer all of them
//! alike, within the task's tolerance, are one model: one of them relays, or both belong to one who
//! wants to be paid twice. Which of the two is worth keeping is a matter of physics: whoever passes
//! questions on answers later than whom it asks, so the sooner one keeps its score and the other gets
//! nothing. A model is paid once, however many places it fills.
//!
//! *Repeated* items are asked of one miner twice. Two answers that differ come from no model, and
//! neither counts.
//!
//! What this can't see: one who changes what it passes on by more than the tolerance, always alike.
//! Where the numbers are what is judged, that costs it score once it is more than the model's own
//! error; where a class is judged and the numbers are asked only for comparison, it costs nothing.
//! docs/creating-a-subnet.md has the figures, and why no tolerance changes that.

use super::{rule::numbers, Probes, Slot};
use assay_primitives::Serial;
use assay_protocol::oip::Tensor;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Fewer answers than this that could have come out differently prove nothing.
const ENOUGH: usize = 4;
/// A number nearer than this many tolerances to a whole one may be the same by chance: probabilities
/// of 0 and 1, say.
const ROUND: f32 = 10.0;
/// Numbers of one output that are kept to compare.
const KEPT: usize = 512;

/// One miner's answer to one item.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// The item's place in the round.
    pub place: u32,
    /// What it is for.
    pub slot: Slot,
    /// How the answer was judged.
    pub score: u32,
    /// The numbers that tell its model from another.
    pub numbers: Vec<f32>,
}

/// A row's numbers in the outputs that tell models apart.
pub(super) fn fingerprint(
    probes: &Probes,
    outputs: &[Tensor],
    row: usize,
    rows: usize,
) -> Vec<f32> {
    let mut kept = Vec::new();
    for name in &probes.outputs {
        let tensor = outputs.iter().find(|tensor| tensor.name() == name);
        let Some(all) = tensor.and_then(|tensor| numbers(tensor.data())) else {
            continue;
        };
        let width = all.len() / rows.max(1);
        let row = all.iter().skip(row * width).take(width.min(KEPT));
        kept.extend(row.map(|&number| number as f32));
    }
    kept
}

/// Whether numbers are the same to within what a host or a batch changes.
fn same(a: &[f32], b: &[f32], within: f32) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| {
            let larger = a.abs().max(b.abs()).max(1.0);
            (a - b).abs() <= within * larger || a.to_bits() == b.to_bits()
        })
}

fn tells(numbers: &[f32], within: f32) -> bool {
    let near = ROUND * within;
    numbers
        .iter()
        .any(|number| (number - number.round()).abs() > near)
}

/// Pairs of places whose answers to the same item differ.
pub fn contradictions(marks: &[Mark], probes: &Probes) -> Vec<(u32, u32)> {
    let by_place: BTreeMap<u32, &Mark> = marks.iter().map(|mark| (mark.place, mark)).collect();
    let again = marks.iter().filter_map(|mark| match mark.slot {
        Slot::Again { place, .. } => by_place.get(&place).map(|first| (*first, mark)),
        _ => None,
    });
    let differ = again.filter(|(first, again)| {
        let compared = !probes.outputs.is_empty();
        // Rules that give parts of a score differ in the last digits as their inputs do.
        let scores = first.score.abs_diff(again.score) > assay_primitives::SCORE_ONE / 100;
        scores || (compared && !same(&first.numbers, &again.numbers, probes.same_within))
    });
    differ
        .map(|(first, again)| (first.place, again.place))
        .collect()
}

/// What one miner gave away in a round.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// By shared item.
    pub shared: BTreeMap<u32, Vec<f32>>,
    /// The shortest time to an answer.
    pub took: Duration,
}

/// What is remembered of miners from round to round: how soon each can answer, and which of them have
/// answered alike.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    /// The shortest time in which each has answered lately. One round's times are mostly noise; the
    /// shortest of many are the way there and back, which is longer for who passes questions on.
    paces: HashMap<Serial, Duration>,
    /// Telling answers that two have given alike since they last differed. Where models are sure of
    /// most items, one round holds too few of them.
    alike: HashMap<(Serial, Serial), usize>,
}

impl Memory {
    /// How much slower a miner counts with each round in which it does not prove otherwise.
    const FADE: f64 = 1.02;

    /// Takes note of a round, and names for each miner the one whose model it answers with, where
    /// that one answers sooner. Miners that are gone are forgotten.
    pub fn copies(
        &self,
        serials: &[Serial],
        traces: &[Trace],
        probes: &Probes,
    ) -> Vec<Option<usize>> {
        let mut found = vec![None; traces.len()];
        if probes.outputs.is_empty() {
            return found;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.learn_paces(serials, traces);
        let mut order: Vec<usize> = (0..traces.len()).collect();
        order.sort_by_key(|&miner| known.paces.get(&serials[miner]));
        let mut alike = HashMap::new();
        let mut originals: Vec<usize> = Vec::new();
        for miner in order {
            let original = originals.iter().find(|&&other| {
                let pair = pair(serials[other], serials[miner]);
                let Some(telling) = alike_in(&traces[other], &traces[miner], probes.same_within)
                else {
                    return false;
                };
                let telling = telling + known.alike.get(&pair).copied().unwrap_or_default();
                if telling > 0 {
                    alike.insert(pair, telling);
                }
                telling >= ENOUGH
            });
            match original {
                Some(&original) => found[miner] = Some(original),
                None => originals.push(miner),
            }
        }
        known.alike = alike;
        found
    }
}

impl Remembered {
    fn learn_paces(&mut self, serials: &[Serial], traces: &[Trace]) {
        let paces = serials.iter().zip(traces).map(|(serial, trace)| {
            let before = self.paces.get(serial);
            let before = before.map(|pace| pace.mul_f64(Memory::FADE));
            let pace = before.map_or(trace.took, |before| trace.took.min(before));
            (*serial, pace)
        });
        self.paces = paces.collect();
    }
}

fn pair(a: Serial, b: Serial) -> (Serial, Serial) {
    (a.min(b), a.max(b))
}

/// How many telling answers are alike; none where any differs.
fn alike_in(a: &Trace, b: &Trace, within: f32) -> Option<usize> {
    let mut telling = 0;
    for (item, of_a) in &a.shared {
        let Some(of_b) = b.shared.get(item) else {
            continue;
        };
        if !same(of_a, of_b, within) {
            return None;
        }
        telling += usize::from(tells(of_a, within) || tells(of_b, within));
    }
    Some(telling)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probes() -> Probes {
        Probes {
            outputs: vec!["p".into()],
            same_within: 1e-4,
        }
    }

    fn trace(took_ms: u64, answer: impl Fn(u32) -> f32) -> Trace {
        Trace {
            shared: (0..8).map(|item| (item, vec![answer(item)])).collect(),
            took: Duration::from_millis(took_ms),
        }
    }

    fn model(item: u32) -> f32 {
        item as f32 / 7.3 + 0.01
    }

    fn copies(memory: &Memory, traces: &[Trace], probes: &Probes) -> Vec<Option<usize>> {
        let serials: Vec<Serial> = (0..).map(Serial).take(traces.len()).collect();
        memory.copies(&serials, traces, probes)
    }

    #[test]
    fn copies_names_the_slower_of_two_that_answer_alike() {
        let traces = [
            trace(9, |item| model(item) + 1e-5),
            trace(4, model),
            trace(2, |item| model(item) + 0.01),
        ];
        let memory = Memory::default();
        assert_eq!(copies(&memory, &traces, &probes()), [Some(1), None, None]);
        assert_eq!(copies(&memory, &traces, &Probes::default()), [None; 3]);
    }

    #[test]
    fn copies_names_nobody_when_answers_could_not_differ() {
        // Two models that are sure of everything.
        let sure = [trace(1, |_| 1.0), trace(2, |_| 1.0)];
        let memory = Memory::default();
        for _ in 0..9 {
            assert_eq!(copies(&memory, &sure, &probes()), [None; 2]);
        }
    }

    #[test]
    fn copies_gathers_what_tells_until_it_is_enough_and_begins_anew_at_a_difference() {
        let mut alike = [trace(1, model), trace(2, model)];
        alike[0].shared.retain(|item, _| *item < 3);
        let differing = [trace(1, model), trace(2, |item| model(item) + 0.1)];
        let memory = Memory::default();
        let rounds = [&alike, &differing, &alike, &alike];
        let found = rounds.map(|traces| copies(&memory, traces, &probes())[1]);
        assert_eq!(found, [None, None, None, Some(0)]);
    }

    #[test]
    fn memory_outlives_a_round_in_which_the_original_was_slow() {
        let memory = Memory::default();
        let found = [(4, 9), (30, 9)].map(|(original, relay)| {
            let traces = [trace(original, model), trace(relay, model)];
            copies(&memory, &traces, &probes())
        });
        assert_eq!(found, [[None, Some(0)], [None, Some(0)]]);
    }

    #[test]
    fn contradictions_are_found_in_numbers_and_in_scores() {
        let mark = |place, slot, score, number| Mark {
            place,
            slot,
            score,
            numbers: vec![number],
        };
        let again = Slot::Again { place: 0, item: 0 };
        let first = mark(0, Slot::Own(0), 1_000_000, 0.5);
        for (score, number, expected) in [
            (1_000_000, 0.50001, vec![]),
            (1_000_000, 0.6, vec![(0, 7)]),
            (0, 0.5, vec![(0, 7)]),
        ] {
            let marks = [first.clone(), mark(7, again, score, number)];
            assert_eq!(contradictions(&marks, &probes()), expected);
        }
    }
}
