//! Facts for the runtime's read APIs.

use crate::{
    pallet::{
        BondCounts, Bonds, Config, Earned, Outcomes, Pallet, PermitBits, Queue, StandingsOf, States,
    },
    types::{pad, Bits, Columns, EpochState},
};
use alloc::vec::Vec;
use assay_pallet_traits::{Neurons, Subnets};
use assay_primitives::{Balance, NetUid, Uid};

impl<T: Config> Pallet<T> {
    /// The outcome of a subnet's last epoch, by uid; who registered since then has nothing.
    pub fn outcome(netuid: NetUid) -> Columns {
        Outcomes::<T>::get(netuid).padded(T::Neurons::count(netuid))
    }

    /// Who may validate in a subnet's open epoch, by uid.
    pub fn permits(netuid: NetUid) -> Vec<bool> {
        Self::permit_bits(netuid).to_bools(T::Neurons::count(netuid))
    }

    /// By uid, what all epochs together paid to each neuron since its registration.
    pub fn earned(netuid: NetUid) -> Vec<Balance> {
        let mut earned = Earned::<T>::get(netuid);
        pad(&mut earned, T::Neurons::count(netuid));
        earned.into_inner()
    }

    /// By uid, the moving averages that pruning goes by.
    pub fn standings(netuid: NetUid) -> Vec<u32> {
        let mut standings = StandingsOf::<T>::get(netuid);
        pad(&mut standings, T::Neurons::count(netuid));
        standings.into_inner()
    }

    /// The moving average that pruning goes by, of one neuron.
    pub fn standing(netuid: NetUid, uid: Uid) -> u32 {
        let standings = StandingsOf::<T>::get(netuid);
        standings
            .get(usize::from(uid.0))
            .copied()
            .unwrap_or_default()
    }

    /// A validator's bonds, ascending by uid, each a fraction of `u32::MAX`.
    pub fn bonds(netuid: NetUid, uid: Uid) -> Vec<(Uid, u32)> {
        let row = Bonds::<T>::get(netuid, uid).unwrap_or_default();
        row.targets.into_iter().map(Uid).zip(row.values).collect()
    }

    /// Where a subnet is in its schedule.
    pub fn state(netuid: NetUid) -> Option<EpochState> {
        States::<T>::get(netuid)
    }

    /// Where every subnet is in its schedule, soonest due first.
    pub fn next_epochs() -> Vec<(NetUid, EpochState)> {
        let netuids = T::Subnets::netuids();
        let mut states: Vec<_> = netuids
            .into_iter()
            .filter_map(|netuid| Some((netuid, States::<T>::get(netuid)?)))
            .collect();
        states.sort_by_key(|(netuid, state)| (state.due_at, *netuid));
        states
    }

    /// Subnets whose epoch is due and waits, first come first.
    pub fn waiting() -> Vec<NetUid> {
        Queue::<T>::get().into_inner()
    }

    pub(crate) fn permit_bits(netuid: NetUid) -> Bits {
        PermitBits::<T>::get(netuid)
    }

    pub(crate) fn bond_count(netuid: NetUid) -> u32 {
        BondCounts::<T>::get(netuid)
    }
}
