//! What every block does, and what news from the registry changes.

use crate::{curve, pallet::*, types::SubnetIssuance};
use alloc::vec::Vec;
use assay_pallet_traits::{NeuronHooks, Stakes, SubnetHooks};
use assay_primitives::{Balance, NetUid, Uid};
use frame_support::{defensive, traits::Get, weights::Weight};

use crate::WeightInfo as _;

impl<T: Config> Pallet<T> {
    /// Issues what this block may, into the pots. Returns over how many subnets.
    ///
    /// Nothing is issued while no subnet has stake: what nobody could earn is better left under the
    /// curve than given back block after block.
    pub(crate) fn issue() -> u32 {
        let mut subnets = Issuance::<T>::get();
        if subnets.is_empty() {
            return 0;
        }
        let rate = curve::decay(1, T::AverageHalfLife::get());
        let weights: Vec<u128> = subnets
            .iter_mut()
            .map(|subnet| {
                let stake = T::Stakes::total(subnet.netuid);
                subnet.average =
                    curve::approach(subnet.average, stake.saturating_mul(1 << 32), rate);
                if stake == 0 {
                    0
                } else {
                    subnet.average
                }
            })
            .collect();
        // At most as many as there are places, of at most the cap in 2^-32 units each.
        let whole = weights
            .iter()
            .fold(0, |whole: u128, weight| whole.saturating_add(*weight));

        let amount = if whole == 0 { 0 } else { Self::next_issuance() };
        let parts = assay_yuma::apportion(amount, &weights);
        for ((subnet, part), weight) in subnets.iter_mut().zip(parts).zip(weights) {
            // Below the cap, as all pots are together.
            subnet.pot = subnet.pot.saturating_add(part);
            // The whole is 2^32, which the largest number has to stand for.
            let share = curve::scale(weight, 1 << 32, whole);
            subnet.share = u32::try_from(share).unwrap_or(u32::MAX);
        }
        let count = subnets.len() as u32;
        Issuance::<T>::put(subnets);
        Supplied::<T>::mutate(|supply| supply.issued = supply.issued.saturating_add(amount));
        count
    }

    /// What the next block issues where any subnet has stake.
    pub fn next_issuance() -> Balance {
        let left = T::Cap::get().saturating_sub(Supplied::<T>::get().issued);
        curve::block_issuance(left, T::HalfLife::get())
    }
}

impl<T: Config> SubnetHooks for Pallet<T> {
    /// Gives a new subnet its pot. One that was registered under this number before leaves nothing
    /// to it.
    fn on_subnet_registered(netuid: NetUid) {
        let returned = Issuance::<T>::mutate(|subnets| {
            match subnets.binary_search_by_key(&netuid, |subnet| subnet.netuid) {
                Ok(index) => {
                    let old = &mut subnets[index];
                    core::mem::replace(old, SubnetIssuance::new(netuid)).pot
                }
                Err(index) => {
                    if subnets
                        .try_insert(index, SubnetIssuance::new(netuid))
                        .is_err()
                    {
                        defensive!("the registry has more subnets than there are pots", netuid);
                    }
                    0
                }
            }
        });
        Self::return_pot(netuid, returned);
    }

    fn on_subnet_registered_weight() -> Weight {
        T::WeightInfo::on_subnet_registered(T::MaxSubnets::get())
    }
}

impl<T: Config> NeuronHooks<T::AccountId> for Pallet<T> {
    fn on_neuron_added(_netuid: NetUid, _uid: Uid) {}

    fn on_neuron_replaced(netuid: NetUid, _uid: Uid, old_hotkey: &T::AccountId) {
        PayoutTargets::<T>::remove(netuid, old_hotkey);
    }

    fn on_neuron_weight() -> Weight {
        T::WeightInfo::on_neuron()
    }
}
