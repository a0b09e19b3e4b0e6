//! Memory for bodies: of requests, while they arrive and are answered, and of answers, until they
//! are taken.
//!
//! It costs a stranger next to nothing to send most of a large body and then wait, or to ask for a
//! large answer and never read it. So all bodies together have a bound, and when it is reached, a
//! connection gives way: one of the address that holds the most, as long as that is more than the
//! newcomer would.
//!
//! Bodies of requests that were let in never give way, and may wait for long where a model is slow.
//! So of them callers without stake have three quarters at most, and no address more than half of what
//! it leaves to others, as with places (`under_way.rs`): small queries find room where large ones
//! don't. They count as what they are once read: a tensor may be many times its text, or the text
//! mostly blanks.

use super::Peer;
use crate::{
    address::network,
    admission::{of_strangers, Rank},
};
use bytes::Bytes;
use http::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};
use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

/// Answers are given out in pieces of so many bytes, each when the one before it was taken.
const PIECE: usize = 16 * 1024;

/// No memory for another body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// All bodies.
#[derive(Clone, Debug)]
pub(crate) struct Bodies {
    capacity: usize,
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    bytes: usize,
    next: u64,
    held: BTreeMap<u64, Held>,
}

#[derive(Debug)]
struct Held {
    bytes: usize,
    /// Where it comes from; None where no connection is known.
    peer: Option<Peer>,
    /// None as long as its connection may have to give way; then whose it is.
    stays: Option<Rank>,
}

impl Held {
    fn address(&self) -> Option<IpAddr> {
        self.peer.as_ref().map(|peer| network(peer.address))
    }
}

impl Bodies {
    /// Memory for so many bytes.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            table: Arc::default(),
        }
    }

    /// Room for a request's body, of which nothing has arrived.
    pub(super) fn arriving(&self, peer: Option<&Peer>) -> Room {
        self.hold(0, peer)
    }

    /// Room for an answer, which is there already: others give way if there is none.
    pub(super) fn answering(&self, bytes: usize, peer: Option<&Peer>) -> Room {
        let room = self.hold(0, peer);
        if room.more(bytes).is_err() {
            self.table().add(room.number, bytes);
        }
        room
    }

    fn hold(&self, bytes: usize, peer: Option<&Peer>) -> Room {
        let mut table = self.table();
        let number = table.next;
        table.next += 1;
        let held = Held {
            bytes,
            peer: peer.cloned(),
            stays: None,
        };
        table.held.insert(number, held);
        Room {
            bodies: self.clone(),
            number,
        }
    }

    // Nothing between lock and unlock can panic halfway through a change.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// False for a body that had to give way.
    fn add(&mut self, number: u64, bytes: usize) -> bool {
        let Some(held) = self.held.get_mut(&number) else {
            return false;
        };
        held.bytes += bytes;
        self.bytes += bytes;
        true
    }

    fn remove(&mut self, number: u64) -> Option<Held> {
        let held = self.held.remove(&number)?;
        self.bytes -= held.bytes;
        Some(held)
    }

    /// Whether the body `number` may stay with so many bytes for a caller of this rank. The only one
    /// always may: it is bounded by its own limit.
    fn may_stay(&self, number: u64, rank: Rank, bytes: usize, capacity: usize) -> bool {
        let for_strangers = of_strangers(capacity);
        let Some(own) = self.held.get(&number) else {
            return false;
        };
        // What fits the rule whosever the rest is.
        if self.bytes - own.bytes + bytes <= capacity - for_strangers {
            return true;
        }
        let (mut all, mut by_strangers, mut by_address) = (0, 0, 0);
        for (other, held) in &self.held {
            let Some(of_rank) = held.stays.filter(|_| *other != number) else {
                continue;
            };
            all += held.bytes;
            if !of_rank.has_stake() {
                by_strangers += held.bytes;
            }
            if own.peer.is_some() && held.address() == own.address() {
                by_address += held.bytes;
            }
        }
        let mut left = capacity.saturating_sub(all);
        if !rank.has_stake() {
            left = left.min(for_strangers.saturating_sub(by_strangers));
        }
        all == 0 || by_address + bytes <= left / 2
    }

    /// Whether nothing stays but the body `number`.
    fn stays_alone(&self, number: u64) -> bool {
        let mut staying = self.held.iter().filter(|(_, held)| held.stays.is_some());
        staying.all(|(other, _)| *other == number)
    }

    /// Lets a connection give way to so many bytes more of the body `newcomer`, if one should.
    fn make_room(&mut self, newcomer: u64, bytes: usize) -> bool {
        let mut of: HashMap<IpAddr, usize> = HashMap::new();
        let mut yielding: HashMap<IpAddr, u64> = HashMap::new();
        for (number, held) in &self.held {
            if let Some(address) = held.address() {
                *of.entry(address).or_default() += held.bytes;
                if held.stays.is_none() && held.bytes > 0 {
                    yielding.entry(address).or_insert(*number);
                }
            }
        }
        let address = self.held.get(&newcomer).and_then(Held::address);
        let own = address.and_then(|it| of.get(&it).copied()).unwrap_or(0);
        let heaviest = yielding.into_iter().max_by_key(|(address, _)| of[address]);
        let Some((heaviest, number)) = heaviest else {
            return false;
        };
        if address == Some(heaviest) || of[&heaviest] <= own.saturating_add(bytes) {
            return false;
        }
        let Some(Peer { standing, .. }) = self.remove(number).and_then(|held| held.peer) else {
            return false;
        };
        // What else comes or goes over this connection ends with it.
        let with_it = self.held.iter().filter(|(_, held)| {
            let of_it = |peer: &Peer| Arc::ptr_eq(&peer.standing, &standing);
            held.stays.is_none() && held.peer.as_ref().is_some_and(of_it)
        });
        let with_it: Vec<u64> = with_it.map(|(number, _)| *number).collect();
        for number in with_it {
            self.remove(number);
        }
        standing.give_way();
        true
    }
}

