//! Taking pots, paying out of them, and giving back what nobody earned.
//!
//! `issued = minted + pots + unsettled` holds between payouts: taking moves a pot to unsettled, and
//! settling moves from there what was paid to minted and takes the rest off both sides. In between
//! thousands may be paid, so what is paid is counted in [`Due`], and what goes into stake is minted
//! at the end, in one piece.

use crate::{
    pallet::*,
    types::{PayoutTarget, SubnetIssuance},
};
use assay_pallet_traits::{Due, Issuer, Stakes};
use assay_primitives::{Balance, NetUid};
use frame_support::{
    ensure,
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
        Due::new(netuid, amount)
    }

    fn pay(due: &mut Due, account: &T::AccountId, amount: Balance) -> DispatchResult {
        if amount == 0 {
            return Ok(());
        }
        Self::check_left(due, amount)?;
        with_storage_layer(|| {
            match T::Currency::can_deposit(account, amount, Provenance::Minted) {
                DepositConsequence::BelowMinimum => Self::pay_with_credit(account, amount),
                _ => T::Currency::mint_into(account, amount).map(|_| ()),
            }?;
            Self::count(due.spend(amount))
        })
    }

    fn pay_miner(
        due: &mut Due,
        hotkey: &T::AccountId,
        coldkey: &T::AccountId,
        amount: Balance,
    ) -> DispatchResult {
        let netuid = due.netuid();
        if amount > 0 && PayoutTargets::<T>::get(netuid, hotkey) == PayoutTarget::OwnBond {
            Self::check_left(due, amount)?;
            // Whatever keeps it out of the bond, the miner is owed it.
            if T::Stakes::credit_own(netuid, hotkey, amount).is_ok() {
                return Self::count(due.spend_on_stake(amount));
            }
        }
        Self::pay(due, coldkey, amount)
    }

    fn pay_dividend(due: &mut Due, hotkey: &T::AccountId, amount: Balance) -> DispatchResult {
        if amount == 0 {
            return Ok(());
        }
        Self::check_left(due, amount)?;
        T::Stakes::credit_dividend(due.netuid(), hotkey, amount)?;
        Self::count(due.spend_on_stake(amount))
    }

    fn settle(due: Due) -> DispatchResult {
        let (paid, unearned) = (due.paid(), due.left());
        if due.to_stake() > 0 {
            T::Currency::mint_into(&T::Stakes::holding_account(), due.to_stake())?;
        }
        Unsettled::<T>::mutate(|unsettled| *unsettled = unsettled.saturating_sub(due.amount()));
        Supplied::<T>::mutate(|supply| {
            supply.minted = supply.minted.saturating_add(paid);
            supply.issued = supply.issued.saturating_sub(unearned);
        });
        Self::deposit_event(Event::Settled {
            netuid: due.netuid(),
            paid,
            unearned,
        });
        Ok(())
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

    /// Refuses a payment of more than is left, before anything changes.
    fn check_left(due: &Due, amount: Balance) -> Result<(), Error<T>> {
        ensure!(amount <= due.left(), Error::<T>::MoreThanDue);
        Ok(())
    }

    /// Passes on that a payment was counted, which it is after [`Self::check_left`].
    fn count(counted: bool) -> DispatchResult {
        ensure!(counted, Error::<T>::MoreThanDue);
        Ok(())
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
