//! What other pallets ask of stake, and do to it.

use crate::{
    opened::{next_series, Opened},
    pallet::*,
    pool::Shares,
    types::{Era, Side},
    PoolId, SubnetGeneration,
};
use alloc::vec::Vec;
use assay_pallet_traits::{Neurons, Slash, Stakes};
use assay_primitives::{Balance, Generation, NetUid, Ratio16};
use frame_support::{
    defensive,
    storage::with_storage_layer,
    traits::{
        fungible::Mutate,
        tokens::{Fortitude::Force, Precision::Exact, Preservation::Preserve},
        Get,
    },
};
use sp_runtime::{
    helpers_128bit::multiply_by_rational_with_rounding, DispatchError, DispatchResult, Rounding,
};

impl<T: Config> Stakes<T::AccountId> for Pallet<T> {
    fn stake(netuid: NetUid, hotkey: &T::AccountId) -> Balance {
        let payouts = SubnetStakes::<T>::get(netuid).payouts;
        PoolsOf::<T>::get(netuid, hotkey).map_or(0, |pools| pools.effective(payouts))
    }

    fn stakes(netuid: NetUid, hotkeys: &[T::AccountId]) -> Vec<Balance> {
        let payouts = SubnetStakes::<T>::get(netuid).payouts;
        hotkeys
            .iter()
            .map(|hotkey| {
                PoolsOf::<T>::get(netuid, hotkey).map_or(0, |pools| pools.effective(payouts))
            })
            .collect()
    }

    fn total(netuid: NetUid) -> Balance {
        SubnetStakes::<T>::get(netuid).active
    }

    fn holding_account() -> T::AccountId {
        Self::holding_account()
    }

    fn credit_dividend(netuid: NetUid, hotkey: &T::AccountId, amount: Balance) -> DispatchResult {
        let owner = T::Neurons::coldkey_of(hotkey).ok_or(Error::<T>::UnknownHotkey)?;
        if amount == 0 {
            return Ok(());
        }
        with_storage_layer(|| Self::do_credit_dividend(netuid, hotkey, &owner, amount))
    }

    fn credit_own(netuid: NetUid, hotkey: &T::AccountId, amount: Balance) -> DispatchResult {
        let owner = T::Neurons::coldkey_of(hotkey).ok_or(Error::<T>::UnknownHotkey)?;
        if amount == 0 {
            return Ok(());
        }
        with_storage_layer(|| Self::do_credit_own(netuid, hotkey, owner, amount))
    }

    fn after_payout(netuid: NetUid) {
        let (payouts, amount) = SubnetStakes::<T>::mutate(netuid, |total| {
            let entered = core::mem::take(&mut total.entering);
            total.active = total.active.saturating_add(entered);
            // Four billion payouts of five blocks each are more blocks than there are heights.
            total.payouts.0 = total.payouts.0.saturating_add(1);
            (total.payouts, entered)
        });
        Self::deposit_event(Event::StakeEntered {
            netuid,
            payouts,
            amount,
        });
    }
}

impl<T: Config> Pallet<T> {
    /// Splits a dividend: the take to the owner's own bond, the rest to both sides by their stake.
    ///
    /// `d = floor((amount - take) * delegated / (own + delegated))` raises the delegated pool's
    /// price, all that is left of the rest raises the own pool's, and the take then buys the owner
    /// shares of its own pool at the raised price. The unit that rounding leaves is the own bond's.
    fn do_credit_dividend(
        netuid: NetUid,
        hotkey: &T::AccountId,
        owner: &T::AccountId,
        amount: Balance,
    ) -> DispatchResult {
        let mut opened = Opened::<T>::or_new(netuid, hotkey)?;
        let own = opened.pools.own.active.amount;
        let delegated = opened.pools.delegated.active.amount;
        // A take from what is one's own in any case would only cost an update.
        let mut take = if delegated == 0 {
            0
        } else {
            Self::take_of(netuid, hotkey).of(amount)
        };
        let rest = amount.saturating_sub(take);
        let stake = own.checked_add(delegated).ok_or(Error::<T>::Overflow)?;
        let to_delegated =
            multiply_by_rational_with_rounding(rest, delegated, stake, Rounding::Down).unwrap_or(0);
        let to_own = rest.saturating_sub(to_delegated);

        if !opened.pools.delegated.active.grow(to_delegated) {
            return Err(Error::<T>::Overflow.into());
        }
        if !opened.pools.own.active.grow(to_own) {
            // Nobody has a share of the own pool: the owner gets the first. That is the whole
            // dividend where there is no stake at all.
            take = take.saturating_add(to_own);
        }
        if take > 0 {
            let bought = opened
                .pools
                .own
                .active
                .deposit(take, next_series::<T>)
                .ok_or(Error::<T>::Overflow)?;
            Self::give_own(&mut opened, owner, bought);
        }
        opened.close();
        let hotkey = hotkey.clone();
        Self::deposit_event(Event::DividendCredited {
            netuid,
            hotkey,
            amount,
            take,
        });
        Ok(())
    }

