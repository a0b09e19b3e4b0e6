//! The presets start networks that are what they claim to be.

use sp_genesis_builder::PresetId;
use sp_keyring::Sr25519Keyring::{Alice, Bob, Charlie};

use super::{network, run_to};
use crate::{genesis, Aura, Authors, Balances, Runtime, Session, Timestamp};

#[test]
fn preset_builds_when_it_is_named() {
    for name in genesis::names() {
        network(name.as_ref()).execute_with(|| {
            run_to(3);
            assert_eq!(Timestamp::get(), 3_000);
            assert_eq!(Aura::slot_duration(), 1_000);
            assert_eq!(
                pallet_sudo::Key::<Runtime>::get(),
                Some(Alice.to_account_id())
            );
            assert!(Balances::total_issuance() > 0);
            Authors::do_try_state().unwrap();
        });
    }
}

#[test]
fn preset_is_none_when_nobody_knows_its_name() {
    assert!(genesis::preset(&PresetId::from("mainnet")).is_none());
}

#[test]
fn dev_has_one_author() {
    network(genesis::DEV).execute_with(|| {
        assert_eq!(Session::validators(), [Alice.to_account_id()]);
        assert_eq!(pallet_grandpa::Authorities::<Runtime>::get().len(), 1);
    });
}

#[test]
fn local_has_three_authors() {
    network(genesis::LOCAL).execute_with(|| {
        let accounts = [Alice, Bob, Charlie].map(|author| author.to_account_id());
        assert_eq!(Session::validators(), accounts);
        assert_eq!(pallet_aura::Authorities::<Runtime>::get().len(), 3);
        assert_eq!(pallet_grandpa::Authorities::<Runtime>::get().len(), 3);
    });
}
