//! What is always true.
//!
//! 1. A pool has money if and only if it has shares, and no share is cheaper than a pool may have.
//! 2. Every live share is held by one position or waits in one conversion, and none is held that is
//!    not there. So with entering and unbonding pools.
//! 3. A subnet's totals are the sums over its hotkeys.
//! 4. Positions, their entries by coldkey and the pools' counts of them agree; nothing is kept for
//!    pools that are gone.
//! 5. The holding account has all that the pools count, and the existential deposit on top. It has
//!    nothing more, unless somebody sent it something.
//! 6. No take is above the largest.
//! 7. What is on its way out of dissolved subnets is held like any other stake, by as many as
//!    counted, and is kept once.

use crate::{
    pallet::*,
    pool::{SharePool, Shares, MAX_SHARES_PER_UNIT},
    types::{Chunk, Conversion, Era, PayoutIndex, Pools, Series, Side, SubnetStake, Unbonding},
    PoolId,
};
use alloc::{collections::BTreeMap, vec::Vec};
use assay_primitives::{Balance, NetUid};
use frame_support::{
    ensure,
    traits::{fungible::Inspect, Get},
};
use sp_runtime::TryRuntimeError;

/// Shares by the series that they belong to.
#[derive(Default)]
struct Census(BTreeMap<Series, u128>);

impl Census {
    fn count(&mut self, shares: Shares) {
        *self.0.entry(shares.series).or_default() += shares.count;
    }

    fn of(&self, series: Series) -> u128 {
        self.0.get(&series).copied().unwrap_or_default()
    }
}

/// By pool, what is on its way out of dissolved subnets.
type Departed<T> = BTreeMap<PoolId, Vec<Chunk<<T as frame_system::Config>::AccountId>>>;

/// The shares of what was removed, by era.
type UnbondingCensus = BTreeMap<Era, Census>;

fn count_chunks<AccountId>(census: &mut UnbondingCensus, chunks: &[Chunk<AccountId>]) {
    for chunk in chunks {
        let era = census.entry(chunk.era).or_default();
        era.count(chunk.own);
        era.count(chunk.delegated);
    }
}

/// Checks the pools of an era and returns what is in them.
fn check_era(
    census: &mut UnbondingCensus,
    era: Era,
    pools: &Unbonding,
) -> Result<Balance, TryRuntimeError> {
    let census = census.remove(&era).unwrap_or_default();
    Ok(check_pool(&pools.own, &census)? + check_pool(&pools.delegated, &census)?)
}

fn check_pool(pool: &SharePool, held: &Census) -> Result<Balance, TryRuntimeError> {
    ensure!(
        (pool.amount == 0) == (pool.shares == 0),
        "a pool has money without shares or reverse"
    );
    ensure!(
        pool.shares <= pool.amount.saturating_mul(MAX_SHARES_PER_UNIT),
        "a pool's shares are cheaper than they may be"
    );
    ensure!(
        pool.shares == held.of(pool.series),
        "a pool's shares are not those that are held"
    );
    Ok(pool.amount)
}

