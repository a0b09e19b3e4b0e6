//! What always holds.

use crate::{
    pallet::{Commits, Config, Pallet, Reveals, RowInfos, Rows, Totals, Used},
    types::RowTotals,
};
use alloc::collections::BTreeMap;
use assay_pallet_traits::{Epochs, Neurons, Subnets};
use assay_primitives::NetUid;
use frame_support::ensure;
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
    /// Checks, in the words of each failure below, that rows, facts and totals tell the same, that
    /// rows are well-formed, that commits are ordered and their windows open, and that nothing is
    /// stored for neurons or subnets that don't exist.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::try_rows()?;
        Self::try_commits()?;
        for (netuid, uid, reveal) in Reveals::<T>::iter() {
            ensure!(
                uid.0 < T::Neurons::count(netuid),
                "a reveal is kept for no neuron"
            );
            ensure!(
                reveal.commit.epoch < reveal.commit.reveal_in,
                "a reveal is of the epoch of its commit"
            );
        }
        ensure!(
            Used::<T>::get().fits(&Self::free_part()),
            "free calls took more than their part"
        );
        Ok(())
    }

    fn try_rows() -> Result<(), TryRuntimeError> {
        let mut totals = BTreeMap::<NetUid, RowTotals>::new();
        for (netuid, uid, row) in Rows::<T>::iter() {
            ensure!(
                T::Subnets::may_keep(netuid),
                "a row is stored under an unknown subnet"
            );
            ensure!(
                uid.0 < T::Neurons::count(netuid),
                "a row is stored for no neuron"
            );
            ensure!(
                row.targets.len() == row.values.len(),
                "a row's vectors differ in length"
            );
            ensure!(
                row.targets.windows(2).all(|pair| pair[0] < pair[1]),
                "a row's targets are not ascending"
            );
            ensure!(
                row.targets
                    .last()
                    .is_none_or(|last| *last < T::Neurons::count(netuid)),
                "a row's target is no neuron"
            );
            let info = RowInfos::<T>::get(netuid, uid).ok_or("a row has no facts")?;
            ensure!(
                info.len == row.len(),
                "a row's length is not what its facts say"
            );
            // A subnet that is being dissolved has no epochs any more.
            ensure!(
                !T::Subnets::exists(netuid) || info.epoch <= T::Epochs::current(netuid),
                "a row was made in an epoch to come"
            );
            ensure!(
                info.last_update <= Self::now(),
                "a row was made in a block to come"
            );
            let total = totals.entry(netuid).or_default();
            *total = total.replacing(None, Some(info.len));
        }
        let infos = RowInfos::<T>::iter_keys().count();
        let rows: u32 = totals.values().map(|total| total.rows).sum();
        ensure!(infos == rows as usize, "facts are stored about no row");
        for (netuid, stored) in Totals::<T>::iter() {
            let counted = totals.remove(&netuid).unwrap_or_default();
            ensure!(
                stored == counted,
                "a subnet's totals are not those of its rows"
            );
        }
        ensure!(totals.is_empty(), "a subnet has rows and no totals");
        Ok(())
    }

    fn try_commits() -> Result<(), TryRuntimeError> {
        for (netuid, uid, pending) in Commits::<T>::iter() {
            ensure!(
                T::Subnets::may_keep(netuid),
                "commits are stored under an unknown subnet"
            );
            ensure!(
                uid.0 < T::Neurons::count(netuid),
                "commits are stored for no neuron"
            );
            ensure!(!pending.is_empty(), "a list of no commits is stored");
            ensure!(
                pending.windows(2).all(|pair| pair[0].epoch < pair[1].epoch),
                "commits are not in order of epoch, or two are of one"
            );
            if !T::Subnets::exists(netuid) {
                continue;
            }
            let current = T::Epochs::current(netuid);
            for commit in pending {
                ensure!(
                    commit.epoch <= current,
                    "a commit was made in an epoch to come"
                );
                ensure!(
                    commit.epoch < commit.reveal_in,
                    "a commit is opened in its own epoch"
                );
                ensure!(current <= commit.reveal_in, "a commit's window is over");
            }
        }
        Ok(())
    }
}
