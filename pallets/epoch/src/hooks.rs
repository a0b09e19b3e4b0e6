//! What happens at the start of a block.

use crate::{
    cost::EpochSize,
    pallet::{Config, Pallet, Queue},
    weights::WeightInfo,
};
use assay_pallet_traits::{Neurons, Subnets, WeightRows};
use assay_primitives::{
    BlockNumber, Hyperparameter, Hyperparameters, NetUid, MAX_NEURONS, MAX_VALIDATORS,
};
use frame_support::{
    traits::Get,
    weights::{Weight, WeightMeter},
};

impl<T: Config> Pallet<T> {
    /// Runs the epochs that are due, oldest first, as many as the budget allows; the rest wait for
    /// the next block. Returns what that cost.
    pub(crate) fn run_due(now: BlockNumber) -> Weight {
        let mut meter = WeightMeter::with_limit(T::Budget::get());
        let due = Self::enqueue_due(now);
        meter.consume(T::WeightInfo::enqueue(due));
        let queue = Queue::<T>::get();
        let mut done = 0;
        for netuid in &queue {
            if meter.try_consume(T::WeightInfo::peek()).is_err() {
                break;
            }
            let cost = Self::cost(*netuid);
            // One that no block can afford must not keep the others waiting for ever.
            let affordable = cost.all_lte(Self::affordable());
            if affordable && meter.try_consume(cost).is_err() {
                break;
            }
            Self::run_epoch(*netuid, now, affordable);
            done += 1;
        }
        if done > 0 {
            Queue::<T>::mutate(|queue| drop(queue.drain(..done)));
        }
        meter.consumed()
    }

    /// What a subnet's epoch costs if it runs now.
    pub(crate) fn cost(netuid: NetUid) -> Weight {
        Self::size(netuid).cost::<T::WeightInfo>()
    }

    fn size(netuid: NetUid) -> EpochSize {
        let neurons = u32::from(T::Neurons::count(netuid));
        let (weights, rows) = T::Weights::size(netuid);
        let permits = Self::permit_bits(netuid).count();
        let settings = T::Subnets::hyperparameters(netuid);
        let committers = settings.map_or(0, |settings| {
            // Who commits holds a permit, and a commit is pending for a reveal period.
            u32::from(settings.max_validators).max(permits)
                * (u32::from(settings.reveal_period) + 1)
        });
        EpochSize {
            neurons,
            // Rows of those who lost their permit are dropped when the epoch closes, so a row and a
            // permit need not be of the same validator.
            validators: rows.saturating_add(permits),
            committers: committers.min(neurons),
            entries: weights.saturating_add(Self::bond_count(netuid)),
        }
    }

    /// What an epoch may cost at most: the budget less what a block spends before it.
    fn affordable() -> Weight {
        T::Budget::get()
            .saturating_sub(T::WeightInfo::enqueue(T::MaxSubnets::get()))
            .saturating_sub(T::WeightInfo::peek())
    }

    /// The largest epoch that settings allow: all places taken, every permit holder with a full row
    /// of weights and of bonds, as many rows again of those who just lost their permits, and a
    /// commit pending of everyone who held a permit within the longest reveal period.
    pub(crate) fn largest() -> EpochSize {
        let (neurons, validators) = (u32::from(MAX_NEURONS), u32::from(MAX_VALIDATORS));
        let settings = Hyperparameters::new(100);
        let longest = (0..u8::MAX)
            .rev()
            .find(|epochs| settings.with(Hyperparameter::RevealPeriod(*epochs)).is_ok())
            .unwrap_or_default();
        EpochSize {
            neurons,
            validators: 3 * validators,
            committers: (validators * (u32::from(longest) + 1)).min(neurons),
            entries: 3 * neurons * validators,
        }
    }

    /// Checks, in a runtime's tests, that its constants agree with each other.
    pub(crate) fn check_constants() {
        assert!(
            T::MaxSubnets::get() > 0,
            "there must be a place for a subnet"
        );
        let largest = Self::largest().cost::<T::WeightInfo>();
        let affordable = Self::affordable();
        assert!(
            largest.all_lte(affordable),
            "the largest epoch allowed costs {largest:?}, more than the {affordable:?} that the \
             budget leaves for it",
        );
    }
}
