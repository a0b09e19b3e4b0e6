//! What others may ask about epochs, and the news that this pallet listens to.

use crate::{
    pallet::{
        BondCounts, Bonds, Config, Earned, Outcomes, Pallet, PermitBits, StandingsOf, States,
    },
    types::clear,
    weights::WeightInfo,
};
use alloc::vec::Vec;
use assay_pallet_traits::{Epochs, NeuronHooks, Permits, Standings, SubnetHooks};
use assay_primitives::{BlockNumber, EpochIndex, NetUid, Uid};
use frame_support::weights::Weight;

impl<T: Config> Epochs for Pallet<T> {
    fn current(netuid: NetUid) -> EpochIndex {
        States::<T>::get(netuid)
            .map(|state| state.epoch)
            .unwrap_or_default()
    }

    fn due_at(netuid: NetUid) -> Option<BlockNumber> {
        States::<T>::get(netuid).map(|state| state.due_at)
    }

    fn last_ran_at(netuid: NetUid) -> Option<BlockNumber> {
        States::<T>::get(netuid).map(|state| state.last_ran_at)
    }
}

impl<T: Config> Permits for Pallet<T> {
    fn has_permit(netuid: NetUid, uid: Uid) -> bool {
        PermitBits::<T>::get(netuid).get(uid)
    }
}

impl<T: Config> Standings for Pallet<T> {
    fn standings(netuid: NetUid) -> Vec<u32> {
        Self::standings(netuid)
    }
}

impl<T: Config> SubnetHooks for Pallet<T> {
    fn on_subnet_registered(netuid: NetUid) {
        Self::open_first(netuid);
    }

    fn on_subnet_registered_weight() -> Weight {
        T::WeightInfo::schedule()
    }
}

impl<T: Config> NeuronHooks<T::AccountId> for Pallet<T> {
    // Columns are as long as there were neurons at the last epoch; who came later reads as nothing.
    fn on_neuron_added(_netuid: NetUid, _uid: Uid) {}

    fn on_neuron_replaced(netuid: NetUid, uid: Uid, _old_hotkey: &T::AccountId) {
        PermitBits::<T>::mutate(netuid, |permits| permits.clear(uid));
        Outcomes::<T>::mutate(netuid, |columns| columns.clear(uid));
        StandingsOf::<T>::mutate(netuid, |standings| clear(standings, uid));
        Earned::<T>::mutate(netuid, |earned| clear(earned, uid));
        // Others' bonds towards the uid are dropped by the next epoch, which sees that its holder
        // registered after the last one.
        if let Some(bonds) = Bonds::<T>::take(netuid, uid) {
            BondCounts::<T>::mutate(netuid, |count| {
                *count = count.saturating_sub(bonds.targets.len() as u32);
            });
        }
    }

    fn on_neuron_weight() -> Weight {
        T::WeightInfo::clear_neuron()
    }
}
