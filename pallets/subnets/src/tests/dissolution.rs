//! Who gives way when all places are taken, and what happens then.

use crate::{
    mock::*, Dissolving, Error, Event, Generations, HoldReason, Hotkeys, NeuronCount, Neurons,
    RegistrationPrices, SubnetOffers, Tasks, Uids, UpcomingTasks, WaitingSubnets,
};
use assay_pallet_traits::{
    mocks::{MockStakeAverages, MockTeardown},
    Neurons as _, Progress, Subnets as _,
};
use assay_primitives::{Balance, Generation, NetUid};
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold, weights::Weight};
use sp_runtime::{DispatchError, DispatchResult};

const LEAST: NetUid = NetUid(1);

fn buy() -> DispatchResult {
    Subnets::register_subnet(
        RuntimeOrigin::signed(coldkey(1)),
        Box::new(task()),
        Balance::MAX,
    )
}

fn held(seed: u8) -> Balance {
    Balances::balance_on_hold(&HoldReason::SubnetLock.into(), &coldkey(seed))
}

/// Three subnets, which are all the places there are, past their immunity; number 1 has the least
/// stake.
fn full() {
    for _ in 0..MAX_SUBNETS {
        register_subnet();
    }
    MockStakeAverages::on_average(|netuid| [30, 10, 20][usize::from(netuid.0)]);
    run_to(1 + SUBNET_IMMUNITY);
    take_events();
    take_news();
}

#[test]
fn register_subnet_dissolves_the_least_staked_when_all_places_are_taken() {
    ExtBuilder::default().build_and_execute(|| {
        full();
        assert_eq!(
            Subnets::next_to_dissolve().map(|standing| (standing.netuid, standing.average_stake)),
            Some((LEAST, 10))
        );
        let price = Subnets::subnet_price();
        assert_ok!(buy());
        assert_eq!(Subnets::netuids(), [NetUid(0), NetUid(2)]);
        assert_eq!(Subnets::dissolving(LEAST), Some(Generation(0)));
        assert_eq!((held(1), held(7)), (1_000, 2_000));
        assert_eq!(take_news(), [News::TeardownBegun(LEAST)]);
        assert_eq!(
            take_events(),
            [
                Event::SubnetDissolving {
                    netuid: LEAST,
                    generation: Generation(0),
                    owner: coldkey(7),
                    lock: 1_000,
                    average_stake: 10,
                },
                Event::RegistrationWaiting {
                    netuid: LEAST,
                    generation: Generation(1),
                    owner: coldkey(1),
                    price,
                    lock: 1_000,
                },
            ]
        );

        next_block();
        assert_eq!(
            take_news(),
            [
                News::TeardownStepped(LEAST, Generation(0)),
                News::SubnetRegistered(LEAST)
            ]
        );
        assert_eq!(Subnets::netuids(), [NetUid(0), LEAST, NetUid(2)]);
        assert_eq!(Subnets::generation(LEAST), Some(Generation(1)));
        assert_eq!(Subnets::owner(LEAST), Some(coldkey(1)));
        assert_eq!(held(1), 1_000);
        let events = take_events();
        assert_eq!(
            events[0],
            Event::SubnetDissolved {
                netuid: LEAST,
                generation: Generation(0)
            }
        );
        assert!(matches!(
            events[1],
            Event::SubnetRegistered {
                netuid: LEAST,
                waited: true,
                ..
            }
        ));
    });
}

#[test]
fn register_subnet_passes_over_the_immune_when_they_have_less_stake() {
    ExtBuilder::default().build_and_execute(|| {
        register_subnet();
        run_to(1 + SUBNET_IMMUNITY);
        register_subnet();
        register_subnet();
        MockStakeAverages::on_average(|netuid| [30, 10, 20][usize::from(netuid.0)]);
        let order: Vec<_> = Subnets::standings()
            .iter()
            .map(|standing| (standing.netuid.0, standing.immune))
            .collect();
        assert_eq!(order, [(0, false), (1, true), (2, true)]);
        assert_ok!(buy());
        assert_eq!(Subnets::dissolving(NetUid(0)), Some(Generation(0)));
        // Now all that are left are immune.
        assert_noop!(buy(), Error::<Test>::NoPlaceForSubnet);
    });
}

