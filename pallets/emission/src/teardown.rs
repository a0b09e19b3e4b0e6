//! Letting go of a subnet's pot and of how its miners asked to be paid; and what the registry asks
//! about its stake over time.

use crate::pallet::{Config, Event, Issuance, Pallet, PayoutTargets, Supplied};
use alloc::vec::Vec;
use assay_pallet_traits::{clear_within, Progress, StakeAverages, Teardown};
use assay_primitives::{Balance, Generation, NetUid};
use frame_support::{
    traits::Get,
    weights::{Weight, WeightMeter},
};

impl<T: Config> Pallet<T> {
    fn key_weight() -> Weight {
        T::DbWeight::get().reads_writes(1, 1)
    }

    /// Puts what was issued and waits in a pot back under the curve.
    pub(crate) fn return_pot(netuid: NetUid, amount: Balance) {
        if amount > 0 {
            Supplied::<T>::mutate(|supply| supply.issued = supply.issued.saturating_sub(amount));
            Self::deposit_event(Event::PotReturned { netuid, amount });
        }
    }
}

impl<T: Config> StakeAverages for Pallet<T> {
    fn average(netuid: NetUid) -> Balance {
        Self::subnet(netuid).map_or(0, |subnet| subnet.average >> 32)
    }

    fn averages(netuids: &[NetUid]) -> Vec<Balance> {
        let subnets = Issuance::<T>::get();
        netuids
            .iter()
            .map(|netuid| {
                let found = subnets.binary_search_by_key(netuid, |subnet| subnet.netuid);
                found.map_or(0, |index| subnets[index].average >> 32)
            })
            .collect()
    }
}

impl<T: Config> Teardown for Pallet<T> {
    /// Nothing is issued for the subnet from the next block on; what waits in its pot is nobody's.
    fn begin(netuid: NetUid) {
        let pot = Issuance::<T>::mutate(|subnets| {
            let index = subnets.binary_search_by_key(&netuid, |subnet| subnet.netuid);
            index.map_or(0, |index| subnets.remove(index).pot)
        });
        Self::return_pot(netuid, pot);
    }

    fn begin_weight() -> Weight {
        T::DbWeight::get().reads_writes(2, 2)
    }

    fn step(netuid: NetUid, _generation: Generation, meter: &mut WeightMeter) -> Progress {
        clear_within(meter, Self::key_weight(), |limit| {
            PayoutTargets::<T>::clear_prefix(netuid, limit, None)
        })
    }

    fn least_weight() -> Weight {
        Self::key_weight()
    }
}
