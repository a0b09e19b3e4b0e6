//! Keys that change: what the registry keeps under a hotkey or a coldkey moves to another.
//!
//! Weights, commits, bonds, permits, standings, announcements and serials hang on the uid and stay
//! where they are. What names a key is moved here.

use crate::{
    Config, Error, Event, HoldReason, Hotkeys, Neurons, OwnedHotkeys, Pallet, SubnetOffers,
    Subnets, Succession, Successors, Uids, WaitingSubnets, WeightInfo,
};
use alloc::vec::Vec;
use assay_pallet_traits::{KeyHolder, Subnets as Registry};
use assay_primitives::NetUid;
use frame_support::{
    traits::{
        fungible::MutateHold,
        tokens::{Fortitude::Force, Precision::Exact, Restriction::OnHold},
        Get,
    },
    weights::Weight,
};
use sp_runtime::{DispatchError, DispatchResult};

/// Moves what is kept under a number from one coldkey to another, if it is the first one's. Says
/// whether it was.
type Mover<T> = fn(
    NetUid,
    &<T as frame_system::Config>::AccountId,
    &<T as frame_system::Config>::AccountId,
) -> Result<bool, DispatchError>;

impl<T: Config> KeyHolder<T::AccountId> for Pallet<T> {
    fn move_hotkey(old: &T::AccountId, new: &T::AccountId) -> DispatchResult {
        let info = Hotkeys::<T>::take(old).ok_or(Error::<T>::NotRegistered)?;
        // Neurons of a subnet that is being dissolved still count as registrations.
        for netuid in <Self as Registry<T::AccountId>>::kept() {
            let Some(uid) = Uids::<T>::get(netuid, old) else {
                continue;
            };
            Uids::<T>::remove(netuid, old);
            Uids::<T>::insert(netuid, new, uid);
            Neurons::<T>::mutate(netuid, uid, |neuron| {
                if let Some(neuron) = neuron {
                    neuron.hotkey = new.clone();
                }
            });
        }
        if info.registrations > 0 {
            frame_system::Pallet::<T>::inc_sufficients(new);
            frame_system::Pallet::<T>::dec_sufficients(old);
        }
        OwnedHotkeys::<T>::remove(&info.coldkey, old);
        OwnedHotkeys::<T>::insert(&info.coldkey, new, ());
        Hotkeys::<T>::insert(new, info);
        let succession = Succession {
            hotkey: new.clone(),
            at: Self::now(),
        };
        Successors::<T>::insert(old, succession);
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
        let mut moved = 0;
        let movers: [Mover<T>; 3] = [Self::move_subnet, Self::move_waiting, Self::move_offer];
        for netuid in <Self as Registry<T::AccountId>>::kept() {
            for mover in movers {
                if moved == limit {
                    return Ok(moved);
                }
                moved += u32::from(mover(netuid, old, new)?);
            }
        }
        // Collected first: a prefix must not change while it is walked.
        let hotkeys: Vec<T::AccountId> = OwnedHotkeys::<T>::iter_key_prefix(old)
            .take((limit - moved) as usize)
            .collect();
        for hotkey in hotkeys {
            OwnedHotkeys::<T>::remove(old, &hotkey);
            OwnedHotkeys::<T>::insert(new, &hotkey, ());
            Hotkeys::<T>::mutate(&hotkey, |info| {
                if let Some(info) = info {
                    info.coldkey = new.clone();
                }
            });
            Self::deposit_event(Event::HotkeyOwnerChanged {
                hotkey,
                old: old.clone(),
                new: new.clone(),
            });
            moved += 1;
        }
        Ok(moved)
    }

    fn move_coldkey_weight(things: u32) -> Weight {
        T::WeightInfo::move_coldkey(things)
    }
}

impl<T: Config> Pallet<T> {
    /// A subnet that waits for the number, with its lock.
    fn move_waiting(
        netuid: NetUid,
        old: &T::AccountId,
        new: &T::AccountId,
    ) -> Result<bool, DispatchError> {
        let Some(mut waiting) =
            WaitingSubnets::<T>::get(netuid).filter(|waiting| waiting.owner == *old)
        else {
            return Ok(false);
        };
        let reason = HoldReason::SubnetLock.into();
        T::Currency::transfer_on_hold(&reason, old, new, waiting.lock, Exact, OnHold, Force)?;
        waiting.owner = new.clone();
        WaitingSubnets::<T>::insert(netuid, waiting);
        Ok(true)
    }

    /// What somebody else offered to the old coldkey.
    fn move_offer(
        netuid: NetUid,
        old: &T::AccountId,
        new: &T::AccountId,
    ) -> Result<bool, DispatchError> {
        let is_old = SubnetOffers::<T>::get(netuid).is_some_and(|to| to == *old);
        if is_old {
            SubnetOffers::<T>::insert(netuid, new);
            Self::deposit_event(Event::SubnetOffered {
                netuid,
                to: Some(new.clone()),
            });
        }
        Ok(is_old)
    }

    /// A subnet with its lock. Whom it was offered to is forgotten.
    fn move_subnet(
        netuid: NetUid,
        old: &T::AccountId,
        new: &T::AccountId,
    ) -> Result<bool, DispatchError> {
        let Some(mut subnet) = Subnets::<T>::get(netuid).filter(|subnet| subnet.owner == *old)
        else {
            return Ok(false);
        };
        // By force: the old account is frozen for as long as its things move.
        let reason = HoldReason::SubnetLock.into();
        T::Currency::transfer_on_hold(&reason, old, new, subnet.lock, Exact, OnHold, Force)?;
        subnet.owner = new.clone();
        Subnets::<T>::insert(netuid, subnet);
        SubnetOffers::<T>::remove(netuid);
        Self::deposit_event(Event::SubnetOwnerChanged {
            netuid,
            old: old.clone(),
            new: new.clone(),
        });
        Ok(true)
    }
}
