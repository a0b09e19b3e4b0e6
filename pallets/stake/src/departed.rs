//! Stake on its way out of subnets that were dissolved.
//!
//! It hangs on the same [`PoolId`] as before, but under keys of its own, so that nothing is left
//! under the netuid and a later generation can't meet it. It waits as long as any other removed
//! stake and can be slashed as long, by the generation that it was liable in.

use crate::{
    keys::add_live,
    moves::MAX_EXCHANGES,
    opened::Opened,
    pallet::*,
    types::{Chunk, Era, Side, Unbonding},
    PoolId,
};
use alloc::vec::Vec;
use assay_pallet_traits::{Neurons, Subnets};
use assay_primitives::{Balance, ColdkeyStake, Generation, NetUid, Ratio16, UnbondingView};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
    ensure,
    pallet_prelude::{BoundedVec, DispatchResult, Get},
    traits::{fungible::Mutate, tokens::Preservation::Preserve},
    CloneNoBound, DebugNoBound, DefaultNoBound, EqNoBound, PartialEqNoBound,
};
use scale_info::TypeInfo;
use sp_runtime::DispatchError;

/// A subnet as it was registered once.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct SubnetGeneration {
    /// Its number.
    pub netuid: NetUid,
    /// How often the number was used before.
    pub generation: Generation,
}

/// Pools of a dissolved subnet, from which something is still on its way out.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct DepartedPool<AccountId> {
    /// The subnet.
    pub origin: SubnetGeneration,
    /// The hotkey that the pools stood under.
    pub hotkey: AccountId,
    /// How many coldkeys have something left to withdraw.
    pub holders: u32,
}

/// What a coldkey has on its way out of pools of a dissolved subnet. Nothing of it moves any more:
/// what was on its way to another place goes to the coldkey.
#[derive(
    CloneNoBound,
    DebugNoBound,
    DefaultNoBound,
    PartialEqNoBound,
    EqNoBound,
    Encode,
    Decode,
    MaxEncodedLen,
    TypeInfo,
)]
#[scale_info(skip_type_params(MaxChunks))]
#[codec(mel_bound(AccountId: MaxEncodedLen))]
pub struct Departure<AccountId, MaxChunks>
where
    AccountId: Clone + core::fmt::Debug + Eq,
    MaxChunks: Get<u32>,
{
    /// What had waited long enough when the subnet was dissolved.
    pub ready: Balance,
    /// What still waited, an entry for each era, oldest first.
    pub chunks: BoundedVec<Chunk<AccountId>, MaxChunks>,
}

impl<AccountId, MaxChunks> Departure<AccountId, MaxChunks>
where
    AccountId: Clone + core::fmt::Debug + Eq,
    MaxChunks: Get<u32>,
{
    fn is_nothing(&self) -> bool {
        self.ready == 0 && self.chunks.is_empty()
    }

    /// Adds an entry to that of its era. `pools` are those of the era. Fails where no room is left:
    /// there is room for every era that still waits.
    fn add(&mut self, chunk: &Chunk<AccountId>, pools: &Unbonding) -> Result<(), ()> {
        let at = self.chunks.partition_point(|other| other.era < chunk.era);
        if self.chunks.get(at).map(|other| other.era) != Some(chunk.era) {
            let new = Chunk::new(chunk.era, None);
            self.chunks.try_insert(at, new).map_err(|_| ())?;
        }
        if let Some(entry) = self.chunks.get_mut(at) {
            add_live(&mut entry.own, chunk.own, pools.own.series);
            add_live(
                &mut entry.delegated,
                chunk.delegated,
                pools.delegated.series,
            );
        }
        self.chunks.retain(|entry| !entry.is_empty());
        Ok(())
    }
}

/// [`Departure`] as it is stored.
pub(crate) type DepartureOf<T> =
    Departure<<T as frame_system::Config>::AccountId, <T as Config>::MaxUnbondingChunks>;

impl<T: Config> Pallet<T> {
    /// Changes what was removed from pools in an era, wherever it is kept, and forgets it where
    /// nothing is left. It is never kept in both places.
    pub(crate) fn change_unbonding(
        netuid: NetUid,
        id: PoolId,
        era: Era,
        change: impl FnOnce(&mut Unbonding),
    ) {
        let apply = |stored: &mut Option<Unbonding>| {
            if let Some(mut unbonding) = stored.take() {
                change(&mut unbonding);
                *stored = (!unbonding.is_empty()).then_some(unbonding);
            }
        };
        if DepartedUnbonding::<T>::contains_key(id, era) {
            DepartedUnbonding::<T>::mutate_exists(id, era, apply);
        } else {
            UnbondingOf::<T>::mutate_exists((netuid, id, era), apply);
        }
    }

