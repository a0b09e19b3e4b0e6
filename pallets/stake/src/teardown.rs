//! Letting go of a subnet's stake: all of it goes into unbonding, to the unit.
//!
//! First the positions, each by itself: what is active or entering is removed as `remove_stake`
//! would, and kept by coldkey with what was on its way out before. When none is left, what their
//! shares are of moves as it is, era by era. Until then stakers may still remove and withdraw by
//! themselves; nothing can be added to a subnet that has ended.

use crate::{
    departed::{Departure, SubnetGeneration},
    moves::Which,
    opened::Opened,
    pallet::*,
    PoolId,
};
use alloc::vec::Vec;
use assay_pallet_traits::{affordable, clear_within, MultiRemovalResults, Progress, Teardown};
use assay_primitives::{Generation, NetUid};
use frame_support::{
    defensive,
    storage::with_storage_layer,
    traits::Get,
    weights::{Weight, WeightMeter},
};
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
    fn key_weight() -> Weight {
        T::DbWeight::get().reads_writes(1, 1)
    }

    /// Reads: the position's key, PoolHotkeys, PoolsOf, SubnetStakes, Positions, two Conversions,
    /// DepartedPools, and UnbondingOf of each era. Writes: Positions, PositionsOf, PoolsOf,
    /// PoolHotkeys, SubnetStakes, two Conversions, Departures, DepartedPools, DepartedPoolOf, LastId
    /// and UnbondingOf of each era.
    fn position_weight() -> Weight {
        let eras = u64::from(T::MaxUnbondingChunks::get()).saturating_add(1);
        T::DbWeight::get().reads_writes(eras.saturating_add(8), eras.saturating_add(11))
    }

    /// Reads: UnbondingOf, DepartedPools. Writes: UnbondingOf, DepartedUnbonding.
    fn era_weight() -> Weight {
        T::DbWeight::get().reads_writes(2, 2)
    }

    fn move_positions(origin: SubnetGeneration, meter: &mut WeightMeter) -> Progress {
        let most = affordable(meter, Self::position_weight());
        // Collected first: a prefix must not change while it is walked.
        let positions: Vec<(PoolId, T::AccountId)> =
            Positions::<T>::iter_key_prefix((origin.netuid,))
                .take(most as usize)
                .collect();
        let count = (positions.len() as u64).max(1);
        meter.consume(Self::position_weight().saturating_mul(count));
        let all_seen = positions.len() < most as usize;
        for (id, coldkey) in positions {
            if let Err(error) = with_storage_layer(|| Self::depart(origin, id, &coldkey)) {
                // It stays where it is, and its subnet's number with it: better than losing it.
                defensive!("a position can't be removed", error);
                return Progress::Pending;
            }
        }
        if all_seen {
            Progress::Done
        } else {
            Progress::Pending
        }
    }

    /// Removes all of a position and keeps what it is worth with what was on its way out.
    fn depart(
        origin: SubnetGeneration,
        id: PoolId,
        coldkey: &T::AccountId,
    ) -> Result<(), DispatchError> {
        let SubnetGeneration { netuid, generation } = origin;
        let hotkey = PoolHotkeys::<T>::get(netuid, id).ok_or(Error::<T>::NoStake)?;
        let mut opened = Opened::<T>::existing(netuid, &hotkey)?.ok_or(Error::<T>::NoStake)?;
        let mut staker = opened.staker(coldkey);
        let ready = Self::release(netuid, id, &mut staker, Which::All).into_total();
        let era = Self::current_era();
        let worth = staker.position.value(&opened.pools);
        let amount = Self::unbond(netuid, &mut opened, &mut staker, worth, None)?;
        let chunks = core::mem::take(&mut staker.position.unbonding);
        opened.keep(staker);
        opened.close();
        let mut departure = Departure {
            ready,
            ..Departure::default()
        };
        Self::join_chunks(netuid, id, &mut departure, chunks)?;
        Self::keep_departure(origin, id, &hotkey, coldkey, departure)?;
        Self::deposit_event(Event::StakeDeparted {
            netuid,
            generation,
            hotkey,
            coldkey: coldkey.clone(),
            amount,
            withdrawable_at: Self::withdrawable_at(era),
        });
        Ok(())
    }

    fn move_unbonding(netuid: NetUid, meter: &mut WeightMeter) -> Progress {
        let most = affordable(meter, Self::era_weight());
        let eras: Vec<_> = UnbondingOf::<T>::iter_prefix((netuid,))
            .take(most as usize)
            .collect();
        let count = (eras.len() as u64).max(1);
        meter.consume(Self::era_weight().saturating_mul(count));
        let all_seen = eras.len() < most as usize;
        for ((id, era), unbonding) in eras {
            UnbondingOf::<T>::remove((netuid, id, era));
            // Whoever has shares of it departed (`try_state`).
            if DepartedPools::<T>::contains_key(id) {
                DepartedUnbonding::<T>::insert(id, era, unbonding);
            } else {
                defensive!("unbonding stake belongs to nobody", id);
            }
        }
        if all_seen {
            Progress::Done
        } else {
            Progress::Pending
        }
    }

    /// What is left when all stake has gone.
    fn clear_rest(netuid: NetUid, meter: &mut WeightMeter) -> Progress {
        let clears: [fn(NetUid, u32) -> MultiRemovalResults; 4] = [
            |netuid, limit| PoolsOf::<T>::clear_prefix(netuid, limit, None),
            |netuid, limit| PoolHotkeys::<T>::clear_prefix(netuid, limit, None),
            |netuid, limit| Conversions::<T>::clear_prefix((netuid,), limit, None),
            |netuid, limit| Takes::<T>::clear_prefix(netuid, limit, None),
        ];
        for clear in clears {
            let cleared = clear_within(meter, Self::key_weight(), |limit| clear(netuid, limit));
            if cleared == Progress::Pending {
                return Progress::Pending;
            }
        }
        if meter.try_consume(Self::key_weight()).is_err() {
            return Progress::Pending;
        }
        SubnetStakes::<T>::remove(netuid);
        Progress::Done
    }
}

impl<T: Config> Teardown for Pallet<T> {
    // Nothing can be staked on a subnet that does not exist, and no epoch pays into it.
    fn begin(_netuid: NetUid) {}

    fn begin_weight() -> Weight {
        Weight::zero()
    }

    fn step(netuid: NetUid, generation: Generation, meter: &mut WeightMeter) -> Progress {
        let origin = SubnetGeneration { netuid, generation };
        if Self::move_positions(origin, meter) == Progress::Pending
            || Self::move_unbonding(netuid, meter) == Progress::Pending
        {
            return Progress::Pending;
        }
        Self::clear_rest(netuid, meter)
    }

    fn least_weight() -> Weight {
        // One piece more than is looked at, so that nothing left is told from nothing affordable.
        Self::position_weight()
            .saturating_add(Self::era_weight())
            .saturating_mul(2)
            .saturating_add(Self::key_weight().saturating_mul(5))
    }
}
