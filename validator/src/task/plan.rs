//! Which items a miner is asked in a round, and where.
//!
//! Most are the miner's own. Some are asked of every miner in the very same form, so that answers
//! can be compared: two miners that answer them alike to the last digit are one model. Some are
//! asked twice, so that who does not know what it answered is found out. Where they stand follows
//! from the miner's seed, so that no miner knows which is which.
//!
//! The plan is made in stretches of `items_per_round`, so that a larger count only appends.

use super::{dice::shuffled, Dice, Queries, Seed};

/// The first stream of a miner's keystream that plans are made from; those below vary items.
const STREAMS: u64 = 1 << 40;

/// What stands at one place of a miner's round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The miner's own item of this index.
    Own(u32),
    /// The round's item of this index, asked of every miner.
    Shared(u32),
    /// An own item once more.
    Again {
        /// The place at which it stands first.
        place: u32,
        /// Its index among the own items.
        item: u32,
    },
}

/// The first `count` places of a miner's round.
pub fn plan(miner: &Seed, queries: &Queries, count: u32) -> Vec<Slot> {
    let length = queries.items_per_round.max(1);
    let mut slots = Vec::with_capacity(count as usize);
    let mut own = 0;
    for stretch in 0..count.div_ceil(length) {
        let shared = if stretch == 0 {
            queries.shared_per_round
        } else {
            0
        };
        let mut dice = Dice::new(miner, STREAMS + u64::from(stretch));
        let planned = stretch_of(&mut dice, queries, shared);
        own = append(&mut slots, &planned, own);
    }
    slots.truncate(count as usize);
    slots
}

/// What a place of a stretch is for, places counted from the stretch's start.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Own,
    Shared(u32),
    Again(usize),
}

fn stretch_of(dice: &mut Dice, queries: &Queries, shared: u32) -> Vec<Role> {
    let length = queries.items_per_round.max(1) as usize;
    let places = shuffled(dice, length, length);
    let request = |place: usize| place / usize::from(queries.items_per_request.max(1));
    let mut roles = vec![Role::Own; length];
    let (for_shared, rest) = places.split_at(length.min(shared as usize));
    for (index, &place) in (0..).zip(for_shared) {
        roles[place] = Role::Shared(index);
    }
    let (again, first) = rest.split_at(rest.len().min(queries.repeats_per_round as usize));
    let mut first = first.to_vec();
    for &place in again {
        // In another request, so that the two can't be seen side by side.
        let apart = first.iter().position(|&at| request(at) != request(place));
        if let Some(chosen) = apart.or(if first.is_empty() { None } else { Some(0) }) {
            roles[place] = Role::Again(first.swap_remove(chosen));
        }
    }
    roles
}

/// Numbers the own items of a stretch on from `own`; returns the next number.
fn append(slots: &mut Vec<Slot>, roles: &[Role], mut own: u32) -> u32 {
    let start = slots.len() as u32;
    let mut numbers = vec![0; roles.len()];
    for (place, _) in roles
        .iter()
        .enumerate()
        .filter(|(_, role)| **role == Role::Own)
    {
        numbers[place] = own;
        own += 1;
    }
    slots.extend(roles.iter().enumerate().map(|(place, role)| match *role {
        Role::Own => Slot::Own(numbers[place]),
        Role::Shared(index) => Slot::Shared(index),
        Role::Again(first) => Slot::Again {
            place: start + first as u32,
            item: numbers[first],
        },
    }));
    own
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn queries(items: u32, request: u16, shared: u32, repeats: u32) -> Queries {
        Queries {
            items_per_round: items,
            items_per_request: request,
            newcomer_factor: 1,
            newcomer_below: 0,
            shared_per_round: shared,
            repeats_per_round: repeats,
        }
    }

    #[test]
    fn plan_is_all_own_when_no_probes_are_wanted() {
        let slots = plan(&[1; 32], &queries(4, 2, 0, 0), 6);
        let own: Vec<Slot> = (0..6).map(Slot::Own).collect();
        assert_eq!(slots, own);
    }

    #[test]
    fn plan_hides_probes_at_places_of_the_miner_s_own() {
        let queries = queries(64, 32, 8, 2);
        let places = |seed| -> Vec<usize> {
            let slots = plan(&[seed; 32], &queries, 64);
            let probes = |slot: &Slot| !matches!(slot, Slot::Own(_));
            (0..64).filter(|&place| probes(&slots[place])).collect()
        };
        assert_eq!(places(1).len(), 10);
        assert_ne!(places(1), places(2));
    }

    proptest! {
        #[test]
        fn plan_only_appends_and_repeats_in_other_requests(
            seed: [u8; 32], count in 1u32..300, shared in 0u32..16, repeats in 0u32..8,
        ) {
            let queries = queries(64, 16, shared, repeats);
            let long = plan(&seed, &queries, count);
            prop_assert_eq!(&plan(&seed, &queries, count / 2)[..], &long[..(count / 2) as usize]);
            let whole = plan(&seed, &queries, 128);
            let mut own = Vec::new();
            for (place, slot) in whole.iter().enumerate() {
                match *slot {
                    Slot::Own(index) => own.push(index),
                    Slot::Shared(index) => prop_assert!(index < shared && place < 64),
                    Slot::Again { place: first, item } => {
                        prop_assert_eq!(whole[first as usize], Slot::Own(item));
                        prop_assert_ne!(first / 16, place as u32 / 16);
                    }
                }
            }
            let due: Vec<u32> = (0..128 - shared - 2 * repeats).collect();
            prop_assert_eq!(own, due);
        }
    }
}
