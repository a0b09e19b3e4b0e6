//! How a subnet ends: who gives way when all places are taken, and what happens then.
//!
//! ```text
//! register_subnet, all taken ─► payer waits for the number of the subnet that gives way
//! dissolve_subnet, by root   ─►        │
//!                                      ▼
//! begin, at once     not registered any more: every call is refused; lock returned;
//!                    no epoch, no issuance                                   (Teardown::begin)
//! step, each block   stake into unbonding, weights, bonds, …                 (Teardown::step)
//!                    then announcements, neurons and their hotkeys' references
//! end                the number is free, or registered at once for who waits
//! ```
//!
//! Subnets are dissolved one after the other, first come first, each as fast as
//! `DissolutionBudget` allows. What outlives one is the generation's number, serials that are
//! never given out again, and stake on its way out, which keeps to what it was liable for.

use crate::{
    calls::SubnetPayment, Config, Dissolving, Endpoints, Error, Event, HoldReason, HotkeyInfo,
    Hotkeys, HyperparametersOf, Models, Netuids, NetworkParameters, NeuronCount, Neurons, Pallet,
    PendingHyperparameters, RegistrationPrices, SubnetOffers, Subnets, Tasks, Uids, UpcomingTasks,
    WaitingSubnets, WeightInfo,
};
use alloc::vec::Vec;
use assay_pallet_traits::{
    affordable, clear_within, Progress, StakeAverages, SubnetHooks, Teardown,
};
use assay_primitives::{
    Balance, DissolvingSubnet, Generation, NetUid, SubnetPlaces, SubnetStanding, TaskSpec,
};
use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::{
    defensive,
    traits::{fungible::MutateHold, tokens::Precision, Get},
    weights::{Weight, WeightMeter},
};
use scale_info::TypeInfo;
use sp_runtime::{DispatchError, DispatchResult};

/// A subnet that has ended and of which something is still stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Dissolution {
    /// Its number.
    pub netuid: NetUid,
    /// The generation that ended.
    pub generation: Generation,
}

/// A subnet that is paid for and waits for its number to be free.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct WaitingSubnet<AccountId> {
    /// Who paid.
    pub owner: AccountId,
    /// What it cost.
    pub price: Balance,
    /// The part of the price that is held.
    pub lock: Balance,
    /// What its miners will have to do.
    pub task: TaskSpec,
}

/// Where a new subnet goes.
pub(crate) enum Place {
    /// A number that nobody uses.
    Free(NetUid),
    /// The number of a subnet that is being dissolved and for which nobody waits.
    Freed(Dissolution),
    /// The number of a subnet that gives way.
    Of(SubnetStanding),
}

impl<T: Config> Pallet<T> {
    /// Finds a place for a new subnet, dissolving one only where there is no other way.
    pub(crate) fn find_place() -> Result<Place, DispatchError> {
        let dissolving = Dissolving::<T>::get();
        let mut taken = Netuids::<T>::get().into_inner();
        if Self::places_free(taken.len(), dissolving.len()) > 0 {
            taken.extend(dissolving.iter().map(|dissolution| dissolution.netuid));
            taken.sort_unstable();
            return Ok(Place::Free(NetUid(first_gap(&taken))));
        }
        let unclaimed =
            |dissolution: &&Dissolution| !WaitingSubnets::<T>::contains_key(dissolution.netuid);
        if let Some(dissolution) = dissolving.iter().find(unclaimed) {
            return Ok(Place::Freed(*dissolution));
        }
        let next = Self::next_to_dissolve().ok_or(Error::<T>::NoPlaceForSubnet)?;
        Ok(Place::Of(next))
    }

