use crate::{mock::*, Claims, Error, Event};
use assay_pallet_traits::Issuer;
use frame_support::{assert_noop, assert_ok, traits::fungible::Mutate};

#[test]
fn claim_pays_the_credit_when_the_account_exists_by_now() {
    ExtBuilder::default().subnets(&[1]).build_and_execute(|| {
        let mut due = take_due_after_blocks(1);
        assert_ok!(Emission::pay(&mut due, &account(5), 400));
        assert_ok!(Emission::settle(due));
        assert_ok!(Balances::transfer(
            &account(1),
            &account(5),
            EXISTENTIAL_DEPOSIT,
            frame_support::traits::tokens::Preservation::Preserve,
        ));

        let issuance = Balances::total_issuance();
        assert_ok!(Emission::claim(RuntimeOrigin::signed(account(5))));
        assert_eq!(
            Balances::free_balance(account(5)),
            EXISTENTIAL_DEPOSIT + 400
        );
        assert_eq!(Balances::total_issuance(), issuance + 400);
        assert_eq!(Claims::<Test>::get(account(5)), None);
        assert_eq!(
            events().last(),
            Some(&Event::CreditPaid {
                account: account(5),
                amount: 400
            })
        );
    });
}

#[test]
fn claim_is_refused_when_there_is_no_credit() {
    ExtBuilder::default().build_and_execute(|| {
        let origin = RuntimeOrigin::signed(account(1));
        assert_noop!(Emission::claim(origin), Error::<Test>::NothingToClaim);
    });
}

#[test]
fn claim_is_refused_when_repeated() {
    ExtBuilder::default().subnets(&[1]).build_and_execute(|| {
        let mut due = take_due_after_blocks(1);
        assert_ok!(Emission::pay(&mut due, &account(5), 400));
        assert_ok!(Emission::settle(due));
        let (source, dest) = (account(1), account(5));
        let keep = frame_support::traits::tokens::Preservation::Preserve;
        assert_ok!(Balances::transfer(
            &source,
            &dest,
            EXISTENTIAL_DEPOSIT,
            keep
        ));
        assert_ok!(Emission::claim(RuntimeOrigin::signed(account(5))));
        let origin = RuntimeOrigin::signed(account(5));
        assert_noop!(Emission::claim(origin), Error::<Test>::NothingToClaim);
    });
}

#[test]
fn claim_keeps_the_credit_when_the_account_still_can_not_exist() {
    ExtBuilder::default().subnets(&[1]).build_and_execute(|| {
        let mut due = take_due_after_blocks(1);
        assert_ok!(Emission::pay(&mut due, &account(5), 400));
        assert_ok!(Emission::settle(due));
        let origin = RuntimeOrigin::signed(account(5));
        assert_noop!(
            Emission::claim(origin),
            sp_runtime::TokenError::BelowMinimum
        );
        assert_eq!(Claims::<Test>::get(account(5)), Some(400));
    });
}