#[test]
fn register_subnet_dissolves_the_oldest_when_stakes_are_equal() {
    ExtBuilder::default().build_and_execute(|| {
        for block in 1..=3 {
            run_to(block);
            register_subnet();
        }
        run_to(3 + SUBNET_IMMUNITY);
        let next = || Subnets::next_to_dissolve().map(|standing| standing.netuid);
        assert_eq!(next(), Some(NetUid(0)));
        assert_ok!(buy());
        assert_eq!(next(), Some(NetUid(1)));
    });
}

#[test]
fn register_subnet_dissolves_another_when_somebody_waits_already() {
    ExtBuilder::default().build_and_execute(|| {
        full();
        assert_ok!(buy());
        assert_ok!(buy());
        let netuids: Vec<_> = Dissolving::<Test>::get()
            .iter()
            .map(|dissolution| dissolution.netuid.0)
            .collect();
        assert_eq!(netuids, [1, 2]);
        // One after the other.
        next_block();
        assert_eq!(Subnets::netuids(), [NetUid(0), LEAST]);
        next_block();
        assert_eq!(Subnets::netuids(), [NetUid(0), LEAST, NetUid(2)]);
    });
}

#[test]
fn register_subnet_takes_the_number_that_becomes_free_when_root_dissolved_one() {
    ExtBuilder::default().build_and_execute(|| {
        full();
        assert_ok!(Subnets::dissolve_subnet(RuntimeOrigin::root(), NetUid(0)));
        assert_ok!(buy());
        assert_eq!(Subnets::netuids(), [LEAST, NetUid(2)]);
        assert_eq!(
            WaitingSubnets::<Test>::get(NetUid(0)).map(|waiting| waiting.owner),
            Some(coldkey(1))
        );
        assert_eq!(Subnets::places().dissolving[0].successor, Some(coldkey(1)));
        next_block();
        assert_eq!(Subnets::owner(NetUid(0)), Some(coldkey(1)));
    });
}

#[test]
fn register_subnet_leaves_a_dissolving_number_alone_when_another_is_free() {
    ExtBuilder::default().build_and_execute(|| {
        register_subnet();
        assert_ok!(Subnets::dissolve_subnet(RuntimeOrigin::root(), NetUid(0)));
        assert_eq!(register_subnet(), NetUid(1));
        next_block();
        assert_eq!(register_subnet(), NetUid(0));
    });
}

#[test]
fn dissolve_subnet_returns_the_lock_and_clears_everything_when_made_by_root() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        for seed in 1..=20 {
            assert_ok!(register(netuid, seed));
        }
        assert_ok!(register(register_subnet(), 1));
        let origin = || RuntimeOrigin::signed(hotkey(1));
        assert_ok!(Subnets::announce(origin(), netuid, hotkey(1), endpoint(80)));
        let owner = || RuntimeOrigin::signed(coldkey(7));
        assert_ok!(Subnets::offer_subnet(owner(), netuid, Some(coldkey(2))));
        assert_ok!(Subnets::update_task(owner(), netuid, Box::new(task())));
        take_events();

        assert_ok!(Subnets::dissolve_subnet(RuntimeOrigin::root(), netuid));
        assert_eq!(held(7), 1_000);
        assert!(!Subnets::exists(netuid) && Subnets::may_keep(netuid));
        // In steps, each within the budget, and consistent after each.
        let mut blocks = 0;
        while Subnets::dissolving(netuid).is_some() {
            let weight = next_block();
            assert!(weight.all_lte(Weight::from_parts(BUDGET, u64::MAX)));
            Subnets::do_try_state().expect("try_state holds in the middle");
            blocks += 1;
        }
        assert!(blocks > 2, "20 neurons were gone after {blocks} blocks");

        assert_eq!(Subnets::count(netuid), 0);
        assert_eq!(Neurons::<Test>::iter_prefix(netuid).count(), 0);
        assert_eq!(Uids::<Test>::iter_prefix(netuid).count(), 0);
        assert!(!NeuronCount::<Test>::contains_key(netuid));
        assert!(!RegistrationPrices::<Test>::contains_key(netuid));
        assert!(!Tasks::<Test>::contains_key(netuid));
        assert!(!UpcomingTasks::<Test>::contains_key(netuid));
        assert!(!SubnetOffers::<Test>::contains_key(netuid));
        assert_eq!(Generations::<Test>::get(netuid), Some(Generation(0)));
        // The one that sits elsewhere, too, stays alive; owners are remembered.
        assert_eq!(System::sufficients(&hotkey(1)), 1);
        assert_eq!(System::sufficients(&hotkey(2)), 0);
        assert_eq!(Hotkeys::<Test>::get(hotkey(2)).unwrap().registrations, 0);
        let removed = take_events()
            .into_iter()
            .filter(|event| matches!(event, Event::NeuronRemoved { .. }))
            .count();
        assert_eq!(removed, 20);
    });
}