    fn unbonding(netuid: NetUid, id: PoolId, era: Era) -> Unbonding {
        DepartedUnbonding::<T>::get(id, era)
            .or_else(|| UnbondingOf::<T>::get((netuid, id, era)))
            .unwrap_or_default()
    }

    /// Keeps what a coldkey has on its way out, where there is anything. Whoever takes over another
    /// coldkey can have left already and leave once more.
    pub(crate) fn keep_departure(
        origin: SubnetGeneration,
        id: PoolId,
        hotkey: &T::AccountId,
        coldkey: &T::AccountId,
        departure: DepartureOf<T>,
    ) -> Result<(), Error<T>> {
        if let Some(present) = Departures::<T>::get(coldkey, id) {
            let both = Self::merge_departures(origin.netuid, id, present, departure)?;
            Self::put_departure(coldkey, id, both);
            return Ok(());
        }
        if departure.is_nothing() {
            return Ok(());
        }
        Departures::<T>::insert(coldkey, id, departure);
        DepartedPools::<T>::mutate(id, |pool| {
            let pool = pool.get_or_insert_with(|| {
                DepartedPoolOf::<T>::insert(hotkey, origin, id);
                DepartedPool {
                    origin,
                    hotkey: hotkey.clone(),
                    holders: 0,
                }
            });
            pool.holders = pool.holders.saturating_add(1);
        });
        Ok(())
    }

    pub(crate) fn do_withdraw_dissolved(
        coldkey: T::AccountId,
        origin: SubnetGeneration,
        hotkey: T::AccountId,
    ) -> DispatchResult {
        let id = DepartedPoolOf::<T>::get(&hotkey, origin).ok_or(Error::<T>::NothingToWithdraw)?;
        let mut departure =
            Departures::<T>::get(&coldkey, id).ok_or(Error::<T>::NothingToWithdraw)?;
        let waiting = departure.chunks.len();
        Self::ripen(origin.netuid, id, &mut departure);
        let amount = core::mem::take(&mut departure.ready);
        ensure!(
            amount > 0 || departure.chunks.len() < waiting,
            Error::<T>::StillUnbonding
        );
        Self::put_departure(&coldkey, id, departure);
        T::Currency::transfer(&Self::holding_account(), &coldkey, amount, Preserve)?;
        Self::deposit_event(Event::Withdrawn {
            netuid: origin.netuid,
            hotkey,
            coldkey,
            amount,
        });
        Ok(())
    }

    /// Takes what has waited long enough out of its pools.
    fn ripen(netuid: NetUid, id: PoolId, departure: &mut DepartureOf<T>) {
        let now = Self::now();
        let Departure { ready, chunks } = departure;
        chunks.retain(|chunk| {
            if Self::withdrawable_at(chunk.era) > now {
                return true;
            }
            Self::change_unbonding(netuid, id, chunk.era, |unbonding| {
                for (side, held) in [(Side::Own, chunk.own), (Side::Delegated, chunk.delegated)] {
                    *ready = ready.saturating_add(unbonding.side_mut(side).redeem_all(held));
                }
            });
            false
        });
    }

    /// Adds entries to those of a departure, by era. Wherever they were to go, they don't any more.
    pub(crate) fn join_chunks(
        netuid: NetUid,
        id: PoolId,
        departure: &mut DepartureOf<T>,
        chunks: impl IntoIterator<Item = Chunk<T::AccountId>>,
    ) -> Result<(), Error<T>> {
        for chunk in chunks {
            let pools = Self::unbonding(netuid, id, chunk.era);
            departure
                .add(&chunk, &pools)
                .map_err(|()| Error::<T>::Overflow)?;
        }
        Ok(())
    }

    /// Moves what a coldkey has on its way out of dissolved subnets to another one, of up to `limit`
    /// pools. Returns of how many.
    pub(crate) fn move_departures(
        old: &T::AccountId,
        new: &T::AccountId,
        limit: u32,
    ) -> Result<u32, DispatchError> {
        // Collected first: a prefix must not change while it is walked.
        let departures: Vec<_> = Departures::<T>::iter_prefix(old)
            .take(limit as usize)
            .collect();
        let mut moved = 0;
        for (id, departure) in departures {
            // `try_state`: of every departure the pools are known.
            let pool = DepartedPools::<T>::get(id).ok_or(Error::<T>::NothingToWithdraw)?;
            Departures::<T>::remove(old, id);
            let departure = match Departures::<T>::get(new, id) {
                None => departure,
                Some(present) => {
                    Self::forget_holder(id);
                    Self::merge_departures(pool.origin.netuid, id, present, departure)?
                }
            };
            Self::put_departure(new, id, departure);
            let SubnetGeneration { netuid, generation } = pool.origin;
            Self::deposit_event(Event::DepartureMoved {
                netuid,
                generation,
                hotkey: pool.hotkey,
                old: old.clone(),
                new: new.clone(),
            });
            moved += 1;
        }
        Ok(moved)
    }

