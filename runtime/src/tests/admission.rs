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
use crate::{genesis, governance, Balances, OriginCaller, Runtime, RuntimeCall};
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
    use pallet_collective::Call as Council;
    use pallet_multisig::Call as Multisig;
    use pallet_proxy::Call as Proxy;
    use pallet_scheduler::Call as Scheduler;
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
    let real = MultiAddress::Id(One.to_account_id());
    wrapped.extend(
        [
            Proxy::proxy {
                real: real.clone(),
                force_proxy_type: None,
                call: boxed(),
            },
            Proxy::proxy_announced {
                delegate: real.clone(),
                real,
                force_proxy_type: None,
                call: boxed(),
            },
        ]
        .map(RuntimeCall::Proxy),
    );
    wrapped.extend(
        [
            Multisig::as_multi_threshold_1 {
                other_signatories: Vec::new(),
                call: boxed(),
            },
            Multisig::as_multi {
                threshold: 2,
                other_signatories: vec![One.to_account_id()],
                maybe_timepoint: None,
                call: boxed(),
                max_weight: weight,
            },
        ]
        .map(RuntimeCall::Multisig),
    );
    let (when, priority, maybe_periodic) = (100, 0, None);
    let id = [0; 32];
    wrapped.extend(
        [
            Scheduler::schedule {
                when,
                maybe_periodic,
                priority,
                call: boxed(),
            },
            Scheduler::schedule_named {
                id,
                when,
                maybe_periodic,
                priority,
                call: boxed(),
            },
            Scheduler::schedule_after {
                after: when,
                maybe_periodic,
                priority,
                call: boxed(),
            },
            Scheduler::schedule_named_after {
                id,
                after: when,
                maybe_periodic,
                priority,
                call: boxed(),
            },
        ]
        .map(RuntimeCall::Scheduler),
    );
    wrapped.extend(
        [
            Council::execute {
                proposal: boxed(),
                length_bound: 1_000,
            },
            Council::propose {
                threshold: 1,
                proposal: boxed(),
                length_bound: 1_000,
            },
        ]
        .map(RuntimeCall::Council),
    );
    wrapped.push(RuntimeCall::Governance(governance::Call::enact {
        call: boxed(),
    }));
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
        // Each way by itself, and inside the next one.
        let mut calls = wrapped(direct);
        let ways = calls.len();
        let inside = |(index, call): (usize, &RuntimeCall)| {
            wrapped(call.clone()).swap_remove((index + 1) % ways)
        };
        let nested: Vec<_> = calls.iter().enumerate().map(inside).collect();
        calls.extend(nested);
        // All with the same nonce, since none is included.
        let transactions = calls.iter().cloned();
        let transactions = transactions
            .map(|call| mortal(Alice, nonce, call))
            .collect();
        for (outcome, call) in chain.block(transactions).into_iter().zip(calls) {
            assert_eq!(outcome, Err(refused(Refusal::Nested)), "{call:?}");
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
