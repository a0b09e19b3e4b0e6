//! Taking pots, paying out of them, and giving back what nobody earned.
//!
//! `issued = minted + pots + unsettled` holds after every step: taking moves from a pot to
//! unsettled, paying from unsettled to minted, and settling takes the rest of unsettled off both
//! sides.

use crate::{
    pallet::*,
    types::{PayoutTarget, SubnetIssuance},
};
use assay_pallet_traits::{Due, Issuer, Stakes};
use assay_primitives::{Balance, NetUid};
use frame_support::{
    storage::with_storage_layer,
    traits::{
        fungible::{Inspect, Mutate},
        tokens::{DepositConsequence, Provenance},
    },
};
use sp_runtime::DispatchResult;

impl<T: Config> Issuer<T::AccountId> for Pallet<T> {
    fn take_due(netuid: NetUid) -> Due {
        let amount = Issuance::<T>::mutate(|subnets| {
            subnets
                .iter_mut()
                .find(|subnet| subnet.netuid == netuid)
                .map_or(0, |subnet| core::mem::take(&mut subnet.pot))
        });
        Unsettled::<T>::mutate(|unsettled| *unsettled = unsettled.saturating_add(amount));
        Due { netuid, amount }
    }

    fn pay(account: &T::AccountId, amount: Balance) -> DispatchResult {
        if amount == 0 {
            return Ok(());
        }
        with_storage_layer(|| {
            Self::draw(amount)?;
            match T::Currency::can_deposit(account, amount, Provenance::Minted) {
                DepositConsequence::BelowMinimum => Self::pay_with_credit(account, amount),
                _ => T::Currency::mint_into(account, amount).map(|_| ()),
            }
        })
    }

    fn pay_miner(
        netuid: NetUid,
        hotkey: &T::AccountId,
        coldkey: &T::AccountId,
        amount: Balance,
    ) -> DispatchResult {
        if amount > 0 && PayoutTargets::<T>::get(netuid, hotkey) == PayoutTarget::OwnBond {
            let bonded = with_storage_layer(|| {
                Self::mint_to_stake(amount)?;
                T::Stakes::credit_own(netuid, hotkey, amount)
            });
            // Whatever keeps it out of the bond, the miner is owed it.
            if bonded.is_ok() {
                return Ok(());
            }
        }
        Self::pay(coldkey, amount)
    }

    fn pay_dividend(netuid: NetUid, hotkey: &T::AccountId, amount: Balance) -> DispatchResult {
        if amount == 0 {
            return Ok(());
        }
        with_storage_layer(|| {
            Self::mint_to_stake(amount)?;
            T::Stakes::credit_dividend(netuid, hotkey, amount)
        })
    }

    fn settle(due: Due, paid: Balance) {
        let Due { netuid, amount } = due;
        // Never more than is unsettled: what was minted stays issued, whatever the payer says.
        let unearned = Unsettled::<T>::mutate(|unsettled| {
            let unearned = amount.saturating_sub(paid).min(*unsettled);
            *unsettled -= unearned;
            unearned
        });
        Supplied::<T>::mutate(|supply| supply.issued = supply.issued.saturating_sub(unearned));
        Self::deposit_event(Event::Settled {
            netuid,
            paid,
            unearned,
        });
    }

    fn share(netuid: NetUid) -> u32 {
        Self::subnet(netuid).map_or(0, |subnet| subnet.share)
    }

    fn pot(netuid: NetUid) -> Balance {
        Self::subnet(netuid).map_or(0, |subnet| subnet.pot)
    }
}

impl<T: Config> Pallet<T> {
    /// A subnet's part of issuance.
    pub fn subnet(netuid: NetUid) -> Option<SubnetIssuance> {
        Issuance::<T>::get()
            .into_iter()
            .find(|subnet| subnet.netuid == netuid)
    }

    /// What was issued so far, pots included.
    pub fn issued() -> Balance {
        Supplied::<T>::get().issued
    }

    /// Counts `amount` as minted, out of what was taken from the pots.
    fn draw(amount: Balance) -> Result<(), Error<T>> {
        let left = Unsettled::<T>::get()
            .checked_sub(amount)
            .ok_or(Error::<T>::MoreThanDue)?;
        Unsettled::<T>::put(left);
        Supplied::<T>::mutate(|supply| supply.minted = supply.minted.saturating_add(amount));
        Ok(())
    }

    fn mint_to_stake(amount: Balance) -> DispatchResult {
        Self::draw(amount)?;
        T::Currency::mint_into(&T::Stakes::holding_account(), amount).map(|_| ())
    }

    /// Pays an account that can't exist with this amount alone: together with its credit, or as
    /// more of it.
    fn pay_with_credit(account: &T::AccountId, amount: Balance) -> DispatchResult {
        let kept = Claims::<T>::get(account).unwrap_or(0);
        let credit = kept.saturating_add(amount);
        let account = account.clone();
        if credit < T::Currency::minimum_balance() {
            Claims::<T>::insert(&account, credit);
            Self::deposit_event(Event::CreditKept { account, amount });
        } else {
            T::Currency::mint_into(&account, credit)?;
            Claims::<T>::remove(&account);
            Self::deposit_event(Event::CreditPaid {
                account,
                amount: credit,
            });
        }
        Ok(())
    }
}
