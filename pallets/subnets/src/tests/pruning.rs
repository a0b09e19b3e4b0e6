//! `register` into a full subnet.

use crate::{mock::*, Error, Event, Hotkeys};
use assay_pallet_traits::{
    mocks::{MockEpochs, MockStandings},
    Neurons as _, Subnets as _,
};
use assay_primitives::{
    Balance, BlockNumber, Digest, Hyperparameter, ModelAnnouncement, NetUid, PruningRule, Serial,
    Uid,
};
use frame_support::{assert_noop, assert_ok};

/// The immunity period of these tests.
const IMMUNITY: BlockNumber = 50;

/// A subnet of four places, taken by hotkeys 1 to 4 in blocks 1 to 4.
fn full_subnet() -> NetUid {
    let netuid = register_subnet();
    assert_ok!(Subnets::patch_hyperparameters(
        RuntimeOrigin::root(),
        netuid,
        vec![
            Hyperparameter::MaxNeurons(4),
            Hyperparameter::ImmunityPeriod(IMMUNITY),
        ]
        .try_into()
        .unwrap(),
    ));
    Subnets::begin_epoch(netuid);
    for seed in 1..=4 {
        run_to(seed.into());
        assert_ok!(register(netuid, seed));
    }
    take_events();
    take_news();
    netuid
}

fn pruned(netuid: NetUid) -> Option<Uid> {
    Subnets::next_to_prune(netuid).map(|candidate| candidate.tenure.uid)
}

#[test]
fn register_replaces_the_least_standing_when_the_subnet_is_full() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = full_subnet();
        run_to(100);
        MockStandings::on_standings(|_| vec![9, 8, 3, 8]);
        for (seed, who) in [(3, hotkey(3)), (2, coldkey(0))] {
            assert_ok!(Subnets::announce(
                RuntimeOrigin::signed(who),
                netuid,
                hotkey(seed),
                endpoint(80)
            ));
        }
        assert_ok!(Subnets::announce_model(
            RuntimeOrigin::signed(coldkey(0)),
            netuid,
            hotkey(3),
            ModelAnnouncement {
                sha256: Digest([1; 32]),
                size: 1
            },
        ));
        take_events();
        let price = Subnets::registration_price(netuid).unwrap();

        let info = register(netuid, 5).unwrap();

        assert_eq!(Subnets::count(netuid), 4);
        assert_eq!(Subnets::uid_of(netuid, &hotkey(3)), None);
        assert_eq!(Subnets::uid_of(netuid, &hotkey(5)), Some(Uid(2)));
        assert_eq!(Subnets::neuron(netuid, Uid(2)).unwrap().serial, Serial(4));
        assert_eq!(Subnets::endpoints(netuid)[2], None);
        assert!(Subnets::endpoints(netuid)[1].is_some());
        assert_eq!(Subnets::models(netuid)[2], None);
        assert_eq!(
            take_news(),
            [News::NeuronReplaced(netuid, Uid(2), hotkey(3))]
        );
        assert_eq!(
            take_events(),
            [
                Event::NeuronPruned {
                    netuid,
                    uid: Uid(2),
                    hotkey: hotkey(3),
                    serial: Serial(2),
                    standing: 3,
                },
                Event::NeuronRegistered {
                    netuid,
                    uid: Uid(2),
                    hotkey: hotkey(5),
                    coldkey: coldkey(0),
                    serial: Serial(4),
                    price,
                },
            ]
        );
        let own = <() as crate::WeightInfo>::register_full(4);
        assert_eq!(info.actual_weight, Some(own + hook_weight()));
    });
}

#[test]
fn register_prunes_the_oldest_when_all_stand_alike() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = full_subnet();
        run_to(100);
        assert_eq!(pruned(netuid), Some(Uid(0)));
        assert_ok!(register(netuid, 5));
        // The newcomer in that place is immune now.
        assert_eq!(Subnets::immunity(netuid), [true, false, false, false]);
        assert_eq!(pruned(netuid), Some(Uid(1)));
    });
}

#[test]
fn register_frees_the_account_when_the_hotkey_has_no_place_left() {
    ExtBuilder::default().build_and_execute(|| {
        let other = register_subnet();
        assert_ok!(register(other, 1));
        let netuid = full_subnet();
        run_to(100);
        assert_ok!(register(netuid, 5));
        assert_ok!(register(netuid, 6));
        // Hotkey 1 keeps its place elsewhere, hotkey 2 has none.
        assert_eq!(System::sufficients(&hotkey(1)), 1);
        assert_eq!(System::sufficients(&hotkey(2)), 0);
        assert!(!System::account_exists(&hotkey(2)));
        assert_eq!(Hotkeys::<Test>::get(hotkey(2)).unwrap().registrations, 0);
        // Stake behind it still has an owner, and the key is nobody else's.
        assert_eq!(Subnets::coldkey_of(&hotkey(2)), Some(coldkey(0)));
        let by_another = Subnets::register(
            RuntimeOrigin::signed(coldkey(1)),
            netuid,
            hotkey(2),
            Balance::MAX,
            proof(netuid, &coldkey(1), 2),
        );
        assert_noop!(
            by_another.map_err(|failed| failed.error),
            Error::<Test>::HotkeyOfAnother
        );
        assert_ok!(register(netuid, 2));
        assert_eq!(System::sufficients(&hotkey(2)), 1);
    });
}

