//! What clients ask, for the runtime's read APIs. Nothing here writes.

use crate::{
    pruning::ImmunityRule, Candidate, Config, Endpoints, Hotkeys, HyperparametersOf, Models,
    NetworkParameters, NeuronCount, Neurons, Pallet, PriceCurve, RegistrationPrices, SubnetPrice,
    Subnets, Tenure,
};
use alloc::vec::Vec;
use assay_pallet_traits::{Epochs, Standings};
use assay_primitives::{
    Announced, Balance, BlockNumber, Endpoint, ModelAnnouncement, NetUid, PruningCandidate,
    PruningView, Uid,
};
use frame_support::traits::Get;
use sp_runtime::SaturatedConversion;

impl<T: Config> Pallet<T> {
    /// This block's height. Heights are `u32` on every network of ours, so nothing saturates.
    pub(crate) fn now() -> BlockNumber {
        frame_system::Pallet::<T>::block_number().saturated_into()
    }

    pub(crate) fn subnet_price_curve() -> PriceCurve {
        NetworkParameters::<T>::get().subnet_price_curve(T::SubnetPriceHalfLife::get())
    }

    pub(crate) fn registration_price_curve() -> PriceCurve {
        NetworkParameters::<T>::get().registration_price_curve(T::RegistrationPriceHalfLife::get())
    }

    /// What registering a subnet costs now.
    pub fn subnet_price() -> Balance {
        Self::subnet_price_curve().at(SubnetPrice::<T>::get(), Self::now())
    }

    /// What registering a neuron in this subnet costs now; `None` without such a subnet.
    pub fn registration_price(netuid: NetUid) -> Option<Balance> {
        Subnets::<T>::contains_key(netuid).then(|| {
            Self::registration_price_curve().at(RegistrationPrices::<T>::get(netuid), Self::now())
        })
    }

    /// The neuron that gives way when the next one registers in this subnet, once it is full;
    /// `None` if there is none or all are immune.
    pub fn next_to_prune(netuid: NetUid) -> Option<Candidate> {
        let standings = T::Standings::standings(netuid);
        Self::immunity_rule(netuid)?.next_to_prune(&Self::tenures(netuid), |uid| {
            standings
                .get(usize::from(uid.0))
                .copied()
                .unwrap_or_default()
        })
    }

    /// Who gives way next and why, with what stands around it; `None` without such a subnet.
    pub fn pruning(netuid: NetUid) -> Option<PruningView<T::AccountId>> {
        let rule = Self::immunity_rule(netuid)?;
        let tenures = Self::tenures(netuid);
        let standings = T::Standings::standings(netuid);
        let standing = |uid: Uid| {
            standings
                .get(usize::from(uid.0))
                .copied()
                .unwrap_or_default()
        };
        let [next, after] = rule.next_two(&tenures, standing);
        let decided_by = next
            .zip(after)
            .map(|(next, after)| next.goes_before(&after));
        let immune = rule.immune(&tenures).into_iter().filter(|immune| *immune);
        Some(PruningView {
            netuid,
            neurons: NeuronCount::<T>::get(netuid),
            places: HyperparametersOf::<T>::get(netuid)?.max_neurons,
            // No more than there are neurons, who are counted in 16 bits.
            immune: immune.count() as u16,
            next: next.and_then(|next| Self::candidate(netuid, next)),
            after: after.and_then(|after| Self::candidate(netuid, after)),
            decided_by,
        })
    }

    fn candidate(netuid: NetUid, candidate: Candidate) -> Option<PruningCandidate<T::AccountId>> {
        let Tenure {
            uid,
            serial,
            registered_at,
        } = candidate.tenure;
        let hotkey = Neurons::<T>::get(netuid, uid)?.hotkey;
        let coldkey = Hotkeys::<T>::get(&hotkey)?.coldkey;
        Some(PruningCandidate {
            uid,
            hotkey,
            coldkey,
            serial,
            registered_at,
            standing: candidate.standing,
        })
    }

    /// By uid whether a neuron can't be pruned now.
    pub fn immunity(netuid: NetUid) -> Vec<bool> {
        Self::immunity_rule(netuid)
            .map(|rule| rule.immune(&Self::tenures(netuid)))
            .unwrap_or_default()
    }

    /// The first block in which a neuron may be pruned: this one, if its immunity lapsed early
    /// because more than half of its subnet would be immune.
    pub fn immune_until(netuid: NetUid, uid: Uid) -> Option<BlockNumber> {
        let rule = Self::immunity_rule(netuid)?;
        let tenures = Self::tenures(netuid);
        let index = usize::from(uid.0);
        let ends_at = rule.ends_at(tenures.get(index)?);
        let immune = rule.immune(&tenures).get(index).copied()?;
        Some(if immune {
            ends_at
        } else {
            ends_at.min(rule.now)
        })
    }

    /// By uid where the neurons of a subnet say they listen.
    pub fn endpoints(netuid: NetUid) -> Vec<Option<Announced<Endpoint>>> {
        Self::uids(netuid)
            .map(|uid| Endpoints::<T>::get(netuid, uid))
            .collect()
    }

    /// By uid the models that the neurons of a subnet say they serve.
    pub fn models(netuid: NetUid) -> Vec<Option<Announced<ModelAnnouncement>>> {
        Self::uids(netuid)
            .map(|uid| Models::<T>::get(netuid, uid))
            .collect()
    }

    /// The uids of a subnet, ascending.
    pub(crate) fn uids(netuid: NetUid) -> impl Iterator<Item = Uid> {
        (0..NeuronCount::<T>::get(netuid)).map(Uid)
    }

    fn tenures(netuid: NetUid) -> Vec<Tenure> {
        Self::uids(netuid)
            .filter_map(|uid| {
                let neuron = Neurons::<T>::get(netuid, uid)?;
                Some(Tenure {
                    uid,
                    serial: neuron.serial,
                    registered_at: neuron.registered_at,
                })
            })
            .collect()
    }

    fn immunity_rule(netuid: NetUid) -> Option<ImmunityRule> {
        let period = HyperparametersOf::<T>::get(netuid)?.immunity_period;
        Some(ImmunityRule {
            now: Self::now(),
            period,
            last_epoch_at: T::Epochs::last_ran_at(netuid).unwrap_or(0),
        })
    }
}
