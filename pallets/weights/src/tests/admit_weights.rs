//! The transaction extension.

use crate::{mock::*, AdmitWeights, Error, Origin};
use assay_primitives::{EpochIndex, Refusal, Uid};
use codec::{Decode, Encode};
use frame_support::{
    assert_noop, assert_ok, assert_storage_noop,
    dispatch::{DispatchInfo, GetDispatchInfo},
    traits::{Currency, Get, Hooks},
};
use frame_system::{CheckMortality, CheckNonce};
use sp_runtime::{
    generic::Era,
    traits::{Dispatchable, TransactionExtension},
    transaction_validity::{InvalidTransaction, TransactionSource},
    DispatchError, Perbill,
};

fn remark() -> RuntimeCall {
    RuntimeCall::System(frame_system::Call::remark { remark: vec![1] })
}

fn batch(calls: Vec<RuntimeCall>) -> RuntimeCall {
    RuntimeCall::Utility(pallet_utility::Call::batch { calls })
}

/// Sets what all free calls may take of a block to `parts_per_cent` of what this call takes.
fn let_fit(call: &RuntimeCall, signer: &AccountId, percent: u64) {
    let weight = call.get_dispatch_info().call_weight + extension(signer, mortal(), 0).weight(call);
    let block: frame_system::limits::BlockWeights =
        <Test as frame_system::Config>::BlockWeights::get();
    let base = block
        .get(frame_support::dispatch::DispatchClass::Normal)
        .base_extrinsic;
    let usage = (weight + base).ref_time() * percent / 100;
    FreePart::set(Perbill::from_rational(usage, block.max_block.ref_time()));
}

#[test]
fn admit_refuses_when_the_transaction_is_immortal() {
    ExtBuilder::default().build_and_execute(|| {
        // An immortal transaction signs the first block's hash.
        frame_system::BlockHash::<Test>::insert(0, sp_runtime::testing::H256::default());
        let (signer, call) = (account(1), Plan::new(account(1)).commit());
        let origin = RuntimeOrigin::signed(signer.clone());
        let immortal = extension(&signer, Era::Immortal, 0);
        let refused = Err(custom(Refusal::Immortal.code()));
        assert_storage_noop!(assert_eq!(
            pool_says(origin.clone(), &call, &immortal),
            refused
        ));
        assert_storage_noop!({
            let refused = include_with(origin.clone(), call, immortal.clone()).unwrap_err();
            assert_eq!(refused, custom(Refusal::Immortal.code()));
        });
        // Only weight calls must be mortal.
        Balances::make_free_balance_be(&signer, u64::MAX / 2);
        assert!(pool_says(origin, &remark(), &immortal).is_ok());
    });
}

#[test]
fn admit_refuses_when_nobody_signed() {
    ExtBuilder::default().build_and_execute(|| {
        let call = Plan::new(account(1)).commit();
        let refused = custom(Refusal::NotSigned.code());
        for origin in [RuntimeOrigin::none(), RuntimeOrigin::root()] {
            let extension = extension(&account(1), mortal(), 0);
            let said = pool_says(origin.clone(), &call, &extension);
            assert_storage_noop!(assert_eq!(said, Err(refused)));
            assert_storage_noop!({
                let said = include_with(origin, call.clone(), extension).unwrap_err();
                assert_eq!(said, refused);
            });
        }
        let info = DispatchInfo::default();
        assert_eq!(
            AdmitWeights::<Test>::bare_validate(&call, &info, 0),
            Err(refused)
        );
        assert_eq!(
            AdmitWeights::<Test>::bare_validate_and_prepare(&call, &info, 0),
            Err(refused)
        );
        // Inherents pass.
        assert_ok!(AdmitWeights::<Test>::bare_validate(&remark(), &info, 0));
        assert_ok!(AdmitWeights::<Test>::bare_validate_and_prepare(
            &remark(),
            &info,
            0
        ));
    });
}

#[test]
fn admit_refuses_when_the_call_is_nested_however_deep() {
    ExtBuilder::default().build_and_execute(|| {
        let signer = account(1);
        Balances::make_free_balance_be(&signer, u64::MAX / 2);
        let commit = Plan::new(signer.clone()).commit();
        let derivative = RuntimeCall::Utility(pallet_utility::Call::as_derivative {
            index: 0,
            call: Box::new(commit.clone()),
        });
        for nested in [
            batch(vec![commit.clone()]),
            batch(vec![remark(), batch(vec![remark(), commit])]),
            batch(vec![derivative]),
        ] {
            let refused = custom(Refusal::Nested.code());
            assert_storage_noop!(assert_eq!(pool(&signer, &nested), Err(refused)));
            assert_storage_noop!(assert_eq!(include(&signer, nested).unwrap_err(), refused));
        }
        assert_ok!(include(&signer, batch(vec![remark(), remark()])).unwrap());
    });
}

