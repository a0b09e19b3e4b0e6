//! A subnet that is dissolved: what happens to the stake in it, step by step.

use crate::{
    mock::*, DepartedPools, DepartedUnbonding, Departures, Error, Event, PoolHotkeys, PoolsOf,
    Positions, PositionsOf, SubnetStakes, Takes, UnbondingOf,
};
use assay_pallet_traits::{
    mocks::{MockNeurons, MockSubnets},
    KeyHolder, Progress, Slash, Stakes, Subnets,
};
use assay_primitives::{Balance, Generation, Ratio16};
use frame_support::{assert_noop, assert_ok};

const GENERATION: Generation = Generation(0);

fn origin(coldkey: u8) -> RuntimeOrigin {
    RuntimeOrigin::signed(account(coldkey))
}

/// Dissolves as much as the least budget pays for.
fn step() -> Progress {
    let progress = dissolve_some(SUBNET);
    Stake::do_try_state().expect("try_state holds in the middle");
    progress
}

/// Dissolves the subnet and says in how many steps.
fn dissolve() -> u32 {
    end(SUBNET);
    (1..)
        .find(|_| step() == Progress::Done)
        .expect("it ends some time")
}

fn withdraw(coldkey: u8, n: u8) -> sp_runtime::DispatchResult {
    Stake::withdraw_dissolved(origin(coldkey), SUBNET, GENERATION, hotkey(n))
}

fn held() -> Balance {
    Balances::free_balance(Stake::holding_account())
}

/// Stake of every kind of three coldkeys on two hotkeys.
fn everything() {
    stake_at_once(SUBNET, 1, 1, 10_000_000);
    stake_at_once(SUBNET, 1, 3, 8_000_001);
    stake_at_once(SUBNET, 2, 4, 6_000_000);
    dividend(SUBNET, 1, 1_000_003);
    assert_ok!(Stake::remove_stake(
        origin(4),
        SUBNET,
        hotkey(2),
        Some(2_000_000)
    ));
    advance(ERA_LENGTH);
    assert_ok!(Stake::remove_stake(
        origin(3),
        SUBNET,
        hotkey(1),
        Some(3_000_000)
    ));
    assert_ok!(Stake::add_stake(origin(3), SUBNET, hotkey(1), 4_000_000));
    assert_ok!(Stake::add_stake(origin(4), SUBNET, hotkey(1), 5_000_000));
    assert_ok!(Stake::set_take(origin(1), SUBNET, hotkey(1), Ratio16::ZERO));
    stake_at_once(OTHER_SUBNET, 1, 5, 7_000_000);
}

#[test]
fn step_sends_everything_into_unbonding_when_called_until_it_is_done() {
    ExtBuilder.build_and_execute(|| {
        let empty = held();
        everything();
        let before = held();
        let steps = dissolve();
        assert!(steps > 2, "four positions were gone after {steps} steps");
        assert_eq!(held(), before);

        assert_eq!(PoolsOf::<Test>::iter_prefix(SUBNET).count(), 0);
        assert_eq!(PoolHotkeys::<Test>::iter_prefix(SUBNET).count(), 0);
        assert_eq!(Positions::<Test>::iter_prefix((SUBNET,)).count(), 0);
        assert_eq!(UnbondingOf::<Test>::iter_prefix((SUBNET,)).count(), 0);
        assert_eq!(Takes::<Test>::iter_prefix(SUBNET).count(), 0);
        assert!(!SubnetStakes::<Test>::contains_key(SUBNET));
        let elsewhere: Vec<_> = PositionsOf::<Test>::iter_keys()
            .map(|key| key.1 .0)
            .collect();
        assert_eq!(elsewhere, [OTHER_SUBNET]);
        assert_eq!(position(OTHER_SUBNET, 1, 5).0, 7_000_000);

        assert_noop!(withdraw(3, 1), Error::<Test>::StillUnbonding);
        assert_noop!(withdraw(5, 1), Error::<Test>::NothingToWithdraw);
        advance_past_unbonding();
        for (coldkey, n) in [(1, 1), (3, 1), (4, 1), (4, 2)] {
            assert_ok!(withdraw(coldkey, n));
        }
        assert_eq!(held(), empty + 7_000_000);
        assert_eq!(DepartedPools::<Test>::iter().count(), 0);
        assert_eq!(DepartedUnbonding::<Test>::iter().count(), 0);
    });
}

