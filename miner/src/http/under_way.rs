//! Requests under way: at most so many at once, of which a quarter is kept for callers with stake.
//!
//! A request holds its place while it waits for a model, which may be for long. So that nobody can
//! fill the lines of a few slow models and with them hold up all callers of all models, an address
//! takes no more places than it leaves free: the more of them there are that ask for much, the less
//! each of them has (dynamic thresholds, Choudhury and Hahne 1998).

use super::Peer;
use crate::{address::network, admission::Rank};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// All places.
#[derive(Clone, Debug)]
pub(crate) struct UnderWay {
    most: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_strangers: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    of: UnderWay,
    is_strangers: bool,
    address: Option<IpAddr>,
}

impl UnderWay {
    /// So many places.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            taken: Arc::default(),
        }
    }

    /// Whether nobody could have a place now.
    pub(super) fn is_full(&self) -> bool {
        self.taken().all >= self.most
    }

    /// A place for a caller of this rank, if there is one.
    pub(super) fn take(&self, rank: Rank, peer: Option<&Peer>) -> Option<Place> {
        let is_strangers = rank == Rank::default();
        let address = peer.map(|peer| network(peer.address));
        let mut taken = self.taken();
        let mut free = self.most - taken.all;
        if is_strangers {
            let most = self.most - self.most / 4;
            free = free.min(most - taken.by_strangers);
        }
        let of_address = address.and_then(|it| taken.by_address.get(&it).copied());
        if free <= of_address.unwrap_or_default() {
            return None;
        }
        taken.all += 1;
        taken.by_strangers += usize::from(is_strangers);
        if let Some(address) = address {
            *taken.by_address.entry(address).or_default() += 1;
        }
        Some(Place {
            of: self.clone(),
            is_strangers,
            address,
        })
    }

    // Nothing between lock and unlock can panic.
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.of.taken();
        taken.all -= 1;
        taken.by_strangers -= usize::from(self.is_strangers);
        let Some(address) = self.address else { return };
        if let Some(count) = taken.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                taken.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Standing;

    fn peer(last: u8) -> Peer {
        Peer {
            address: [10, 0, 0, last].into(),
            standing: Standing::new(),
        }
    }

    #[test]
    fn take_keeps_a_quarter_for_callers_with_stake() {
        let places = UnderWay::new(4);
        let strangers = [(); 3].map(|()| places.take(Rank(0), None).unwrap());
        assert!(places.take(Rank(0), None).is_none());
        assert!(!places.is_full());
        let staked = places.take(Rank(1), None).unwrap();
        assert!(places.is_full() && places.take(Rank(1), None).is_none());
        drop((strangers, staked));
        let _staked = [(); 4].map(|()| places.take(Rank(1), None).unwrap());
        assert!(places.take(Rank(0), None).is_none());
    }

    #[test]
    fn take_leaves_a_place_to_the_next_however_much_others_ask() {
        let places = UnderWay::new(256);
        let mut held = Vec::new();
        for last in 1..9 {
            let greedy = peer(last);
            let taken = std::iter::from_fn(|| places.take(Rank(0), Some(&greedy)));
            held.push(taken.collect::<Vec<_>>());
        }
        assert_eq!(held[0].len(), 96, "half of what strangers have");
        let newcomer = peer(9);
        // One by one: half of what is left, and half of that.
        assert!(held.windows(2).all(|pair| pair[0].len() >= pair[1].len()));
        assert!(places.take(Rank(1), Some(&newcomer)).is_some());
        drop(held);
        assert!(places.taken().by_address.is_empty());
        assert_eq!(places.taken().all, 0);
    }

    #[test]
    fn take_finds_the_only_place_for_anybody() {
        assert!(UnderWay::new(1).take(Rank(0), Some(&peer(1))).is_some());
    }
}