/// The room that one body takes, until it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    bodies: Bodies,
    number: u64,
}

impl Room {
    /// Takes so much more, or says that it can't be had.
    pub(super) fn more(&self, bytes: usize) -> Result<(), Full> {
        let mut table = self.bodies.table();
        while table.bytes.saturating_add(bytes) > self.bodies.capacity {
            if !table.make_room(self.number, bytes) {
                return Err(Full);
            }
        }
        table.add(self.number, bytes).then_some(()).ok_or(Full)
    }

    /// From here on it does not give way, if a caller of this rank may have that.
    pub(super) fn stays(&self, rank: Rank) -> Result<(), Full> {
        let mut table = self.bodies.table();
        let bytes = table.held.get(&self.number).map_or(0, |held| held.bytes);
        if !table.may_stay(self.number, rank, bytes, self.bodies.capacity) {
            return Err(Full);
        }
        let held = table.held.get_mut(&self.number).ok_or(Full)?;
        held.stays = Some(rank);
        Ok(())
    }

    /// What it holds has become so much, as a body does when it is read; or there is no room for it.
    pub(super) fn becomes(&self, bytes: usize) -> Result<(), Full> {
        let mut table = self.bodies.table();
        let held = table.held.get_mut(&self.number).ok_or(Full)?;
        let (before, stays) = (held.bytes, held.stays);
        if bytes <= before {
            held.bytes = bytes;
            table.bytes -= before - bytes;
            return Ok(());
        }
        let may_stay = |rank| table.may_stay(self.number, rank, bytes, self.bodies.capacity);
        if !stays.is_none_or(may_stay) {
            return Err(Full);
        }
        drop(table);
        let more = bytes - before;
        self.more(more).or_else(|Full| {
            // The only one that stays, which is there already, may be more than all there is.
            let mut table = self.bodies.table();
            let alone = table.stays_alone(self.number) && table.add(self.number, more);
            alone.then_some(()).ok_or(Full)
        })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // Taken out before it is dropped: what is known of a connection has locks of its own.
        let held = self.bodies.table().remove(self.number);
        drop(held);
    }
}

/// An answer's body, given out as fast as it is taken, and its room as long as any of it is left.
pub(super) struct Given {
    left: Bytes,
    trailers: Option<HeaderMap>,
    _room: Room,
}

impl Given {
    pub(super) fn new(body: Bytes, trailers: Option<HeaderMap>, room: Room) -> Self {
        Self {
            left: body,
            trailers,
            _room: room,
        }
    }
}

impl Body for Given {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = if self.left.len() > PIECE {
            // A copy: part of the whole would keep all of it, for as long as it is on its way.
            let piece = Bytes::copy_from_slice(&self.left[..PIECE]);
            self.left = self.left.slice(PIECE..);
            Some(Frame::data(piece))
        } else if !self.left.is_empty() {
            let last = std::mem::take(&mut self.left);
            Some(Frame::data(Bytes::copy_from_slice(&last)))
        } else {
            self.trailers.take().map(Frame::trailers)
        };
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Standing;
    use futures::FutureExt as _;
    use http_body_util::BodyExt as _;

    fn peer(last: u8) -> Peer {
        Peer {
            address: [10, 0, 0, last].into(),
            standing: Standing::new(),
        }
    }

    fn gone(peer: &Peer) -> bool {
        peer.standing.gives_way().now_or_never().is_some()
    }