#[test]
fn step_counts_what_is_entering_and_says_when_it_can_be_withdrawn() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(Stake::add_stake(origin(3), SUBNET, hotkey(1), 4_000_000));
        let withdrawable_at = Stake::withdrawable_at(Stake::current_era());
        dissolve();
        assert_eq!(
            last_event(),
            Some(Event::StakeDeparted {
                netuid: SUBNET,
                generation: GENERATION,
                hotkey: hotkey(1),
                coldkey: account(3),
                amount: 4_000_000,
                withdrawable_at,
            })
        );
        assert_eq!(position(SUBNET, 1, 3), (0, 0, 4_000_000));
        let stake = Stake::stake_of(&account(3));
        assert_eq!(stake.unbonding[0].dissolved, Some(GENERATION));
        assert_eq!(stake.unbonding[0].withdrawable_at, withdrawable_at);
    });
}

#[test]
fn withdraw_dissolved_pays_at_once_what_had_waited_when_the_subnet_ended() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 8_000_000);
        assert_ok!(Stake::remove_stake(
            origin(3),
            SUBNET,
            hotkey(1),
            Some(3_000_000)
        ));
        advance_past_unbonding();
        dissolve();
        let before = balance(3);
        assert_ok!(withdraw(3, 1));
        assert_eq!(balance(3), before + 3_000_000);
        assert_noop!(withdraw(3, 1), Error::<Test>::StillUnbonding);
        advance_past_unbonding();
        assert_ok!(withdraw(3, 1));
        assert_eq!(balance(3), ENDOWMENT);
        assert_noop!(withdraw(3, 1), Error::<Test>::NothingToWithdraw);
    });
}

#[test]
fn remove_stake_and_withdraw_work_when_the_position_has_not_left_yet() {
    ExtBuilder.build_and_execute(|| {
        everything();
        end(SUBNET);
        assert_eq!(step(), Progress::Pending);
        assert_noop!(
            Stake::add_stake(origin(3), SUBNET, hotkey(1), 4_000_000),
            Error::<Test>::UnknownSubnet
        );
        // One of them may have left in the step; whoever has not still can by themselves.
        let positions: Vec<_> = Positions::<Test>::iter_key_prefix((SUBNET,)).collect();
        for (id, coldkey) in positions {
            let hotkey = PoolHotkeys::<Test>::get(SUBNET, id).unwrap();
            let origin = RuntimeOrigin::signed(coldkey);
            assert_ok!(Stake::remove_stake(origin, SUBNET, hotkey, None));
            Stake::do_try_state().unwrap();
        }
        while step() == Progress::Pending {}
        advance_past_unbonding();
        for (coldkey, n) in [(1, 1), (3, 1), (4, 1), (4, 2)] {
            assert_ok!(withdraw(coldkey, n));
        }
        assert_eq!(balance(4), ENDOWMENT);
    });
}

