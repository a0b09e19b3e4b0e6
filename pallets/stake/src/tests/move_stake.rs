//! `move_stake` and `complete_move`.

use crate::{mock::*, Error, Event, Side, UnbondingOf};
use assay_pallet_traits::{
    mocks::{MockNeurons, MockSubnets},
    Slash, Stakes,
};
use assay_primitives::{Balance, Generation, NetUid, Ratio16, StakeTarget};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchResult;

/// Moves stake of a coldkey from hotkey 1 in the first subnet.
fn move_to(coldkey: u8, netuid: NetUid, n: u8, amount: Option<Balance>) -> DispatchResult {
    let origin = RuntimeOrigin::signed(account(coldkey));
    Stake::move_stake(origin, SUBNET, hotkey(1), netuid, hotkey(n), amount)
}

/// Somebody lets what a coldkey moves from hotkey 1 in the first subnet arrive.
fn complete(coldkey: u8) -> DispatchResult {
    let anybody = RuntimeOrigin::signed(account(9));
    Stake::complete_move(anybody, account(coldkey), SUBNET, hotkey(1))
}

#[test]
fn move_stake_enters_elsewhere_when_it_has_waited_as_long_as_a_removal() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 5_000_000);
        let arrives_at = Stake::withdrawable_at(Stake::current_era());
        assert_ok!(move_to(3, OTHER_SUBNET, 2, Some(2_000_000)));
        let moving = Event::StakeMoving {
            netuid: SUBNET,
            hotkey: hotkey(1),
            coldkey: account(3),
            to_netuid: OTHER_SUBNET,
            to_hotkey: hotkey(2),
            amount: 2_000_000,
            arrives_at,
        };
        assert_eq!(last_event(), Some(moving));
        assert_eq!(position(SUBNET, 1, 3), (3_000_000, 0, 2_000_000));
        let [leaving] = &Stake::stake_of(&account(3)).unbonding[..] else {
            panic!("one amount is on its way")
        };
        let target = StakeTarget {
            netuid: OTHER_SUBNET,
            hotkey: hotkey(2),
        };
        assert_eq!(leaving.moves_to, Some(target));

        advance_past_unbonding();
        System::set_block_number(System::block_number() - 1);
        assert_noop!(complete(3), Error::<Test>::StillUnbonding);
        advance(1);
        // It is no removal: its coldkey does not get it by withdrawing.
        let signed = RuntimeOrigin::signed(account(3));
        assert_noop!(
            Stake::withdraw(signed, SUBNET, hotkey(1)),
            Error::<Test>::NothingToWithdraw
        );
        assert_ok!(complete(3));
        let added = Event::StakeAdded {
            netuid: OTHER_SUBNET,
            hotkey: hotkey(2),
            coldkey: account(3),
            amount: 2_000_000,
            side: Side::Delegated,
        };
        assert_eq!(last_event(), Some(added));
        assert_eq!(position(SUBNET, 1, 3), (3_000_000, 0, 0));
        assert_eq!(position(OTHER_SUBNET, 2, 3), (0, 2_000_000, 0));
        assert_eq!(balance(3), ENDOWMENT - 5_000_000);
        Stake::after_payout(OTHER_SUBNET);
        assert_eq!(position(OTHER_SUBNET, 2, 3), (2_000_000, 0, 0));
        assert_noop!(complete(3), Error::<Test>::NothingToWithdraw);
    });
}

#[test]
fn move_stake_moves_all_when_no_amount_is_named() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 5_000_000);
        assert_ok!(move_to(3, SUBNET, 2, None));
        assert_eq!(position(SUBNET, 1, 3), (0, 0, 5_000_000));
        advance_past_unbonding();
        assert_ok!(complete(3));
        assert_eq!(position(SUBNET, 2, 3), (0, 5_000_000, 0));
        assert_eq!(UnbondingOf::<Test>::iter().count(), 0);
    });
}

#[test]
fn move_stake_is_refused_when_there_is_nowhere_to_go() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 5_000_000);
        let amount = Some(2_000_000);
        assert_noop!(move_to(3, SUBNET, 1, amount), Error::<Test>::SamePlace);
        assert_noop!(
            move_to(3, NetUid(9), 1, amount),
            Error::<Test>::UnknownSubnet
        );
        assert_noop!(move_to(3, SUBNET, 9, amount), Error::<Test>::UnknownHotkey);
    });
}

#[test]
fn move_stake_is_refused_when_the_amount_is_wrong() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(move_to(3, SUBNET, 2, None), Error::<Test>::NoStake);
        stake_at_once(SUBNET, 1, 3, 2 * MIN_POSITION);
        let refused = [
            (0, Error::<Test>::ZeroAmount),
            (MIN_POSITION - 1, Error::<Test>::BelowMinimum),
            (MIN_POSITION + 1, Error::<Test>::LeavesDust),
            (2 * MIN_POSITION + 1, Error::<Test>::NotEnoughStake),
        ];
        for (amount, error) in refused {
            assert_noop!(move_to(3, SUBNET, 2, Some(amount)), error);
        }
    });
}