#[test]
fn dissolve_subnet_waits_for_those_who_keep_something_when_they_are_not_done() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        assert_ok!(register(netuid, 1));
        assert_ok!(Subnets::dissolve_subnet(RuntimeOrigin::root(), netuid));
        MockTeardown::on_step(|_, _, _| Progress::Pending);
        next_block();
        assert_eq!(Subnets::count(netuid), 1);
        MockTeardown::on_step(|_, _, _| Progress::Done);
        next_block();
        next_block();
        assert_eq!(Subnets::dissolving(netuid), None);
    });
}

#[test]
fn dissolve_subnet_fails_when_not_made_by_root_or_there_is_none() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        assert_noop!(
            Subnets::dissolve_subnet(RuntimeOrigin::signed(coldkey(7)), netuid),
            DispatchError::BadOrigin
        );
        let dissolve = |netuid| Subnets::dissolve_subnet(RuntimeOrigin::root(), netuid);
        assert_noop!(dissolve(NetUid(9)), Error::<Test>::UnknownSubnet);
        assert_ok!(dissolve(netuid));
        assert_noop!(dissolve(netuid), Error::<Test>::SubnetDissolving);
    });
}

#[test]
fn calls_fail_with_a_reason_when_the_subnet_is_dissolving() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        assert_ok!(register(netuid, 1));
        assert_ok!(Subnets::dissolve_subnet(RuntimeOrigin::root(), netuid));
        let owner = || RuntimeOrigin::signed(coldkey(7));
        let dissolving = Error::<Test>::SubnetDissolving;
        assert_eq!(register(netuid, 2), Err(error(Error::SubnetDissolving)));
        assert_noop!(
            Subnets::announce(
                RuntimeOrigin::signed(hotkey(1)),
                netuid,
                hotkey(1),
                endpoint(80)
            ),
            dissolving
        );
        for origin in [owner(), RuntimeOrigin::root()] {
            let patch = Subnets::patch_hyperparameters(origin, netuid, Default::default());
            assert_eq!(patch, Err(error(Error::SubnetDissolving)));
        }
        let update = Subnets::update_task(owner(), netuid, Box::new(task()));
        assert_eq!(update, Err(error(Error::SubnetDissolving)));
        let admit = Subnets::set_admitted(RuntimeOrigin::root(), netuid, true);
        assert_eq!(admit, Err(error(Error::SubnetDissolving)));
        let offer = Subnets::offer_subnet(owner(), netuid, None);
        assert_eq!(offer, Err(error(Error::SubnetDissolving)));
        let accept = Subnets::accept_subnet(owner(), netuid);
        assert_eq!(accept, Err(error(Error::SubnetDissolving)));
    });
}

#[test]
fn registration_proof_is_refused_when_it_was_made_for_an_older_generation() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        let old = proof(netuid, &coldkey(0), 1);
        assert_ok!(Subnets::dissolve_subnet(RuntimeOrigin::root(), netuid));
        next_block();
        assert_eq!(register_subnet(), netuid);
        assert_eq!(
            register_with(netuid, 1, Balance::MAX, old),
            Err(error(Error::ProofInvalid))
        );
    });
}