#[test]
fn slash_dissolved_takes_its_part_of_what_is_on_its_way_out() {
    ExtBuilder.build_and_execute(|| {
        everything();
        dissolve();
        let half = Ratio16(32_768);
        let before: Vec<_> = [1, 3, 4].map(|n| position(SUBNET, 1, n).2).to_vec();
        let other = position(SUBNET, 2, 4).2;
        let issuance = Balances::total_issuance();
        let taken = Stake::slash_dissolved(SUBNET, GENERATION, &hotkey(1), half);
        assert_eq!(Balances::total_issuance(), issuance - taken);
        for (n, before) in [1, 3, 4].into_iter().zip(before) {
            let left = position(SUBNET, 1, n).2;
            let expected = before - half.of(before);
            assert!(left.abs_diff(expected) <= 2, "{left} of {before}");
        }
        assert_eq!(position(SUBNET, 2, 4).2, other);
        // Another generation, another hotkey, and what can be withdrawn are out of its reach.
        let slash = |generation, n| {
            Stake::slash_dissolved(SUBNET, Generation(generation), &hotkey(n), Ratio16::ONE)
        };
        assert_eq!((slash(1, 1), slash(0, 5)), (0, 0));
        advance_past_unbonding();
        assert_eq!(slash(0, 1), 0);
    });
}

#[test]
fn a_new_generation_starts_from_nothing_when_the_old_one_is_on_its_way_out() {
    ExtBuilder.build_and_execute(|| {
        everything();
        dissolve();
        assert_eq!(MockSubnets::generation(SUBNET), Some(Generation(1)));
        assert_eq!(Stake::total(SUBNET), 0);
        assert_eq!(Stake::take_of(SUBNET, &hotkey(1)), DefaultTake::get());
        stake_at_once(SUBNET, 1, 3, 9_000_000);
        assert_eq!(Stake::stake(SUBNET, &hotkey(1)), 9_000_000);
        // A slash of the one does not reach the other.
        let leaving = position(SUBNET, 1, 3).2;
        assert_eq!(Stake::slash(SUBNET, &hotkey(1), Ratio16::ONE), 9_000_000);
        assert_eq!(position(SUBNET, 1, 3), (0, 0, leaving));
    });
}

fn leaving(coldkey: u8) -> Balance {
    let stake = Stake::stake_of(&account(coldkey));
    stake.unbonding.iter().map(|view| view.amount).sum()
}

#[test]
fn withdraw_dissolved_pays_the_coldkey_what_was_moving_when_the_subnet_ended() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 20_000_000);
        let origin = || origin(3);
        let to = (OTHER_SUBNET, hotkey(2));
        let moved = Some(2_000_000);
        assert_ok!(Stake::move_stake(
            origin(),
            SUBNET,
            hotkey(1),
            to.0,
            to.1,
            moved
        ));
        assert_ok!(Stake::remove_stake(origin(), SUBNET, hotkey(1), moved));
        dissolve();
        // All of it left in one era, so one entry holds it.
        let departure = Departures::<Test>::iter_prefix_values(account(3));
        let chunks: Vec<_> = departure.flat_map(|departure| departure.chunks).collect();
        assert_eq!((chunks.len(), &chunks[0].to), (1, &None));
        assert_eq!(leaving(3), 20_000_000);
        advance_past_unbonding();
        assert_ok!(withdraw(3, 1));
        assert_eq!(balance(3), ENDOWMENT);
    });
}

#[test]
fn move_coldkey_moves_departures_and_adds_them_to_those_of_the_new_one() {
    ExtBuilder.build_and_execute(|| {
        everything();
        dissolve();
        let (olds, news) = (leaving(3), leaving(4));
        assert!(olds > 0 && news > 0);
        assert_eq!(Stake::move_coldkey(&account(3), &account(4), 9), Ok(1));
        assert_eq!((leaving(3), leaving(4)), (0, olds + news));
        assert!(matches!(
            last_event(),
            Some(Event::DepartureMoved { new, .. }) if new == account(4)
        ));
        Stake::do_try_state().unwrap();
        // One departure of each hotkey, in two steps, to somebody who has nothing of either.
        for moved in [1, 1, 0] {
            assert_eq!(Stake::move_coldkey(&account(4), &account(6), 1), Ok(moved));
            Stake::do_try_state().unwrap();
        }
        assert_noop!(withdraw(4, 1), Error::<Test>::NothingToWithdraw);
        advance_past_unbonding();
        assert_ok!(withdraw(6, 1));
        assert_ok!(withdraw(6, 2));
        assert_eq!(balance(6), ENDOWMENT + olds + news);
    });
}