#[test]
fn calls_fail_when_the_extension_did_not_admit_them() {
    ExtBuilder::default().plain_weights().build_and_execute(|| {
        let plan = Plan::new(account(1));
        for call in [plan.set(), plan.commit(), plan.reveal()] {
            // How a batch or a proxy would dispatch it.
            let signed = RuntimeOrigin::signed(account(1));
            assert_noop!(call.clone().dispatch(signed), Error::<Test>::Nested);
            for origin in [RuntimeOrigin::root(), RuntimeOrigin::none()] {
                assert_noop!(call.clone().dispatch(origin), DispatchError::BadOrigin);
            }
        }
        assert_eq!(Error::<Test>::Nested.code(), Refusal::Nested.code());
        let admitted = RuntimeOrigin::from(Origin::<Test>::Validator(account(1)));
        assert_ok!(plan.commit().dispatch(admitted));
    });
}

#[test]
fn admit_charges_nothing_and_gives_the_lowest_priority_when_a_tip_is_offered() {
    ExtBuilder::default().build_and_execute(|| {
        let signer = account(1);
        let call = Plan::new(signer.clone()).commit();
        let origin = RuntimeOrigin::signed(signer.clone());
        assert_eq!(Balances::free_balance(&signer), 0);
        let generous = extension(&signer, mortal(), 1_000_000);
        let valid = pool_says(origin.clone(), &call, &generous).unwrap();
        assert_eq!(valid.priority, 0);
        assert_ok!(include_with(origin, call, generous).unwrap());
        assert_eq!(Balances::free_balance(&signer), 0);
        assert_eq!(System::account_nonce(&signer), 1);
        // What pays comes first, and can't be sent without money.
        let payment = InvalidTransaction::Payment.into();
        assert_eq!(pool(&signer, &remark()), Err(payment));
        Balances::make_free_balance_be(&signer, u64::MAX / 2);
        assert!(pool(&signer, &remark()).unwrap().priority > 0);
    });
}

#[test]
fn admit_lets_one_in_at_a_time_when_key_subnet_epoch_and_call_are_the_same() {
    ExtBuilder::default().plain_weights().build_and_execute(|| {
        let plan = Plan::new(account(1));
        let tags = |call: RuntimeCall, signer: u16| pool(&account(signer), &call).unwrap().provides;
        let ours = |call, signer| tags(call, signer).last().unwrap().clone();
        // Beside the nonce's tag.
        assert_eq!(tags(plan.commit(), 1).len(), 2);
        let again = Plan {
            salt: [0; 32],
            ..plan.clone()
        };
        assert_eq!(ours(plan.commit(), 1), ours(again.commit(), 1));
        let commit = ours(plan.commit(), 1);
        assert_ne!(commit, ours(plan.set(), 1));
        assert_ne!(commit, ours(Plan::new(account(2)).commit(), 2));
        assert_ne!(
            commit,
            ours(
                Plan {
                    netuid: OTHER,
                    ..plan.clone()
                }
                .commit(),
                1
            )
        );
        run_epoch();
        assert_ne!(commit, ours(Plan::new(account(1)).commit(), 1));
    });
}

#[test]
fn admit_is_valid_for_as_long_as_the_epoch_is_open() {
    ExtBuilder::default().build_and_execute(|| {
        let commit = || Plan::new(account(1)).commit();
        let longevity = || pool(&account(1), &commit()).unwrap().longevity;
        assert_eq!(longevity(), u64::from(TEMPO));
        next_block();
        assert_eq!(longevity(), u64::from(TEMPO) - 1);
        // The epoch is due and waits for its turn.
        while System::block_number() < 30 {
            next_block();
        }
        assert_eq!(longevity(), 1);
        // An era that ends earlier counts.
        world(|w| w.due_at = 1_000);
        assert!((1..=64).contains(&longevity()));
    });
}

#[test]
fn admit_takes_no_more_than_its_part_when_many_want_into_a_block() {
    ExtBuilder::default().build_and_execute(|| {
        let commit = |uid| Plan::new(account(uid)).commit();
        let_fit(&commit(0), &account(0), 250);
        assert_included(&account(0), commit(0));
        assert_included(&account(1), commit(1));
        let used = Weights::used();
        assert!(used.weight.ref_time() > 0 && used.length > 0);
        // Not invalid, only too much for this block, so that an author keeps it for the next.
        let full = InvalidTransaction::ExhaustsResources.into();
        assert_storage_noop!(assert_eq!(
            include(&account(2), commit(2)).unwrap_err(),
            full
        ));
        // Others are not concerned.
        Balances::make_free_balance_be(&account(2), u64::MAX / 2);
        assert_ok!(include(&account(2), remark()).unwrap());
        assert_eq!(Weights::used(), used);
        next_block();
        assert!(Weights::used().is_empty());
        assert_included(&account(2), commit(2));
    });
}

