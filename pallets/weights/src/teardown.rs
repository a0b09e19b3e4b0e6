//! Letting go of a subnet's rows, commits and reveals.

use crate::pallet::{Commits, Config, Pallet, Reveals, RowInfos, Rows, Totals};
use assay_pallet_traits::{clear_within, MultiRemovalResults, Progress, Teardown};
use assay_primitives::{Generation, NetUid};
use frame_support::{
    traits::Get,
    weights::{Weight, WeightMeter},
};

impl<T: Config> Pallet<T> {
    fn key_weight() -> Weight {
        T::DbWeight::get().reads_writes(1, 1)
    }
}

impl<T: Config> Teardown for Pallet<T> {
    // Every call asks for the subnet's settings first, and there are none any more.
    fn begin(_netuid: NetUid) {}

    fn begin_weight() -> Weight {
        Weight::zero()
    }

    fn step(netuid: NetUid, _generation: Generation, meter: &mut WeightMeter) -> Progress {
        let clears: [fn(NetUid, u32) -> MultiRemovalResults; 4] = [
            |netuid, limit| Rows::<T>::clear_prefix(netuid, limit, None),
            |netuid, limit| RowInfos::<T>::clear_prefix(netuid, limit, None),
            |netuid, limit| Commits::<T>::clear_prefix(netuid, limit, None),
            |netuid, limit| Reveals::<T>::clear_prefix(netuid, limit, None),
        ];
        for clear in clears {
            let cleared = clear_within(meter, Self::key_weight(), |limit| clear(netuid, limit));
            if cleared == Progress::Pending {
                return Progress::Pending;
            }
        }
        if meter.try_consume(Self::key_weight()).is_err() {
            return Progress::Pending;
        }
        Totals::<T>::remove(netuid);
        Progress::Done
    }

    fn least_weight() -> Weight {
        Self::key_weight().saturating_mul(5)
    }
}
