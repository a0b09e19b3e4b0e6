//! Requests under way: at most so many at once, of which a quarter is kept for callers with stake.
//!
//! A request holds its place while it waits for a model. Without that part, whoever fills the lines
//! of a few slow models would hold up all callers of all models, however much stake they have.

use crate::admission::Rank;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All places.
#[derive(Debug)]
pub(crate) struct UnderWay {
    all: Arc<Semaphore>,
    of_strangers: Arc<Semaphore>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_strangers: Option<OwnedSemaphorePermit>,
}

impl UnderWay {
    /// So many places.
    pub(super) fn new(most: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(most)),
            of_strangers: Arc::new(Semaphore::new(most - most / 4)),
        }
    }

    /// Whether nobody could have a place now.
    pub(super) fn is_full(&self) -> bool {
        self.all.available_permits() == 0
    }

    /// A place for a caller of this rank, if there is one.
    pub(super) fn take(&self, rank: Rank) -> Option<Place> {
        let of_strangers = match rank {
            Rank(0) => Some(Arc::clone(&self.of_strangers).try_acquire_owned().ok()?),
            _ => None,
        };
        Some(Place {
            _of_all: Arc::clone(&self.all).try_acquire_owned().ok()?,
            _of_strangers: of_strangers,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn take_keeps_a_quarter_for_callers_with_stake() {
        let places = UnderWay::new(4);
        let strangers = [(); 3].map(|()| places.take(Rank(0)).unwrap());
        assert!(places.take(Rank(0)).is_none());
        assert!(!places.is_full());
        let staked = places.take(Rank(1)).unwrap();
        assert!(places.is_full() && places.take(Rank(1)).is_none());
        drop((strangers, staked));
        let _staked = [(); 4].map(|()| places.take(Rank(1)).unwrap());
        assert!(places.take(Rank(0)).is_none());
    }

    #[test]
    fn take_finds_the_only_place_for_anybody() {
        assert!(UnderWay::new(1).take(Rank(0)).is_some());
    }
}
