//! What always holds.

use crate::{
    pallet::{
        Agenda, BondCounts, Bonds, Config, Earned, Outcomes, Pallet, PermitBits, Queue,
        StandingsOf, States,
    },
    types::Columns,
};
use alloc::collections::{BTreeMap, BTreeSet};
use assay_pallet_traits::{Neurons, Subnets};
use assay_primitives::{NetUid, Uid, MAX_VALIDATORS};
use frame_support::{ensure, traits::Get};
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
    /// Checks, in the words of each failure below, that every subnet's epoch is scheduled exactly
    /// once and none is late without waiting in the queue, that columns are well-formed, and that
    /// permits and bonds agree with each other and with their counts.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::try_schedule()?;
        Self::try_columns()?;
        Self::try_permits_and_bonds()
    }

    fn try_schedule() -> Result<(), TryRuntimeError> {
        let now = Self::now();
        let mut unscheduled: BTreeSet<NetUid> = T::Subnets::netuids().into_iter().collect();
        for netuid in States::<T>::iter_keys() {
            ensure!(
                unscheduled.contains(&netuid),
                "a schedule is kept for an unknown subnet"
            );
        }
        for (block, netuids) in Agenda::<T>::iter() {
            ensure!(block > now, "the agenda holds a block that is over");
            for netuid in netuids {
                ensure!(
                    unscheduled.remove(&netuid),
                    "a subnet is unknown or scheduled twice"
                );
                let due_at = States::<T>::get(netuid).map(|state| state.due_at);
                ensure!(
                    due_at == Some(block),
                    "a subnet is due at another block than it says"
                );
            }
        }
        for netuid in Queue::<T>::get() {
            ensure!(
                unscheduled.remove(&netuid),
                "a subnet is unknown or scheduled twice"
            );
            let state = States::<T>::get(netuid).ok_or("a subnet waits without a schedule")?;
            ensure!(state.due_at <= now, "a subnet waits that is not due");
        }
        ensure!(unscheduled.is_empty(), "a subnet's epoch is not scheduled");
        Ok(())
    }

    fn try_columns() -> Result<(), TryRuntimeError> {
        for (netuid, columns) in Outcomes::<T>::iter() {
            let Columns {
                stake,
                consensus,
                trust,
                validator_trust,
                incentive,
                dividends,
                ..
            } = &columns;
            let len = columns.emission.len();
            ensure!(
                [
                    stake,
                    consensus,
                    trust,
                    validator_trust,
                    incentive,
                    dividends
                ]
                .iter()
                .all(|column| column.len() == len),
                "columns differ in length"
            );
            let neurons = usize::from(T::Neurons::count(netuid));
            ensure!(
                len <= neurons,
                "an outcome has more neurons than the subnet"
            );
            for shares in [stake, incentive, dividends] {
                let sum: u64 = shares.iter().map(|share| u64::from(*share)).sum();
                ensure!(sum <= 1 << 32, "shares sum to more than the whole");
            }
            let others = [
                StandingsOf::<T>::get(netuid).len(),
                Earned::<T>::get(netuid).len(),
            ];
            ensure!(
                others.iter().all(|len| *len <= neurons),
                "a column is too long"
            );
        }
        Ok(())
    }

    fn try_permits_and_bonds() -> Result<(), TryRuntimeError> {
        for (netuid, permits) in PermitBits::<T>::iter() {
            let neurons = T::Neurons::count(netuid);
            let held = permits
                .to_bools(neurons)
                .into_iter()
                .filter(|held| *held)
                .count();
            ensure!(
                held == permits.count() as usize,
                "a permit is held by no neuron"
            );
            ensure!(
                held <= usize::from(MAX_VALIDATORS),
                "too many permits are held"
            );
        }
        let mut counts = BTreeMap::<NetUid, u32>::new();
        for (netuid, uid, row) in Bonds::<T>::iter() {
            ensure!(
                PermitBits::<T>::get(netuid).get(uid),
                "bonds are kept for one who may not validate"
            );
            ensure!(
                row.targets.len() == row.values.len(),
                "a row of bonds is uneven"
            );
            ensure!(
                row.targets.windows(2).all(|pair| pair[0] < pair[1]),
                "a row of bonds is not ascending"
            );
            let last = row.targets.last().map(|last| Uid(*last));
            ensure!(
                last.is_some_and(|last| last.0 < T::Neurons::count(netuid)),
                "a row of bonds is empty or names no neuron"
            );
            *counts.entry(netuid).or_default() += row.targets.len() as u32;
        }
        for (netuid, stored) in BondCounts::<T>::iter() {
            let counted = counts.remove(&netuid).unwrap_or_default();
            ensure!(stored == counted, "a subnet's count of bonds is wrong");
        }
        ensure!(counts.is_empty(), "a subnet has bonds and no count of them");
        ensure!(
            Queue::<T>::get().len() <= T::MaxSubnets::get() as usize,
            "more subnets wait than there are"
        );
        Ok(())
    }
}
