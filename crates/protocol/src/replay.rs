//! Which nonces were seen: a request is answered once.

use crate::{Hotkey, Nonce, UnixSeconds, VerifiedRequest, VerifyError};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

/// For how many seconds more than a request is valid it is remembered: whoever asks may have read the
/// clock a moment ago, and clocks are set back a little now and then.
const MARGIN: u64 = 10;

/// Remembers each (caller, nonce) until the request has expired. What it holds is bounded, over all and
/// per caller, and full means a refusal: forgetting early would let a request in twice.
///
/// Record only what was verified *and* admitted, or strangers fill it.
#[derive(Debug)]
pub struct ReplayGuard {
    capacity: usize,
    per_caller: usize,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    by_caller: HashMap<Hotkey, HashSet<Nonce>>,
    by_expiry: BTreeSet<(UnixSeconds, Hotkey, Nonce)>,
}

impl ReplayGuard {
    /// A guard that remembers `capacity` nonces, of one caller at most `per_caller`.
    pub fn new(capacity: usize, per_caller: usize) -> Self {
        Self {
            capacity,
            per_caller,
            seen: Mutex::default(),
        }
    }

    /// Remembers a request, or says that it has expired, was seen before, or can't be remembered.
    ///
    /// `now` is to be read when this is called: between a request's head and its last byte it may
    /// have expired, and what has expired is forgotten.
    pub fn record(&self, request: &VerifiedRequest, now: UnixSeconds) -> Result<(), VerifyError> {
        self.record_within(self.capacity, request, now)
    }

    /// The same for a caller for whom not all there is shall be used: whoever costs nothing to be
    /// must not take the room of those who are known.
    pub fn record_within(
        &self,
        capacity: usize,
        request: &VerifiedRequest,
        now: UnixSeconds,
    ) -> Result<(), VerifyError> {
        // The two indexes change together and nothing in between can panic, so a poisoned lock
        // still guards consistent data.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.forget_expired(now);
        if now > request.expires {
            let expires = request.expires;
            return Err(VerifyError::Stale { expires, now });
        }
        let caller = request.caller;
        let of_caller = seen.by_caller.get(&caller);
        if of_caller.is_some_and(|nonces| nonces.contains(&request.nonce)) {
            return Err(VerifyError::Replayed(caller));
        }
        if of_caller.is_some_and(|nonces| nonces.len() >= self.per_caller) {
            return Err(VerifyError::CallerQuotaFull(caller));
        }
        if seen.by_expiry.len() >= self.capacity.min(capacity) {
            return Err(VerifyError::ReplayGuardFull);
        }
        seen.insert(caller, request.nonce.clone(), request.expires);
        Ok(())
    }

    /// Whether one more of this caller could be remembered, as far as its own share goes.
    pub fn look(&self, caller: &Hotkey, now: UnixSeconds) -> Result<(), VerifyError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.forget_expired(now);
        let of_caller = seen.by_caller.get(caller).map_or(0, HashSet::len);
        if of_caller >= self.per_caller {
            return Err(VerifyError::CallerQuotaFull(*caller));
        }
        Ok(())
    }

    /// Remembers what a process before this one recorded; false if there is no room.
    pub fn restore(&self, caller: Hotkey, nonce: Nonce, expires: UnixSeconds) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = seen.by_expiry.len() < self.capacity;
        if fits {
            seen.insert(caller, nonce, expires);
        }
        fits
    }

    /// How many nonces are remembered.
    pub fn len(&self) -> usize {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .by_expiry
            .len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Seen {
    fn insert(&mut self, caller: Hotkey, nonce: Nonce, expires: UnixSeconds) {
        self.by_expiry.insert((expires, caller, nonce.clone()));
        self.by_caller.entry(caller).or_default().insert(nonce);
    }

    /// Drops what can't be accepted any more: a request is refused as stale once `now > expires`.
    fn forget_expired(&mut self, now: UnixSeconds) {
        while let Some((expires, ..)) = self.by_expiry.first() {
            if expires.plus(MARGIN) >= now {
                return;
            }
            let Some((_, caller, nonce)) = self.by_expiry.pop_first() else {
                return;
            };
            if let Some(nonces) = self.by_caller.get_mut(&caller) {
                nonces.remove(&nonce);
                if nonces.is_empty() {
                    self.by_caller.remove(&caller);
                }
            }
        }
    }
}
