//! Places for connections: so many over all, so many of one address, and who gives way when all are
//! taken.
//!
//! A connection costs its peer next to nothing, so strangers could hold all there are. When none is
//! free, one gives way to the newcomer: first those on which nobody was let in yet, whatever they
//! are about, then those that are idle, in both cases the one on which nothing happened for
//! longest. A connection whose caller was let in and waits for an answer never gives way.

use crate::address::{PerAddress, Share};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{futures::Notified, Notify},
    time::{sleep_until, Instant},
};

/// One in so many gives way at once, of those on which nobody was let in.
const STRANGERS_AT_ONCE: usize = 16;

/// What is known of a connection.
#[derive(Debug)]
pub(crate) struct Standing {
    doing: Mutex<Doing>,
    leave: Notify,
}

#[derive(Clone, Copy, Debug)]
struct Doing {
    /// Requests under way.
    requests: usize,
    /// When a request last began or ended, or the connection came.
    since: Instant,
    /// Whether a request on it was let in.
    let_in: bool,
}

impl Standing {
    pub(crate) fn new() -> Arc<Self> {
        let doing = Doing {
            requests: 0,
            since: Instant::now(),
            let_in: false,
        };
        Arc::new(Self {
            doing: Mutex::new(doing),
            leave: Notify::new(),
        })
    }

    /// Notes that a request on it was let in.
    pub(crate) fn let_in(&self) {
        self.doing().let_in = true;
    }

    /// Counts a request for as long as what is returned lives.
    pub(super) fn request(self: &Arc<Self>) -> UnderWay {
        let mut doing = self.doing();
        doing.requests += 1;
        doing.since = Instant::now();
        UnderWay(Arc::clone(self))
    }

    /// Waits until there was no request for so long.
    pub(super) async fn idle_for(&self, limit: Duration) {
        loop {
            let now = Instant::now();
            let doing = *self.doing();
            let due = match doing.requests {
                0 => doing.since + limit,
                _ => now + limit,
            };
            if due <= now {
                return;
            }
            sleep_until(due).await;
        }
    }

    /// Lets it give way. The permit is kept for a connection that is not waiting for it yet.
    pub(crate) fn give_way(&self) {
        self.leave.notify_one();
    }

    /// Waits until it has to give way.
    pub(crate) fn gives_way(&self) -> Notified<'_> {
        self.leave.notified()
    }

    /// Who gives way first is least; None: it never does.
    fn rank(&self) -> Option<(bool, Instant)> {
        let doing = *self.doing();
        (!doing.let_in || doing.requests == 0).then_some((doing.let_in, doing.since))
    }

    // Nothing between lock and unlock can panic.
    fn doing(&self) -> MutexGuard<'_, Doing> {
        self.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request for as long as it is being answered.
pub(super) struct UnderWay(Arc<Standing>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut doing = self.0.doing();
        doing.requests -= 1;
        doing.since = Instant::now();
    }
}

/// Why a connection gets no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// Its address holds as many as it may.
    Address,
    /// Nobody gives way.
    Full,
}

/// All places.
pub(super) struct Places {
    capacity: usize,
    per_address: PerAddress,
    table: Mutex<Table>,
    left: Notify,
}

#[derive(Default)]
struct Table {
    next: u64,
    held: HashMap<u64, (Arc<Standing>, Share)>,
}

impl Places {
    pub(super) fn new(capacity: usize, per_address: usize) -> Arc<Self> {
        Arc::new(Self {
            capacity,
            per_address: PerAddress::new(per_address),
            table: Mutex::default(),
            left: Notify::new(),
        })
    }

    /// A place, if need be that of somebody who gives way.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Result<Place, NoPlace> {
        let share = self.per_address.take(address).ok_or(NoPlace::Address)?;
        let mut table = self.table();
        if table.held.len() >= self.capacity && !table.make_room() {
            return Err(NoPlace::Full);
        }
        let standing = Standing::new();
        let number = table.next;
        table.next += 1;
        let held = (Arc::clone(&standing), share);
        table.held.insert(number, held);
        Ok(Place {
            places: Arc::clone(self),
            number,
            standing,
        })
    }

    /// Lets somebody give way, for want of something that connections need.
    pub(super) fn make_room(&self) {
        self.table().make_room();
    }

    /// Waits until every connection is closed.
    pub(super) async fn all_left(&self) {
        loop {
            let left = self.left.notified();
            if self.table().held.is_empty() {
                return;
            }
            left.await;
        }
    }

    // Nothing between lock and unlock can panic halfway through a change.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Lets one give way and, of those on which nobody was let in, a few at once: under a flood of
    /// newcomers this is asked for thousands of times a second, and looks at all that there are.
    fn make_room(&mut self) -> bool {
        let ranked = self.held.iter();
        let ranked = ranked.filter_map(|(number, (it, _))| it.rank().map(|rank| (rank, *number)));
        let mut ranked: Vec<_> = ranked.collect();
        let several = self.held.len() / STRANGERS_AT_ONCE;
        if several + 1 < ranked.len() {
            ranked.select_nth_unstable(several);
            ranked.truncate(several + 1);
        }
        let Some(first) = ranked.iter().min().copied() else {
            return false;
        };
        for it in ranked {
            let ((let_in, _), number) = it;
            if let_in && it != first {
                continue;
            }
            if let Some((standing, _)) = self.held.remove(&number) {
                standing.give_way();
            }
        }
        true
    }
}

/// The place of one connection, until it is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    number: u64,
    pub standing: Arc<Standing>,
}

impl Drop for Place {
    fn drop(&mut self) {
        // Taken out before it is dropped: a share has a lock of its own.
        let held = self.places.table().held.remove(&self.number);
        drop(held);
        self.places.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    const HERE: [u8; 4] = [10, 0, 0, 1];

    fn gone(place: &Place) -> bool {
        place.standing.gives_way().now_or_never().is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn take_lets_strangers_give_way_first_and_those_who_wait_never() {
        let places = Places::new(3, 9);
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(places.take(HERE.into()).unwrap());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        held[0].standing.let_in();
        let _busy = held[0].standing.request();
        held[1].standing.let_in();
        // A stranger, though it is the last that came, and has a request.
        let _asking = held[2].standing.request();
        held.push(places.take(HERE.into()).unwrap());
        assert_eq!(
            held.iter().map(gone).collect::<Vec<_>>(),
            [false, false, true, false]
        );
        held[3].standing.let_in();
        let _busy_too = held[3].standing.request();
        held.push(places.take(HERE.into()).unwrap());
        assert!(gone(&held[1]));
        held[4].standing.let_in();
        let _busy_as_well = held[4].standing.request();
        let refused = places.take(HERE.into()).err();
        assert_eq!(refused, Some(NoPlace::Full));
    }

    #[tokio::test]
    async fn take_is_refused_when_the_address_holds_its_share() {
        let places = Places::new(9, 1);
        let first = places.take(HERE.into()).unwrap();
        assert_eq!(places.take(HERE.into()).err(), Some(NoPlace::Address));
        let _others = places.take([10, 0, 0, 2].into()).unwrap();
        drop(first);
        assert!(places.take(HERE.into()).is_ok());
    }

    #[tokio::test]
    async fn all_left_waits_for_every_connection() {
        let places = Places::new(9, 9);
        let place = places.take(HERE.into()).unwrap();
        assert!(places.all_left().now_or_never().is_none());
        drop(place);
        places.all_left().await;
    }
}
