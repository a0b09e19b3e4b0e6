//! How much of something one address may hold at once.
//!
//! What strangers can take without proving who they are (a connection, the reading of a body) is
//! bounded by where they come from, so that one of them can't take it all.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What counts as one address: whoever has one of IPv6 has the whole network of 64 bits.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(long) => {
            let network = long.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        short => short,
    }
}

/// Counts what each address holds, up to a bound.
#[derive(Clone, Debug)]
pub(crate) struct PerAddress {
    most: usize,
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl PerAddress {
    /// At most so many of one address.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            held: Arc::default(),
        }
    }

    /// One more, until the share is dropped; None if the address holds as many as it may.
    pub(crate) fn take(&self, address: IpAddr) -> Option<Share> {
        self.take_within(self.most, address)
    }

    /// The same where it may hold no more than `most`.
    pub(crate) fn take_within(&self, most: usize, address: IpAddr) -> Option<Share> {
        let address = network(address);
        let mut held = self.held();
        let count = held.get(&address).copied().unwrap_or_default();
        // Nothing is left behind of an address that holds nothing.
        if count >= most.min(self.most) {
            return None;
        }
        held.insert(address, count + 1);
        Some(Share {
            of: self.clone(),
            address,
        })
    }

    /// How many an address holds.
    pub(crate) fn held_by(&self, address: IpAddr) -> usize {
        let held = self.held();
        held.get(&network(address)).copied().unwrap_or_default()
    }

    // Nothing between lock and unlock can panic.
    fn held(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of what an address holds.
#[derive(Debug)]
pub(crate) struct Share {
    of: PerAddress,
    address: IpAddr,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.of.held();
        if let Some(count) = held.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn take_is_refused_when_the_address_holds_its_share_and_not_to_others() {
        let held = PerAddress::new(2);
        let [one, other] = ["10.0.0.1", "10.0.0.2"].map(|it| it.parse().unwrap());
        let first = held.take(one).unwrap();
        let _second = held.take(one).unwrap();
        assert!(held.take(one).is_none());
        let _others = held.take(other).unwrap();
        drop(first);
        assert!(held.take(one).is_some());
    }

    #[test]
    fn take_forgets_addresses_that_hold_nothing() {
        let held = PerAddress::new(1);
        drop(held.take("10.0.0.1".parse().unwrap()));
        assert!(held.held().is_empty());
    }

    #[test]
    fn network_of_ipv6_is_64_bits_and_ipv4_is_itself() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("10.0.0.1"), "10.0.0.1");
        assert_eq!(of("::ffff:10.0.0.1"), "10.0.0.1");
    }
}
