//! What the epoch and the minter ask.

use crate::{mock::*, Error, Event, PayoutIndex};
use assay_pallet_traits::Stakes;
use assay_primitives::{Balance, Ratio16};
use frame_support::{assert_noop, assert_ok, traits::fungible::Mutate};

fn set_take(take: Ratio16) {
    let origin = RuntimeOrigin::signed(account(1));
    Stake::set_take(origin, SUBNET, hotkey(1), take).unwrap();
}

#[test]
fn credit_dividend_pays_the_take_and_shares_the_rest_by_stake() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 1, 10_000_000);
        stake_at_once(SUBNET, 1, 3, 20_000_000);
        stake_at_once(SUBNET, 1, 4, 10_000_000);
        dividend(SUBNET, 1, 4_000_000);
        let take = DEFAULT_TAKE.of(4_000_000);
        let rest = 4_000_000 - take;
        assert_eq!(
            position(SUBNET, 1, 1).0,
            10_000_000 + take + (rest - rest * 3 / 4)
        );
        // Two thirds and one third of what the delegated pool got, each rounded down.
        let delegated = rest * 3 / 4;
        assert_eq!(position(SUBNET, 1, 3).0, 20_000_000 + delegated * 2 / 3);
        assert_eq!(position(SUBNET, 1, 4).0, 10_000_000 + delegated / 3);
        assert_eq!(Stake::total(SUBNET), 44_000_000);
        assert_eq!(Stake::stake(SUBNET, &hotkey(1)), 44_000_000);
        let expected = Event::DividendCredited {
            netuid: SUBNET,
            hotkey: hotkey(1),
            amount: 4_000_000,
            take,
        };
        assert_eq!(last_event(), Some(expected));
    });
}

#[test]
fn credit_dividend_leaves_the_odd_unit_to_the_own_bond() {
    ExtBuilder.build_and_execute(|| {
        set_take(Ratio16::ZERO);
        stake_at_once(SUBNET, 1, 1, 10_000_000);
        stake_at_once(SUBNET, 1, 3, 20_000_000);
        dividend(SUBNET, 1, 2);
        assert_eq!(position(SUBNET, 1, 1).0, 10_000_001);
        assert_eq!(position(SUBNET, 1, 3).0, 20_000_001);
    });
}

#[test]
fn credit_dividend_goes_to_the_own_bond_when_nobody_has_stake() {
    ExtBuilder.build_and_execute(|| {
        dividend(SUBNET, 1, 7);
        assert_eq!(position(SUBNET, 1, 1), (7, 0, 0));
        assert_eq!(Stake::stake(SUBNET, &hotkey(1)), 7);
    });
}

#[test]
fn credit_dividend_does_not_reach_what_is_entering() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 10_000_000);
        let origin = RuntimeOrigin::signed(account(4));
        assert_ok!(Stake::add_stake(origin, SUBNET, hotkey(1), 10_000_000));
        dividend(SUBNET, 1, 1_000_000);
        assert_eq!(position(SUBNET, 1, 4), (0, 10_000_000, 0));
    });
}

#[test]
fn credit_dividend_is_refused_when_the_hotkey_has_no_owner() {
    ExtBuilder.build_and_execute(|| {
        Balances::mint_into(&Stake::holding_account(), 7).unwrap();
        let refused = Stake::credit_dividend(SUBNET, &hotkey(9), 7);
        assert_noop!(refused, Error::<Test>::UnknownHotkey);
        let refused = Stake::credit_own(SUBNET, &hotkey(9), 7);
        assert_noop!(refused, Error::<Test>::UnknownHotkey);
    });
}

#[test]
fn credit_dividend_gives_the_take_to_the_present_owner_when_the_hotkey_changed_hands() {
    ExtBuilder.build_and_execute(|| {
        set_take(MAX_TAKE_RAISE);
        stake_at_once(SUBNET, 1, 1, 10_000_000);
        stake_at_once(SUBNET, 1, 3, 10_000_000);
        own_hotkeys(&[(1, 5)]);
        dividend(SUBNET, 1, 2_000_000);
        let take = MAX_TAKE_RAISE.of(2_000_000);
        let rest = 2_000_000 - take;
        assert_eq!(position(SUBNET, 1, 1).0, 10_000_000 + (rest - rest / 2));
        assert_eq!(position(SUBNET, 1, 3).0, 10_000_000 + rest / 2);
        // The last unit of the take is lost to the price of the shares that it bought.
        assert!(take - position(SUBNET, 1, 5).0 <= 1);
    });
}

#[test]
fn credit_own_enters_with_the_payout_it_came_from() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 10_000_000);
        set_take(Ratio16::ZERO);
        Balances::mint_into(&Stake::holding_account(), 10_000_000).unwrap();
        assert_ok!(Stake::credit_own(SUBNET, &hotkey(1), 10_000_000));
        let expected = Event::OwnBondCredited {
            netuid: SUBNET,
            hotkey: hotkey(1),
            coldkey: account(1),
            amount: 10_000_000,
        };
        assert_eq!(last_event(), Some(expected));
        // Paid in the same payout as its dividends, it takes no part in them.
        dividend(SUBNET, 1, 1_000_000);
        assert_eq!(position(SUBNET, 1, 1), (0, 10_000_000, 0));
        assert_eq!(position(SUBNET, 1, 3), (11_000_000, 0, 0));
        Stake::after_payout(SUBNET);
        assert_eq!(position(SUBNET, 1, 1), (10_000_000, 0, 0));
    });
}

#[test]
fn credits_of_nothing_change_nothing() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Stake::credit_dividend(SUBNET, &hotkey(1), 0));
        assert_ok!(Stake::credit_own(SUBNET, &hotkey(1), 0));
        assert_eq!(last_event(), None);
    });
}

#[test]
fn after_payout_counts_what_entered_of_hotkeys_that_nobody_touched() {
    ExtBuilder.build_and_execute(|| {
        for n in [1, 2] {
            let origin = RuntimeOrigin::signed(account(3));
            assert_ok!(Stake::add_stake(origin, SUBNET, hotkey(n), 5_000_000));
        }
        Stake::after_payout(SUBNET);
        let payouts = PayoutIndex(1);
        let expected = Event::StakeEntered {
            netuid: SUBNET,
            payouts,
            amount: 10_000_000,
        };
        assert_eq!(last_event(), Some(expected));
        assert_eq!(Stake::total(SUBNET), 10_000_000);
        let hotkeys = [hotkey(2), hotkey(9), hotkey(1)];
        assert_eq!(Stake::stakes(SUBNET, &hotkeys), [5_000_000, 0, 5_000_000]);
        let sum: Balance = Stake::stakes(SUBNET, &hotkeys).into_iter().sum();
        assert_eq!(Stake::total(SUBNET), sum);
    });
}
