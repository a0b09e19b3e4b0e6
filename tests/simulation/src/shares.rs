//! Who holds the shares of which pool, kept from block to block.
//!
//! The stake pallet's own check goes through all positions there are. In a long run there are
//! thousands of them, and a block touches a few. The same is kept here from what each block changed:
//!
//! 1. Every share of a pool that stands is held by one position or waits in one conversion, and as
//!    many are held as there are. (Shares of a pool that a slash took are worth nothing and may be
//!    held by anybody.)
//! 2. A pool has money if and only if it has shares, and no share is cheaper than it may be.
//! 3. Each pool counts its positions, and each position is found by its coldkey.
//! 4. A subnet's total is what its pools hold.
//!
//! [`Census::of`] counts from nothing, and the pallet's own check is made then, too.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{ensure, Result};
use assay_primitives::{Balance, NetUid};
use assay_runtime::{AccountId, Runtime};
use frame_support::storage::StoragePrefixedMap;
use pallet_stake::{
    Chunk, Conversion, Departure, Pools, Position, SharePool, Shares, Side, SubnetStake, Unbonding,
    MAX_SHARES_PER_UNIT,
};

use crate::{
    ledger::{read, Prefix},
    state::Change,
};

type PositionOf = Position<AccountId, <Runtime as pallet_stake::Config>::MaxUnbondingChunks>;
type DepartureOf = Departure<AccountId, <Runtime as pallet_stake::Config>::MaxUnbondingChunks>;

/// Two counts of the same thing, which must agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Pair {
    /// As the pool, or the total, says.
    said: u128,
    /// As its parts sum up to.
    found: u128,
}

/// A table of things that are counted twice, and which of them the last blocks touched.
#[derive(Clone, Debug)]
struct Table<Key> {
    pairs: BTreeMap<Key, Pair>,
    touched: BTreeSet<Key>,
}

impl<Key> Default for Table<Key> {
    fn default() -> Self {
        Self {
            pairs: BTreeMap::new(),
            touched: BTreeSet::new(),
        }
    }
}

impl<Key: Copy + Ord> Table<Key> {
    fn change(&mut self, key: Key, count: u128, step: Step, side: fn(&mut Pair) -> &mut u128) {
        if count == 0 {
            return;
        }
        let pair = self.pairs.entry(key).or_default();
        let number = side(pair);
        *number = match step {
            Step::Comes => *number + count,
            Step::Goes => *number - count,
        };
        if *pair == Pair::default() {
            self.pairs.remove(&key);
        }
        self.touched.insert(key);
    }

    fn said(&mut self, key: Key, count: u128, step: Step) {
        self.change(key, count, step, |pair| &mut pair.said);
    }

    fn found(&mut self, key: Key, count: u128, step: Step) {
        self.change(key, count, step, |pair| &mut pair.found);
    }

    /// The pairs that were touched since the last time.
    fn take_touched(&mut self) -> impl Iterator<Item = (Key, Pair)> + '_ {
        let touched = std::mem::take(&mut self.touched);
        touched
            .into_iter()
            .map(|key| (key, self.pairs.get(&key).copied().unwrap_or_default()))
    }
}

/// What is counted comes with the new value first and goes with the old one after, so no count ever
/// falls below nothing.
#[derive(Clone, Copy)]
enum Step {
    Comes,
    Goes,
}

/// The census.
#[derive(Clone, Debug)]
pub struct Census {
    /// By series: shares that there are, and that are held.
    shares: Table<u64>,
    /// By pool: positions that it counts, and that there are.
    positions: Table<(NetUid, u64)>,
    /// Positions, and entries by coldkey.
    entries: Table<()>,
    /// By subnet: its total, and what its pools hold.
    totals: Table<NetUid>,
    /// What is wrong with a pool by itself.
    faults: Vec<String>,
    items: Items,
}

#[derive(Clone, Copy, Debug)]
struct Items {
    pools: Prefix,
    unbonding: Prefix,
    departed: Prefix,
    departures: Prefix,
    positions: Prefix,
    positions_of: Prefix,
    conversions: Prefix,
    totals: Prefix,
}

impl Census {
    /// The census of this state.
    pub fn of(state: impl Iterator<Item = Change>) -> Self {
        let mut census = Self {
            shares: Table::default(),
            positions: Table::default(),
            entries: Table::default(),
            totals: Table::default(),
            faults: Vec::new(),
            items: Items {
                pools: pallet_stake::PoolsOf::<Runtime>::final_prefix(),
                unbonding: pallet_stake::UnbondingOf::<Runtime>::final_prefix(),
                departed: pallet_stake::DepartedUnbonding::<Runtime>::final_prefix(),
                departures: pallet_stake::Departures::<Runtime>::final_prefix(),
                positions: pallet_stake::Positions::<Runtime>::final_prefix(),
                positions_of: pallet_stake::PositionsOf::<Runtime>::final_prefix(),
                conversions: pallet_stake::Conversions::<Runtime>::final_prefix(),
                totals: pallet_stake::SubnetStakes::<Runtime>::final_prefix(),
            },
        };
        for change in state {
            census.follow(&change);
        }
        census
    }

