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

use crate::{
    pallet::*,
    pool::{SharePool, Shares, MAX_SHARES_PER_UNIT},
    types::{Conversion, Era, PayoutIndex, Pools, Series, Side, SubnetStake},
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
        for (netuid, hotkey, pools) in PoolsOf::<T>::iter() {
            ensure!(
                PoolHotkeys::<T>::get(netuid, pools.id) == Some(hotkey),
                "pools stand under another hotkey than their record says"
            );
            let payouts = SubnetStakes::<T>::get(netuid).payouts;
            held += Self::check_pools(netuid, &pools)?;
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
    fn check_pools(netuid: NetUid, pools: &Pools) -> Result<Balance, TryRuntimeError> {
        let mut census = Census::default();
        let mut unbonding = BTreeMap::<Era, Census>::new();
        let mut positions = 0;
        for (_, position) in Positions::<T>::iter_prefix((netuid, pools.id)) {
            ensure!(!position.is_empty(), "an empty position is kept");
            positions += 1;
            for side in Side::ALL {
                census.count(position.side(side).active);
                census.count(position.side(side).entering);
            }
            for chunk in &position.unbonding {
                let era = unbonding.entry(chunk.era).or_default();
                era.count(chunk.own);
                era.count(chunk.delegated);
            }
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
            let census = unbonding.remove(&era).unwrap_or_default();
            money += check_pool(&pools.own, &census)?;
            money += check_pool(&pools.delegated, &census)?;
        }
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
                !gone(netuid, id),
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