    fn give_own(opened: &mut Opened<T>, owner: &T::AccountId, bought: Shares) {
        let mut staker = opened.staker(owner);
        staker.position.own.active.add(bought);
        opened.keep(staker);
    }

    /// Adds to the owner's entering pool. It must not be in the active one before the validators
    /// of the same payout have their dividends.
    fn do_credit_own(
        netuid: NetUid,
        hotkey: &T::AccountId,
        coldkey: T::AccountId,
        amount: Balance,
    ) -> DispatchResult {
        let mut opened = Opened::<T>::or_new(netuid, hotkey)?;
        let mut staker = opened.staker(&coldkey);
        let bought = opened
            .pools
            .own
            .entering
            .deposit(amount, next_series::<T>)
            .ok_or(Error::<T>::Overflow)?;
        staker.position.own.entering.add(bought);
        opened.keep(staker);
        opened.close();
        let hotkey = hotkey.clone();
        Self::deposit_event(Event::OwnBondCredited {
            netuid,
            hotkey,
            coldkey,
            amount,
        });
        Ok(())
    }

    pub(crate) fn do_slash(
        netuid: NetUid,
        hotkey: &T::AccountId,
        part: Ratio16,
    ) -> Result<Balance, DispatchError> {
        let Some(mut opened) = Opened::<T>::existing(netuid, hotkey)? else {
            return Ok(0);
        };
        let mut taken: Balance = 0;
        for side in [Side::Own, Side::Delegated] {
            let pools = opened.pools.side_mut(side);
            for pool in [&mut pools.active, &mut pools.entering] {
                taken = taken.saturating_add(pool.slash(part));
            }
        }
        taken = taken.saturating_add(Self::slash_unbonding(netuid, opened.id(), part));
        opened.close();
        Self::burn_slashed(netuid, hotkey, taken)?;
        Ok(taken)
    }

    /// Takes a part of all that is on its way out of a pool and can't be withdrawn yet, and returns
    /// what was taken.
    ///
    /// What can be withdrawn is out of reach, whether or not it was: a removal frees its stake after
    /// the announced time.
    pub(crate) fn slash_unbonding(netuid: NetUid, id: PoolId, part: Ratio16) -> Balance {
        let Era(last) = Self::current_era();
        let first = last.saturating_sub(T::UnbondingEras::get());
        let mut taken: Balance = 0;
        for era in (first..=last).map(Era) {
            Self::change_unbonding(netuid, id, era, |unbonding| {
                for side in [Side::Own, Side::Delegated] {
                    taken = taken.saturating_add(unbonding.side_mut(side).slash(part));
                }
            });
        }
        taken
    }

    /// Burns what a slash took.
    pub(crate) fn burn_slashed(
        netuid: NetUid,
        hotkey: &T::AccountId,
        amount: Balance,
    ) -> DispatchResult {
        T::Currency::burn_from(&Self::holding_account(), amount, Preserve, Exact, Force)?;
        let hotkey = hotkey.clone();
        Self::deposit_event(Event::Slashed {
            netuid,
            hotkey,
            amount,
        });
        Ok(())
    }
}

impl<T: Config> Slash<T::AccountId> for Pallet<T> {
    fn slash(netuid: NetUid, hotkey: &T::AccountId, part: Ratio16) -> Balance {
        with_storage_layer(|| Self::do_slash(netuid, hotkey, part)).unwrap_or_else(|error| {
            // The holding account has all that the pools count, so the burn can't fail.
            defensive!("a slash failed and took nothing", error);
            0
        })
    }

    fn slash_dissolved(
        netuid: NetUid,
        generation: Generation,
        hotkey: &T::AccountId,
        part: Ratio16,
    ) -> Balance {
        let origin = SubnetGeneration { netuid, generation };
        with_storage_layer(|| Self::do_slash_dissolved(origin, hotkey, part)).unwrap_or_else(
            |error| {
                defensive!("a slash failed and took nothing", error);
                0
            },
        )
    }
}
