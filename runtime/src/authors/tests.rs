//! Choosing authors, in the runtime that it is for.

use frame_support::{assert_noop, assert_ok, BoundedVec};
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, Eve};
use sp_runtime::DispatchError;

use super::{Authors as Chosen, Change, Error, Progress};
use crate::{
    genesis,
    tests::{network, next_block, run_to},
    AccountId, Authors, Runtime, RuntimeOrigin, Session, System,
};

fn choose(authors: &[Sr25519Keyring]) -> Result<(), DispatchError> {
    let accounts: Vec<AccountId> = authors
        .iter()
        .map(|author| author.to_account_id())
        .collect();
    Authors::set_authors(
        RuntimeOrigin::root(),
        BoundedVec::try_from(accounts).unwrap(),
    )
}

fn in_force() -> Vec<AccountId> {
    Session::validators()
}

#[test]
fn set_authors_is_in_force_when_two_blocks_have_passed() {
    network(genesis::LOCAL).execute_with(|| {
        run_to(1);
        let new = [Alice, Charlie].map(|author| author.to_account_id());
        assert_ok!(choose(&[Alice, Charlie]));
        assert_eq!(Progress::<Runtime>::get(), Change::Chosen);
        next_block(Vec::new());
        assert_eq!(Progress::<Runtime>::get(), Change::Queued);
        assert_eq!(in_force().len(), 3);
        next_block(Vec::new());
        assert_eq!(Progress::<Runtime>::get(), Change::Settled);
        assert_eq!(in_force(), new);
        assert_eq!(pallet_aura::Authorities::<Runtime>::get().len(), 2);
        assert_eq!(pallet_grandpa::Authorities::<Runtime>::get().len(), 2);

        let sessions = pallet_session::CurrentIndex::<Runtime>::get();
        run_to(10);
        assert_eq!(pallet_session::CurrentIndex::<Runtime>::get(), sessions);
        Authors::do_try_state().unwrap();
    });
}

#[test]
fn set_authors_takes_the_newest_list_when_another_is_on_its_way() {
    network(genesis::LOCAL).execute_with(|| {
        run_to(1);
        assert_ok!(choose(&[Alice]));
        next_block(Vec::new());
        assert_ok!(choose(&[Alice, Bob]));
        run_to(4);
        assert_eq!(
            in_force(),
            [Alice, Bob].map(|author| author.to_account_id())
        );
        assert_eq!(Progress::<Runtime>::get(), Change::Settled);
    });
}

#[test]
fn set_authors_tells_everyone_when_it_succeeds() {
    network(genesis::LOCAL).execute_with(|| {
        run_to(1);
        assert_ok!(choose(&[Bob]));
        System::assert_last_event(
            super::Event::<Runtime>::AuthorsChosen {
                authors: vec![Bob.to_account_id()],
            }
            .into(),
        );
    });
}

#[test]
fn session_ends_when_its_length_has_passed() {
    network(genesis::DEV).execute_with(|| {
        System::set_block_number(2_398);
        next_block(Vec::new());
        assert_eq!(pallet_session::CurrentIndex::<Runtime>::get(), 0);
        next_block(Vec::new());
        assert_eq!(pallet_session::CurrentIndex::<Runtime>::get(), 1);
        assert_eq!(in_force(), [Alice.to_account_id()]);
    });
}

#[test]
fn set_authors_fails_when_root_did_not_ask() {
    network(genesis::LOCAL).execute_with(|| {
        let origin = RuntimeOrigin::signed(Alice.to_account_id());
        let authors = BoundedVec::truncate_from(vec![Bob.to_account_id()]);
        assert_noop!(
            Authors::set_authors(origin, authors),
            DispatchError::BadOrigin
        );
    });
}

#[test]
fn set_authors_fails_when_the_list_is_empty() {
    network(genesis::LOCAL).execute_with(|| {
        assert_noop!(choose(&[]), Error::<Runtime>::NoAuthors);
    });
}

#[test]
fn set_authors_fails_when_an_account_is_named_twice() {
    network(genesis::LOCAL).execute_with(|| {
        assert_noop!(
            choose(&[Alice, Bob, Alice]),
            Error::<Runtime>::DuplicateAuthor
        );
    });
}

#[test]
fn set_authors_fails_when_an_account_has_no_session_keys() {
    network(genesis::LOCAL).execute_with(|| {
        assert_noop!(choose(&[Alice, Eve]), Error::<Runtime>::NoSessionKeys);
        assert_eq!(Chosen::<Runtime>::get().len(), 3);
    });
}
