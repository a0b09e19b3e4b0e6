//! The pallets' checks together notice when something that is always true is not.
//!
//! No call can bring these states about, so they are written into storage by hand.

use assay_primitives::{BlockNumber, EpochIndex, NetUid, Uid, CAP};
use frame_support::traits::fungible::Mutate;
use pallet_emission::SubnetIssuance;
use pallet_epoch::EpochState;
use sp_keyring::Sr25519Keyring::{Alice, One};
use sp_runtime::DispatchError;

use super::{
    always::{try_state, Watched},
    network,
    subnet::NETUID,
};
use crate::{genesis, AccountId, Balances, Runtime, Stake, ASY};

/// No subnet has this number.
const NOWHERE: NetUid = NetUid(7);

/// Asserts that the checks fail with this, on a chain that is fine but for what was done to it.
fn assert_noticed(corrupt: impl FnOnce(), expected: &'static str) {
    network(genesis::DEV).execute_with(|| {
        let mut chain = Watched::default();
        chain.found_subnet();
        chain.run_to_permits();
        chain.weigh();
        chain.run_epoch();
        chain.weigh();
        assert_eq!(try_state(), Ok(()));
        corrupt();
        assert_eq!(try_state(), Err(DispatchError::Other(expected)));
    });
}

fn change_neuron(uid: Uid, change: impl FnOnce(&mut pallet_subnets::Neuron<AccountId>)) {
    pallet_subnets::Neurons::<Runtime>::mutate(NETUID, uid, |neuron| {
        change(neuron.as_mut().unwrap())
    });
}

#[test]
fn check_fails_when_more_exists_than_was_minted() {
    assert_noticed(
        || {
            // What fees and prices burned leaves room for less than this.
            Balances::mint_into(&Alice.to_account_id(), 100 * ASY).unwrap();
        },
        "more exists than was minted",
    );
}

#[test]
fn check_fails_when_pools_count_more_than_is_held() {
    assert_noticed(
        || {
            let (from, to) = (Stake::holding_account(), Alice.to_account_id());
            let preservation = frame_support::traits::tokens::Preservation::Preserve;
            Balances::transfer(&from, &to, 1, preservation).unwrap();
        },
        "the holding account has less than the pools count",
    );
}

#[test]
fn check_fails_when_pools_count_more_than_their_subnet() {
    assert_noticed(
        || {
            pallet_stake::SubnetStakes::<Runtime>::mutate(NETUID, |stake| stake.active -= 1);
        },
        "a subnet's totals are not the sums over its hotkeys",
    );
}

#[test]
fn check_fails_when_a_lock_is_not_on_hold() {
    assert_noticed(
        || {
            pallet_subnets::Subnets::<Runtime>::mutate(NETUID, |subnet| {
                subnet.as_mut().unwrap().lock += 1
            });
        },
        "what is held of an owner is not the sum of its subnets' locks",
    );
}

#[test]
fn check_fails_when_more_is_issued_than_the_curve_allows() {
    assert_noticed(
        || {
            pallet_emission::Supplied::<Runtime>::mutate(|supply| supply.issued = CAP);
        },
        "more was issued than the curve allows",
    );
}

#[test]
fn check_fails_when_a_pot_holds_what_was_not_issued() {
    assert_noticed(
        || {
            pallet_emission::Issuance::<Runtime>::mutate(|subnets| subnets[0].pot += 1);
        },
        "issued is not minted and pots",
    );
}

#[test]
fn check_fails_when_uids_have_a_gap() {
    assert_noticed(
        || pallet_subnets::Neurons::<Runtime>::remove(NETUID, Uid(1)),
        "uids are not dense from 0",
    );
}

#[test]
fn check_fails_when_a_hotkey_sits_twice_in_a_subnet() {
    assert_noticed(
        || change_neuron(Uid(2), |neuron| neuron.hotkey = One.to_account_id()),
        "Uids is not the inverse of Neurons",
    );
}

#[test]
fn check_fails_when_a_serial_is_used_twice() {
    assert_noticed(
        || {
            let serial = pallet_subnets::Neurons::<Runtime>::get(NETUID, Uid(0))
                .unwrap()
                .serial;
            change_neuron(Uid(1), |neuron| neuron.serial = serial);
        },
        "a serial is used twice or not given out yet",
    );
}

#[test]
fn check_fails_when_the_registry_stores_something_for_an_unknown_subnet() {
    assert_noticed(
        || pallet_subnets::NeuronCount::<Runtime>::insert(NOWHERE, 1),
        "something is stored under a number that isn't registered",
    );
}

#[test]
fn check_fails_when_a_row_is_stored_for_an_unknown_subnet() {
    assert_noticed(
        || {
            let row = pallet_weights::Rows::<Runtime>::get(NETUID, Uid(0)).unwrap();
            pallet_weights::Rows::<Runtime>::insert(NOWHERE, Uid(0), row);
        },
        "a row is stored under an unknown subnet",
    );
}

#[test]
fn check_fails_when_commits_are_stored_for_an_unknown_subnet() {
    assert_noticed(
        || {
            let commits = pallet_weights::Commits::<Runtime>::get(NETUID, Uid(0));
            pallet_weights::Commits::<Runtime>::insert(NOWHERE, Uid(0), commits);
        },
        "commits are stored under an unknown subnet",
    );
}

#[test]
fn check_fails_when_an_unknown_subnet_has_a_pot() {
    assert_noticed(
        || {
            pallet_emission::Issuance::<Runtime>::mutate(|subnets| {
                subnets.try_push(SubnetIssuance::new(NOWHERE)).unwrap()
            });
        },
        "a pot is kept for a subnet that is not registered",
    );
}

#[test]
fn check_fails_when_an_unknown_subnet_is_scheduled() {
    assert_noticed(
        || {
            let state = EpochState {
                epoch: EpochIndex(0),
                due_at: BlockNumber::MAX,
                last_ran_at: 0,
            };
            pallet_epoch::States::<Runtime>::insert(NOWHERE, state);
        },
        "a schedule is kept for an unknown subnet",
    );
}
