use crate::{mock::*, Error, Event, Generations, HoldReason, Price, SubnetPrice};
use assay_pallet_traits::Subnets as _;
use assay_primitives::{
    Balance, BlockNumber, Generation, Hyperparameters, NetUid, Scoring, TaskSpec, TaskVersion, CAP,
};
use frame_support::{
    assert_noop, assert_ok,
    dispatch::GetDispatchInfo,
    traits::fungible::{Inspect, InspectHold},
};
use sp_runtime::DispatchResult;

fn register_at(max_price: Balance, task: TaskSpec) -> DispatchResult {
    Subnets::register_subnet(RuntimeOrigin::signed(coldkey(1)), Box::new(task), max_price)
}

fn held(seed: u8) -> Balance {
    Balances::balance_on_hold(&HoldReason::SubnetLock.into(), &coldkey(seed))
}

#[test]
fn register_subnet_locks_the_floor_when_it_is_the_first() {
    ExtBuilder::default().build_and_execute(|| {
        run_to(5);
        assert_ok!(register_at(1_000, task()));

        let netuid = NetUid(0);
        assert_eq!(Subnets::netuids(), [netuid]);
        assert_eq!(Subnets::owner(netuid), Some(coldkey(1)));
        assert_eq!(Subnets::generation(netuid), Some(Generation(0)));
        assert_eq!(Subnets::registered_at(netuid), Some(5));
        assert_eq!(Subnets::task_version(netuid), Some(TaskVersion(0)));
        assert!(!Subnets::is_admitted(netuid));
        let hyperparameters = Hyperparameters::new(TEMPO);
        assert_eq!(Subnets::hyperparameters(netuid), Some(hyperparameters));
        assert_eq!(crate::Tasks::<Test>::get(netuid), Some(task()));

        assert_eq!(held(1), 1_000);
        assert_eq!(Balances::total_balance(&coldkey(1)), ENDOWMENT);
        assert_eq!(take_news(), [News::SubnetRegistered(netuid)]);
        assert_eq!(
            take_events(),
            [Event::SubnetRegistered {
                netuid,
                generation: Generation(0),
                owner: coldkey(1),
                price: 1_000,
                lock: 1_000,
                waited: false,
                admitted: false,
                hyperparameters,
                task: Box::new(task()),
            }]
        );
    });
}

#[test]
fn register_subnet_burns_what_is_above_the_floor_when_the_price_has_risen() {
    ExtBuilder::default().build_and_execute(|| {
        assert_ok!(register_at(1_000, task()));
        assert_eq!(Subnets::subnet_price(), 2_000);
        run_to(501);
        assert_eq!(Subnets::subnet_price(), 1_500);
        let issued = Balances::total_issuance();
        assert_ok!(register_at(1_500, task()));
        assert_eq!(held(1), 2_000);
        assert_eq!(Balances::total_issuance(), issued - 500);
        assert_eq!(Balances::total_balance(&coldkey(1)), ENDOWMENT - 500);
        assert_eq!(Subnets::subnet_price(), 3_000);
        assert_eq!(Subnets::netuids(), [NetUid(0), NetUid(1)]);
    });
}

#[test]
fn register_subnet_price_decays_to_the_floor_when_nobody_registers() {
    ExtBuilder::default().build_and_execute(|| {
        register_subnet();
        run_to(BlockNumber::MAX);
        assert_eq!(Subnets::subnet_price(), 1_000);
    });
}

#[test]
fn register_subnet_admits_when_genesis_says_so() {
    ExtBuilder::default()
        .with(|parameters| parameters.admit_on_creation = true)
        .build_and_execute(|| assert!(Subnets::is_admitted(register_subnet())));
}

#[test]
fn register_subnet_starts_a_new_generation_when_the_number_was_used_before() {
    ExtBuilder::default().build_and_execute(|| {
        Generations::<Test>::insert(NetUid(0), Generation(4));
        assert_eq!(register_subnet(), NetUid(0));
        assert_eq!(Subnets::generation(NetUid(0)), Some(Generation(5)));
    });
}