    /// One departure of two from the same pools. What is ready of both is taken out first, so that
    /// there is room for the rest.
    fn merge_departures(
        netuid: NetUid,
        id: PoolId,
        mut into: DepartureOf<T>,
        mut from: DepartureOf<T>,
    ) -> Result<DepartureOf<T>, Error<T>> {
        for departure in [&mut into, &mut from] {
            Self::ripen(netuid, id, departure);
        }
        into.ready = into.ready.saturating_add(from.ready);
        Self::join_chunks(netuid, id, &mut into, from.chunks)?;
        Ok(into)
    }

    /// Has what left a subnet that is being dissolved found under another hotkey, like the rest of
    /// the same pools.
    pub(crate) fn rename_departed(
        origin: SubnetGeneration,
        old: &T::AccountId,
        new: &T::AccountId,
    ) {
        let Some(id) = DepartedPoolOf::<T>::take(old, origin) else {
            return;
        };
        DepartedPoolOf::<T>::insert(new, origin, id);
        DepartedPools::<T>::mutate(id, |pool| {
            if let Some(pool) = pool {
                pool.hotkey = new.clone();
            }
        });
    }

    /// Keeps what is left of a departure, or forgets its holder where nothing is.
    fn put_departure(coldkey: &T::AccountId, id: PoolId, departure: DepartureOf<T>) {
        if departure.is_nothing() {
            Departures::<T>::remove(coldkey, id);
            Self::forget_holder(id);
        } else {
            Departures::<T>::insert(coldkey, id, departure);
        }
    }

    fn forget_holder(id: PoolId) {
        DepartedPools::<T>::mutate_exists(id, |stored| {
            let Some(mut pool) = stored.take() else {
                return;
            };
            pool.holders = pool.holders.saturating_sub(1);
            if pool.holders == 0 {
                DepartedPoolOf::<T>::remove(&pool.hotkey, pool.origin);
            } else {
                *stored = Some(pool);
            }
        });
    }

    /// Slashes what stood behind a hotkey in a subnet that has ended: what is left of its pools
    /// while the subnet is being dissolved, and what is on its way out. A hotkey that was exchanged
    /// is followed to the one under which the stake left.
    pub(crate) fn do_slash_dissolved(
        origin: SubnetGeneration,
        hotkey: &T::AccountId,
        part: Ratio16,
    ) -> Result<Balance, DispatchError> {
        let SubnetGeneration { netuid, generation } = origin;
        let ending = T::Subnets::dissolving(netuid) == Some(generation);
        let mut hotkey = hotkey.clone();
        for _ in 0..=MAX_EXCHANGES {
            if ending && Opened::<T>::existing(netuid, &hotkey)?.is_some() {
                return Self::do_slash(netuid, &hotkey, part);
            }
            if let Some(id) = DepartedPoolOf::<T>::get(&hotkey, origin) {
                let taken = Self::slash_unbonding(netuid, id, part);
                Self::burn_slashed(netuid, &hotkey, taken)?;
                return Ok(taken);
            }
            match T::Neurons::successor_of(&hotkey) {
                Some(successor) => hotkey = successor,
                None => break,
            }
        }
        Ok(0)
    }

    /// Adds what a coldkey has on its way out of dissolved subnets to what is shown of its stake.
    pub(crate) fn show_departures(coldkey: &T::AccountId, stake: &mut ColdkeyStake<T::AccountId>) {
        for (id, departure) in Departures::<T>::iter_prefix(coldkey) {
            let Some(pool) = DepartedPools::<T>::get(id) else {
                continue;
            };
            let SubnetGeneration { netuid, generation } = pool.origin;
            let view = |amount, withdrawable_at| UnbondingView {
                netuid,
                hotkey: pool.hotkey.clone(),
                dissolved: Some(generation),
                amount,
                withdrawable_at,
                moves_to: None,
            };
            if departure.ready > 0 {
                stake.unbonding.push(view(departure.ready, Self::now()));
            }
            for chunk in &departure.chunks {
                let amount = Self::unbonding(netuid, id, chunk.era).value(chunk);
                let withdrawable_at = Self::withdrawable_at(chunk.era);
                stake.unbonding.push(view(amount, withdrawable_at));
            }
        }
    }
}
