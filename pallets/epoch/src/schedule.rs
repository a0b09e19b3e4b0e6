//! When epochs fall due.

use crate::{
    pallet::{Agenda, Config, Event, Pallet, Queue, States},
    types::EpochState,
};
use assay_pallet_traits::Subnets;
use assay_primitives::{BlockNumber, EpochIndex, NetUid, MIN_TEMPO};
use frame_support::{defensive, traits::Defensive};
use sp_runtime::traits::SaturatedConversion;

impl<T: Config> Pallet<T> {
    pub(crate) fn now() -> BlockNumber {
        frame_system::Pallet::<T>::block_number().saturated_into()
    }

    /// Schedules a new subnet's first epoch: one tempo from now and later by its number, so that
    /// subnets registered together do not fall due together.
    pub(crate) fn open_first(netuid: NetUid) {
        let Some(tempo) = Self::tempo(netuid) else {
            defensive!("a subnet is registered before its epochs are scheduled");
            return;
        };
        let now = Self::now();
        let due_at = now
            .saturating_add(tempo)
            .saturating_add(BlockNumber::from(netuid.0) % tempo);
        Self::open(
            netuid,
            EpochState {
                epoch: EpochIndex(0),
                due_at,
                last_ran_at: now,
            },
        );
    }

    /// Opens the epoch after the one in `state`, whether that ran or failed.
    ///
    /// It falls due one tempo after the last one *was due*, so that a wait in the queue does not
    /// move the subnet for ever; but never before the next block.
    pub(crate) fn open_next(netuid: NetUid, state: EpochState, last_ran_at: BlockNumber) {
        let tempo = Self::tempo(netuid).unwrap_or(MIN_TEMPO);
        let next_block = Self::now().saturating_add(1);
        let due_at = state.due_at.saturating_add(tempo).max(next_block);
        Self::open(
            netuid,
            EpochState {
                epoch: state.epoch.next(),
                due_at,
                last_ran_at,
            },
        );
    }

    fn open(netuid: NetUid, state: EpochState) {
        let EpochState { epoch, due_at, .. } = state;
        States::<T>::insert(netuid, state);
        // There is a place for each subnet, and a subnet stands in the agenda at most once.
        Agenda::<T>::try_mutate(due_at, |netuids| netuids.try_push(netuid))
            .defensive_proof("the agenda has a place for every subnet")
            .ok();
        Self::deposit_event(Event::EpochScheduled {
            netuid,
            epoch,
            due_at,
        });
    }

    /// Moves what is due from the agenda to the queue. Returns how many.
    pub(crate) fn enqueue_due(now: BlockNumber) -> u32 {
        let due = Agenda::<T>::take(now);
        if due.is_empty() {
            return 0;
        }
        Queue::<T>::mutate(|queue| {
            for netuid in &due {
                queue
                    .try_push(*netuid)
                    .defensive_proof("the queue has a place for every subnet")
                    .ok();
            }
        });
        due.len() as u32
    }

    fn tempo(netuid: NetUid) -> Option<BlockNumber> {
        // A tempo of none would divide by zero; the registry allows none below the minimum.
        T::Subnets::hyperparameters(netuid).map(|settings| settings.tempo.max(1))
    }
}
