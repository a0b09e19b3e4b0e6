//! What this pallet answers to its neighbours.

use crate::{
    Config, Dissolving, Event, Hotkeys, HyperparametersOf, Netuids, NetworkParameters, NeuronCount,
    Neurons, Pallet, PendingHyperparameters, Subnets, Successors, Uids,
};
use alloc::vec::Vec;
use assay_pallet_traits::{AdmissionPolicy, NeuronFacts};
use assay_primitives::{BlockNumber, Generation, Hyperparameters, NetUid, TaskVersion, Uid};

impl<T: Config> assay_pallet_traits::Subnets<T::AccountId> for Pallet<T> {
    fn dissolving(netuid: NetUid) -> Option<Generation> {
        let dissolving = Dissolving::<T>::get();
        let found = dissolving.iter().find(|other| other.netuid == netuid)?;
        Some(found.generation)
    }

    fn generation(netuid: NetUid) -> Option<Generation> {
        Some(Subnets::<T>::get(netuid)?.generation)
    }

    fn owner(netuid: NetUid) -> Option<T::AccountId> {
        Some(Subnets::<T>::get(netuid)?.owner)
    }

    fn netuids() -> Vec<NetUid> {
        Netuids::<T>::get().into_inner()
    }

    fn kept() -> Vec<NetUid> {
        let mut kept = Self::netuids();
        let dissolving = Dissolving::<T>::get().into_iter();
        kept.extend(dissolving.map(|dissolution| dissolution.netuid));
        kept
    }

    fn registered_at(netuid: NetUid) -> Option<BlockNumber> {
        Some(Subnets::<T>::get(netuid)?.registered_at)
    }

    fn is_admitted(netuid: NetUid) -> bool {
        Subnets::<T>::get(netuid).is_some_and(|subnet| subnet.admitted)
    }

    fn task_version(netuid: NetUid) -> Option<TaskVersion> {
        Some(Subnets::<T>::get(netuid)?.task_version)
    }

    fn hyperparameters(netuid: NetUid) -> Option<Hyperparameters> {
        HyperparametersOf::<T>::get(netuid)
    }

    fn begin_epoch(netuid: NetUid) {
        Self::begin_task(netuid);
        if let Some(hyperparameters) = PendingHyperparameters::<T>::take(netuid) {
            HyperparametersOf::<T>::insert(netuid, hyperparameters);
            Self::deposit_event(Event::HyperparametersApplied {
                netuid,
                hyperparameters,
            });
        }
    }
}

impl<T: Config> assay_pallet_traits::Neurons<T::AccountId> for Pallet<T> {
    fn count(netuid: NetUid) -> u16 {
        NeuronCount::<T>::get(netuid)
    }

    fn uid_of(netuid: NetUid, hotkey: &T::AccountId) -> Option<Uid> {
        Uids::<T>::get(netuid, hotkey)
    }

    fn neuron(netuid: NetUid, uid: Uid) -> Option<NeuronFacts<T::AccountId>> {
        let neuron = Neurons::<T>::get(netuid, uid)?;
        let coldkey = Hotkeys::<T>::get(&neuron.hotkey)?.coldkey;
        Some(NeuronFacts {
            hotkey: neuron.hotkey,
            coldkey,
            serial: neuron.serial,
            registered_at: neuron.registered_at,
        })
    }

    fn neurons(netuid: NetUid) -> Vec<NeuronFacts<T::AccountId>> {
        // Uids are dense and every hotkey has an owner (`try_state`), so none is left out.
        Self::uids(netuid)
            .filter_map(|uid| Self::neuron(netuid, uid))
            .collect()
    }

    fn coldkey_of(hotkey: &T::AccountId) -> Option<T::AccountId> {
        Some(Hotkeys::<T>::get(hotkey)?.coldkey)
    }

    fn successor_of(hotkey: &T::AccountId) -> Option<T::AccountId> {
        Some(Successors::<T>::get(hotkey)?.hotkey)
    }
}

/// The rule of networks whose genesis says once and for all whether new subnets are admitted.
impl<T: Config> AdmissionPolicy for Pallet<T> {
    fn admitted_on_creation() -> bool {
        NetworkParameters::<T>::get().admit_on_creation
    }
}