impl<T: Config> Pallet<T> {
    /// Checks every invariant of this module's docs.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut totals = BTreeMap::<NetUid, SubnetStake>::new();
        let mut held: Balance = 0;
        let (mut pools_seen, mut positions_seen) = (0, 0);
        let departed = Self::departed_chunks()?;
        for (netuid, hotkey, pools) in PoolsOf::<T>::iter() {
            ensure!(
                PoolHotkeys::<T>::get(netuid, pools.id) == Some(hotkey),
                "pools stand under another hotkey than their record says"
            );
            let payouts = SubnetStakes::<T>::get(netuid).payouts;
            let gone = departed.get(&pools.id).map_or(&[][..], Vec::as_slice);
            held += Self::check_pools(netuid, &pools, gone)?;
            pools_seen += 1;
            positions_seen += pools.positions as usize;
            Self::add_to_total(totals.entry(netuid).or_default(), &pools, payouts);
        }
        ensure!(
            PoolHotkeys::<T>::iter().count() == pools_seen,
            "a hotkey is kept for pools gone"
        );
        ensure!(
            Positions::<T>::iter().count() == positions_seen,
            "positions are kept for pools that are gone"
        );
        ensure!(
            PositionsOf::<T>::iter().count() == positions_seen,
            "positions and their entries by coldkey differ"
        );
        for (coldkey, (netuid, id), ()) in PositionsOf::<T>::iter() {
            ensure!(
                Positions::<T>::contains_key((netuid, id, coldkey)),
                "an entry by coldkey names no position"
            );
        }
        for (netuid, stored) in SubnetStakes::<T>::iter() {
            let SubnetStake {
                active, entering, ..
            } = totals.remove(&netuid).unwrap_or_default();
            ensure!(
                (active, entering) == (stored.active, stored.entering),
                "a subnet's totals are not the sums over its hotkeys"
            );
        }
        ensure!(
            totals
                .into_values()
                .all(|total| total == SubnetStake::default()),
            "a subnet has stake but no totals"
        );
        held += Self::check_departed(&departed)?;
        Self::check_money(held)?;
        for (_, _, take) in Takes::<T>::iter() {
            let raised = take.raise.map_or(take.current, |raise| raise.take);
            ensure!(
                take.current.max(raised) <= T::MaxTake::get(),
                "a take is above the largest"
            );
        }
        Ok(())
    }

    fn add_to_total(total: &mut SubnetStake, pools: &Pools, payouts: PayoutIndex) {
        let effective = pools.effective(payouts);
        total.active += effective;
        total.entering += pools.active() + pools.entering() - effective;
    }

    /// Checks one hotkey's pools and returns what is in them and unbonding.
    fn check_pools(
        netuid: NetUid,
        pools: &Pools,
        departed: &[Chunk<T::AccountId>],
    ) -> Result<Balance, TryRuntimeError> {
        let mut census = Census::default();
        let mut unbonding = UnbondingCensus::new();
        count_chunks(&mut unbonding, departed);
        let mut positions = 0;
        for (_, position) in Positions::<T>::iter_prefix((netuid, pools.id)) {
            ensure!(!position.is_empty(), "an empty position is kept");
            positions += 1;
            for side in Side::ALL {
                census.count(position.side(side).active);
                census.count(position.side(side).entering);
            }
            count_chunks(&mut unbonding, &position.unbonding);
        }
        ensure!(
            positions == pools.positions,
            "a hotkey's positions are not as many as counted"
        );

        let conversions: Vec<(Series, Conversion)> =
            Conversions::<T>::iter_prefix((netuid, pools.id)).collect();
        for (series, conversion) in conversions {
            ensure!(
                conversion.waiting == census.of(series) && conversion.waiting > 0,
                "what waits to be claimed is not what positions can claim"
            );
            census.count(conversion.unclaimed());
        }

        let mut money = 0;
        for side in Side::ALL {
            money += check_pool(&pools.side(side).active, &census)?;
            money += check_pool(&pools.side(side).entering, &census)?;
        }
        for (era, pools) in UnbondingOf::<T>::iter_prefix((netuid, pools.id)) {
            money += check_era(&mut unbonding, era, &pools)?;
        }
        Ok(money)
    }

    fn departed_chunks() -> Result<Departed<T>, TryRuntimeError> {
        let mut departed = Departed::<T>::new();
        let mut holders = BTreeMap::<PoolId, u32>::new();
        for (_, id, departure) in Departures::<T>::iter() {
            ensure!(
                departure.ready > 0 || !departure.chunks.is_empty(),
                "a departure of nothing is kept"
            );
            departed.entry(id).or_default().extend(departure.chunks);
            *holders.entry(id).or_default() += 1;
        }
        for (id, pool) in DepartedPools::<T>::iter() {
            ensure!(
                holders.remove(&id) == Some(pool.holders),
                "departed pools have other holders than counted"
            );
            ensure!(
                DepartedPoolOf::<T>::get(&pool.hotkey, pool.origin) == Some(id),
                "departed pools can't be found by their hotkey"
            );
        }
        ensure!(
            holders.is_empty() && DepartedPoolOf::<T>::iter().count() == departed.len(),
            "something departed from pools that nobody knows"
        );
        Ok(departed)
    }

    /// Checks what is on its way out of dissolved subnets and returns how much that is. What is
    /// still kept under the netuid is counted here only where its pools are gone.
    fn check_departed(departed: &Departed<T>) -> Result<Balance, TryRuntimeError> {
        let mut money: Balance = Departures::<T>::iter_values()
            .map(|departure| departure.ready)
            .sum();
        let mut eras = 0;
        for (id, chunks) in departed {
            let netuid = DepartedPools::<T>::get(id)
                .ok_or("departed pools are unknown")?
                .origin
                .netuid;
            let mut census = UnbondingCensus::new();
            count_chunks(&mut census, chunks);
            for (era, pools) in DepartedUnbonding::<T>::iter_prefix(id) {
                ensure!(
                    !UnbondingOf::<T>::contains_key((netuid, id, era)),
                    "unbonding stake is kept twice"
                );
                money += check_era(&mut census, era, &pools)?;
                eras += 1;
            }
            if !PoolHotkeys::<T>::contains_key(netuid, id) {
                for (era, pools) in UnbondingOf::<T>::iter_prefix((netuid, id)) {
                    money += check_era(&mut census, era, &pools)?;
                }
            }
        }
        ensure!(
            DepartedUnbonding::<T>::iter().count() == eras,
            "unbonding stake of dissolved subnets belongs to nobody"
        );
        Ok(money)
    }

    /// Checks that nothing is kept under pools that are gone, and that the money is there.
    fn check_money(held: Balance) -> Result<(), TryRuntimeError> {
        let gone = |netuid: NetUid, id: PoolId| !PoolHotkeys::<T>::contains_key(netuid, id);
        for (netuid, id, _) in Conversions::<T>::iter_keys() {
            ensure!(
                !gone(netuid, id),
                "a conversion is kept for pools that are gone"
            );
        }
        for (netuid, id, _) in UnbondingOf::<T>::iter_keys() {
            ensure!(
                !gone(netuid, id) || DepartedPools::<T>::contains_key(id),
                "unbonding stake is kept for pools that are gone"
            );
        }
        let needed = held + T::Currency::minimum_balance();
        ensure!(
            T::Currency::total_balance(&Self::holding_account()) >= needed,
            "the holding account has less than the pools count"
        );
        Ok(())
    }
}