#[test]
fn register_subnet_fails_when_the_price_is_above_the_maximum() {
    ExtBuilder::default().build_and_execute(|| {
        assert_noop!(register_at(999, task()), Error::<Test>::PriceAboveMax);
    });
}

#[test]
fn register_subnet_fails_when_the_owner_cannot_pay() {
    ExtBuilder::default()
        // All that the owner has would go, and its account with it.
        .with(|parameters| parameters.subnet_price_floor = ENDOWMENT)
        .build_and_execute(|| {
            assert_noop!(
                register_at(Balance::MAX, task()),
                Error::<Test>::InsufficientBalance
            );
        });
}

#[test]
fn register_subnet_fails_when_all_places_are_taken_and_all_are_immune() {
    ExtBuilder::default().build_and_execute(|| {
        for number in 0..MAX_SUBNETS {
            assert_eq!(register_subnet(), NetUid(number as u16));
        }
        assert_noop!(
            register_at(Balance::MAX, task()),
            Error::<Test>::NoPlaceForSubnet
        );
    });
}

#[test]
fn register_subnet_fails_when_unsigned() {
    ExtBuilder::default().build_and_execute(|| {
        assert_noop!(
            Subnets::register_subnet(RuntimeOrigin::root(), Box::new(task()), Balance::MAX),
            sp_runtime::DispatchError::BadOrigin
        );
    });
}

#[test]
fn register_subnet_fails_when_the_task_is_broken() {
    type Break = fn(&mut TaskSpec);
    let cases: [(Break, Error<Test>); 9] = [
        (|t| t.name = Default::default(), Error::TaskBadName),
        (
            |t| {
                t.reference_model = Some(assay_primitives::Artifact {
                    sha256: Default::default(),
                    size: 0,
                    uri: Default::default(),
                })
            },
            Error::TaskBadArtifact,
        ),
        (
            |t| t.interface.inputs = Default::default(),
            Error::TaskNoTensors,
        ),
        (
            |t| {
                let tensor = t.interface.inputs[0].clone();
                t.interface.inputs.try_push(tensor).unwrap();
            },
            Error::TaskRepeatedTensor,
        ),
        (|t| t.interface.outputs[0].shape[0] = 0, Error::TaskBadShape),
        (|t| t.deadline_ms = 0, Error::TaskBadDeadline),
        (|t| t.max_batch = 0, Error::TaskBadBatch),
        (
            |t| t.scoring = Scoring::Classification { classes: 1 },
            Error::TaskBadScoring,
        ),
        (
            |t| {
                t.scoring = Scoring::Agreement {
                    tolerance_millionths: 1,
                }
            },
            Error::TaskNoReferenceModel,
        ),
    ];
    ExtBuilder::default().build_and_execute(|| {
        for (break_it, expected) in cases {
            let mut broken = task();
            break_it(&mut broken);
            assert_noop!(register_at(Balance::MAX, broken), expected);
        }
    });
}

#[test]
fn register_subnet_keeps_the_price_below_the_cap_when_it_doubles() {
    ExtBuilder::default().build_and_execute(|| {
        let dear = Price {
            value: CAP - 1,
            at: 1,
        };
        SubnetPrice::<Test>::put(dear);
        assert_eq!(
            Subnets::subnet_price_curve().after(Subnets::subnet_price(), 1),
            Price { value: CAP, at: 1 }
        );
    });
}

#[test]
fn register_subnet_declares_its_hooks_weight() {
    ExtBuilder::default().build_and_execute(|| {
        let call = crate::Call::<Test>::register_subnet {
            task: Box::new(task()),
            max_price: 0,
        };
        let own = <() as crate::WeightInfo>::register_subnet();
        assert_eq!(
            call.get_dispatch_info().call_weight,
            own + hook_weight() + Subnets::begin_dissolution_weight()
        );
    });
}
