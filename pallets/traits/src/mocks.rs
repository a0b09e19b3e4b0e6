//! Stand-ins for every trait, configured by closures and cleared per thread.
//!
//! Each mock answers from the closure that the test gave it and panics, naming the question, where
//! the test gave none: a test says exactly what it relies on.
//!
//! ```
//! use assay_pallet_traits::{mocks::MockEpochs, Epochs};
//! use assay_primitives::{EpochIndex, NetUid};
//!
//! MockEpochs::on_current(|netuid| EpochIndex(netuid.0.into()));
//! assert_eq!(MockEpochs::current(NetUid(3)), EpochIndex(3));
//! ```

use crate::*;
use assay_primitives::{
    Balance, BlockNumber, EpochIndex, Generation, Hyperparameters, NetUid, Ratio16, TaskVersion,
    Uid,
};
use frame_support::weights::{Weight, WeightMeter};
use sp_runtime::{AccountId32, DispatchError, DispatchResult};
use std::cell::RefCell;

/// Declares a mock: a type, a slot per function, a setter per slot, and the trait's functions, each
/// of which calls its slot.
macro_rules! mock {
    (
        $(#[$doc:meta])*
        $mock:ident as $trait:ty {
            $(fn $name:ident / $setter:ident ($($arg:ident: $arg_type:ty),*) $(-> $out:ty)?;)*
        }
    ) => {
        $(#[$doc])*
        pub struct $mock;

        const _: () = {
            #[derive(Default)]
            struct Slots {
                $($name: Option<std::rc::Rc<dyn Fn($($arg_type),*) $(-> $out)?>>,)*
            }

            thread_local! {
                static SLOTS: RefCell<Slots> = RefCell::default();
            }

            impl $mock {
                /// Forgets every answer.
                pub fn reset() {
                    SLOTS.with(|slots| *slots.borrow_mut() = Slots::default());
                }

                $(
                    #[doc = concat!("Answers `", stringify!($name), "` with a closure.")]
                    pub fn $setter(answer: impl Fn($($arg_type),*) $(-> $out)? + 'static) {
                        SLOTS.with(|slots| {
                            slots.borrow_mut().$name = Some(std::rc::Rc::new(answer));
                        });
                    }
                )*
            }

            impl $trait for $mock {
                $(
                    fn $name($($arg: $arg_type),*) $(-> $out)? {
                        let answer = SLOTS.with(|slots| slots.borrow().$name.clone());
                        let missing = concat!(
                            stringify!($mock), "::", stringify!($name), " is not configured: call ",
                            stringify!($setter), " first",
                        );
                        answer.unwrap_or_else(|| panic!("{missing}"))($($arg),*)
                    }
                )*
            }
        };
    };
}

mock! {
    /// Stands in for the registry of subnets.
    MockSubnets as Subnets<AccountId32> {
        fn generation / on_generation(netuid: NetUid) -> Option<Generation>;
        fn owner / on_owner(netuid: NetUid) -> Option<AccountId32>;
        fn netuids / on_netuids() -> Vec<NetUid>;
        fn dissolving / on_dissolving(netuid: NetUid) -> Option<Generation>;
        fn kept / on_kept() -> Vec<NetUid>;
        fn registered_at / on_registered_at(netuid: NetUid) -> Option<BlockNumber>;
        fn is_admitted / on_is_admitted(netuid: NetUid) -> bool;
        fn task_version / on_task_version(netuid: NetUid) -> Option<TaskVersion>;
        fn hyperparameters / on_hyperparameters(netuid: NetUid) -> Option<Hyperparameters>;
        fn begin_epoch / on_begin_epoch(netuid: NetUid);
    }
}

mock! {
    /// Stands in for the neurons.
    MockNeurons as Neurons<AccountId32> {
        fn count / on_count(netuid: NetUid) -> u16;
        fn uid_of / on_uid_of(netuid: NetUid, hotkey: &AccountId32) -> Option<Uid>;
        fn neuron / on_neuron(netuid: NetUid, uid: Uid) -> Option<NeuronFacts<AccountId32>>;
        fn neurons / on_neurons(netuid: NetUid) -> Vec<NeuronFacts<AccountId32>>;
        fn coldkey_of / on_coldkey_of(hotkey: &AccountId32) -> Option<AccountId32>;
        fn successor_of / on_successor_of(hotkey: &AccountId32) -> Option<AccountId32>;
    }
}

mock! {
    /// Stands in for stake.
    MockStakes as Stakes<AccountId32> {
        fn stake / on_stake(netuid: NetUid, hotkey: &AccountId32) -> Balance;
        fn total / on_total(netuid: NetUid) -> Balance;
        fn holding_account / on_holding_account() -> AccountId32;
        fn credit_dividend / on_credit_dividend(
            netuid: NetUid, hotkey: &AccountId32, amount: Balance
        ) -> DispatchResult;
        fn credit_own / on_credit_own(
            netuid: NetUid, hotkey: &AccountId32, amount: Balance
        ) -> DispatchResult;
        fn after_payout / on_after_payout(netuid: NetUid);
    }
}

mock! {
    /// Stands in for slashing.
    MockSlash as Slash<AccountId32> {
        fn slash / on_slash(netuid: NetUid, hotkey: &AccountId32, part: Ratio16) -> Balance;
        fn slash_dissolved / on_slash_dissolved(
            netuid: NetUid, generation: Generation, hotkey: &AccountId32, part: Ratio16
        ) -> Balance;
    }
}

mock! {
    /// Stands in for submitted weights.
    MockWeightRows as WeightRows {
        fn rows / on_rows(netuid: NetUid) -> Vec<RowInForce>;
        fn size / on_size(netuid: NetUid) -> (u32, u32);
        fn last_updates / on_last_updates(netuid: NetUid, neurons: u16)
            -> Vec<Option<BlockNumber>>;
        fn unrevealed / on_unrevealed(netuid: NetUid, epoch: EpochIndex) -> Vec<Uid>;
        fn close_epoch / on_close_epoch(netuid: NetUid, epoch: EpochIndex) -> Vec<Uid>;
    }
}

mock! {
    /// Stands in for the schedule.
    MockEpochs as Epochs {
        fn current / on_current(netuid: NetUid) -> EpochIndex;
        fn due_at / on_due_at(netuid: NetUid) -> Option<BlockNumber>;
        fn last_ran_at / on_last_ran_at(netuid: NetUid) -> Option<BlockNumber>;
    }
}

mock! {
    /// Stands in for permits.
    MockPermits as Permits {
        fn has_permit / on_has_permit(netuid: NetUid, uid: Uid) -> bool;
    }
}

mock! {
    /// Stands in for standings.
    MockStandings as Standings {
        fn standings / on_standings(netuid: NetUid) -> Vec<u32>;
    }
}

mock! {
    /// Stands in for the minter.
    MockIssuer as Issuer<AccountId32> {
        fn take_due / on_take_due(netuid: NetUid) -> Due;
        fn pay / on_pay(due: &mut Due, account: &AccountId32, amount: Balance) -> DispatchResult;
        fn pay_miner / on_pay_miner(
            due: &mut Due, hotkey: &AccountId32, coldkey: &AccountId32, amount: Balance
        ) -> DispatchResult;
        fn pay_dividend / on_pay_dividend(
            due: &mut Due, hotkey: &AccountId32, amount: Balance
        ) -> DispatchResult;
        fn settle / on_settle(due: Due) -> DispatchResult;
        fn share / on_share(netuid: NetUid) -> u32;
        fn pot / on_pot(netuid: NetUid) -> Balance;
    }
}

mock! {
    /// Stands in for whoever listens to news about subnets.
    MockSubnetHooks as SubnetHooks {
        fn on_subnet_registered / on_on_subnet_registered(netuid: NetUid);
        fn on_subnet_registered_weight / on_on_subnet_registered_weight() -> Weight;
    }
}

mock! {
    /// Stands in for whoever listens to news about neurons.
    MockNeuronHooks as NeuronHooks<AccountId32> {
        fn on_neuron_added / on_on_neuron_added(netuid: NetUid, uid: Uid);
        fn on_neuron_replaced / on_on_neuron_replaced(
            netuid: NetUid, uid: Uid, old_hotkey: &AccountId32
        );
        fn on_neuron_weight / on_on_neuron_weight() -> Weight;
    }
}

mock! {
    /// Stands in for whoever keeps something under keys.
    MockKeyHolder as KeyHolder<AccountId32> {
        fn move_hotkey / on_move_hotkey(old: &AccountId32, new: &AccountId32) -> DispatchResult;
        fn move_hotkey_weight / on_move_hotkey_weight() -> Weight;
        fn move_coldkey / on_move_coldkey(
            old: &AccountId32, new: &AccountId32, limit: u32
        ) -> Result<u32, DispatchError>;
        fn move_coldkey_weight / on_move_coldkey_weight(things: u32) -> Weight;
    }
}

mock! {
    /// Stands in for who knows which coldkeys are being changed.
    MockColdkeyChanges as ColdkeyChanges<AccountId32> {
        fn is_changing / on_is_changing(coldkey: &AccountId32) -> bool;
    }
}

mock! {
    /// Stands in for the averages of stake.
    MockStakeAverages as StakeAverages {
        fn average / on_average(netuid: NetUid) -> Balance;
    }
}

mock! {
    /// Stands in for whoever keeps something per subnet.
    MockTeardown as Teardown {
        fn begin / on_begin(netuid: NetUid);
        fn begin_weight / on_begin_weight() -> Weight;
        fn step / on_step(
            netuid: NetUid, generation: Generation, meter: &mut WeightMeter
        ) -> Progress;
        fn least_weight / on_least_weight() -> Weight;
    }
}
