//! A subnet that fails harms no other, and nothing of its own is lost.

use crate::{mock::*, Error, Event};
use assay_pallet_traits::{Epochs, RowInForce};
use assay_primitives::{Balance, EpochIndex, NetUid, Uid, ASY};
use sp_runtime::DispatchError;

const OTHER: NetUid = NetUid(11);
const POT: Balance = 1_000 * ASY;

/// Two subnets that fall due in the same block, of which `break_it` breaks [`NETUID`].
fn with_one_broken(break_it: impl Fn(), error: Error<Test>, and_then: impl FnOnce()) {
    execute(|| {
        register(OTHER, &[600 * ASY, 400 * ASY, 0, 0, 0]);
        register_paying(NETUID);
        for validator in [0, 1] {
            set_weights(OTHER, validator, &[(2, 3), (3, 2), (4, 1)]);
        }
        Pots::insert(OTHER, POT);
        assert_eq!(due_at(NETUID), due_at(OTHER));
        let before = Epoch::outcome(NETUID);
        break_it();
        run_epoch(NETUID);
        let error = DispatchError::from(error);
        let failed = Event::EpochFailed {
            netuid: NETUID,
            epoch: EpochIndex(1),
            error,
        };
        assert!(events().contains(&failed));
        // Nothing was paid and nothing changed; what was due waits.
        assert_eq!(
            (minted(NETUID), Returned::get(NETUID), Pots::get(NETUID)),
            (0, 0, POT)
        );
        assert_eq!(Epoch::outcome(NETUID), before);
        assert_eq!(Epoch::permits(NETUID), [true, true, false, false, false]);
        assert_eq!(Payouts::get(NETUID), 1);
        // The next epoch is scheduled, and the last that ran is still the one before.
        assert_eq!(Epoch::current(NETUID), EpochIndex(2));
        assert_eq!(Epoch::last_ran_at(NETUID), Some(12));
        assert_eq!(due_at(NETUID), 32);
        // The other one noticed nothing.
        assert_eq!((minted(OTHER), Pots::get(OTHER)), (POT, 0));
        assert_eq!(Epoch::current(OTHER), EpochIndex(2));
        and_then();
    });
}

fn malformed_rows() {
    let row = RowInForce {
        validator: Uid(0),
        targets: vec![3, 2],
        values: vec![1, 1],
    };
    subnet(NETUID, |subnet| subnet.rows[0] = row);
}

#[test]
fn epoch_fails_alone_when_its_rows_are_malformed() {
    with_one_broken(malformed_rows, Error::MalformedRows, || ());
}

#[test]
fn epoch_fails_alone_when_stakes_overflow() {
    let overflow = || subnet(NETUID, |subnet| subnet.stakes = vec![Balance::MAX; 5]);
    with_one_broken(overflow, Error::StakeOverflow, || ());
}

#[test]
fn epoch_fails_alone_when_the_owner_is_unknown() {
    let no_owner = || subnet(NETUID, |subnet| subnet.owner = None);
    with_one_broken(no_owner, Error::UnknownSubnet, || ());
}

#[test]
fn epoch_fails_alone_when_there_are_more_neurons_than_places() {
    let too_many = || {
        // A registry that breaks its own bound.
        subnet(NETUID, |subnet| {
            let one = subnet.neurons[4].clone();
            subnet.neurons.resize(4_097, one);
            subnet.stakes.resize(4_097, 0);
        });
    };
    execute(|| {
        register_paying(NETUID);
        too_many();
        run_epoch(NETUID);
        let error = DispatchError::from(Error::<Test>::TooMany);
        let failed = Event::EpochFailed {
            netuid: NETUID,
            epoch: EpochIndex(1),
            error,
        };
        assert!(events().contains(&failed));
        assert_eq!(Pots::get(NETUID), POT);
    });
}

#[test]
fn next_epoch_pays_what_was_carried_over() {
    with_one_broken(malformed_rows, Error::MalformedRows, || {
        Pots::mutate(NETUID, |pot| *pot += POT);
        set_weights(NETUID, 0, &[(2, 3), (3, 2), (4, 1)]);
        run_epoch(NETUID);
        assert_eq!((minted(NETUID), Pots::get(NETUID)), (2 * POT, 0));
        assert_eq!(Epoch::last_ran_at(NETUID), Some(32));
    });
}

#[test]
fn settings_change_all_the_same_when_the_epoch_fails() {
    let slower = || {
        malformed_rows();
        subnet(NETUID, |subnet| {
            subnet.next_settings.max_validators = 1;
        });
    };
    with_one_broken(slower, Error::MalformedRows, || {
        assert_eq!(subnet(NETUID, |subnet| subnet.settings.max_validators), 1);
    });
}

#[test]
fn bonds_towards_a_uid_that_changed_hands_are_dropped_after_a_failed_epoch_too() {
    execute(|| {
        register_paying(NETUID);
        run_epoch(NETUID);
        let towards = |uid| {
            Epoch::bonds(NETUID, Uid(0))
                .iter()
                .any(|(to, _)| *to == Uid(uid))
        };
        assert!(towards(2) && towards(3));
        replace(NETUID, 2);
        malformed_rows();
        run_epoch(NETUID);
        assert!(towards(2));
        // Nobody weighs the new holder, so no bond may come from the old one.
        set_weights(NETUID, 0, &[(3, 1)]);
        run_epoch(NETUID);
        assert!(!towards(2) && towards(3));
    });
}
