use crate::{mock::*, Error, Event, UnbondingOf};
use assay_primitives::{Balance, NetUid};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchResult;

fn withdraw(coldkey: u8, netuid: NetUid, n: u8) -> DispatchResult {
    Stake::withdraw(RuntimeOrigin::signed(account(coldkey)), netuid, hotkey(n))
}

fn remove(coldkey: u8, amount: Balance) {
    let origin = RuntimeOrigin::signed(account(coldkey));
    Stake::remove_stake(origin, SUBNET, hotkey(1), Some(amount)).unwrap();
}

#[test]
fn withdraw_pays_out_when_the_eras_have_passed() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 5_000_000);
        remove(3, 2_000_000);
        advance_past_unbonding();
        assert_ok!(withdraw(3, SUBNET, 1));
        assert_eq!(balance(3), ENDOWMENT - 3_000_000);
        assert_eq!(position(SUBNET, 1, 3), (3_000_000, 0, 0));
        assert_eq!(UnbondingOf::<Test>::iter().count(), 0);
        let expected = Event::Withdrawn {
            netuid: SUBNET,
            hotkey: hotkey(1),
            coldkey: account(3),
            amount: 2_000_000,
        };
        assert_eq!(last_event(), Some(expected));
    });
}

#[test]
fn withdraw_leaves_what_was_removed_later() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 9_000_000);
        remove(3, 1_000_000);
        advance(ERA_LENGTH);
        remove(3, 2_000_000);
        System::set_block_number(u64::from((UNBONDING_ERAS + 1) * ERA_LENGTH));
        assert_ok!(withdraw(3, SUBNET, 1));
        assert_eq!(position(SUBNET, 1, 3), (6_000_000, 0, 2_000_000));
        assert_eq!(balance(3), ENDOWMENT - 8_000_000);
    });
}

#[test]
fn withdraw_is_refused_when_it_is_too_early() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 5_000_000);
        remove(3, 2_000_000);
        assert_noop!(withdraw(3, SUBNET, 1), Error::<Test>::StillUnbonding);
        advance_past_unbonding();
        System::set_block_number(System::block_number() - 1);
        assert_noop!(withdraw(3, SUBNET, 1), Error::<Test>::StillUnbonding);
    });
}

#[test]
fn withdraw_is_refused_when_nothing_was_removed() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(withdraw(3, SUBNET, 1), Error::<Test>::NothingToWithdraw);
        stake_at_once(SUBNET, 1, 3, 5_000_000);
        assert_noop!(withdraw(3, SUBNET, 1), Error::<Test>::NothingToWithdraw);
        assert_noop!(withdraw(4, SUBNET, 1), Error::<Test>::NothingToWithdraw);
        remove(3, 2_000_000);
        advance_past_unbonding();
        assert_ok!(withdraw(3, SUBNET, 1));
        assert_noop!(withdraw(3, SUBNET, 1), Error::<Test>::NothingToWithdraw);
    });
}
