//! Who gives way when a subnet is full.
//!
//! A neuron can't be pruned in its first `immunity_period` blocks, so that validators have time to
//! find out what it is worth. At most half the neurons of a subnet are immune, the oldest immunity
//! lapsing first, or else a burst of registrations would close a subnet for the whole period. One
//! thing never lapses early: a neuron that no epoch has judged yet stays, or else the same burst
//! would throw out, unheard, whoever came just before it.
//!
//! ```text
//!        registered ──────► first epoch ─────────────────► immunity_period is over
//! pruned:  never                if half of all are newer      by its standing
//! ```
//!
//! Of those that may be pruned, the one with the least standing goes; among equals the one that was
//! registered first, then the one with the lower uid.

use alloc::vec::Vec;
use assay_primitives::{BlockNumber, PruningRule, Serial, Uid};

/// Since when a neuron has its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tenure {
    /// The place.
    pub uid: Uid,
    /// The number of its registration: later ones are higher.
    pub serial: Serial,
    /// The block of its registration.
    pub registered_at: BlockNumber,
}

/// The neuron that gives way next, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Since when it has its place.
    pub tenure: Tenure,
    /// Its standing: the least of all that may be pruned.
    pub standing: u32,
}

impl Candidate {
    /// Who ranks lower goes first.
    fn rank(&self) -> (u32, BlockNumber, Uid) {
        let Tenure {
            uid, registered_at, ..
        } = self.tenure;
        (self.standing, registered_at, uid)
    }

    /// Why this one goes before `other`, which ranks higher.
    pub fn goes_before(&self, other: &Self) -> PruningRule {
        if self.standing < other.standing {
            PruningRule::LeastStanding
        } else if self.tenure.registered_at < other.tenure.registered_at {
            PruningRule::RegisteredFirst
        } else {
            PruningRule::LowerUid
        }
    }
}

/// What immunity depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImmunityRule {
    /// The block at which is asked.
    pub now: BlockNumber,
    /// Blocks in which a new neuron can't be pruned.
    pub period: BlockNumber,
    /// The block at which the subnet's last epoch ran. Epochs run before a block's transactions.
    pub last_epoch_at: BlockNumber,
}

impl ImmunityRule {
    /// The first block in which a neuron may be pruned, if its immunity does not lapse early.
    pub fn ends_at(&self, tenure: &Tenure) -> BlockNumber {
        tenure.registered_at.saturating_add(self.period)
    }

    /// For each neuron whether it can't be pruned now.
    pub fn immune(&self, tenures: &[Tenure]) -> Vec<bool> {
        let within_period = |tenure: &Tenure| self.ends_at(tenure) > self.now;
        let unjudged = |tenure: &Tenure| tenure.registered_at >= self.last_epoch_at;

        let mut newest: Vec<Serial> = tenures
            .iter()
            .filter(|tenure| within_period(tenure))
            .map(|tenure| tenure.serial)
            .collect();
        newest.sort_unstable_by(|one, other| other.cmp(one));
        newest.truncate(tenures.len() / 2);
        let oldest_kept = newest.last().copied();

        tenures
            .iter()
            .map(|tenure| {
                let among_newest = oldest_kept.is_some_and(|oldest| tenure.serial >= oldest);
                within_period(tenure) && (among_newest || unjudged(tenure))
            })
            .collect()
    }

    /// The neuron that gives way next; `None` if all are immune.
    pub fn next_to_prune(
        &self,
        tenures: &[Tenure],
        standing: impl Fn(Uid) -> u32,
    ) -> Option<Candidate> {
        self.candidates(tenures, standing)
            .min_by_key(Candidate::rank)
    }

    /// The neurons that give way next and after that, as far as there are any.
    pub fn next_two(
        &self,
        tenures: &[Tenure],
        standing: impl Fn(Uid) -> u32,
    ) -> [Option<Candidate>; 2] {
        let mut candidates: Vec<Candidate> = self.candidates(tenures, standing).collect();
        candidates.sort_unstable_by_key(Candidate::rank);
        [candidates.first().copied(), candidates.get(1).copied()]
    }

