//! Keys that change: what the registry keeps under a hotkey or a coldkey moves to another.
//!
//! Weights, commits, bonds, permits, standings, announcements and serials hang on the uid and stay
//! where they are. What names a key is moved here.

use crate::{
    Config, Error, Event, HoldReason, Hotkeys, Netuids, Neurons, OwnedHotkeys, Pallet, Subnets,
    Succession, Successors, Uids, WeightInfo,
};
use alloc::vec::Vec;
use assay_pallet_traits::KeyHolder;
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

impl<T: Config> KeyHolder<T::AccountId> for Pallet<T> {
    fn move_hotkey(old: &T::AccountId, new: &T::AccountId) -> DispatchResult {
        let info = Hotkeys::<T>::take(old).ok_or(Error::<T>::NotRegistered)?;
        for netuid in Netuids::<T>::get() {
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
        for netuid in Netuids::<T>::get() {
            if moved == limit {
                return Ok(moved);
            }
            moved += u32::from(Self::move_subnet(netuid, old, new)?);
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
        T::WeightInfo::move_coldkey(T::MaxSubnets::get(), things)
    }
}

impl<T: Config> Pallet<T> {
    /// Moves a subnet with its lock, if it is `old`'s. Says whether it was.
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
        Self::deposit_event(Event::SubnetOwnerChanged {
            netuid,
            old: old.clone(),
            new: new.clone(),
        });
        Ok(true)
    }
}
