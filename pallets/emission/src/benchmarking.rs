//! What the calls and hooks cost.

use crate::{types::PayoutTarget, *};
use assay_pallet_traits::{BenchmarkHelper as _, KeyHolder, NeuronHooks, Neurons, SubnetHooks};
use assay_primitives::{NetUid, Uid, ASY};
use frame_benchmarking::v2::*;
use frame_support::traits::{fungible::Inspect, Get};
use frame_system::RawOrigin;

#[benchmarks]
mod benches {
    use super::*;

    #[benchmark]
    fn claim() {
        // The account does not exist, so it is made.
        let account: T::AccountId = account("claimant", 0, 0);
        Claims::<T>::insert(&account, T::Currency::minimum_balance());

        #[extrinsic_call]
        _(RawOrigin::Signed(account.clone()));

        assert!(!Claims::<T>::contains_key(&account));
    }

    #[benchmark]
    fn set_payout() {
        let netuid = T::BenchmarkHelper::subnet(1);
        let neuron = T::Neurons::neuron(netuid, Uid(0)).expect("the helper registered it");

        #[extrinsic_call]
        _(
            RawOrigin::Signed(neuron.coldkey),
            netuid,
            neuron.hotkey.clone(),
            PayoutTarget::OwnBond,
        );

        assert_eq!(
            PayoutTargets::<T>::get(netuid, &neuron.hotkey),
            PayoutTarget::OwnBond
        );
    }

    /// Every subnet has stake.
    #[benchmark]
    fn on_initialize(s: Linear<0, { T::MaxSubnets::get() }>) {
        for _ in 0..s {
            let netuid = T::BenchmarkHelper::subnet(1);
            T::BenchmarkHelper::stake(netuid, 1);
        }
        let before = Pallet::<T>::issued();

        #[block]
        {
            assert_eq!(Pallet::<T>::issue(), s);
        }

        assert!(s == 0 || Pallet::<T>::issued() > before);
    }

    /// The last number but one is free again and its pot was left behind.
    #[benchmark]
    fn on_subnet_registered(s: Linear<1, { T::MaxSubnets::get() }>) {
        for _ in 0..s {
            T::BenchmarkHelper::subnet(0);
        }
        let netuid = NetUid(s as u16 - 1);
        T::BenchmarkHelper::fund(netuid, ASY);

        #[block]
        {
            <Pallet<T> as SubnetHooks>::on_subnet_registered(netuid);
        }

        assert_eq!(
            Pallet::<T>::subnet(netuid).map(|subnet| subnet.pot),
            Some(0)
        );
    }

    #[benchmark]
    fn on_neuron() {
        let netuid = T::BenchmarkHelper::subnet(1);
        let neuron = T::Neurons::neuron(netuid, Uid(0)).expect("the helper registered it");
        T::BenchmarkHelper::pay_into_bonds(netuid);

        #[block]
        {
            <Pallet<T> as NeuronHooks<T::AccountId>>::on_neuron_replaced(
                netuid,
                Uid(0),
                &neuron.hotkey,
            );
        }

        assert!(!PayoutTargets::<T>::contains_key(netuid, &neuron.hotkey));
    }

    /// Of a miner that is paid into its bond in each of `s` subnets.
    #[benchmark]
    fn move_hotkey(s: Linear<0, { T::MaxSubnets::get() }>) -> Result<(), BenchmarkError> {
        let old: T::AccountId = account("spent", 0, 0);
        let new: T::AccountId = account("fresh", 0, 0);
        for _ in 0..s {
            let netuid = T::BenchmarkHelper::subnet(0);
            PayoutTargets::<T>::insert(netuid, &old, PayoutTarget::OwnBond);
        }

        #[block]
        {
            <Pallet<T> as KeyHolder<T::AccountId>>::move_hotkey(&old, &new)?;
        }

        let moved = PayoutTargets::<T>::iter().filter(|(_, hotkey, _)| *hotkey == new);
        assert_eq!(moved.count() as u32, s);
        Ok(())
    }
}
