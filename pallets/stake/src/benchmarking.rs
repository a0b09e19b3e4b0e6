//! What the calls cost.
//!
//! In each, somebody's delegated stake is concerned whose hotkey's pools, own and delegated, have
//! stake that has entered and was not converted yet, so that the call does that too. There can be
//! more unbonding entries than eras that wait, where stake is on the move; each costs the same.

use crate::{
    moves::MAX_EXCHANGES,
    opened::PositionOf,
    types::{Destination, Era},
    *,
};
use alloc::vec::Vec;
use assay_pallet_traits::{
    BenchmarkHelper as _, KeyHolder, NeuronFacts, Neurons, Progress, Stakes, Subnets, Teardown,
};
use assay_primitives::{Balance, BlockNumber, NetUid, Ratio16, Uid};
use frame_benchmarking::v2::*;
use frame_support::{
    traits::{
        fungible::{Inspect, Mutate},
        Get,
    },
    weights::WeightMeter,
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
        self.remove(&self.staker, chunks);
        Self::start(Era(chunks + T::UnbondingEras::get() + 1));
    }

    /// Removes a portion of somebody's in each of so many eras.
    fn remove(&self, staker: &T::AccountId, chunks: u32) {
        for era in 0..chunks {
            Self::start(Era(era));
            Pallet::<T>::do_remove_stake(
                staker.clone(),
                self.netuid,
                self.neuron.hotkey.clone(),
                Some(Self::portion()),
            )
            .expect("as much was added before");
        }
    }

    /// The same hotkey in another subnet.
    fn elsewhere(&self) -> Destination<T::AccountId> {
        let netuid = T::BenchmarkHelper::subnet(1);
        Destination {
            netuid,
            generation: T::Subnets::generation(netuid).expect("the helper registered it"),
            hotkey: self.neuron.hotkey.clone(),
        }
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

    /// What was removed in `c` eras is withdrawn along with it.
    #[benchmark]
    fn move_stake(c: Linear<0, { T::UnbondingEras::get() + 1 }>) {
        let scene = Scene::<T>::new();
        let to = scene.elsewhere();
        scene.enter();
        scene.unbond(c);
        scene.enter();
        let amount = Scene::<T>::portion() * 25;

        #[extrinsic_call]
        _(
            RawOrigin::Signed(scene.staker.clone()),
            scene.netuid,
            scene.neuron.hotkey.clone(),
            to.netuid,
            to.hotkey.clone(),
            Some(amount),
        );

        assert_eq!(scene.position().map(|position| position.moves()), Some(1));
    }

    /// At a hotkey that was exchanged as often as it is followed, and has been staked on before.
    #[benchmark]
    fn arrive() -> Result<(), BenchmarkError> {
        let scene = Scene::<T>::new();
        scene.enter();
        let before = scene.position().expect("the staker has one");
        let generation = T::Subnets::generation(scene.netuid).expect("it is registered");
        let to = Destination {
            netuid: scene.netuid,
            generation,
            hotkey: T::BenchmarkHelper::exchange(&scene.neuron.hotkey, MAX_EXCHANGES as u32),
        };
        let amount = Scene::<T>::portion();

        #[block]
        {
            Pallet::<T>::arrive(&scene.staker, to, amount)?;
        }

        let after = scene.position().expect("the staker has one");
        assert!(after.delegated.entering != before.delegated.entering);
        Ok(())
    }

    /// Of a hotkey with pools and a take in each of `s` subnets, all of which are being dissolved
    /// while some of its stake has left.
    #[benchmark]
    fn move_hotkey(s: Linear<0, { T::MaxSubnets::get() }>) -> Result<(), BenchmarkError> {
        let old: T::AccountId = account("spent", 0, 0);
        let new: T::AccountId = account("fresh", 0, 0);
        let netuids: Vec<NetUid> = (0..s).map(|_| T::BenchmarkHelper::subnet(0)).collect();
        for netuid in &netuids {
            let generation = T::Subnets::generation(*netuid).expect("it is registered");
            let origin = SubnetGeneration {
                netuid: *netuid,
                generation,
            };
            let id = PoolId(netuid.0.into());
            let pools = Pools {
                id,
                ..Pools::default()
            };
            PoolsOf::<T>::insert(netuid, &old, pools);
            PoolHotkeys::<T>::insert(netuid, id, &old);
            Takes::<T>::insert(netuid, &old, Take::default());
            DepartedPoolOf::<T>::insert(&old, origin, id);
            let departed = DepartedPool {
                origin,
                hotkey: old.clone(),
                holders: 1,
            };
            DepartedPools::<T>::insert(id, departed);
        }
        for netuid in netuids {
            T::BenchmarkHelper::dissolve(netuid);
        }

        #[block]
        {
            <Pallet<T> as KeyHolder<T::AccountId>>::move_hotkey(&old, &new)?;
        }

        assert_eq!(DepartedPoolOf::<T>::iter_prefix(&new).count() as u32, s);
        Ok(())
    }

    /// To a coldkey that has a position, too. Of both together `c` entries can be withdrawn.
    #[benchmark]
    fn move_position(c: Linear<0, { 2 * (T::UnbondingEras::get() + 1) }>) {
        let scene = Scene::<T>::new();
        scene.enter();
        let heir = scene.neuron.coldkey.clone();
        scene.remove(&heir, c / 2);
        scene.unbond(c.div_ceil(2));
        scene.enter();

        #[block]
        {
            let moved = Pallet::<T>::move_coldkey(&scene.staker, &heir, 1);
            assert_eq!(moved, Ok(1));
        }

        assert!(scene.position().is_none());
    }

    /// What was removed in `c` eras when the subnet ended, all of which can be withdrawn since.
    #[benchmark]
    fn withdraw_dissolved(
        c: Linear<1, { T::UnbondingEras::get() + 1 }>,
    ) -> Result<(), BenchmarkError> {
        let scene = Scene::<T>::new();
        scene.enter();
        scene.remove(&scene.staker, c);
        let netuid = scene.netuid;
        let generation = T::Subnets::generation(netuid).expect("it is registered");
        let progress = <Pallet<T> as Teardown>::step(netuid, generation, &mut WeightMeter::new());
        assert_eq!(progress, Progress::Done);
        Scene::<T>::start(Era(c + T::UnbondingEras::get() + 1));

        #[extrinsic_call]
        _(
            RawOrigin::Signed(scene.staker.clone()),
            netuid,
            generation,
            scene.neuron.hotkey.clone(),
        );

        assert_eq!(Departures::<T>::iter_prefix(&scene.staker).count(), 0);
        Ok(())
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
