//! The bodies of the calls.

use crate::{pallet::*, types::PayoutTarget};
use assay_pallet_traits::{Neurons, Subnets};
use assay_primitives::NetUid;
use frame_support::{ensure, pallet_prelude::DispatchResult, traits::fungible::Mutate};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_claim(account: T::AccountId) -> DispatchResult {
        let amount = Claims::<T>::get(&account).ok_or(Error::<T>::NothingToClaim)?;
        T::Currency::mint_into(&account, amount)?;
        Claims::<T>::remove(&account);
        Self::deposit_event(Event::CreditPaid { account, amount });
        Ok(())
    }

    pub(crate) fn do_set_payout(
        coldkey: T::AccountId,
        netuid: NetUid,
        hotkey: T::AccountId,
        target: PayoutTarget,
    ) -> DispatchResult {
        // While a subnet is dissolved, neurons are the last to go.
        ensure!(
            T::Subnets::exists(netuid) && T::Neurons::uid_of(netuid, &hotkey).is_some(),
            Error::<T>::NotRegistered
        );
        let owner = T::Neurons::coldkey_of(&hotkey);
        ensure!(owner.as_ref() == Some(&coldkey), Error::<T>::NotOwner);
        match target {
            PayoutTarget::Coldkey => PayoutTargets::<T>::remove(netuid, &hotkey),
            PayoutTarget::OwnBond => PayoutTargets::<T>::insert(netuid, &hotkey, target),
        }
        Self::deposit_event(Event::PayoutTargetSet {
            netuid,
            hotkey,
            target,
        });
        Ok(())
    }
}
