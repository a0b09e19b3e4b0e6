//! Letting go of a subnet's schedule and of what its epochs left behind.

use crate::pallet::{
    Agenda, BondCounts, Bonds, Config, Earned, Outcomes, Pallet, PermitBits, Queue, StandingsOf,
    States,
};
use assay_pallet_traits::{clear_within, Progress, Teardown};
use assay_primitives::{Generation, NetUid};
use frame_support::{
    traits::Get,
    weights::{Weight, WeightMeter},
};

impl<T: Config> Pallet<T> {
    fn key_weight() -> Weight {
        T::DbWeight::get().reads_writes(1, 1)
    }

    /// The outcome, permits, standings, earnings and the count of bonds: an item each.
    fn columns_weight() -> Weight {
        T::DbWeight::get().writes(5)
    }
}

impl<T: Config> Teardown for Pallet<T> {
    /// No epoch of the subnet runs any more, whether it was scheduled or waited in the queue.
    fn begin(netuid: NetUid) {
        let Some(state) = States::<T>::take(netuid) else {
            return;
        };
        let others = |netuids: &mut frame_support::BoundedVec<NetUid, T::MaxSubnets>| {
            netuids.retain(|other| *other != netuid);
        };
        Agenda::<T>::mutate_exists(state.due_at, |due| {
            *due = due.take().map(|mut due| {
                others(&mut due);
                due
            });
            *due = due.take().filter(|due| !due.is_empty());
        });
        Queue::<T>::mutate(others);
    }

    fn begin_weight() -> Weight {
        T::DbWeight::get().reads_writes(3, 3)
    }

    fn step(netuid: NetUid, _generation: Generation, meter: &mut WeightMeter) -> Progress {
        let cleared = clear_within(meter, Self::key_weight(), |limit| {
            Bonds::<T>::clear_prefix(netuid, limit, None)
        });
        if cleared == Progress::Pending || meter.try_consume(Self::columns_weight()).is_err() {
            return Progress::Pending;
        }
        Outcomes::<T>::remove(netuid);
        PermitBits::<T>::remove(netuid);
        StandingsOf::<T>::remove(netuid);
        Earned::<T>::remove(netuid);
        BondCounts::<T>::remove(netuid);
        Progress::Done
    }

    fn least_weight() -> Weight {
        Self::key_weight().saturating_add(Self::columns_weight())
    }
}