    fn places_free(registered: usize, dissolving: usize) -> u32 {
        let taken = registered.saturating_add(dissolving);
        // Both lists are bounded by a u32.
        Self::subnet_places().saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX))
    }

    /// Places for subnets on this network.
    pub(crate) fn subnet_places() -> u32 {
        NetworkParameters::<T>::get()
            .subnet_places
            .min(T::MaxSubnets::get())
    }

    /// The subnet that gives way for the next one when all places are taken; `None` if all are
    /// immune.
    pub fn next_to_dissolve() -> Option<SubnetStanding> {
        let first = Self::standings().into_iter().next()?;
        (!first.immune).then_some(first)
    }

    /// Every subnet in the order in which they would give way: first those past their immunity, by
    /// the moving average of their stake, the least first; among equals the one registered first,
    /// then the lower number. After them the immune ones, by when that ends.
    pub fn standings() -> Vec<SubnetStanding> {
        let now = Self::now();
        let immunity = NetworkParameters::<T>::get().subnet_immunity;
        let netuids = Netuids::<T>::get();
        let averages = T::StakeAverages::averages(&netuids);
        let mut standings: Vec<SubnetStanding> = netuids
            .into_iter()
            .zip(averages)
            .filter_map(|(netuid, average_stake)| {
                let registered_at = Subnets::<T>::get(netuid)?.registered_at;
                let immune_until = registered_at.saturating_add(immunity);
                Some(SubnetStanding {
                    netuid,
                    average_stake,
                    registered_at,
                    immune_until,
                    immune: immune_until > now,
                })
            })
            .collect();
        standings.sort_unstable_by_key(|standing| {
            let rank = if standing.immune {
                Balance::from(standing.immune_until)
            } else {
                standing.average_stake
            };
            (
                standing.immune,
                rank,
                standing.registered_at,
                standing.netuid,
            )
        });
        standings
    }

    /// The places for subnets, and who would give way for a newcomer.
    pub fn places() -> SubnetPlaces<T::AccountId> {
        let standings = Self::standings();
        let next_to_dissolve = match Self::find_place() {
            Ok(Place::Of(standing)) => Some(standing.netuid),
            _ => None,
        };
        let dissolving = Dissolving::<T>::get();
        SubnetPlaces {
            places: Self::subnet_places(),
            free: Self::places_free(standings.len(), dissolving.len()),
            price: Self::subnet_price(),
            next_to_dissolve,
            standings,
            dissolving: dissolving
                .into_iter()
                .map(|Dissolution { netuid, generation }| DissolvingSubnet {
                    netuid,
                    generation,
                    successor: WaitingSubnets::<T>::get(netuid).map(|successor| successor.owner),
                })
                .collect(),
        }
    }

    /// Ends a subnet: from now on it is not registered and its number is not free either.
    pub(crate) fn begin_dissolution(netuid: NetUid) -> DispatchResult {
        let subnet = Self::registered(netuid)?;
        let average_stake = T::StakeAverages::average(netuid);
        let (owner, lock, generation) = (subnet.owner, subnet.lock, subnet.generation);
        Dissolving::<T>::try_append(Dissolution { netuid, generation })
            .map_err(|()| Error::<T>::NoPlaceForSubnet)?;
        // All of it is there (`try_state`); were it not, the owner gets what is.
        T::Currency::release(
            &HoldReason::SubnetLock.into(),
            &owner,
            lock,
            Precision::BestEffort,
        )?;
        Netuids::<T>::mutate(|netuids| netuids.retain(|registered| *registered != netuid));
        Subnets::<T>::remove(netuid);
        Tasks::<T>::remove(netuid);
        UpcomingTasks::<T>::remove(netuid);
        HyperparametersOf::<T>::remove(netuid);
        PendingHyperparameters::<T>::remove(netuid);
        RegistrationPrices::<T>::remove(netuid);
        SubnetOffers::<T>::remove(netuid);
        T::Teardown::begin(netuid);
        Self::deposit_event(Event::SubnetDissolving {
            netuid,
            generation,
            owner,
            lock,
            average_stake,
        });
        Ok(())
    }

    /// What beginning a dissolution costs at most, with finding out whose.
    pub(crate) fn begin_dissolution_weight() -> Weight {
        let places = u64::from(T::MaxSubnets::get());
        // reads: Subnets and average of each place, WaitingSubnets of each; Dissolving, Account, Holds.
        // writes: Dissolving, Account, Holds, Netuids, Subnets, Tasks, UpcomingTasks,
        // HyperparametersOf, PendingHyperparameters, RegistrationPrices, SubnetOffers.
        T::DbWeight::get()
            .reads_writes(3 * places + 3, 11)
            .saturating_add(T::Teardown::begin_weight())
    }

    /// Dissolves as much as one block's budget allows. Returns what that cost.
    pub(crate) fn dissolve_some() -> Weight {
        let mut meter = WeightMeter::with_limit(T::DissolutionBudget::get());
        meter.consume(T::DbWeight::get().reads(1));
        let first = Dissolving::<T>::get().first().copied();
        if let Some(dissolution) = first {
            if Self::step(dissolution, &mut meter) == Progress::Done {
                Self::end_dissolution(dissolution);
            }
        }
        meter.consumed()
    }

    fn step(dissolution: Dissolution, meter: &mut WeightMeter) -> Progress {
        let Dissolution { netuid, generation } = dissolution;
        let steps: [&dyn Fn(&mut WeightMeter) -> Progress; 4] = [
            &|meter| T::Teardown::step(netuid, generation, meter),
            &|meter| Self::clear_announcements(netuid, meter),
            &|meter| Self::remove_neurons(netuid, meter),
            // Registering who waits must be paid for, too.
            &|meter| match meter.try_consume(Self::end_weight()) {
                Ok(()) => Progress::Done,
                Err(()) => Progress::Pending,
            },
        ];
        if steps.iter().all(|step| step(meter) == Progress::Done) {
            Progress::Done
        } else {
            Progress::Pending
        }
    }

    fn key_weight() -> Weight {
        T::DbWeight::get().reads_writes(1, 1)
    }

    /// A weight with which every step gets something done.
    pub(crate) fn least_budget() -> Weight {
        T::DbWeight::get()
            .reads(1)
            .saturating_add(T::Teardown::least_weight())
            .saturating_add(Self::key_weight().saturating_mul(2))
            .saturating_add(Self::neuron_weight())
            .saturating_add(Self::end_weight())
    }

    fn clear_announcements(netuid: NetUid, meter: &mut WeightMeter) -> Progress {
        let per_key = Self::key_weight();
        let clear = |limit| Endpoints::<T>::clear_prefix(netuid, limit, None);
        if clear_within(meter, per_key, clear) == Progress::Pending {
            return Progress::Pending;
        }
        clear_within(meter, per_key, |limit| {
            Models::<T>::clear_prefix(netuid, limit, None)
        })
    }

    /// Reads: Neurons, Hotkeys, Account of the hotkey. Writes: Neurons, Uids, Hotkeys, Account.
    fn neuron_weight() -> Weight {
        T::DbWeight::get().reads_writes(3, 4)
    }

    fn remove_neurons(netuid: NetUid, meter: &mut WeightMeter) -> Progress {
        let most = affordable(meter, Self::neuron_weight());
        // Collected first: a prefix must not change while it is walked.
        let neurons: Vec<_> = Neurons::<T>::iter_prefix(netuid)
            .take(most as usize)
            .collect();
        // Finding that there is none costs something, too.
        let count = (neurons.len() as u64).max(1);
        meter.consume(Self::neuron_weight().saturating_mul(count));
        let all_seen = neurons.len() < most as usize;
        for (uid, neuron) in neurons {
            Neurons::<T>::remove(netuid, uid);
            Uids::<T>::remove(netuid, &neuron.hotkey);
            Self::release_hotkey(&neuron.hotkey);
            Self::deposit_event(Event::NeuronRemoved {
                netuid,
                uid,
                hotkey: neuron.hotkey,
                serial: neuron.serial,
            });
        }
        if !all_seen {
            return Progress::Pending;
        }
        NeuronCount::<T>::remove(netuid);
        Progress::Done
    }

    /// Counts one registration less for a hotkey, and lets its account go with the last.
    pub(crate) fn release_hotkey(hotkey: &T::AccountId) {
        let left = Hotkeys::<T>::mutate(hotkey, |info: &mut Option<HotkeyInfo<_>>| {
            let info = info.as_mut()?;
            info.registrations = info.registrations.saturating_sub(1);
            Some(info.registrations)
        });
        if left == Some(0) {
            frame_system::Pallet::<T>::dec_sufficients(hotkey);
        }
    }

    /// The count of neurons, the number's place in the queue, and registering who waits for it.
    fn end_weight() -> Weight {
        T::DbWeight::get()
            .reads_writes(2, 3)
            .saturating_add(T::WeightInfo::register_subnet())
            .saturating_add(T::SubnetHooks::on_subnet_registered_weight())
    }

    fn end_dissolution(dissolution: Dissolution) {
        let Dissolution { netuid, generation } = dissolution;
        Dissolving::<T>::mutate(|dissolving| dissolving.retain(|other| *other != dissolution));
        Self::deposit_event(Event::SubnetDissolved { netuid, generation });
        let Some(waiting) = WaitingSubnets::<T>::take(netuid) else {
            return;
        };
        let WaitingSubnet {
            owner,
            price,
            lock,
            task,
        } = waiting;
        let payment = SubnetPayment { price, lock };
        if Self::found(netuid, owner, task.into(), payment, true).is_err() {
            defensive!("a number that was just freed has no place", netuid);
        }
    }
}

/// The lowest number that an ascending list of numbers does not hold. The list is shorter than
/// 2^16 (`integrity_test`), so its length is a number too.
fn first_gap(netuids: &[NetUid]) -> u16 {
    (0u16..)
        .zip(netuids)
        .find(|(number, netuid)| netuid.0 != *number)
        .map_or(netuids.len() as u16, |(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_gap_is_the_lowest_free_number() {
        let gap = |numbers: &[u16]| {
            let netuids: Vec<_> = numbers.iter().copied().map(NetUid).collect();
            first_gap(&netuids)
        };
        assert_eq!(gap(&[]), 0);
        assert_eq!(gap(&[1, 2]), 0);
        assert_eq!(gap(&[0, 1, 3]), 2);
        assert_eq!(gap(&[0, 1, 2]), 3);
    }
}