    /// Counts a change.
    pub fn follow(&mut self, change: &Change) {
        for (value, step) in [(&change.new, Step::Comes), (&change.old, Step::Goes)] {
            if let Some(value) = value {
                self.count(&change.key, value, step);
            }
        }
    }

    fn count(&mut self, key: &[u8], value: &[u8], step: Step) {
        let Some(item) = key.get(..32) else {
            return;
        };
        if item == self.items.pools {
            self.count_pools(netuid_of(key), &read(value), step);
        } else if item == self.items.unbonding || item == self.items.departed {
            let unbonding: Unbonding = read(value);
            self.count_pool(&unbonding.own, step);
            self.count_pool(&unbonding.delegated, step);
        } else if item == self.items.departures {
            let departure: DepartureOf = read(value);
            self.hold_chunks(&departure.chunks, step);
        } else if item == self.items.positions {
            // Netuid with its hash, then the pool's id with its own.
            let id = number_at(key, 50);
            self.positions.found((netuid_of(key), id), 1, step);
            self.entries.said((), 1, step);
            self.count_position(&read(value), step);
        } else if item == self.items.positions_of {
            self.entries.found((), 1, step);
        } else if item == self.items.conversions {
            let conversion: Conversion = read(value);
            let series = number_at(key, key.len() - 8);
            self.shares.said(series, conversion.waiting, step);
            self.hold(conversion.unclaimed(), step);
        } else if item == self.items.totals {
            let total: SubnetStake = read(value);
            let sum = total.active + total.entering;
            self.totals.said(netuid_of(key), sum, step);
        }
    }

    fn count_pools(&mut self, netuid: NetUid, pools: &Pools, step: Step) {
        for side in Side::ALL {
            self.count_pool(&pools.side(side).active, step);
            self.count_pool(&pools.side(side).entering, step);
        }
        let sum: Balance = pools.active() + pools.entering();
        self.totals.found(netuid, sum, step);
        let positions = pools.positions.into();
        self.positions.said((netuid, pools.id.0), positions, step);
    }

    fn count_pool(&mut self, pool: &SharePool, step: Step) {
        self.shares.said(pool.series.0, pool.shares, step);
        let sound = (pool.amount == 0) == (pool.shares == 0)
            && pool.shares <= pool.amount.saturating_mul(MAX_SHARES_PER_UNIT);
        if !sound {
            self.faults.push(format!("{pool:?} is not sound"));
        }
    }

    fn count_position(&mut self, position: &PositionOf, step: Step) {
        for side in Side::ALL {
            self.hold(position.side(side).active, step);
            self.hold(position.side(side).entering, step);
        }
        self.hold_chunks(&position.unbonding, step);
    }

    fn hold_chunks(&mut self, chunks: &[Chunk<AccountId>], step: Step) {
        for chunk in chunks {
            self.hold(chunk.own, step);
            self.hold(chunk.delegated, step);
        }
    }

    fn hold(&mut self, shares: Shares, step: Step) {
        self.shares.found(shares.series.0, shares.count, step);
    }

    /// Checks all that was touched since the last time.
    pub fn check(&mut self) -> Result<()> {
        ensure!(self.faults.is_empty(), "{}", self.faults.join("; "));
        for (series, pair) in self.shares.take_touched() {
            ensure!(
                pair.said == 0 || pair.said == pair.found,
                "series {series} has {} shares and {} are held",
                pair.said,
                pair.found
            );
        }
        for ((netuid, id), pair) in self.positions.take_touched() {
            ensure!(
                pair.said == pair.found,
                "pool {id} of subnet {netuid} counts {} positions and has {}",
                pair.said,
                pair.found
            );
        }
        for ((), pair) in self.entries.take_touched() {
            ensure!(
                pair.said == pair.found,
                "there are {} positions and {} entries by coldkey",
                pair.said,
                pair.found
            );
        }
        for (netuid, pair) in self.totals.take_touched() {
            ensure!(
                pair.said == pair.found,
                "subnet {netuid} counts a stake of {} and its pools hold {}",
                pair.said,
                pair.found
            );
        }
        Ok(())
    }

    /// Whether this census says the same as another.
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.shares.pairs == other.shares.pairs
            && self.positions.pairs == other.positions.pairs
            && self.entries.pairs == other.entries.pairs
            && self.totals.pairs == other.totals.pairs
    }
}

/// The netuid that follows an item's prefix and its own hash.
fn netuid_of(key: &[u8]) -> NetUid {
    NetUid(u16::from_le_bytes([key[40], key[41]]))
}

fn number_at(key: &[u8], at: usize) -> u64 {
    let bytes = key[at..at + 8].try_into().expect("eight bytes are; qed");
    u64::from_le_bytes(bytes)
}