#[test]
fn register_lapses_the_oldest_immunity_when_more_than_half_are_immune() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = full_subnet();
        run_to(10);
        assert_eq!(Subnets::immunity(netuid), [false, false, true, true]);
        assert_eq!(Subnets::immune_until(netuid, Uid(1)), Some(10));
        assert_eq!(Subnets::immune_until(netuid, Uid(2)), Some(3 + IMMUNITY));
        // Those in the newer half stay, however badly they stand.
        MockStandings::on_standings(|_| (0..10).rev().collect());
        assert_eq!(pruned(netuid), Some(Uid(1)));
        assert_ok!(register(netuid, 5));
        assert_eq!(Subnets::uid_of(netuid, &hotkey(5)), Some(Uid(1)));
        assert_eq!(Subnets::immunity(netuid), [false, true, false, true]);
    });
}

#[test]
fn register_fails_when_the_subnet_is_full_of_immune_neurons() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = full_subnet();
        // No epoch has run since the first of them registered.
        MockEpochs::on_last_ran_at(|_| Some(1));
        run_to(10);
        assert_eq!(Subnets::immunity(netuid), [true; 4]);
        assert_eq!(Subnets::next_to_prune(netuid), None);
        assert_noop!(register(netuid, 5), Error::<Test>::AllNeuronsImmune);
        // After the next epoch the oldest may go.
        MockEpochs::on_last_ran_at(|_| Some(10));
        assert_ok!(register(netuid, 5));
        assert_eq!(Subnets::uid_of(netuid, &hotkey(1)), None);
    });
}

#[test]
fn register_keeps_whom_no_epoch_has_judged_when_others_flood_the_subnet() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = full_subnet();
        run_to(100);
        MockEpochs::on_last_ran_at(|_| Some(95));
        for seed in 5..=8 {
            assert_ok!(register(netuid, seed));
        }
        assert_noop!(register(netuid, 9), Error::<Test>::AllNeuronsImmune);
        for seed in 5..=8 {
            assert!(Subnets::uid_of(netuid, &hotkey(seed)).is_some());
        }
    });
}

#[test]
fn register_replaces_when_root_has_lowered_the_number_of_places() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = full_subnet();
        assert_ok!(Subnets::patch_hyperparameters(
            RuntimeOrigin::root(),
            netuid,
            vec![Hyperparameter::MaxNeurons(2)].try_into().unwrap(),
        ));
        Subnets::begin_epoch(netuid);
        run_to(100);
        assert_ok!(register(netuid, 5));
        assert_eq!(Subnets::count(netuid), 4);
    });
}

#[test]
fn immune_until_is_unknown_when_there_is_no_such_neuron() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = full_subnet();
        assert_eq!(Subnets::immune_until(netuid, Uid(4)), None);
        assert_eq!(Subnets::immune_until(NetUid(9), Uid(0)), None);
        assert!(Subnets::immunity(NetUid(9)).is_empty());
        assert_eq!(Subnets::next_to_prune(NetUid(9)), None);
    });
}

#[test]
fn pruning_names_the_next_and_why_when_the_subnet_is_full() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = full_subnet();
        run_to(100);
        MockStandings::on_standings(|_| vec![9, 8, 3, 8]);
        let view = Subnets::pruning(netuid).unwrap();
        assert_eq!((view.neurons, view.places, view.immune), (4, 4, 0));
        let (next, after) = (view.next.unwrap(), view.after.unwrap());
        assert_eq!((next.uid, after.uid), (Uid(2), Uid(1)));
        assert_eq!((next.hotkey, next.coldkey), (hotkey(3), coldkey(0)));
        assert_eq!((next.serial, next.standing), (Serial(2), 3));
        assert_eq!(view.decided_by, Some(PruningRule::LeastStanding));
        // What was read in advance is what happens.
        assert_ok!(register(netuid, 5));
        assert_eq!(Subnets::uid_of(netuid, &hotkey(5)), Some(Uid(2)));
        assert_eq!(Subnets::pruning(netuid).unwrap().immune, 1);
        assert_eq!(Subnets::pruning(NetUid(9)), None);
    });
}

#[test]
fn pruning_names_nobody_when_all_are_immune() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = full_subnet();
        MockEpochs::on_last_ran_at(|_| Some(0));
        let view = Subnets::pruning(netuid).unwrap();
        assert_eq!((view.immune, view.next, view.decided_by), (4, None, None));
    });
}
