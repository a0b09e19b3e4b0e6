//! Nonces and fees.

use frame_system_rpc_runtime_api::runtime_decl_for_account_nonce_api::AccountNonceApiV1;
use sp_keyring::Sr25519Keyring::{Alice, Eve, One};
use sp_runtime::{
    transaction_validity::{InvalidTransaction, TransactionValidityError},
    MultiAddress,
};

use super::{network, next_block, run_to, signed};
use crate::{
    genesis, AccountId, Balance, Balances, Runtime, RuntimeCall, System, ASY, EXISTENTIAL_DEPOSIT,
};

fn transfer(to: AccountId, value: Balance) -> RuntimeCall {
    RuntimeCall::Balances(pallet_balances::Call::transfer_allow_death {
        dest: MultiAddress::Id(to),
        value,
    })
}

fn transfer_all(to: AccountId) -> RuntimeCall {
    RuntimeCall::Balances(pallet_balances::Call::transfer_all {
        dest: MultiAddress::Id(to),
        keep_alive: false,
    })
}

fn nonce(account: AccountId) -> u32 {
    Runtime::account_nonce(account)
}

#[test]
fn nonce_starts_at_the_block_number_when_an_account_is_new() {
    network(genesis::DEV).execute_with(|| {
        run_to(4);
        let outcomes = next_block(vec![signed(Alice, 0, transfer(One.to_account_id(), ASY))]);
        outcomes[0].unwrap().unwrap();
        assert_eq!(System::block_number(), 5);
        run_to(9);
        assert_eq!(nonce(One.to_account_id()), 5);
        assert_eq!(nonce(Alice.to_account_id()), 1);
    });
}

#[test]
fn transaction_is_stale_when_its_account_was_reaped_and_came_back() {
    network(genesis::DEV).execute_with(|| {
        next_block(vec![signed(Alice, 0, transfer(One.to_account_id(), ASY))]);
        let leaving = signed(One, 1, transfer_all(Eve.to_account_id()));
        next_block(vec![leaving.clone()])[0].unwrap().unwrap();
        assert_eq!(System::providers(&One.to_account_id()), 0);

        next_block(vec![signed(Alice, 1, transfer(One.to_account_id(), ASY))]);
        assert_eq!(nonce(One.to_account_id()), 3);
        assert_eq!(
            next_block(vec![leaving])[0],
            Err(TransactionValidityError::Invalid(InvalidTransaction::Stale))
        );
    });
}

#[test]
fn transfer_burns_its_fee_when_it_is_included() {
    network(genesis::DEV).execute_with(|| {
        let issued = Balances::total_issuance();
        let had = Balances::free_balance(Alice.to_account_id());
        next_block(vec![signed(Alice, 0, transfer(One.to_account_id(), ASY))]);
        let fee = had - ASY - Balances::free_balance(Alice.to_account_id());
        assert!(fee > 0 && fee < ASY / 100, "a transfer costs {fee}");
        assert_eq!(Balances::total_issuance(), issued - fee);
    });
}

#[test]
fn transfer_is_refused_when_it_would_leave_less_than_the_existential_deposit() {
    network(genesis::DEV).execute_with(|| {
        let transfer = transfer(One.to_account_id(), EXISTENTIAL_DEPOSIT - 1);
        let outcome = next_block(vec![signed(Alice, 0, transfer)])[0].unwrap();
        assert_eq!(outcome, Err(sp_runtime::TokenError::BelowMinimum.into()));
    });
}