    #[test]
    fn more_makes_the_address_give_way_that_holds_the_most() {
        let bodies = Bodies::new(100);
        let (many, few, new) = (peer(1), peer(2), peer(3));
        let first = bodies.arriving(Some(&many));
        let second = bodies.arriving(Some(&peer(1)));
        let other = bodies.arriving(Some(&few));
        assert_eq!(first.more(30), Ok(()));
        assert_eq!(second.more(30), Ok(()));
        assert_eq!(other.more(35), Ok(()));
        let newcomer = bodies.arriving(Some(&new));
        assert_eq!(newcomer.more(10), Ok(()));
        assert!(gone(&many) && !gone(&few) && !gone(&new));
        // What gave way gets no more, and is counted once.
        assert_eq!(first.more(1), Err(Full));
        drop(first);
        assert_eq!(bodies.table().bytes, 75);
        drop((second, other, newcomer));
        assert_eq!(bodies.table().bytes, 0);
    }

    #[test]
    fn more_is_refused_when_nobody_holds_more_than_the_newcomer_would() {
        let bodies = Bodies::new(100);
        let (one, other) = (peer(1), peer(2));
        let held = bodies.arriving(Some(&one));
        assert_eq!(held.more(50), Ok(()));
        let own = bodies.arriving(Some(&one));
        assert_eq!(own.more(51), Err(Full), "nobody gives way to itself");
        let newcomer = bodies.arriving(Some(&other));
        assert_eq!(newcomer.more(60), Err(Full));
        assert_eq!(bodies.arriving(None).more(51), Err(Full));
        assert_eq!(held.stays(Rank(0)), Ok(()));
        assert_eq!(newcomer.more(51), Err(Full), "what was let in stays");
        assert!(!gone(&one));
        assert_eq!(newcomer.more(50), Ok(()));
    }

    #[test]
    fn stays_is_refused_when_an_address_would_leave_too_little_to_others() {
        let bodies = Bodies::new(1000);
        let body = |address, bytes| {
            let room = bodies.arriving(Some(&peer(address)));
            room.more(bytes).map(|()| room)
        };
        let alone = body(1, 700).unwrap();
        assert_eq!(alone.stays(Rank(0)), Ok(()), "one body of any size");
        let own = body(1, 1).unwrap();
        assert_eq!(own.stays(Rank(0)), Err(Full), "its address has much");
        assert_eq!(own.stays(Rank(9)), Err(Full), "whatever its stake");
        let large = body(2, 30).unwrap();
        assert_eq!(large.stays(Rank(0)), Err(Full), "of the 50 that are left");
        assert_eq!(large.stays(Rank(1)), Ok(()), "of 300");
        let small = body(3, 20).unwrap();
        assert_eq!(small.stays(Rank(0)), Ok(()));
        drop((alone, small));
        assert_eq!(own.stays(Rank(0)), Ok(()));
    }

    #[test]
    fn becomes_counts_a_body_as_what_it_is_once_read() {
        let bodies = Bodies::new(100);
        let (read, other) = (bodies.arriving(Some(&peer(1))), peer(2));
        read.more(40).unwrap();
        read.stays(Rank(0)).unwrap();
        assert_eq!(read.becomes(4), Ok(()));
        assert_eq!(bodies.table().bytes, 4);
        let arriving = bodies.arriving(Some(&other));
        arriving.more(90).unwrap();
        assert_eq!(read.becomes(20), Ok(()));
        assert!(gone(&other), "what arrives gives way to what was let in");
        assert_eq!(bodies.table().bytes, 20);
        // The only one that stays may become more than there is, and not if it isn't.
        assert_eq!(read.becomes(101), Ok(()));
        let second = bodies.arriving(Some(&other));
        assert_eq!(second.more(1), Err(Full));
        assert_eq!(read.becomes(20), Ok(()));
        second.more(1).unwrap();
        second.stays(Rank(1)).unwrap();
        assert_eq!(read.becomes(101), Err(Full));
        drop((read, second));
        assert_eq!(bodies.table().bytes, 0);
    }

    #[test]
    fn answers_have_room_whatever_there_is() {
        let bodies = Bodies::new(10);
        let (one, other) = (peer(1), peer(2));
        let first = bodies.answering(20, Some(&one));
        let _second = bodies.answering(5, Some(&other));
        assert!(gone(&one));
        drop(first);
        assert_eq!(bodies.table().bytes, 5);
    }

    #[tokio::test]
    async fn given_is_the_body_in_pieces_and_holds_its_room_to_the_last() {
        let bodies = Bodies::new(usize::MAX);
        let text: Vec<u8> = (0..PIECE * 2 + 1).map(|it| it as u8).collect();
        let room = bodies.answering(text.len(), None);
        let trailers = HeaderMap::from_iter([("a".parse().unwrap(), "b".parse().unwrap())]);
        let mut given = Given::new(text.clone().into(), Some(trailers.clone()), room);
        assert_eq!(given.size_hint().exact(), Some(text.len() as u64));
        let first = given.frame().await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), text[..PIECE]);
        assert_eq!(bodies.table().bytes, text.len());
        let rest = given.collect().await.unwrap();
        assert_eq!(rest.trailers(), Some(&trailers));
        assert_eq!(rest.to_bytes(), text[PIECE..]);
        assert_eq!(bodies.table().bytes, 0);
    }
}
