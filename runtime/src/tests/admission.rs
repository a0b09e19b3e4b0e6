//! Weight calls in this runtime: free, and refused inside every call that carries another.

use assay_primitives::Refusal;
use frame_support::weights::Weight;
use sp_keyring::Sr25519Keyring::{Alice, One};
use sp_runtime::{
    transaction_validity::{InvalidTransaction, TransactionValidityError},
    MultiAddress,
};

use super::{
    always::Watched,
    mortal, network, signed,
    subnet::{commit, open_epoch},
};
use crate::{genesis, Balances, OriginCaller, Runtime, RuntimeCall};
use frame_system_rpc_runtime_api::runtime_decl_for_account_nonce_api::AccountNonceApiV1;

fn permitted() -> Watched {
    let mut chain = Watched::default();
    chain.found_subnet();
    chain.run_to_permits();
    chain
}

fn refused(refusal: Refusal) -> TransactionValidityError {
    InvalidTransaction::Custom(refusal.code()).into()
}

/// A call in each of the calls that can carry it.
fn wrapped(call: RuntimeCall) -> Vec<RuntimeCall> {
    use pallet_sudo::Call as Sudo;
    use pallet_utility::Call as Utility;
    let boxed = || Box::new(call.clone());
    let calls = || vec![call.clone()];
    let remark = RuntimeCall::System(frame_system::Call::remark { remark: Vec::new() });
    let as_origin = Box::new(OriginCaller::system(frame_system::RawOrigin::Root));
    let who = MultiAddress::Id(One.to_account_id());
    let weight = Weight::zero();
    let mut wrapped: Vec<RuntimeCall> = [
        Utility::batch { calls: calls() },
        Utility::batch_all { calls: calls() },
        Utility::force_batch { calls: calls() },
        Utility::as_derivative {
            index: 0,
            call: boxed(),
        },
        Utility::dispatch_as {
            as_origin: as_origin.clone(),
            call: boxed(),
        },
        Utility::dispatch_as_fallible {
            as_origin,
            call: boxed(),
        },
        Utility::with_weight {
            call: boxed(),
            weight,
        },
        Utility::if_else {
            main: Box::new(remark.clone()),
            fallback: boxed(),
        },
        Utility::if_else {
            main: boxed(),
            fallback: Box::new(remark),
        },
    ]
    .map(RuntimeCall::Utility)
    .to_vec();
    wrapped.extend(
        [
            Sudo::sudo { call: boxed() },
            Sudo::sudo_unchecked_weight {
                call: boxed(),
                weight,
            },
            Sudo::sudo_as { who, call: boxed() },
        ]
        .map(RuntimeCall::Sudo),
    );
    wrapped
}

#[test]
fn weight_call_is_included_without_a_fee_when_the_hotkey_has_no_balance() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = permitted();
        let issued = Balances::total_issuance();
        assert_eq!(Balances::free_balance(One.to_account_id()), 0);
        chain.succeed(vec![(One, commit(One, open_epoch()))]);
        assert_eq!(Balances::total_issuance(), issued);
    });
}

#[test]
fn weight_call_is_refused_when_another_call_carries_it() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = permitted();
        let direct = commit(One, open_epoch());
        let nonce = Runtime::account_nonce(Alice.to_account_id());
        for call in wrapped(direct.clone()) {
            for call in wrapped(call.clone()).into_iter().chain([call]) {
                let outcome = chain.block(vec![mortal(Alice, nonce, call.clone())])[0];
                assert_eq!(outcome, Err(refused(Refusal::Nested)), "{call:?}");
            }
        }
    });
}

#[test]
fn weight_call_is_refused_when_its_transaction_never_expires() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = permitted();
        let nonce = Runtime::account_nonce(One.to_account_id());
        let outcome = chain.block(vec![signed(One, nonce, commit(One, open_epoch()))])[0];
        assert_eq!(outcome, Err(refused(Refusal::Immortal)));
    });
}
