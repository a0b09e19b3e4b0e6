//! Keys that change: pools move to another hotkey, positions to another coldkey.

use crate::{
    moves::Which,
    opened::{Opened, PositionOf},
    pallet::*,
    pool::Shares,
    types::{Pools, Series, Side},
    PoolId, SubnetGeneration, WeightInfo as _,
};
use alloc::vec::Vec;
use assay_pallet_traits::{KeyHolder, Subnets};
use assay_primitives::NetUid;
use frame_support::{traits::Get, weights::Weight};
use sp_runtime::{DispatchError, DispatchResult};

impl<T: Config> KeyHolder<T::AccountId> for Pallet<T> {
    /// Everything but the take hangs on the pools' id, so one record moves all stake, entering and
    /// unbonding included, however many stakers there are.
    ///
    /// What has left a subnet that is gone for good keeps the name that it left under: such records
    /// wait for their stakers without an end, so how many there are has no bound.
    fn move_hotkey(old: &T::AccountId, new: &T::AccountId) -> DispatchResult {
        for netuid in T::Subnets::kept() {
            if let Some(pools) = PoolsOf::<T>::get(netuid, old) {
                PoolsOf::<T>::remove(netuid, old);
                PoolHotkeys::<T>::insert(netuid, pools.id, new);
                PoolsOf::<T>::insert(netuid, new, pools);
            }
            if let Some(take) = Takes::<T>::get(netuid, old) {
                Takes::<T>::remove(netuid, old);
                Takes::<T>::insert(netuid, new, take);
            }
            if let Some(generation) = T::Subnets::dissolving(netuid) {
                Self::rename_departed(SubnetGeneration { netuid, generation }, old, new);
            }
        }
        Ok(())
    }

    fn move_hotkey_weight() -> Weight {
        T::WeightInfo::move_hotkey(T::MaxSubnets::get())
    }

    fn move_coldkey(
        old: &T::AccountId,
        new: &T::AccountId,
        limit: u32,
    ) -> Result<u32, DispatchError> {
        // Collected first: a prefix must not change while it is walked.
        let positions: Vec<(NetUid, PoolId)> = PositionsOf::<T>::iter_key_prefix(old)
            .take(limit as usize)
            .collect();
        let mut moved = 0;
        for (netuid, id) in positions {
            Self::move_position(old, new, netuid, id)?;
            moved += 1;
        }
        let left = limit.saturating_sub(moved);
        Ok(moved.saturating_add(Self::move_departures(old, new, left)?))
    }

    fn move_coldkey_weight(things: u32) -> Weight {
        // Of both positions everything may be ready. What departs is cheaper: it arrives nowhere.
        let arrivals = T::WeightInfo::arrive().saturating_mul(2 * u64::from(T::MaxMoves::get()));
        T::WeightInfo::move_position(2 * T::MaxUnbondingChunks::get())
            .saturating_add(arrivals)
            .saturating_mul(things.into())
    }
}

impl<T: Config> Pallet<T> {
    /// Moves a position whole: what votes, what enters and what is on its way out. What has waited
    /// long enough is paid to the new coldkey along with it.
    fn move_position(
        old: &T::AccountId,
        new: &T::AccountId,
        netuid: NetUid,
        id: PoolId,
    ) -> DispatchResult {
        let hotkey = PoolHotkeys::<T>::get(netuid, id).ok_or(Error::<T>::NoStake)?;
        let mut opened = Opened::<T>::existing(netuid, &hotkey)?.ok_or(Error::<T>::NoStake)?;
        let mut from = opened.staker(old);
        let mut to = opened.staker(new);
        let mut ready = Self::release(netuid, id, &mut from, Which::All);
        ready.merge(Self::release(netuid, id, &mut to, Which::All));
        let position = core::mem::take(&mut from.position);
        Self::absorb(netuid, &opened.pools, &mut to.position, position)?;
        opened.keep(from);
        opened.keep(to);
        opened.close();
        Self::deposit_event(Event::PositionMoved {
            netuid,
            hotkey: hotkey.clone(),
            old: old.clone(),
            new: new.clone(),
        });
        Self::hand_out(new, netuid, &hotkey, ready)
    }

    /// Adds one position's shares to another's. Both are up to date and nothing of them is ready.
    fn absorb(
        netuid: NetUid,
        pools: &Pools,
        into: &mut PositionOf<T>,
        from: PositionOf<T>,
    ) -> Result<(), Error<T>> {
        for side in Side::ALL {
            let (pools, from) = (pools.side(side), from.side(side));
            let into = into.side_mut(side);
            add_live(&mut into.active, from.active, pools.active.series);
            add_live(&mut into.entering, from.entering, pools.entering.series);
        }
        for chunk in from.unbonding {
            let unbonding = UnbondingOf::<T>::get((netuid, pools.id, chunk.era));
            let unbonding = unbonding.unwrap_or_default();
            let is_move = chunk.to.is_some();
            let mut merged = into.take_chunk(chunk.era, chunk.to);
            if is_move && merged.is_empty() && into.moves() >= T::MaxMoves::get() {
                // Both together move more than one may: what has no room is removed instead.
                merged = into.take_chunk(chunk.era, None);
            }
            add_live(&mut merged.own, chunk.own, unbonding.own.series);
            let present = unbonding.delegated.series;
            add_live(&mut merged.delegated, chunk.delegated, present);
            into.put_chunk(merged).map_err(|_| Error::Overflow)?;
        }
        Ok(())
    }
}

/// Adds shares of the pool's present series; those of an older one are worth nothing, and must not
/// displace any.
pub(crate) fn add_live(into: &mut Shares, more: Shares, present: Series) {
    if more.series == present && !more.is_empty() {
        into.add(more);
    }
}
