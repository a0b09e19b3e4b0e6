//! What the calls cost.
//!
//! In each, somebody's delegated stake is concerned whose hotkey's pools, own and delegated, have
//! stake that has entered and was not converted yet, so that the call does that too. There can be
//! more unbonding entries than eras that wait, where stake is on the move; each costs the same.

use crate::{opened::PositionOf, types::Era, *};
use assay_pallet_traits::{BenchmarkHelper as _, NeuronFacts, Neurons, Stakes};
use assay_primitives::{Balance, BlockNumber, NetUid, Ratio16, Uid};
use frame_benchmarking::v2::*;
use frame_support::traits::{
    fungible::{Inspect, Mutate},
    Get,
};
use frame_system::RawOrigin;

/// A subnet, a neuron in it and somebody who delegates to it.
struct Scene<T: Config> {
    netuid: NetUid,
    neuron: NeuronFacts<T::AccountId>,
    staker: T::AccountId,
}

impl<T: Config> Scene<T> {
    fn new() -> Self {
        let netuid = T::BenchmarkHelper::subnet(1);
        let neuron = T::Neurons::neuron(netuid, Uid(0)).expect("the helper registered it");
        let staker = whitelisted_caller();
        for account in [&staker, &neuron.coldkey] {
            let wealth = Self::portion() * 1_000 + T::Currency::minimum_balance();
            T::Currency::mint_into(account, wealth).expect("that much can be minted");
        }
        Self {
            netuid,
            neuron,
            staker,
        }
    }

    /// What is staked and removed at a time.
    fn portion() -> Balance {
        T::MinPosition::get() * 10
    }

    /// Adds stake on both sides and lets it enter, unconverted.
    fn enter(&self) {
        for account in [&self.staker, &self.neuron.coldkey] {
            Pallet::<T>::do_add_stake(
                account.clone(),
                self.netuid,
                self.neuron.hotkey.clone(),
                Self::portion() * 20,
            )
            .expect("the accounts have that much");
        }
        <Pallet<T> as Stakes<T::AccountId>>::after_payout(self.netuid);
    }

    /// Removes a portion in each of so many eras, then waits until all of it can be withdrawn.
    fn unbond(&self, chunks: u32) {
        for era in 0..chunks {
            Self::start(Era(era));
            Pallet::<T>::do_remove_stake(
                self.staker.clone(),
                self.netuid,
                self.neuron.hotkey.clone(),
                Some(Self::portion()),
            )
            .expect("as much was added before");
        }
        Self::start(Era(chunks + T::UnbondingEras::get() + 1));
    }

    fn start(Era(era): Era) {
        let block: BlockNumber = era * T::EraLength::get();
        frame_system::Pallet::<T>::set_block_number(block.into());
    }

    fn position(&self) -> Option<PositionOf<T>> {
        let pools = PoolsOf::<T>::get(self.netuid, &self.neuron.hotkey)?;
        Positions::<T>::get((self.netuid, pools.id, &self.staker))
    }
}

#[benchmarks]
mod benches {
    use super::*;

    #[benchmark]
    fn add_stake() {
        let scene = Scene::<T>::new();
        scene.enter();

        #[extrinsic_call]
        _(
            RawOrigin::Signed(scene.staker.clone()),
            scene.netuid,
            scene.neuron.hotkey.clone(),
            Scene::<T>::portion(),
        );

        assert!(scene.position().is_some());
    }

    /// What was removed in `c` eras is withdrawn along with it.
    #[benchmark]
    fn remove_stake(c: Linear<0, { T::UnbondingEras::get() + 1 }>) {
        let scene = Scene::<T>::new();
        scene.enter();
        scene.unbond(c);
        scene.enter();
        let amount = Scene::<T>::portion() * 25;

        #[extrinsic_call]
        _(
            RawOrigin::Signed(scene.staker.clone()),
            scene.netuid,
            scene.neuron.hotkey.clone(),
            Some(amount),
        );

        let waiting = scene.position().map(|position| position.unbonding.len());
        assert_eq!(waiting, Some(1));
    }

    #[benchmark]
    fn withdraw(c: Linear<1, { T::UnbondingEras::get() + 1 }>) {
        let scene = Scene::<T>::new();
        scene.enter();
        scene.unbond(c);
        scene.enter();

        #[extrinsic_call]
        _(
            RawOrigin::Signed(scene.staker.clone()),
            scene.netuid,
            scene.neuron.hotkey.clone(),
        );

        let waiting = scene.position().map(|position| position.unbonding.len());
        assert_eq!(waiting, Some(0));
    }

    #[benchmark]
    fn set_take() {
        let scene = Scene::<T>::new();
        let take = Ratio16(T::DefaultTake::get().0 + 1);

        #[extrinsic_call]
        _(
            RawOrigin::Signed(scene.neuron.coldkey.clone()),
            scene.netuid,
            scene.neuron.hotkey.clone(),
            take,
        );

        assert!(Takes::<T>::contains_key(scene.netuid, &scene.neuron.hotkey));
    }
}
