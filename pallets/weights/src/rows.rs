//! Rows in force and pending commits: how they come and go, and what others may ask about them.

use crate::{
    admission::READ_AGAIN,
    pallet::{Commits, Config, Event, Pallet, Reveals, RowInfos, Rows, Totals, Used},
    types::{Reveal, Row, RowInfo, Usage, MAX_PENDING_COMMITS},
    WeightInfo,
};
use alloc::vec::Vec;
use assay_pallet_traits::{NeuronHooks, Neurons, Permits, RowInForce, WeightRows};
use assay_primitives::{
    BlockNumber, CommitView, EpochIndex, Hyperparameter, Hyperparameters, NetUid, Uid, MAX_NEURONS,
};
use frame_support::{dispatch::DispatchClass, traits::Get, weights::Weight};
use sp_runtime::Perbill;

/// Bytes of the longest weight transaction besides its row: signature, extensions, digests.
const MAX_ENVELOPE: u32 = 1_024;

impl<T: Config> Pallet<T> {
    /// Puts a row into force in place of the one there was.
    pub(crate) fn put_row(netuid: NetUid, uid: Uid, row: Row, info: RowInfo) {
        let old = RowInfos::<T>::get(netuid, uid).map(|old| old.len);
        Totals::<T>::mutate(netuid, |totals| {
            *totals = totals.replacing(old, Some(info.len))
        });
        Rows::<T>::insert(netuid, uid, row);
        RowInfos::<T>::insert(netuid, uid, info);
    }

    /// Removes a row; says whether there was one.
    fn drop_row(netuid: NetUid, uid: Uid) -> bool {
        let Some(old) = RowInfos::<T>::take(netuid, uid) else {
            return false;
        };
        Rows::<T>::remove(netuid, uid);
        Totals::<T>::mutate(netuid, |totals| {
            *totals = totals.replacing(Some(old.len), None)
        });
        true
    }

    /// Clears the commits whose window ends with `epoch`. Returns who made them, ascending.
    fn expire_commits(netuid: NetUid, epoch: EpochIndex) -> Vec<Uid> {
        let mut late = Vec::new();
        // Collected first: a prefix must not change while it is walked.
        let all: Vec<_> = Commits::<T>::iter_prefix(netuid).collect();
        for (uid, mut pending) in all {
            let mut expired = Vec::new();
            pending.retain(|commit| {
                let stays = commit.reveal_in > epoch;
                if !stays {
                    expired.push(*commit);
                }
                stays
            });
            if expired.is_empty() {
                continue;
            }
            if pending.is_empty() {
                Commits::<T>::remove(netuid, uid);
            } else {
                Commits::<T>::insert(netuid, uid, pending);
            }
            for commit in expired {
                let (epoch, hash) = (commit.epoch, commit.hash);
                Self::deposit_event(Event::CommitExpired {
                    netuid,
                    uid,
                    epoch,
                    hash,
                });
            }
            late.push(uid);
        }
        late.sort_unstable();
        late
    }

    /// Drops the rows of those who may not validate: see the pallet's documentation.
    fn drop_rows_without_permit(netuid: NetUid) {
        let mut unpermitted: Vec<Uid> = RowInfos::<T>::iter_key_prefix(netuid)
            .filter(|uid| !T::Permits::has_permit(netuid, *uid))
            .collect();
        unpermitted.sort_unstable();
        for uid in unpermitted {
            if Self::drop_row(netuid, uid) {
                Self::deposit_event(Event::WeightsDropped { netuid, uid });
            }
        }
    }

    /// What all free calls together may take of a block.
    pub(crate) fn free_part() -> Usage {
        let part = T::FreePart::get();
        let length = *T::BlockLength::get().max.get(DispatchClass::Normal);
        Usage {
            weight: part * T::BlockWeights::get().max_block,
            length: part * length,
        }
    }

