//! Keys that change: how a miner is paid, and credits, move to another key.

use crate::{pallet::*, types::PayoutTarget, WeightInfo as _};
use assay_pallet_traits::{KeyHolder, Subnets};
use frame_support::{
    traits::{fungible::Mutate, Get},
    weights::Weight,
};
use sp_runtime::{DispatchError, DispatchResult};

impl<T: Config> KeyHolder<T::AccountId> for Pallet<T> {
    fn move_hotkey(old: &T::AccountId, new: &T::AccountId) -> DispatchResult {
        for netuid in T::Subnets::kept() {
            let target = PayoutTargets::<T>::get(netuid, old);
            if target != PayoutTarget::default() {
                PayoutTargets::<T>::remove(netuid, old);
                PayoutTargets::<T>::insert(netuid, new, target);
            }
        }
        Ok(())
    }

    fn move_hotkey_weight() -> Weight {
        T::WeightInfo::move_hotkey(T::MaxSubnets::get())
    }

    /// Pays the old coldkey's credit to the new one, whose account exists and can take it.
    fn move_coldkey(
        old: &T::AccountId,
        new: &T::AccountId,
        _limit: u32,
    ) -> Result<u32, DispatchError> {
        let Some(amount) = Claims::<T>::take(old) else {
            return Ok(0);
        };
        T::Currency::mint_into(new, amount)?;
        Self::deposit_event(Event::CreditPaid {
            account: new.clone(),
            amount,
        });
        Ok(1)
    }

    fn move_coldkey_weight(_things: u32) -> Weight {
        T::WeightInfo::claim()
    }
}
