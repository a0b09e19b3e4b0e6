//! Facts for the runtime's read APIs.

use crate::{
    pallet::{
        BondCounts, Bonds, Config, Earned, Outcomes, Pallet, PermitBits, Queue, StandingsOf, States,
    },
    snapshot::Snapshot,
    types::{pad, to_u32, Bits, Columns, EpochState, Shares},
};
use alloc::vec::Vec;
use assay_pallet_traits::{Neurons, Subnets, WeightRows};
use assay_primitives::{Balance, ClippedWeight, NetUid, NeuronOutcome, NeuronOutlook, Uid};

impl<T: Config> Pallet<T> {
    /// The outcome of a subnet's last epoch, by uid; who registered since then has nothing.
    pub fn outcome(netuid: NetUid) -> Columns {
        Outcomes::<T>::get(netuid).padded(T::Neurons::count(netuid))
    }

    /// The outcome of a subnet's last epoch for one neuron; nothing, where it registered since then.
    pub fn outcome_of(netuid: NetUid, uid: Uid) -> NeuronOutcome {
        let columns = Outcomes::<T>::get(netuid);
        let place = usize::from(uid.0);
        let share = |column: &Shares| column.get(place).copied().unwrap_or_default();
        NeuronOutcome {
            active: columns.active.get(uid),
            stake: share(&columns.stake),
            consensus: share(&columns.consensus),
            trust: share(&columns.trust),
            validator_trust: share(&columns.validator_trust),
            incentive: share(&columns.incentive),
            dividends: share(&columns.dividends),
            emission: columns.emission.get(place).copied().unwrap_or_default(),
        }
    }

    /// What the open epoch would make of the weights on a neuron and by it, if it ran in the next
    /// block. In the block before it does, that is what it makes of them. `None` without a schedule.
    ///
    /// Computed anew from all weights in force, as an epoch is: a question for clients, never for a
    /// call or a hook.
    pub fn outlook(netuid: NetUid, uid: Uid) -> Option<NeuronOutlook> {
        let state = Self::state(netuid)?;
        let late = T::Weights::unrevealed(netuid, state.epoch);
        let next = Self::now().saturating_add(1);
        let snapshot = Snapshot::<T>::without_bonds(netuid, &state, next, &late).ok()?;
        let judgement = snapshot.judge(uid).ok()?;
        let clipped = |weights: Vec<assay_yuma::ClippedWeight>| {
            let weights = weights.into_iter().map(|weight| ClippedWeight {
                validator: Uid(weight.validator),
                target: Uid(weight.target),
                stake: to_u32(weight.stake),
                weight: to_u32(weight.weight),
                clipped: to_u32(weight.clipped),
            });
            weights.collect()
        };
        Some(NeuronOutlook {
            epoch: state.epoch,
            active: judgement.active,
            stake: to_u32(judgement.stake),
            consensus: to_u32(judgement.consensus),
            received: clipped(judgement.received),
            given: clipped(judgement.given),
        })
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
