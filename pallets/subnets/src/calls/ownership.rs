//! Giving a subnet to somebody else, who must agree.

use crate::{Config, Error, Event, HoldReason, Pallet, SubnetOffers, Subnets};
use assay_pallet_traits::ColdkeyChanges;
use assay_primitives::NetUid;
use frame_support::{
    ensure,
    traits::{
        fungible::{Inspect, MutateHold},
        tokens::{Fortitude, Precision, Preservation},
    },
};
use sp_runtime::DispatchResult;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_offer_subnet(
        owner: T::AccountId,
        netuid: NetUid,
        to: Option<T::AccountId>,
    ) -> DispatchResult {
        let subnet = Self::registered(netuid)?;
        ensure!(subnet.owner == owner, Error::<T>::NotSubnetOwner);
        Self::ensure_may_give(&owner)?;
        SubnetOffers::<T>::set(netuid, to.clone());
        Self::deposit_event(Event::SubnetOffered { netuid, to });
        Ok(())
    }

    /// An offer made before a change of coldkey was announced must not carry the subnet away either.
    fn ensure_may_give(owner: &T::AccountId) -> DispatchResult {
        ensure!(
            !T::ColdkeyChanges::is_changing(owner),
            Error::<T>::OwnerChanging
        );
        Ok(())
    }

    pub(crate) fn do_accept_subnet(new_owner: T::AccountId, netuid: NetUid) -> DispatchResult {
        let subnet = Self::registered(netuid)?;
        let offered_to = SubnetOffers::<T>::get(netuid);
        ensure!(
            offered_to.as_ref() == Some(&new_owner),
            Error::<T>::NotOffered
        );
        Self::ensure_may_give(&subnet.owner)?;
        let payable =
            T::Currency::reducible_balance(&new_owner, Preservation::Preserve, Fortitude::Polite);
        ensure!(payable >= subnet.lock, Error::<T>::InsufficientBalance);

        let reason = HoldReason::SubnetLock.into();
        T::Currency::hold(&reason, &new_owner, subnet.lock)?;
        T::Currency::release(&reason, &subnet.owner, subnet.lock, Precision::Exact)?;
        SubnetOffers::<T>::remove(netuid);
        Subnets::<T>::mutate(netuid, |stored| {
            if let Some(stored) = stored {
                stored.owner = new_owner.clone();
            }
        });
        Self::deposit_event(Event::SubnetTransferred {
            netuid,
            from: subnet.owner,
            to: new_owner,
        });
        Ok(())
    }
}
