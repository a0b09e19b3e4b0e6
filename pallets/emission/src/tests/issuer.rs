use crate::{mock::*, Claims, Error, Event, PayoutTarget, Supplied, Unsettled};
use assay_pallet_traits::{mocks::MockStakes, Due, Issuer};
use assay_primitives::NetUid;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

const SUBNET: NetUid = NetUid(1);

#[test]
fn take_due_empties_the_pot() {
    ExtBuilder::default().subnets(&[1]).build_and_execute(|| {
        let due = take_due_after_blocks(1);
        assert!(due.amount() > 0);
        assert_eq!((due.netuid(), Emission::pot(SUBNET)), (SUBNET, 0));
        assert_eq!(Unsettled::<Test>::get(), due.amount());
        assert_ok!(Emission::settle(due));
    });
}

#[test]
fn settle_returns_what_nobody_earned() {
    ExtBuilder::default().subnets(&[1]).build_and_execute(|| {
        let start = Supplied::<Test>::get();
        let mut due = take_due_after_blocks(1);
        let unearned = due.amount() - 1_000_000;
        assert_ok!(Emission::pay(&mut due, &account(1), 1_000_000));
        assert_ok!(Emission::settle(due));
        let end = Supplied::<Test>::get();
        assert_eq!(end.minted, start.minted + 1_000_000);
        assert_eq!(end.issued, start.issued + 1_000_000);
        assert_eq!(Balances::total_issuance(), end.minted);
        let settled = Event::Settled {
            netuid: SUBNET,
            paid: 1_000_000,
            unearned,
        };
        assert_eq!(events().last(), Some(&settled));
    });
}

#[test]
fn settle_gives_back_so_that_the_next_block_issues_it_again() {
    ExtBuilder::default().subnets(&[1]).build_and_execute(|| {
        let next = Emission::next_issuance();
        let due = take_due_after_blocks(1);
        assert!(Emission::next_issuance() < next);
        assert_ok!(Emission::settle(due));
        assert_eq!(Emission::next_issuance(), next);
    });
}

#[test]
fn pay_is_refused_when_it_exceeds_what_was_taken() {
    ExtBuilder::default().subnets(&[1]).build_and_execute(|| {
        let (hot, cold) = (hotkey(1), account(1));
        let mut due = Due::new(SUBNET, 0);
        let refused = Emission::pay(&mut due, &cold, 1);
        assert_noop!(refused, Error::<Test>::MoreThanDue);
        let mut due = take_due_after_blocks(1);
        let more = due.amount() + 1;
        assert_noop!(
            Emission::pay(&mut due, &cold, more),
            Error::<Test>::MoreThanDue
        );
        let refused = Emission::pay_miner(&mut due, &hot, &cold, more);
        assert_noop!(refused, Error::<Test>::MoreThanDue);
        let refused = Emission::pay_dividend(&mut due, &hot, more);
        assert_noop!(refused, Error::<Test>::MoreThanDue);
        assert_eq!(due.left(), due.amount());
        assert_ok!(Emission::settle(due));
    });
}

#[test]
fn pay_is_nothing_when_the_amount_is_nothing() {
    ExtBuilder::default().build_and_execute(|| {
        let mut due = Due::new(SUBNET, 0);
        assert_ok!(Emission::pay(&mut due, &account(5), 0));
        assert_ok!(Emission::pay_miner(&mut due, &hotkey(1), &account(5), 0));
        assert_ok!(Emission::pay_dividend(&mut due, &hotkey(1), 0));
        assert_eq!(Claims::<Test>::get(account(5)), None);
        assert!(credited().is_empty());
    });
}

#[test]
fn pay_becomes_a_credit_when_the_account_could_not_exist() {
    ExtBuilder::default().subnets(&[1]).build_and_execute(|| {
        let minted = Supplied::<Test>::get().minted;
        let mut due = take_due_after_blocks(1);
        assert_ok!(Emission::pay(&mut due, &account(5), 400));
        assert_eq!(
            events().last(),
            Some(&Event::CreditKept {
                account: account(5),
                amount: 400
            })
        );
        assert_ok!(Emission::pay(&mut due, &account(5), 400));
        assert_ok!(Emission::settle(due));
        assert_eq!(Claims::<Test>::get(account(5)), Some(800));
        assert_eq!(Supplied::<Test>::get().minted, minted + 800);
        assert_eq!(Balances::total_issuance(), minted);
    });
}

#[test]
fn pay_brings_the_credit_along_when_both_together_suffice() {
    ExtBuilder::default().subnets(&[1]).build_and_execute(|| {
        let mut due = take_due_after_blocks(1);
        assert_ok!(Emission::pay(&mut due, &account(5), 400));
        assert_ok!(Emission::pay(&mut due, &account(5), 600));
        assert_ok!(Emission::settle(due));
        assert_eq!(Balances::free_balance(account(5)), 1_000);
        assert_eq!(Claims::<Test>::get(account(5)), None);
        let kept_and_new = Event::CreditPaid {
            account: account(5),
            amount: 1_000,
        };
        assert!(events().contains(&kept_and_new));
    });
}

#[test]
fn pay_miner_pays_the_coldkey_when_nothing_else_was_asked_for() {
    ExtBuilder::default().subnets(&[1]).build_and_execute(|| {
        let mut due = take_due_after_blocks(1);
        assert_ok!(Emission::pay_miner(
            &mut due,
            &hotkey(1),
            &account(5),
            5_000
        ));
        assert_ok!(Emission::settle(due));
        assert_eq!(Balances::free_balance(account(5)), 5_000);
        assert!(credited().is_empty());
    });
}

#[test]
fn pay_miner_pays_the_coldkey_when_the_bond_refuses() {
    ExtBuilder::default().subnets(&[1]).build_and_execute(|| {
        let origin = RuntimeOrigin::signed(account(1));
        assert_ok!(Emission::set_payout(
            origin,
            SUBNET,
            hotkey(1),
            PayoutTarget::OwnBond
        ));
        MockStakes::on_credit_own(|_, _, _| Err(DispatchError::Other("refused")));
        let mut due = take_due_after_blocks(1);
        let before = Balances::total_issuance();
        assert_ok!(Emission::pay_miner(
            &mut due,
            &hotkey(1),
            &account(5),
            5_000
        ));
        assert_ok!(Emission::settle(due));
        assert_eq!(Balances::free_balance(account(5)), 5_000);
        assert_eq!(Balances::total_issuance(), before + 5_000);
    });
}

#[test]
fn pay_dividend_mints_into_stake() {
    ExtBuilder::default().subnets(&[1]).build_and_execute(|| {
        let mut due = take_due_after_blocks(1);
        assert_ok!(Emission::pay_dividend(&mut due, &hotkey(1), 7));
        assert_ok!(Emission::settle(due));
        assert_eq!(Balances::free_balance(holding_account()), ENDOWMENT + 7);
        assert_eq!(credited(), [(SUBNET, hotkey(1), 7)]);
    });
}

#[test]
fn pay_dividend_changes_nothing_when_stake_refuses() {
    ExtBuilder::default().subnets(&[1]).build_and_execute(|| {
        MockStakes::on_credit_dividend(|_, _, _| Err(DispatchError::Other("refused")));
        let mut due = take_due_after_blocks(1);
        let refused = Emission::pay_dividend(&mut due, &hotkey(1), 7);
        assert_noop!(refused, DispatchError::Other("refused"));
        assert_eq!(due.paid(), 0);
        assert_ok!(Emission::settle(due));
    });
}
