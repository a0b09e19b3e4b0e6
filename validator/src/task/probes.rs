//! What answers to probes give away.
//!
//! *Shared* items are asked of every miner in the very same form. Two miners that answer all of them
//! alike, within the task's tolerance, are one model: one of them relays, or both belong to one who
//! wants to be paid twice. Which of the two is worth keeping is a matter of physics: whoever passes
//! questions on answers later than whom it asks. One round's times are mostly noise, so rounds are
//! counted, and one is the *original* once it was the sooner one in `SURE` rounds more than the
//! other; what the other answers is then worth nothing. Until that is known the one that came to the
//! subnet later gains and loses nothing by its answers. A model is paid once, however many places it
//! fills.
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
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Fewer answers than this that could have come out differently prove nothing.
const ENOUGH: usize = 4;
/// A number nearer than this many tolerances to a whole one may be the same by chance: probabilities
/// of 0 and 1, say.
const ROUND: f32 = 10.0;
/// By so many rounds one of two must have been the sooner one more often than the other. Where a relay
/// takes longer in four rounds of five, one original in a thousand is mistaken for it, for a while.
const SURE: i32 = 5;
/// No more than this many rounds are held for or against one, so that a change shows in the end.
const MOST: i32 = 3 * SURE;
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

/// One miner's answers are another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Twin {
    /// Whose they are: its place among the round's miners.
    pub original: usize,
    /// Whether it is known which of the two answers first. Where it is not, the one that came to the
    /// subnet later is taken for the copy, and nothing it does counts.
    pub certain: bool,
}

/// What is remembered of miners from round to round: which of them have answered alike, and who of
/// them was sooner.
#[derive(Debug, Default)]
pub struct Memory(Mutex<HashMap<(Serial, Serial), Likeness>>);

/// What is known of two miners that have answered alike since they last differed, the one with the
/// lower serial first.
#[derive(Clone, Copy, Debug, Default)]
struct Likeness {
    /// Telling answers that were alike. Where models are sure of most items, one round holds too few.
    telling: usize,
    /// Rounds in which the first was sooner, less those in which the second was.
    lead: i32,
}

impl Likeness {
    fn count(&mut self, telling: usize, first: Duration, second: Duration) {
        self.telling = self.telling.saturating_add(telling);
        let step = match first.cmp(&second) {
            Ordering::Less => 1,
            Ordering::Equal => 0,
            Ordering::Greater => -1,
        };
        self.lead = (self.lead + step).clamp(-MOST, MOST);
    }
}

impl Memory {
    /// Takes note of a round, and names for each miner the one whose model it answers with, where
    /// that is another. Miners that are gone are forgotten.
    pub fn copies(
        &self,
        serials: &[Serial],
        traces: &[Trace],
        probes: &Probes,
    ) -> Vec<Option<Twin>> {
        let mut found = vec![None; traces.len()];
        if probes.outputs.is_empty() {
            return found;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut order: Vec<usize> = (0..traces.len()).collect();
        order.sort_by_key(|&miner| serials[miner]);
        let mut pairs = HashMap::new();
        for (place, &second) in order.iter().enumerate() {
            for &first in &order[..place] {
                let (a, b) = (&traces[first], &traces[second]);
                let Some(telling) = alike_in(a, b, probes.same_within) else {
                    continue;
                };
                let pair = (serials[first], serials[second]);
                let mut likeness = known.get(&pair).copied().unwrap_or_default();
                if telling > 0 {
                    likeness.count(telling, a.took, b.took);
                }
                if likeness.telling > 0 {
                    pairs.insert(pair, likeness);
                }
            }
        }
        let leads = |miner: usize, other: usize| -> Option<i32> {
            let (a, b) = (serials[miner], serials[other]);
            let likeness = pairs.get(&(a.min(b), a.max(b)))?;
            let lead = if a < b { likeness.lead } else { -likeness.lead };
            (likeness.telling >= ENOUGH).then_some(lead)
        };
        // Those that are known to be sooner come first, so that the original of several is found
        // before its copies.
        order.sort_by_cached_key(|&miner| {
            let leads = (0..traces.len()).filter_map(|other| leads(miner, other));
            leads.filter(|&lead| lead <= -SURE).count()
        });
        let mut originals: Vec<usize> = Vec::new();
        for miner in order {
            let copied = originals.iter().find_map(|&original| {
                let certain = leads(original, miner)? >= SURE;
                Some(Twin { original, certain })
            });
            match copied {
                Some(copy) => found[miner] = Some(copy),
                None => originals.push(miner),
            }
        }
        *known = pairs;
        found
    }
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

    fn copies(memory: &Memory, traces: &[Trace], probes: &Probes) -> Vec<Option<Twin>> {
        let serials: Vec<Serial> = (0..).map(Serial).take(traces.len()).collect();
        memory.copies(&serials, traces, probes)
    }

    fn copy(original: usize, certain: bool) -> Option<Twin> {
        Some(Twin { original, certain })
    }

    #[test]
    fn copies_names_the_later_until_it_is_sure_who_is_sooner() {
        // The relay came first, and the original is slow for a round.
        let rounds = [(9, 4), (3, 8), (9, 4), (9, 4), (9, 4), (9, 4), (9, 4)];
        let memory = Memory::default();
        let found = rounds.map(|(relay, original)| {
            let traces = [
                trace(relay, |item| model(item) + 1e-5),
                trace(original, model),
                trace(2, |item| model(item) + 0.01),
            ];
            copies(&memory, &traces, &probes())
        });
        for found in &found[..6] {
            assert_eq!(*found, [None, copy(0, false), None]);
        }
        assert_eq!(found[6], [copy(1, true), None, None]);
    }

    #[test]
    fn copies_names_nobody_when_the_task_compares_nothing() {
        let traces = [trace(9, model), trace(4, model)];
        let found = copies(&Memory::default(), &traces, &Probes::default());
        assert_eq!(found, [None; 2]);
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
        assert_eq!(found, [None, None, None, copy(0, false)]);
    }

    #[test]
    fn copies_finds_one_original_of_many() {
        let memory = Memory::default();
        let traces = [trace(9, model), trace(7, model), trace(3, model)];
        for _ in 1..SURE {
            let found = copies(&memory, &traces, &probes());
            assert_eq!(found, [None, copy(0, false), copy(0, false)]);
        }
        let found = copies(&memory, &traces, &probes());
        assert_eq!(found, [copy(2, true), copy(2, true), None]);
        // However long it was the sooner one, it is not for ever.
        let moved = [trace(9, model), trace(2, model), trace(3, model)];
        let changed = (0..4 * SURE).any(|_| {
            let found = copies(&memory, &moved, &probes());
            found == [copy(1, true), None, copy(1, true)]
        });
        assert!(changed);
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