    /// All that may be pruned.
    fn candidates<'a>(
        &self,
        tenures: &'a [Tenure],
        standing: impl Fn(Uid) -> u32 + 'a,
    ) -> impl Iterator<Item = Candidate> + 'a {
        self.immune(tenures)
            .into_iter()
            .zip(tenures)
            .filter(|(immune, _)| !immune)
            .map(move |(_, &tenure)| Candidate {
                tenure,
                standing: standing(tenure.uid),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Neurons registered in these blocks, in this order.
    fn tenures(blocks: &[BlockNumber]) -> Vec<Tenure> {
        blocks
            .iter()
            .enumerate()
            .map(|(index, &registered_at)| Tenure {
                uid: Uid(index as u16),
                serial: Serial(index as u64),
                registered_at,
            })
            .collect()
    }

    fn rule(now: BlockNumber, period: BlockNumber, last_epoch_at: BlockNumber) -> ImmunityRule {
        ImmunityRule {
            now,
            period,
            last_epoch_at,
        }
    }

    #[test]
    fn immune_ends_with_the_period() {
        let four = tenures(&[0, 0, 0, 90]);
        assert_eq!(rule(99, 10, 95).immune(&four), [false, false, false, true]);
        assert_eq!(rule(100, 10, 95).immune(&four), [false; 4]);
    }

    #[test]
    fn immune_lapses_for_the_oldest_when_more_than_half_would_be() {
        let five = tenures(&[90, 91, 92, 93, 94]);
        assert_eq!(
            rule(99, 100, 95).immune(&five),
            [false, false, false, true, true]
        );
    }

    #[test]
    fn immune_never_lapses_before_an_epoch_judged() {
        let four = tenures(&[90, 95, 96, 97]);
        assert_eq!(rule(99, 100, 95).immune(&four), [false, true, true, true]);
        assert_eq!(rule(99, 100, 90).immune(&four), [true; 4]);
        assert_eq!(rule(99, 100, 90).next_to_prune(&four, |_| 0), None);
        // Without an immunity period, newcomers take their chance.
        assert_eq!(rule(99, 0, 90).immune(&four), [false; 4]);
    }

    #[test]
    fn next_to_prune_is_the_least_standing_then_the_oldest_then_the_lowest_uid() {
        let four = tenures(&[2, 1, 1, 3]);
        let rule = rule(99, 10, 50);
        let pruned = |standings: [u32; 4]| {
            rule.next_to_prune(&four, |uid| standings[usize::from(uid.0)])
                .map(|candidate| (candidate.tenure.uid.0, candidate.standing))
        };
        assert_eq!(pruned([5, 6, 7, 4]), Some((3, 4)));
        assert_eq!(pruned([4, 6, 7, 4]), Some((0, 4)));
        assert_eq!(pruned([0, 0, 0, 0]), Some((1, 0)));
    }

    #[test]
    fn next_two_say_which_rule_decides_between_them() {
        let rule = rule(99, 10, 50);
        let decided = |blocks: [BlockNumber; 3], standings: [u32; 3]| {
            let all = tenures(&blocks);
            let two = rule.next_two(&all, |uid| standings[usize::from(uid.0)]);
            let [Some(next), Some(after)] = two else {
                panic!("none is immune: {two:?}")
            };
            (
                next.tenure.uid.0,
                after.tenure.uid.0,
                next.goes_before(&after),
            )
        };
        assert_eq!(
            decided([1, 2, 3], [9, 8, 7]),
            (2, 1, PruningRule::LeastStanding)
        );
        assert_eq!(
            decided([3, 2, 1], [7, 7, 8]),
            (1, 0, PruningRule::RegisteredFirst)
        );
        assert_eq!(decided([2, 2, 1], [7, 7, 8]), (0, 1, PruningRule::LowerUid));
        let one = tenures(&[1]);
        assert_eq!(rule.next_two(&one, |_| 0)[1], None);
    }

    #[test]
    fn next_to_prune_is_nobody_when_there_is_nobody() {
        assert_eq!(rule(99, 10, 50).next_to_prune(&[], |_| 0), None);
    }

    proptest! {
        #[test]
        fn at_most_half_are_immune_of_those_an_epoch_judged(
            blocks in prop::collection::vec(0..100u32, 0..40),
            now in 50..120u32, period in 0..100u32, last_epoch_at in 0..100u32,
        ) {
            let mut blocks = blocks;
            blocks.sort_unstable();
            let all = tenures(&blocks);
            let rule = rule(now, period, last_epoch_at);
            let immune = rule.immune(&all);
            let judged_and_immune = immune
                .iter()
                .zip(&all)
                .filter(|(&immune, tenure)| immune && tenure.registered_at < last_epoch_at)
                .count();
            prop_assert!(judged_and_immune <= all.len() / 2);
            // Older ones lapse first: among those within the period, immunity is a suffix.
            let within: Vec<bool> = immune
                .iter()
                .zip(&all)
                .filter(|(_, tenure)| rule.ends_at(tenure) > now)
                .map(|(&immune, _)| immune)
                .collect();
            prop_assert!(within.windows(2).all(|pair| pair[0] <= pair[1]));
        }

        #[test]
        fn next_to_prune_is_never_immune_and_never_stands_better_than_another(
            blocks in prop::collection::vec((0..100u32, 0..5u32), 1..40),
            now in 50..120u32, period in 0..100u32, last_epoch_at in 0..100u32,
        ) {
            let (blocks, standings): (Vec<_>, Vec<_>) = blocks.into_iter().unzip();
            let all = tenures(&blocks);
            let rule = rule(now, period, last_epoch_at);
            let immune = rule.immune(&all);
            match rule.next_to_prune(&all, |uid| standings[usize::from(uid.0)]) {
                None => prop_assert!(immune.iter().all(|&immune| immune)),
                Some(candidate) => {
                    let uid = usize::from(candidate.tenure.uid.0);
                    prop_assert!(!immune[uid]);
                    for (other, &standing) in standings.iter().enumerate() {
                        prop_assert!(immune[other] || standing >= standings[uid]);
                    }
                }
            }
        }
    }
}
