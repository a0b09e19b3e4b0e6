//! Whose turn is next: a queue in which higher ranks stand ahead and addresses of one rank take
//! turns.

use crate::admission::Rank;
use std::{
    cmp::Reverse,
    collections::{btree_map::Entry, BTreeMap, HashMap, VecDeque},
    net::IpAddr,
};

/// Where somebody asks from; nowhere, where no connection is known.
pub(super) type Origin = Option<IpAddr>;

/// Where one entry stands, for as long as it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    rank: Rank,
    origin: Origin,
    number: u64,
}

/// Those who wait.
///
/// Within a rank it is round robin over origins (Nagle, RFC 970): one that asks little is next after
/// as many entries as there are origins, however much another one has waiting. Nothing is kept of
/// who waits no longer.
#[derive(Debug)]
pub(super) struct Turns<T> {
    ranks: BTreeMap<Reverse<Rank>, Equals<T>>,
    len: usize,
    next: u64,
}

/// Those of one rank. Every origin in `order` has an entry in `waiting`, which is not empty.
#[derive(Debug)]
struct Equals<T> {
    order: VecDeque<Origin>,
    waiting: HashMap<Origin, BTreeMap<u64, T>>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self {
            ranks: BTreeMap::new(),
            len: 0,
            next: 0,
        }
    }
}

impl<T> Turns<T> {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts `entry` behind what its origin has waiting, in its rank.
    pub(super) fn push(&mut self, rank: Rank, origin: Origin, entry: T) -> Place {
        let number = self.next;
        self.next += 1;
        self.len += 1;
        let equals = self.ranks.entry(Reverse(rank)).or_default();
        if !equals.waiting.contains_key(&origin) {
            equals.order.push_back(origin);
        }
        let waiting = equals.waiting.entry(origin).or_default();
        waiting.insert(number, entry);
        Place {
            rank,
            origin,
            number,
        }
    }

    /// Takes out whose turn it is.
    pub(super) fn pop(&mut self) -> Option<T> {
        let mut first = self.ranks.first_entry()?;
        let equals = first.get_mut();
        let origin = equals.order.pop_front()?;
        let waiting = equals.waiting.get_mut(&origin)?;
        let (_, entry) = waiting.pop_first()?;
        if waiting.is_empty() {
            equals.waiting.remove(&origin);
        } else {
            equals.order.push_back(origin);
        }
        if equals.order.is_empty() {
            first.remove();
        }
        self.len -= 1;
        Some(entry)
    }

    /// Takes out who stands at `place`, if somebody still does.
    pub(super) fn remove(&mut self, place: &Place) -> Option<T> {
        let Entry::Occupied(mut equals) = self.ranks.entry(Reverse(place.rank)) else {
            return None;
        };
        let entry = equals.get_mut().remove(place.origin, place.number)?;
        if equals.get().order.is_empty() {
            equals.remove();
        }
        self.len -= 1;
        Some(entry)
    }

    /// Who gives way to one more of this rank and origin when there is no room for both: the last
    /// of the origin that has the most waiting in the lowest rank, if that rank is lower, or that
    /// origin would still have no less than the other.
    pub(super) fn gives_way_to(&self, rank: Rank, origin: Origin) -> Option<Place> {
        let (&Reverse(lowest), equals) = self.ranks.last_key_value()?;
        // Of origins that have as many, the one whose turn comes last.
        let having = |origin: &Origin| equals.waiting.get(origin).map_or(0, BTreeMap::len);
        let most = *equals.order.iter().max_by_key(|origin| having(origin))?;
        if lowest > rank || (lowest == rank && having(&most) <= having(&origin) + 1) {
            return None;
        }
        let (&number, _) = equals.waiting.get(&most)?.last_key_value()?;
        Some(Place {
            rank: lowest,
            origin: most,
            number,
        })
    }
}

impl<T> Default for Equals<T> {
    fn default() -> Self {
        Self {
            order: VecDeque::new(),
            waiting: HashMap::new(),
        }
    }
}