#[test]
fn move_stake_is_refused_when_too_many_wait_and_leaves_room_for_removals() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 20_000_000);
        assert_ok!(move_to(3, SUBNET, 2, Some(1_000_000)));
        assert_ok!(move_to(3, OTHER_SUBNET, 2, Some(1_000_000)));
        assert_noop!(
            move_to(3, OTHER_SUBNET, 1, Some(1_000_000)),
            Error::<Test>::TooManyMoves
        );
        // More of the same takes no more room.
        assert_ok!(move_to(3, SUBNET, 2, Some(1_000_000)));
        for _ in 0..=UNBONDING_ERAS {
            let origin = RuntimeOrigin::signed(account(3));
            assert_ok!(Stake::remove_stake(
                origin,
                SUBNET,
                hotkey(1),
                Some(1_000_000)
            ));
            advance(ERA_LENGTH);
        }
        assert_ok!(complete(3));
        assert_eq!(position(SUBNET, 2, 3), (0, 2_000_000, 0));
        assert_ok!(move_to(3, OTHER_SUBNET, 1, Some(1_000_000)));
    });
}

#[test]
fn complete_move_pays_the_coldkey_when_the_destination_is_gone() {
    ExtBuilder.build_and_execute(|| {
        let start = balance(3);
        // The subnet's number was reused; the hotkey has no owner; what is there is too little.
        stake_at_once(SUBNET, 1, 3, 3_000_000);
        assert_ok!(move_to(3, OTHER_SUBNET, 1, Some(1_000_000)));
        assert_ok!(move_to(3, SUBNET, 2, Some(1_000_000)));
        Stake::slash(SUBNET, &hotkey(1), Ratio16(1));
        let slashed = 3 * Ratio16(1).of(1_000_000);
        MockSubnets::on_generation(|netuid| Some(Generation(u32::from(netuid == OTHER_SUBNET))));
        own_hotkeys(&[(1, 1)]);
        advance_past_unbonding();
        assert_ok!(complete(3));
        let (staked, ..) = position(SUBNET, 1, 3);
        assert_eq!(balance(3), start - staked - slashed);
        let expected = Event::Withdrawn {
            netuid: SUBNET,
            hotkey: hotkey(1),
            coldkey: account(3),
            amount: 2 * (1_000_000 - Ratio16(1).of(1_000_000)),
        };
        assert_eq!(last_event(), Some(expected));
    });
}

#[test]
fn complete_move_follows_the_hotkey_when_it_was_exchanged() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 3_000_000);
        assert_ok!(move_to(3, SUBNET, 2, None));
        MockNeurons::on_successor_of(|key| {
            [(2, 7), (7, 8)]
                .into_iter()
                .find(|(old, _)| hotkey(*old) == *key)
                .map(|(_, new)| hotkey(new))
        });
        own_hotkeys(&[(1, 1), (8, 2)]);
        advance_past_unbonding();
        assert_ok!(complete(3));
        assert_eq!(position(SUBNET, 8, 3), (0, 3_000_000, 0));
    });
}

#[test]
fn complete_move_joins_the_own_bond_when_the_coldkey_owns_the_hotkey() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 2, 3_000_000);
        assert_ok!(move_to(2, SUBNET, 2, None));
        advance_past_unbonding();
        assert_ok!(complete(2));
        let [bond] = &Stake::stake_of(&account(2)).positions[..] else {
            panic!("one position is left")
        };
        assert!(bond.own && bond.entering == 3_000_000);
    });
}

#[test]
fn slash_reaches_stake_for_as_long_as_it_is_on_its_way() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 4_000_000);
        stake_at_once(SUBNET, 2, 4, 4_000_000);
        assert_ok!(move_to(3, SUBNET, 2, None));
        let half = Ratio16(32_768);
        // For what it stood behind, and not for where it goes.
        assert_eq!(Stake::slash(SUBNET, &hotkey(2), half), half.of(4_000_000));
        assert_eq!(position(SUBNET, 1, 3), (0, 0, 4_000_000));
        assert_eq!(Stake::slash(SUBNET, &hotkey(1), half), half.of(4_000_000));
        advance_past_unbonding();
        assert_eq!(Stake::slash(SUBNET, &hotkey(1), half), 0);
        assert_ok!(complete(3));
        let left = 4_000_000 - half.of(4_000_000);
        assert_eq!(position(SUBNET, 2, 3), (0, left, 0));
        assert_eq!(Stake::slash(SUBNET, &hotkey(1), half), 0);
    });
}
