use crate::{mock::*, Error, Event, PoolsOf, Side, SubnetStakes};
use assay_pallet_traits::Stakes;
use assay_primitives::{Balance, NetUid};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchResult;

fn add(coldkey: u8, netuid: NetUid, n: u8, amount: Balance) -> DispatchResult {
    Stake::add_stake(
        RuntimeOrigin::signed(account(coldkey)),
        netuid,
        hotkey(n),
        amount,
    )
}

#[test]
fn add_stake_waits_for_the_next_payout_before_it_counts() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(add(3, SUBNET, 1, 5_000_000));
        assert_eq!(position(SUBNET, 1, 3), (0, 5_000_000, 0));
        assert_eq!(Stake::stake(SUBNET, &hotkey(1)), 0);
        assert_eq!(Stake::total(SUBNET), 0);
        assert_eq!(balance(3), ENDOWMENT - 5_000_000);

        Stake::after_payout(SUBNET);
        assert_eq!(position(SUBNET, 1, 3), (5_000_000, 0, 0));
        assert_eq!(Stake::stake(SUBNET, &hotkey(1)), 5_000_000);
        assert_eq!(Stake::total(SUBNET), 5_000_000);
        assert_eq!(Stake::total(OTHER_SUBNET), 0);
    });
}

#[test]
fn add_stake_goes_to_the_own_bond_when_the_owner_stakes() {
    ExtBuilder.build_and_execute(|| {
        for (coldkey, side) in [(1, Side::Own), (3, Side::Delegated)] {
            assert_ok!(add(coldkey, SUBNET, 1, 5_000_000));
            let expected = Event::StakeAdded {
                netuid: SUBNET,
                hotkey: hotkey(1),
                coldkey: account(coldkey),
                amount: 5_000_000,
                side,
            };
            assert_eq!(last_event(), Some(expected));
        }
        let pools = PoolsOf::<Test>::get(SUBNET, hotkey(1)).unwrap();
        assert_eq!(pools.own.entering.amount, 5_000_000);
        assert_eq!(pools.delegated.entering.amount, 5_000_000);
    });
}

#[test]
fn add_stake_enters_at_the_price_after_the_payout() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 10_000_000);
        assert_ok!(add(4, SUBNET, 1, 10_000_000));
        dividend(SUBNET, 1, 10_000_000);
        Stake::after_payout(SUBNET);
        // At twice the price, and rounded down: not a unit of the dividend.
        assert_eq!(position(SUBNET, 1, 4).0, 10_000_000 - 1);
        let taken = DEFAULT_TAKE.of(10_000_000);
        assert_eq!(position(SUBNET, 1, 3).0, 20_000_000 - taken);
        assert_eq!(position(SUBNET, 1, 1).0, taken);
    });
}

#[test]
fn add_stake_joins_what_is_entering_and_what_has_entered() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(add(3, SUBNET, 1, 2_000_000));
        assert_ok!(add(3, SUBNET, 1, 3_000_000));
        assert_eq!(position(SUBNET, 1, 3), (0, 5_000_000, 0));
        Stake::after_payout(SUBNET);
        assert_ok!(add(3, SUBNET, 1, 4_000_000));
        assert_eq!(position(SUBNET, 1, 3), (5_000_000, 4_000_000, 0));
        let total = SubnetStakes::<Test>::get(SUBNET);
        assert_eq!((total.active, total.entering), (5_000_000, 4_000_000));
        Stake::after_payout(SUBNET);
        Stake::after_payout(SUBNET);
        assert_eq!(position(SUBNET, 1, 3), (9_000_000, 0, 0));
    });
}

#[test]
fn add_stake_is_refused_when_it_exceeds_the_balance() {
    ExtBuilder.build_and_execute(|| {
        let refused = add(3, SUBNET, 1, ENDOWMENT + 1);
        assert_noop!(refused, Error::<Test>::NotEnoughBalance);
        // The coldkey must stay alive to pay for getting its stake back.
        let too_much = ENDOWMENT - EXISTENTIAL_DEPOSIT + 1;
        assert_noop!(add(3, SUBNET, 1, too_much), Error::<Test>::NotEnoughBalance);
        assert_ok!(add(3, SUBNET, 1, too_much - 1));
        assert_eq!(balance(3), EXISTENTIAL_DEPOSIT);
    });
}

#[test]
fn add_stake_is_refused_when_the_position_stays_below_the_minimum() {
    ExtBuilder.build_and_execute(|| {
        let little = add(3, SUBNET, 1, MIN_POSITION - 1);
        assert_noop!(little, Error::<Test>::BelowMinimum);
        assert_ok!(add(3, SUBNET, 1, MIN_POSITION));
        // More of a position may come in any amount.
        assert_ok!(add(3, SUBNET, 1, 1));
    });
}

#[test]
fn add_stake_is_refused_when_the_amount_is_nothing() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(add(3, SUBNET, 1, 0), Error::<Test>::ZeroAmount);
    });
}

#[test]
fn add_stake_is_refused_when_the_subnet_is_unknown() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(
            add(3, NetUid(9), 1, MIN_POSITION),
            Error::<Test>::UnknownSubnet
        );
    });
}

#[test]
fn add_stake_is_refused_when_the_hotkey_has_no_owner() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(
            add(3, SUBNET, 9, MIN_POSITION),
            Error::<Test>::UnknownHotkey
        );
    });
}

#[test]
fn add_stake_is_refused_when_rounding_would_cost_more_than_a_millionth() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Stake::set_take(
            RuntimeOrigin::signed(account(1)),
            SUBNET,
            hotkey(1),
            assay_primitives::Ratio16::ZERO,
        ));
        stake_at_once(SUBNET, 1, 3, MIN_POSITION);
        // A share was a millionth of a unit; now it is ten units.
        dividend(SUBNET, 1, 10 * MIN_POSITION * 1_000_000);
        Stake::after_payout(SUBNET);
        let refused = add(4, SUBNET, 1, MIN_POSITION);
        assert_noop!(refused, Error::<Test>::TooSmallForPool);
        assert_ok!(add(4, SUBNET, 1, 11 * MIN_POSITION));
    });
}

#[test]
fn add_stake_is_refused_when_an_amount_is_beyond_counting() {
    ExtBuilder.build_and_execute(|| {
        let (hoard, coldkey) = (Balance::MAX / 1_000, account(3));
        let minted = <Balances as frame_support::traits::fungible::Mutate<_>>::mint_into;
        assert_ok!(minted(&coldkey, hoard));
        assert_noop!(add(3, SUBNET, 1, hoard), Error::<Test>::Overflow);
    });
}
