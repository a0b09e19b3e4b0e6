use crate::{mock::*, Error, Event, PoolHotkeys, PoolsOf, Positions, PositionsOf};
use assay_pallet_traits::{
    mocks::{MockNeurons, MockSubnets},
    Slash, Stakes,
};
use assay_primitives::{Balance, NetUid, Ratio16};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchResult;

fn remove(coldkey: u8, netuid: NetUid, n: u8, amount: Option<Balance>) -> DispatchResult {
    Stake::remove_stake(
        RuntimeOrigin::signed(account(coldkey)),
        netuid,
        hotkey(n),
        amount,
    )
}

#[test]
fn remove_stake_stops_counting_at_once_and_waits() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 5_000_000);
        assert_ok!(remove(3, SUBNET, 1, Some(2_000_000)));
        assert_eq!(position(SUBNET, 1, 3), (3_000_000, 0, 2_000_000));
        assert_eq!(Stake::stake(SUBNET, &hotkey(1)), 3_000_000);
        assert_eq!(Stake::total(SUBNET), 3_000_000);
        assert_eq!(balance(3), ENDOWMENT - 5_000_000);
        let expected = Event::StakeRemoved {
            netuid: SUBNET,
            hotkey: hotkey(1),
            coldkey: account(3),
            amount: 2_000_000,
            withdrawable_at: (UNBONDING_ERAS + 1) * ERA_LENGTH,
        };
        assert_eq!(last_event(), Some(expected));
    });
}

#[test]
fn remove_stake_takes_what_is_entering_first() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 5_000_000);
        let origin = RuntimeOrigin::signed(account(3));
        assert_ok!(Stake::add_stake(origin, SUBNET, hotkey(1), 2_000_000));
        assert_ok!(remove(3, SUBNET, 1, Some(3_000_000)));
        assert_eq!(position(SUBNET, 1, 3), (4_000_000, 0, 3_000_000));
    });
}

#[test]
fn remove_stake_takes_everything_when_no_amount_is_named() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 5_000_000);
        dividend(SUBNET, 1, 777);
        let origin = RuntimeOrigin::signed(account(3));
        assert_ok!(Stake::add_stake(origin, SUBNET, hotkey(1), 2_000_000));
        let (active, entering, _) = position(SUBNET, 1, 3);
        assert_ok!(remove(3, SUBNET, 1, None));
        assert_eq!(position(SUBNET, 1, 3), (0, 0, active + entering));
    });
}

#[test]
fn remove_stake_leaves_no_trace_when_everybody_left_and_withdrew() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 1, 5_000_000);
        stake_at_once(SUBNET, 1, 3, 5_000_000);
        dividend(SUBNET, 1, 1_000_003);
        for coldkey in [1, 3] {
            assert_ok!(remove(coldkey, SUBNET, 1, None));
        }
        advance_past_unbonding();
        for coldkey in [1, 3] {
            let origin = RuntimeOrigin::signed(account(coldkey));
            assert_ok!(Stake::withdraw(origin, SUBNET, hotkey(1)));
        }
        assert_eq!(PoolsOf::<Test>::iter().count(), 0);
        assert_eq!(PoolHotkeys::<Test>::iter().count(), 0);
        assert_eq!(Positions::<Test>::iter().count(), 0);
        assert_eq!(PositionsOf::<Test>::iter().count(), 0);
        assert_eq!(
            Balances::free_balance(Stake::holding_account()),
            EXISTENTIAL_DEPOSIT
        );
        assert_eq!(balance(1) + balance(3), 2 * ENDOWMENT + 1_000_003);
    });
}

#[test]
fn remove_stake_frees_what_is_ready_when_more_is_removed_each_era() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 100_000_000);
        for _ in 0..3 * UNBONDING_ERAS {
            assert_ok!(remove(3, SUBNET, 1, Some(1_000_000)));
            advance(ERA_LENGTH);
        }
        // What can't be withdrawn yet is what was removed in the last eras.
        let waiting = Balance::from(UNBONDING_ERAS + 1) * 1_000_000;
        assert_eq!(position(SUBNET, 1, 3).2, waiting);
        assert_eq!(balance(3), ENDOWMENT - 91_000_000 - waiting);
    });
}

#[test]
fn remove_stake_works_when_subnet_and_hotkey_are_gone() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 5_000_000);
        MockSubnets::on_generation(|_| None);
        MockNeurons::on_coldkey_of(|_| None);
        assert_ok!(remove(3, SUBNET, 1, None));
        advance_past_unbonding();
        let origin = RuntimeOrigin::signed(account(3));
        assert_ok!(Stake::withdraw(origin, SUBNET, hotkey(1)));
        assert_eq!(balance(3), ENDOWMENT);
    });
}

#[test]
fn remove_stake_clears_the_position_when_a_slash_left_nothing_of_it() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 5_000_000);
        Stake::slash(SUBNET, &hotkey(1), Ratio16::ONE);
        assert_ok!(remove(3, SUBNET, 1, None));
        assert_eq!(Positions::<Test>::iter().count(), 0);
        assert_eq!(PoolsOf::<Test>::iter().count(), 0);
    });
}

#[test]
fn remove_stake_is_refused_when_there_is_less() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 5_000_000);
        let refused = remove(3, SUBNET, 1, Some(5_000_001));
        assert_noop!(refused, Error::<Test>::NotEnoughStake);
        let refused = remove(3, SUBNET, 1, Some(Balance::MAX));
        assert_noop!(refused, Error::<Test>::NotEnoughStake);
    });
}

#[test]
fn remove_stake_is_refused_when_dust_would_be_left() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 5_000_000);
        let refused = remove(3, SUBNET, 1, Some(5_000_000 - MIN_POSITION + 1));
        assert_noop!(refused, Error::<Test>::LeavesDust);
        assert_ok!(remove(3, SUBNET, 1, Some(5_000_000 - MIN_POSITION)));
    });
}

#[test]
fn remove_stake_is_refused_when_the_amount_is_nothing() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 5_000_000);
        assert_noop!(remove(3, SUBNET, 1, Some(0)), Error::<Test>::ZeroAmount);
    });
}

#[test]
fn remove_stake_is_refused_when_the_coldkey_has_none() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(remove(3, SUBNET, 1, None), Error::<Test>::NoStake);
        stake_at_once(SUBNET, 1, 3, 5_000_000);
        assert_noop!(remove(4, SUBNET, 1, None), Error::<Test>::NoStake);
        assert_noop!(remove(3, OTHER_SUBNET, 1, None), Error::<Test>::NoStake);
        assert_noop!(remove(3, SUBNET, 2, None), Error::<Test>::NoStake);
        assert_ok!(remove(3, SUBNET, 1, None));
        assert_noop!(remove(3, SUBNET, 1, None), Error::<Test>::NoStake);
    });
}