#[test]
fn move_coldkey_keeps_what_is_ready_and_no_worthless_shares_of_departures() {
    ExtBuilder.build_and_execute(|| {
        for coldkey in [3, 4] {
            stake_at_once(SUBNET, 1, coldkey, 8_000_000);
        }
        dissolve();
        assert_eq!(
            Stake::slash_dissolved(SUBNET, GENERATION, &hotkey(1), Ratio16::ONE),
            16_000_000
        );
        advance_past_unbonding();
        // Of two that are worth nothing and past their time nothing is left to keep.
        assert_eq!(Stake::move_coldkey(&account(3), &account(4), 9), Ok(1));
        assert_eq!(DepartedPools::<Test>::iter().count(), 0);
        assert_eq!(Departures::<Test>::iter().count(), 0);
    });
}

#[test]
fn slash_dissolved_follows_a_hotkey_when_it_was_exchanged_before_its_stake_left() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 8_000_000);
        own_hotkeys(&[(5, 1), (2, 2)]);
        assert_ok!(Stake::move_hotkey(&hotkey(1), &hotkey(5)));
        MockNeurons::on_successor_of(|key| (*key == hotkey(1)).then(|| hotkey(5)));
        dissolve();
        let half = Ratio16(32_768);
        let first = Stake::slash_dissolved(SUBNET, GENERATION, &hotkey(1), half);
        assert!(first >= 4_000_000 && leaving(3) == 8_000_000 - first);
        assert!(Stake::slash_dissolved(SUBNET, GENERATION, &hotkey(5), half) > 0);
    });
}

#[test]
fn slash_dissolved_reaches_what_stands_and_what_has_left_when_half_is_dissolved() {
    ExtBuilder.build_and_execute(|| {
        for coldkey in [3, 4, 5, 6] {
            stake_at_once(SUBNET, 1, coldkey, 8_000_000);
        }
        end(SUBNET);
        assert_eq!(step(), Progress::Pending);
        let has_left = |n: &u8| Departures::<Test>::iter_prefix(account(*n)).count() > 0;
        let left = [3, 4, 5, 6].iter().filter(|n| has_left(n)).count();
        assert!((1..4).contains(&left), "{left} have left");
        // In the middle of it the hotkey is exchanged, too.
        own_hotkeys(&[(5, 1), (2, 2)]);
        assert_ok!(Stake::move_hotkey(&hotkey(1), &hotkey(5)));
        let slashed = Stake::slash_dissolved(SUBNET, GENERATION, &hotkey(5), Ratio16(32_768));
        assert!(slashed >= 16_000_000);
        while step() == Progress::Pending {}
        for coldkey in [3, 4, 5, 6] {
            assert!(leaving(coldkey).abs_diff(4_000_000) < 100);
        }
        advance_past_unbonding();
        for coldkey in [3, 4, 5, 6] {
            assert_ok!(withdraw(coldkey, 5));
        }
    });
}

#[test]
fn move_coldkey_loses_nothing_when_the_new_one_has_left_already_and_the_old_one_has_not() {
    ExtBuilder.build_and_execute(|| {
        for coldkey in [3, 4] {
            stake_at_once(SUBNET, 1, coldkey, 8_000_000);
            stake_at_once(SUBNET, 2, coldkey, 6_000_000);
        }
        end(SUBNET);
        assert_eq!(step(), Progress::Pending);
        for (old, new) in [(3, 4), (4, 6), (6, 3)] {
            Stake::move_coldkey(&account(old), &account(new), 9).unwrap();
            Stake::do_try_state().unwrap();
            step();
        }
        while step() == Progress::Pending {}
        assert_eq!(leaving(3), 28_000_000);
        advance_past_unbonding();
        for n in [1, 2] {
            assert_ok!(withdraw(3, n));
        }
        assert_eq!(balance(3), ENDOWMENT + 14_000_000);
    });
}
