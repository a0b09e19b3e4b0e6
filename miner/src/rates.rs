//! How often one caller may ask: a token bucket each.

use std::{
    collections::HashMap,
    hash::Hash,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Callers remembered. Those whose bucket is full again are forgotten first, which costs nothing.
const CAPACITY: usize = 65_536;

/// A bucket per caller that holds `burst` requests and is filled with `per_second`.
///
/// Only what was verified may take from a hotkey's bucket, or strangers would empty it.
#[derive(Debug)]
pub struct Buckets<Caller> {
    per_second: f64,
    burst: f64,
    capacity: usize,
    buckets: Mutex<HashMap<Caller, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl<Caller: Eq + Hash> Buckets<Caller> {
    /// Buckets of this size; none at all if `per_second` is 0.
    pub fn new(per_second: impl Into<f64>, burst: NonZeroU32) -> Self {
        Self {
            per_second: per_second.into(),
            burst: burst.get().into(),
            capacity: CAPACITY,
            buckets: Mutex::default(),
        }
    }

    /// Takes one request out of a caller's bucket, or says how long it takes until there is one.
    pub fn take(&self, caller: Caller, now: Instant) -> Result<(), Duration> {
        if self.per_second == 0.0 {
            return Ok(());
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if !buckets.contains_key(&caller) && buckets.len() >= self.capacity {
            buckets.retain(|_, bucket| self.filled(*bucket, now) < self.burst);
            if buckets.len() >= self.capacity {
                return Err(self.time_for(self.burst));
            }
        }
        let full = Bucket {
            tokens: self.burst,
            at: now,
        };
        let bucket = buckets.entry(caller).or_insert(full);
        let tokens = self.filled(*bucket, now);
        let (left, answer) = if tokens >= 1.0 {
            (tokens - 1.0, Ok(()))
        } else {
            (tokens, Err(self.time_for(1.0 - tokens)))
        };
        // Who took a large body's turn asks with an earlier time than those that went ahead: what was
        // filled in up to then is not filled in twice.
        *bucket = Bucket {
            tokens: left,
            at: bucket.at.max(now),
        };
        answer
    }

    /// Whether there is a request in a caller's bucket: asked before a body is read.
    pub fn look(&self, caller: &Caller, now: Instant) -> Result<(), Duration> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        match buckets.get(caller).map(|bucket| self.filled(*bucket, now)) {
            Some(tokens) if tokens < 1.0 => Err(self.time_for(1.0 - tokens)),
            _ => Ok(()),
        }
    }

    fn filled(&self, bucket: Bucket, now: Instant) -> f64 {
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.tokens + since * self.per_second).min(self.burst)
    }

    fn time_for(&self, tokens: f64) -> Duration {
        Duration::try_from_secs_f64(tokens / self.per_second).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(per_second: u32, burst: u32) -> Buckets<u8> {
        Buckets::new(per_second, NonZeroU32::new(burst).unwrap())
    }

    #[test]
    fn take_lets_a_burst_through_and_then_the_rate() {
        let (buckets, start) = (buckets(2, 3), Instant::now());
        for _ in 0..3 {
            assert_eq!(buckets.take(1, start), Ok(()));
        }
        assert_eq!(buckets.look(&1, start), Err(Duration::from_millis(500)));
        assert_eq!(buckets.take(1, start), Err(Duration::from_millis(500)));
        assert_eq!(buckets.take(2, start), Ok(()), "others have their own");
        let later = start + Duration::from_millis(500);
        assert_eq!(buckets.take(1, later), Ok(()));
        assert!(buckets.take(1, later).is_err());
        // However long it was quiet, a burst is a burst.
        let much_later = start + Duration::from_secs(3600);
        let taken = (0..9).filter(|_| buckets.take(1, much_later).is_ok());
        assert_eq!(taken.count(), 3);
    }

    #[test]
    fn take_fills_a_bucket_once_when_times_come_out_of_order() {
        let (buckets, start) = (buckets(1, 1), Instant::now());
        let later = start + Duration::from_secs(10);
        assert_eq!(buckets.take(1, later), Ok(()));
        assert!(buckets.take(1, start).is_err());
        assert!(buckets.take(1, later).is_err());
    }

    #[test]
    fn take_refuses_nobody_when_there_is_no_rate() {
        let (buckets, now) = (buckets(0, 1), Instant::now());
        assert!((0..100).all(|_| buckets.take(1, now).is_ok()));
        assert_eq!(buckets.look(&1, now), Ok(()));
    }

    #[test]
    fn take_forgets_full_buckets_and_refuses_newcomers_when_none_is() {
        let mut buckets = buckets(1, 1);
        buckets.capacity = 2;
        let start = Instant::now();
        assert_eq!(buckets.take(1, start), Ok(()));
        assert_eq!(buckets.take(2, start), Ok(()));
        assert_eq!(buckets.take(3, start), Err(Duration::from_secs(1)));
        assert_eq!(buckets.take(3, start + Duration::from_secs(1)), Ok(()));
        assert_eq!(buckets.buckets.lock().unwrap().len(), 1);
    }
}
