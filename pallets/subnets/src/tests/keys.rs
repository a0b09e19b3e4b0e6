//! What a change of keys does to the registry.

use crate::{
    mock::*, Error, Event, HoldReason, Hotkeys, OwnedHotkeys, SubnetOffers, WaitingSubnets,
};
use assay_pallet_traits::{mocks::MockTeardown, KeyHolder, Neurons as _, Progress, Subnets as _};
use assay_primitives::{Balance, NetUid, Uid};
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold};

#[test]
fn move_hotkey_takes_the_place_in_every_subnet_and_spends_the_old_key() {
    ExtBuilder::default().build_and_execute(|| {
        let subnets = [register_subnet(), register_subnet()];
        for netuid in subnets {
            assert_ok!(register(netuid, 1));
        }
        let before = subnets.map(|netuid| Subnets::neuron(netuid, Uid(0)).unwrap());
        run_to(5);
        assert_ok!(Subnets::move_hotkey(&hotkey(1), &hotkey(2)));
        for (netuid, before) in subnets.into_iter().zip(before) {
            assert_eq!(Subnets::uid_of(netuid, &hotkey(1)), None);
            assert_eq!(Subnets::uid_of(netuid, &hotkey(2)), Some(Uid(0)));
            let after = Subnets::neuron(netuid, Uid(0)).unwrap();
            assert_eq!(after.hotkey, hotkey(2));
            let rest = (after.serial, after.registered_at, after.coldkey);
            assert_eq!(rest, (before.serial, before.registered_at, before.coldkey));
        }
        assert_eq!(System::sufficients(&hotkey(1)), 0);
        assert_eq!(System::sufficients(&hotkey(2)), 1);
        assert_eq!(Subnets::coldkey_of(&hotkey(1)), None);
        assert_eq!(Subnets::successor_of(&hotkey(1)), Some(hotkey(2)));
        assert_noop!(register(subnets[0], 1), error(Error::HotkeySpent));
        assert_noop!(register(subnets[0], 2), error(Error::AlreadyRegistered));
    });
}

fn lock(seed: u8) -> Balance {
    Balances::balance_on_hold(&HoldReason::SubnetLock.into(), &coldkey(seed))
}

#[test]
fn move_coldkey_moves_subnets_with_their_locks_and_hotkeys_in_steps() {
    ExtBuilder::default().build_and_execute(|| {
        // The last coldkey owns two subnets, the first two hotkeys.
        let subnets = [register_subnet(), register_subnet()];
        for seed in [1, 2] {
            assert_ok!(register(subnets[0], seed));
        }
        take_events();
        assert_eq!(lock(7), 2_000);
        assert_eq!(Subnets::move_coldkey(&coldkey(7), &coldkey(3), 1), Ok(1));
        assert_eq!((lock(7), lock(3)), (1_000, 1_000));
        assert_eq!(Subnets::owner(subnets[0]), Some(coldkey(3)));
        let moved = Event::SubnetOwnerChanged {
            netuid: subnets[0],
            old: coldkey(7),
            new: coldkey(3),
        };
        assert_eq!(take_events(), [moved]);
        assert_eq!(Subnets::move_coldkey(&coldkey(7), &coldkey(3), 5), Ok(1));
        assert_eq!(Subnets::move_coldkey(&coldkey(7), &coldkey(3), 5), Ok(0));

        assert_eq!(Subnets::move_coldkey(&coldkey(0), &coldkey(4), 1), Ok(1));
        Subnets::do_try_state().unwrap();
        assert_eq!(Subnets::move_coldkey(&coldkey(0), &coldkey(4), 5), Ok(1));
        assert_eq!(OwnedHotkeys::<Test>::iter_prefix(coldkey(4)).count(), 2);
        assert!(Hotkeys::<Test>::iter_values().all(|info| info.coldkey == coldkey(4)));
    });
}

/// All places taken, one of them by a subnet with a neuron that is being dissolved for another one
/// of the coldkey 1.
fn dissolving() -> NetUid {
    for _ in 0..MAX_SUBNETS {
        register_subnet();
    }
    let netuid = NetUid(0);
    assert_ok!(register(netuid, 1));
    MockTeardown::on_step(|_, _, _| Progress::Pending);
    run_to(1 + SUBNET_IMMUNITY);
    let buyer = RuntimeOrigin::signed(coldkey(1));
    assert_ok!(Subnets::register_subnet(
        buyer,
        Box::new(task()),
        Balance::MAX
    ));
    assert_eq!(Subnets::netuids(), [NetUid(1), NetUid(2)]);
    assert_eq!(Subnets::kept(), [NetUid(1), NetUid(2), netuid]);
    netuid
}

#[test]
fn move_hotkey_takes_the_place_in_a_subnet_when_it_is_being_dissolved() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = dissolving();
        assert_ok!(Subnets::move_hotkey(&hotkey(1), &hotkey(2)));
        assert_eq!(Subnets::uid_of(netuid, &hotkey(2)), Some(Uid(0)));
        Subnets::do_try_state().unwrap();

        MockTeardown::on_step(|_, _, _| Progress::Done);
        next_block();
        assert_eq!(Subnets::generation(netuid).map(|of| of.0), Some(1));
        assert_eq!(System::sufficients(&hotkey(2)), 0);
        let info = Hotkeys::<Test>::get(hotkey(2)).unwrap();
        assert_eq!(info.registrations, 0);
    });
}

#[test]
fn move_coldkey_moves_a_subnet_that_waits_for_its_number() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = dissolving();
        assert_eq!((lock(1), lock(3)), (1_000, 0));
        assert_eq!(Subnets::move_coldkey(&coldkey(1), &coldkey(3), 1), Ok(1));
        assert_eq!((lock(1), lock(3)), (0, 1_000));
        let waiting = WaitingSubnets::<Test>::get(netuid).unwrap();
        assert_eq!(waiting.owner, coldkey(3));

        MockTeardown::on_step(|_, _, _| Progress::Done);
        next_block();
        assert_eq!(Subnets::owner(netuid), Some(coldkey(3)));
    });
}

#[test]
fn move_coldkey_moves_offers_to_the_old_one_and_forgets_those_of_its_own() {
    ExtBuilder::default().build_and_execute(|| {
        let subnets = [register_subnet(), register_subnet()];
        let offer = |netuid, from, to| {
            Subnets::offer_subnet(
                RuntimeOrigin::signed(coldkey(from)),
                netuid,
                Some(coldkey(to)),
            )
        };
        assert_ok!(offer(subnets[0], 7, 2));
        assert_ok!(offer(subnets[1], 7, 1));
        assert_eq!(Subnets::move_coldkey(&coldkey(2), &coldkey(4), 1), Ok(1));
        assert_eq!(Subnets::move_coldkey(&coldkey(2), &coldkey(4), 1), Ok(0));
        assert_eq!(SubnetOffers::<Test>::get(subnets[0]), Some(coldkey(4)));
        let accept = RuntimeOrigin::signed(coldkey(4));
        assert_ok!(Subnets::accept_subnet(accept, subnets[0]));

        assert_eq!(Subnets::move_coldkey(&coldkey(7), &coldkey(3), 5), Ok(1));
        assert_eq!(SubnetOffers::<Test>::get(subnets[1]), None);
    });
}