impl<T> Equals<T> {
    fn remove(&mut self, origin: Origin, number: u64) -> Option<T> {
        let waiting = self.waiting.get_mut(&origin)?;
        let entry = waiting.remove(&number)?;
        if waiting.is_empty() {
            self.waiting.remove(&origin);
            self.order.retain(|other| *other != origin);
        }
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn from(last: u8) -> Origin {
        Some(IpAddr::from([10, 0, 0, last]))
    }

    fn all<T>(mut turns: Turns<T>) -> Vec<T> {
        let entries = std::iter::from_fn(|| turns.pop()).collect();
        assert!(turns.is_empty() && turns.ranks.is_empty());
        entries
    }

    #[test]
    fn pop_takes_higher_ranks_first_and_shares_turns_among_equals() {
        let mut turns = Turns::default();
        for (index, (stake, origin)) in [(0, 1), (0, 1), (0, 1), (0, 2), (7, 1), (0, 3), (0, 2)]
            .into_iter()
            .enumerate()
        {
            turns.push(Rank(stake), from(origin), index);
        }
        assert_eq!(all(turns), [4, 0, 3, 5, 1, 6, 2]);
    }

    #[test]
    fn pop_shares_turns_whatever_higher_ranks_ask_meanwhile() {
        let mut turns = Turns::default();
        for index in 0..4 {
            turns.push(Rank(0), from(1), index);
        }
        for _ in 0..100 {
            turns.push(Rank(1), from(9), 9);
            assert_eq!(turns.pop(), Some(9));
        }
        turns.push(Rank(0), from(2), 100);
        assert_eq!(all(turns), [0, 100, 1, 2, 3]);
    }

    #[test]
    fn gives_way_to_names_the_last_of_the_lowest_rank_or_of_who_has_more() {
        let mut turns = Turns::default();
        assert_eq!(turns.gives_way_to(Rank(9), from(1)), None);
        turns.push(Rank(1), from(1), ());
        let last = turns.push(Rank(1), from(1), ());
        assert_eq!(turns.gives_way_to(Rank(0), from(2)), None);
        assert_eq!(turns.gives_way_to(Rank(1), from(1)), None);
        assert_eq!(turns.gives_way_to(Rank(1), from(2)), Some(last));
        assert_eq!(turns.gives_way_to(Rank(2), from(1)), Some(last));
        let other = turns.push(Rank(1), from(2), ());
        assert_eq!(turns.gives_way_to(Rank(1), from(2)), None);
        turns.remove(&last).unwrap();
        assert_eq!(turns.gives_way_to(Rank(1), from(3)), None);
        assert_eq!(turns.gives_way_to(Rank(2), from(3)), Some(other));
    }

    proptest! {
        /// Whatever comes and goes, an origin waits for no more turns than there are others of its
        /// rank, for each entry of its own, and nothing is lost or kept.
        #[test]
        fn origins_wait_for_one_turn_of_each_other(
            steps in prop::collection::vec((0u8..3, 0u128..2, 0u8..4), 1..64),
        ) {
            let mut turns = Turns::default();
            let mut places = Vec::new();
            for (step, stake, origin) in steps {
                match step {
                    0 | 1 => {
                        let place = turns.push(Rank(stake), from(origin), (stake, origin));
                        places.push((place, (stake, origin)));
                    }
                    _ if !places.is_empty() => {
                        let (place, entry) = places.remove(usize::from(origin) % places.len());
                        prop_assert_eq!(turns.remove(&place), Some(entry));
                        prop_assert_eq!(turns.remove(&place), None);
                    }
                    _ => prop_assert_eq!(turns.pop(), None),
                }
                prop_assert_eq!(turns.len(), places.len());
            }
            let order = all(turns);
            prop_assert_eq!(order.len(), places.len());
            prop_assert!(order.is_sorted_by_key(|(stake, _)| Reverse(*stake)));
            for (index, entry) in order.iter().enumerate() {
                let until_next = order[index + 1..].iter().take_while(|it| *it != entry);
                let others = until_next.filter(|it| it.0 == entry.0);
                if order[index + 1..].contains(entry) {
                    prop_assert!(others.count() <= 3, "one turn for each other origin");
                }
            }
        }
    }
}