#[test]
fn admit_refuses_for_good_when_a_call_alone_is_more_than_the_part() {
    ExtBuilder::default().build_and_execute(|| {
        let call = Plan::new(account(1)).commit();
        let_fit(&call, &account(1), 90);
        let refused = custom(Refusal::BlockPartFull.code());
        assert_storage_noop!(assert_eq!(pool(&account(1), &call), Err(refused)));
        assert_storage_noop!(assert_eq!(include(&account(1), call).unwrap_err(), refused));
    });
}

#[test]
fn admit_counts_more_when_a_row_is_longer() {
    ExtBuilder::default()
        .neurons(300, 3)
        .plain_weights()
        .build_and_execute(|| {
            let of = |len: u16| {
                let (targets, values) = ((0..len).collect(), vec![1; usize::from(len)]);
                let plan = Plan {
                    targets,
                    values,
                    ..Plan::new(account(0))
                };
                let weight = |call: RuntimeCall| {
                    let admit = extension(&account(0), mortal(), 0).weight(&call);
                    call.get_dispatch_info().call_weight + admit
                };
                [weight(plan.set()), weight(plan.reveal())]
            };
            for (short, long) in of(10).into_iter().zip(of(300)) {
                assert!(short.ref_time() < long.ref_time());
            }
            assert!(Weights::on_initialize(1).ref_time() > 0);
        });
}

#[test]
fn admit_refuses_when_the_nonce_is_old_or_the_account_is_none() {
    ExtBuilder::default().build_and_execute(|| {
        let signer = account(1);
        let before = extension(&signer, mortal(), 0);
        let plan = Plan::new(signer.clone()).committed();
        let origin = RuntimeOrigin::signed(signer.clone());
        let stale = Err(InvalidTransaction::Stale.into());
        assert_eq!(pool_says(origin, &plan.commit(), &before), stale);
        let nobody = account(77);
        let payment = Err(InvalidTransaction::Payment.into());
        assert_eq!(pool(&nobody, &Plan::new(nobody.clone()).commit()), payment);
    });
}

#[test]
fn extension_encodes_and_describes_itself_as_the_two_inside() {
    ExtBuilder::default().build_and_execute(|| {
        let (era, nonce) = (Era::mortal(64, 7), 9);
        let ours = AdmitWeights::<Test>::new(era, nonce);
        let theirs = (
            CheckMortality::<Test>::from(era),
            CheckNonce::<Test>::from(nonce),
        );
        assert_eq!(ours.encode(), theirs.encode());
        assert_eq!(
            AdmitWeights::<Test>::decode(&mut &ours.encode()[..]),
            Ok(ours.clone())
        );
        assert_eq!(
            format!("{ours:?}"),
            "AdmitWeights(CheckMortality(Mortal(64, 7)), CheckNonce(9))"
        );
        let names = |metadata: Vec<sp_runtime::traits::TransactionExtensionMetadata>| {
            metadata
                .into_iter()
                .map(|entry| entry.identifier)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names(AdmitWeights::<Test>::metadata()),
            ["CheckMortality", "CheckNonce"]
        );
        System::set_block_number(7);
        frame_system::BlockHash::<Test>::insert(7, sp_runtime::testing::H256([5; 32]));
        assert_eq!(ours.implicit().encode(), theirs.implicit().encode());
    });
}

#[test]
fn extension_gives_the_pool_the_same_answer_from_any_source() {
    ExtBuilder::default().build_and_execute(|| {
        let call = Plan {
            epoch: EpochIndex(0),
            ..Plan::new(account(1))
        }
        .commit();
        world(|w| w.permitted.remove(&Uid(1)));
        for source in [
            TransactionSource::External,
            TransactionSource::Local,
            TransactionSource::InBlock,
        ] {
            use sp_runtime::traits::DispatchTransaction;
            let said = extension(&account(1), mortal(), 0).validate_only(
                RuntimeOrigin::signed(account(1)),
                &call,
                &call.get_dispatch_info(),
                100,
                source,
                0,
            );
            assert_eq!(said.err(), Some(custom(Refusal::NotPermitted.code())));
        }
    });
}
