//! What is always true of the registry.
//!
//! 1. Genesis parameters are sound; prices are not in the future nor above their ceiling.
//! 2. `Netuids` is ascending without repeats and names exactly the numbers that have a subnet, a
//!    task and settings; nothing else is stored under a number that isn't registered, except the
//!    last generation used, which is the registered one where there is one, and what is left of
//!    subnets that are being dissolved, who may have a successor waiting.
//! 3. What is held of an account for subnets is the sum of the locks of its subnets and of those
//!    that it waits for. There are never more subnets than places.
//! 4. Uids are dense from 0, at most `MAX_NEURONS`, and `Uids` is the inverse of `Neurons`: each
//!    hotkey once per subnet.
//! 5. Serials are unique and below the next one.
//! 6. Every registered hotkey has an owner, is counted as often as it is registered, and its
//!    account is kept alive by a reference. `OwnedHotkeys` is the inverse of `Hotkeys`, and no
//!    hotkey that was exchanged is known any more.
//! 7. Only neurons have announced something.

use crate::{
    Config, Dissolving, Endpoints, Generations, HoldReason, Hotkeys, HyperparametersOf, Models,
    Netuids, NetworkParameters, NeuronCount, Neurons, NextSerial, OwnedHotkeys, Pallet,
    PendingHyperparameters, RegistrationPrices, SubnetOffers, SubnetPrice, Subnets, Successors,
    Tasks, Uids, UpcomingTasks, WaitingSubnets,
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use assay_primitives::{Balance, NetUid, Uid, MAX_NEURONS};
use frame_support::{ensure, traits::fungible::InspectHold};
use sp_runtime::DispatchError;

type Check = Result<(), DispatchError>;

impl<T: Config> Pallet<T> {
    /// Checks everything that always holds of the registry.
    pub fn do_try_state() -> Check {
        Self::try_state_prices()?;
        Self::try_state_subnets()?;
        Self::try_state_locks()?;
        Self::try_state_neurons()?;
        Self::try_state_hotkeys()?;
        Self::try_state_announcements()
    }

    fn try_state_prices() -> Check {
        NetworkParameters::<T>::get()
            .check()
            .map_err(DispatchError::Other)?;
        let now = Self::now();
        let ceiling = Self::registration_price_curve().ceiling;
        for (_, price) in RegistrationPrices::<T>::iter() {
            ensure!(
                price.at <= now && price.value <= ceiling,
                "the price of a neuron is above its ceiling or in the future"
            );
        }
        if let Some(price) = SubnetPrice::<T>::get() {
            ensure!(
                price.at <= now && price.value <= Self::subnet_price_curve().ceiling,
                "the price of a subnet is above its ceiling or in the future"
            );
        }
        Ok(())
    }

    fn try_state_subnets() -> Check {
        let listed = Netuids::<T>::get();
        ensure!(
            listed.windows(2).all(|pair| pair[0] < pair[1]),
            "Netuids is not ascending"
        );
        let listed: BTreeSet<NetUid> = listed.into_iter().collect();
        let exactly = |keys: BTreeSet<NetUid>| keys == listed;
        ensure!(
            exactly(Subnets::<T>::iter_keys().collect())
                && exactly(Tasks::<T>::iter_keys().collect())
                && exactly(HyperparametersOf::<T>::iter_keys().collect()),
            "Subnets, Tasks, HyperparametersOf and Netuids name different subnets"
        );
        let mut settings = PendingHyperparameters::<T>::iter_keys()
            .chain(RegistrationPrices::<T>::iter_keys())
            .chain(UpcomingTasks::<T>::iter_keys())
            .chain(SubnetOffers::<T>::iter_keys());
        ensure!(
            settings.all(|netuid| listed.contains(&netuid)),
            "something is stored under a number that isn't registered"
        );
        let dissolving: BTreeSet<NetUid> = Dissolving::<T>::get()
            .into_iter()
            .map(|dissolution| dissolution.netuid)
            .collect();
        ensure!(
            dissolving.is_disjoint(&listed) && dissolving.len() == Dissolving::<T>::get().len(),
            "a subnet is dissolved twice, or while it is registered"
        );
        ensure!(
            listed.len() + dissolving.len() <= Self::subnet_places() as usize,
            "there are more subnets than places"
        );
        ensure!(
            WaitingSubnets::<T>::iter_keys().all(|netuid| dissolving.contains(&netuid)),
            "a subnet waits for a number that does not become free"
        );
        let mut others = NeuronCount::<T>::iter_keys()
            .chain(Neurons::<T>::iter_keys().map(|(netuid, _)| netuid))
            .chain(Uids::<T>::iter_keys().map(|(netuid, _)| netuid))
            .chain(Endpoints::<T>::iter_keys().map(|(netuid, _)| netuid))
            .chain(Models::<T>::iter_keys().map(|(netuid, _)| netuid));
        ensure!(
            others.all(|netuid| listed.contains(&netuid) || dissolving.contains(&netuid)),
            "something is stored under a number that isn't registered"
        );
        for (netuid, subnet) in Subnets::<T>::iter() {
            ensure!(
                Generations::<T>::get(netuid) == Some(subnet.generation),
                "a subnet's generation is not the last one of its number"
            );
        }
        Ok(())
    }

    fn try_state_locks() -> Check {
        let mut locks = BTreeMap::<T::AccountId, Balance>::new();
        let waiting =
            WaitingSubnets::<T>::iter_values().map(|waiting| (waiting.owner, waiting.lock));
        let registered = Subnets::<T>::iter_values().map(|subnet| (subnet.owner, subnet.lock));
        for (owner, lock) in registered.chain(waiting) {
            let sum = locks.entry(owner).or_default();
            *sum = sum
                .checked_add(lock)
                .ok_or("the locks of an owner overflow")?;
        }
        for (owner, locked) in locks {
            ensure!(
                T::Currency::balance_on_hold(&HoldReason::SubnetLock.into(), &owner) == locked,
                "what is held of an owner is not the sum of its subnets' locks"
            );
        }
        Ok(())
    }

    fn try_state_neurons() -> Check {
        let mut serials = BTreeSet::new();
        let next_serial = NextSerial::<T>::get();
        for netuid in Netuids::<T>::get() {
            let count = NeuronCount::<T>::get(netuid);
            ensure!(count <= MAX_NEURONS, "a subnet has too many neurons");
            let mut uids: Vec<Uid> = Neurons::<T>::iter_key_prefix(netuid).collect();
            uids.sort_unstable();
            ensure!(
                uids.into_iter().eq(Self::uids(netuid)),
                "uids are not dense from 0"
            );
            ensure!(
                Uids::<T>::iter_prefix(netuid).count() == usize::from(count),
                "Uids and Neurons differ in number"
            );
            for (uid, neuron) in Neurons::<T>::iter_prefix(netuid) {
                ensure!(
                    Uids::<T>::get(netuid, &neuron.hotkey) == Some(uid),
                    "Uids is not the inverse of Neurons"
                );
                ensure!(
                    neuron.serial < next_serial && serials.insert(neuron.serial),
                    "a serial is used twice or not given out yet"
                );
            }
        }
        Ok(())
    }

    fn try_state_hotkeys() -> Check {
        let mut registrations = BTreeMap::<T::AccountId, u32>::new();
        for (_, hotkey, _) in Uids::<T>::iter() {
            *registrations.entry(hotkey).or_default() += 1;
        }
        for hotkey in registrations.keys() {
            ensure!(
                frame_system::Pallet::<T>::sufficients(hotkey) > 0,
                "the account of a registered hotkey is not kept alive"
            );
        }
        for (hotkey, info) in Hotkeys::<T>::iter() {
            let counted = registrations.remove(&hotkey).unwrap_or_default();
            ensure!(
                info.registrations == counted,
                "a hotkey is not counted as often as it is registered"
            );
        }
        ensure!(registrations.is_empty(), "a registered hotkey has no owner");
        ensure!(
            OwnedHotkeys::<T>::iter_keys().count() == Hotkeys::<T>::iter_keys().count(),
            "OwnedHotkeys and Hotkeys differ in number"
        );
        for (coldkey, hotkey, ()) in OwnedHotkeys::<T>::iter() {
            ensure!(
                Hotkeys::<T>::get(hotkey).is_some_and(|info| info.coldkey == coldkey),
                "OwnedHotkeys is not the inverse of Hotkeys"
            );
        }
        ensure!(
            Successors::<T>::iter_keys().all(|hotkey| !Hotkeys::<T>::contains_key(hotkey)),
            "a hotkey that was exchanged is still known"
        );
        Ok(())
    }

    fn try_state_announcements() -> Check {
        let announced = Endpoints::<T>::iter_keys().chain(Models::<T>::iter_keys());
        for (netuid, uid) in announced {
            ensure!(
                Neurons::<T>::contains_key(netuid, uid),
                "something is announced for a neuron that doesn't exist"
            );
        }
        Ok(())
    }
}