    /// Checks, in a runtime's integrity test, that its constants agree with each other.
    pub(crate) fn check_constants() {
        let longest = (MAX_PENDING_COMMITS - 1) as u8;
        let settings = Hyperparameters::new(100);
        assert!(
            settings.with(Hyperparameter::RevealPeriod(longest)).is_ok()
                && settings
                    .with(Hyperparameter::RevealPeriod(longest + 1))
                    .is_err(),
            "a validator needs a place for a commit in each epoch of the longest reveal period",
        );
        assert!(
            T::FreePart::get() <= Perbill::from_percent(25),
            "free calls may take at most a quarter of a block",
        );
        assert!(
            T::WeightInfo::admit(0).ref_time() > T::DbWeight::get().reads(READ_AGAIN).ref_time(),
            "admission weighs less than the {READ_AGAIN} reads that the call counts for it",
        );
        let len = u32::from(MAX_NEURONS);
        let largest = Usage {
            weight: T::WeightInfo::reveal_weights(len)
                .max(T::WeightInfo::set_weights(len))
                .saturating_add(T::WeightInfo::admit(len))
                .saturating_add(
                    T::BlockWeights::get()
                        .get(DispatchClass::Normal)
                        .base_extrinsic,
                ),
            length: 4 * len + MAX_ENVELOPE,
        };
        assert!(
            largest.fits(&Self::free_part()),
            "the largest weight call must fit what free calls may take of a block",
        );
    }

    /// A neuron's pending commits, oldest first.
    pub fn commits(netuid: NetUid, uid: Uid) -> Vec<CommitView> {
        Commits::<T>::get(netuid, uid)
            .into_iter()
            .map(Into::into)
            .collect()
    }

    /// A hotkey's pending commits, oldest first; none where it is not registered.
    pub fn commits_of(netuid: NetUid, hotkey: &T::AccountId) -> Vec<CommitView> {
        T::Neurons::uid_of(netuid, hotkey).map_or_else(Vec::new, |uid| Self::commits(netuid, uid))
    }

    /// A validator's weights in force, ascending by uid; none where it has none.
    pub fn row(netuid: NetUid, uid: Uid) -> Vec<(Uid, u16)> {
        let Row { targets, values } = Rows::<T>::get(netuid, uid).unwrap_or_default();
        targets.into_iter().map(Uid).zip(values).collect()
    }

    /// The facts about a validator's weights in force.
    pub fn row_info(netuid: NetUid, uid: Uid) -> Option<RowInfo> {
        RowInfos::<T>::get(netuid, uid)
    }

    /// The last commit that a validator opened, with its evidence.
    pub fn last_reveal(netuid: NetUid, uid: Uid) -> Option<Reveal> {
        Reveals::<T>::get(netuid, uid)
    }

    /// What free calls took of this block so far.
    pub fn used() -> Usage {
        Used::<T>::get()
    }
}

impl<T: Config> WeightRows for Pallet<T> {
    fn rows(netuid: NetUid) -> Vec<RowInForce> {
        let mut rows: Vec<RowInForce> = Rows::<T>::iter_prefix(netuid)
            .map(|(validator, row)| RowInForce {
                validator,
                targets: row.targets.into_inner(),
                values: row.values.into_inner(),
            })
            .collect();
        rows.sort_unstable_by_key(|row| row.validator);
        rows
    }

    fn size(netuid: NetUid) -> (u32, u32) {
        let totals = Totals::<T>::get(netuid);
        (totals.weights, totals.rows)
    }

    fn last_updates(netuid: NetUid, neurons: u16) -> Vec<Option<BlockNumber>> {
        let mut updates = alloc::vec![None; usize::from(neurons)];
        for (uid, info) in RowInfos::<T>::iter_prefix(netuid) {
            if let Some(update) = updates.get_mut(usize::from(uid.0)) {
                *update = Some(info.last_update);
            }
        }
        updates
    }

    fn unrevealed(netuid: NetUid, epoch: EpochIndex) -> Vec<Uid> {
        let mut late: Vec<Uid> = Commits::<T>::iter_prefix(netuid)
            .filter(|(_, pending)| pending.iter().any(|commit| commit.reveal_in <= epoch))
            .map(|(uid, _)| uid)
            .collect();
        late.sort_unstable();
        late
    }

    fn close_epoch(netuid: NetUid, epoch: EpochIndex) -> Vec<Uid> {
        let late = Self::expire_commits(netuid, epoch);
        Self::drop_rows_without_permit(netuid);
        late
    }
}

impl<T: Config> NeuronHooks<T::AccountId> for Pallet<T> {
    fn on_neuron_added(_netuid: NetUid, _uid: Uid) {}

    fn on_neuron_replaced(netuid: NetUid, uid: Uid, _old_hotkey: &T::AccountId) {
        Self::drop_row(netuid, uid);
        Commits::<T>::remove(netuid, uid);
        Reveals::<T>::remove(netuid, uid);
    }

    fn on_neuron_weight() -> Weight {
        T::WeightInfo::clear_neuron()
    }
}
