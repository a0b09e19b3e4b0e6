//! Requests under way: at most so many at once, of which a quarter is kept for callers with stake.
//!
//! A request holds its place while it waits for a model, which may be for long. So that nobody can
//! fill the lines of a few slow models and with them hold up all callers of all models, an address
//! takes no more places than it leaves free: the more of them there are that ask for much, the less
//! each of them has (dynamic thresholds, Choudhury and Hahne 1998).

use super::Peer;
use crate::{
    address::{PerAddress, Share},
    admission::{of_strangers, Rank},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All places.
#[derive(Clone, Debug)]
pub(crate) struct UnderWay {
    most: usize,
    taken: Arc<Mutex<Taken>>,
    by_address: PerAddress,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_strangers: usize,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    of: UnderWay,
    by_stranger: bool,
    _of_address: Option<Share>,
}

impl UnderWay {
    /// So many places.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            taken: Arc::default(),
            by_address: PerAddress::new(most),
        }
    }

    /// Whether nobody could have a place now.
    pub(super) fn is_full(&self) -> bool {
        self.taken().all >= self.most
    }

    /// Whether a caller of this rank would get a place now: asked before a body is read.
    pub(super) fn has_room(&self, rank: Rank, peer: Option<&Peer>) -> bool {
        let free = self.free(&self.taken(), rank);
        let held = peer.map_or(0, |peer| self.by_address.held_by(peer.address));
        held < free
    }

    /// A place for a caller of this rank, if there is one. Without a connection that is known, no
    /// address bounds it.
    pub(super) fn take(&self, rank: Rank, peer: Option<&Peer>) -> Option<Place> {
        let by_stranger = !rank.has_stake();
        let mut taken = self.taken();
        let free = self.free(&taken, rank);
        if free == 0 {
            return None;
        }
        let of_address = match peer {
            Some(peer) => Some(self.by_address.take_within(free, peer.address)?),
            None => None,
        };
        taken.all += 1;
        taken.by_strangers += usize::from(by_stranger);
        Some(Place {
            of: self.clone(),
            by_stranger,
            _of_address: of_address,
        })
    }

    /// Places that are left to callers of this rank.
    fn free(&self, taken: &Taken, rank: Rank) -> usize {
        let of_all = self.most - taken.all;
        if rank.has_stake() {
            of_all
        } else {
            of_all.min(of_strangers(self.most) - taken.by_strangers)
        }
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
        taken.by_strangers -= usize::from(self.by_stranger);
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
        assert!(!places.has_room(Rank(0), None) && places.has_room(Rank(1), None));
        assert!(!places.is_full());
        let staked = places.take(Rank(1), None).unwrap();
        assert!(places.is_full() && places.take(Rank(1), None).is_none());
        drop((strangers, staked));
        let _staked = [(); 4].map(|()| places.take(Rank(1), None).unwrap());
        assert!(places.take(Rank(0), None).is_none());
    }

    #[test]
    fn take_gives_an_address_no_more_than_it_leaves() {
        let places = UnderWay::new(256);
        let all_for = |rank, last| {
            let greedy = peer(last);
            let taken = std::iter::from_fn(|| places.take(rank, Some(&greedy)));
            taken.collect::<Vec<_>>()
        };
        let first = all_for(Rank(0), 1);
        let second = all_for(Rank(0), 2);
        assert_eq!((first.len(), second.len()), (96, 48), "of 192 and 96");
        assert_eq!(all_for(Rank(1), 3).len(), 56, "of 112");
        drop(first);
        assert_eq!(all_for(Rank(0), 2).len(), 48, "with 96 of 192");
        drop(second);
        assert_eq!(all_for(Rank(0), 1).len(), 96);
    }

    #[test]
    fn take_finds_the_only_place_for_anybody() {
        assert!(UnderWay::new(1).take(Rank(0), Some(&peer(1))).is_some());
    }
}
