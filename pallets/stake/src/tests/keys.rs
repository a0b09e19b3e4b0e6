//! What a change of keys does to stake.

use crate::{mock::*, Event, Positions, PositionsOf, Take};
use assay_pallet_traits::{KeyHolder, Slash, Stakes};
use assay_primitives::{Balance, BlockNumber, ColdkeyStake, Ratio16};
use frame_support::assert_ok;
use sp_runtime::AccountId32;

fn origin(coldkey: u8) -> RuntimeOrigin {
    RuntimeOrigin::signed(account(coldkey))
}

/// What a coldkey has, under whatever name its hotkeys go.
#[derive(Debug, Default, PartialEq)]
struct Amounts {
    /// What votes and what enters, by position.
    staked: Vec<(Balance, Balance)>,
    /// What leaves, and the block from which it may.
    leaving: Vec<(Balance, BlockNumber)>,
}

impl Amounts {
    fn sum(&self) -> Balance {
        let staked = self.staked.iter().map(|(votes, enters)| votes + enters);
        let leaving = self.leaving.iter().map(|(amount, _)| amount);
        staked.sum::<Balance>() + leaving.sum::<Balance>()
    }
}

fn amounts(coldkey: u8) -> Amounts {
    let ColdkeyStake {
        positions,
        unbonding,
    } = Stake::stake_of(&account(coldkey));
    let leaving = unbonding.iter().map(|u| (u.amount, u.withdrawable_at));
    Amounts {
        staked: positions.iter().map(|p| (p.staked, p.entering)).collect(),
        leaving: leaving.collect(),
    }
}

/// Stake of 1 (the owner) and 3 that votes, enters, waits unclaimed, unbonds in two eras and moves.
fn busy() {
    for coldkey in [1, 3] {
        assert_ok!(Stake::add_stake(
            origin(coldkey),
            SUBNET,
            hotkey(1),
            20_000_000
        ));
    }
    Stake::after_payout(SUBNET);
    assert_ok!(Stake::add_stake(origin(5), SUBNET, hotkey(1), 9_000_000));
    for _ in 0..2 {
        for coldkey in [1, 3] {
            let amount = Some(1_000_000);
            assert_ok!(Stake::remove_stake(
                origin(coldkey),
                SUBNET,
                hotkey(1),
                amount
            ));
        }
        advance(ERA_LENGTH);
    }
    for coldkey in [1, 3] {
        let (from, to) = (hotkey(1), hotkey(2));
        let amount = Some(2_000_000);
        assert_ok!(Stake::move_stake(
            origin(coldkey),
            SUBNET,
            from,
            OTHER_SUBNET,
            to,
            amount
        ));
    }
    Stake::after_payout(SUBNET);
    dividend(SUBNET, 1, 777_777);
    assert_ok!(Stake::add_stake(origin(3), SUBNET, hotkey(1), 3_000_000));
    assert_ok!(Stake::add_stake(
        origin(3),
        OTHER_SUBNET,
        hotkey(2),
        4_000_000
    ));
}

#[test]
fn move_hotkey_moves_all_stake_and_takes_when_it_has_any() {
    ExtBuilder.build_and_execute(|| {
        busy();
        assert_ok!(Stake::set_take(origin(1), SUBNET, hotkey(1), Ratio16(100)));
        let before = [1, 3, 5].map(amounts);
        assert_ok!(Stake::move_hotkey(&hotkey(1), &hotkey(7)));
        own_hotkeys(&[(7, 1), (2, 2)]);
        assert_eq!([1, 3, 5].map(amounts), before);
        assert_eq!(Stake::stake(SUBNET, &hotkey(1)), 0);
        assert_eq!(Stake::take_of(SUBNET, &hotkey(7)), Ratio16(100));
        assert_eq!(crate::Takes::<Test>::get(SUBNET, hotkey(1)), None::<Take>);
        // Whoever comes to hold the old name finds nothing under it.
        assert_eq!(Stake::slash(SUBNET, &hotkey(1), Ratio16::ONE), 0);
        assert!(Stake::slash(SUBNET, &hotkey(7), Ratio16(6_554)) > 0);
        let all = Stake::remove_stake(origin(5), SUBNET, hotkey(7), None);
        assert_ok!(all);
    });
}

fn move_coldkey(old: u8, new: u8, limit: u32) -> u32 {
    let (old, new): (AccountId32, AccountId32) = (account(old), account(new));
    Stake::move_coldkey(&old, &new, limit).unwrap()
}

#[test]
fn move_coldkey_moves_positions_whole_when_the_new_one_has_none() {
    ExtBuilder.build_and_execute(|| {
        busy();
        let before = amounts(3);
        assert_eq!(move_coldkey(3, 6, 1), 1);
        assert_eq!(PositionsOf::<Test>::iter_prefix(account(3)).count(), 1);
        Stake::do_try_state().unwrap();
        assert_eq!(move_coldkey(3, 6, 5), 1);
        assert_eq!(move_coldkey(3, 6, 5), 0);
        assert_eq!(amounts(6), before);
        assert_eq!(amounts(3), Amounts::default());
        assert_eq!(balance(6), ENDOWMENT);
        assert!(matches!(last_event(), Some(Event::PositionMoved { .. })));
    });
}

#[test]
fn move_coldkey_adds_up_when_the_new_one_has_positions() {
    ExtBuilder.build_and_execute(|| {
        busy();
        let before = amounts(1).sum() + amounts(3).sum();
        // The owner's bond joins a delegation; what is whose side stays so.
        assert_eq!(move_coldkey(1, 3, 5), 1);
        Stake::do_try_state().unwrap();
        let after = amounts(3).sum();
        assert!(before - after <= 2, "{before} became {after}");
        // Removals of one era are one entry now, moves to one place as well.
        let position = Positions::<Test>::iter()
            .find(|((netuid, _, coldkey), _)| *netuid == SUBNET && *coldkey == account(3));
        assert_eq!(position.unwrap().1.unbonding.len(), 3);
    });
}

#[test]
fn move_coldkey_removes_what_moves_when_both_move_more_than_one_may() {
    ExtBuilder.build_and_execute(|| {
        own_hotkeys(&[(9, 9), (1, 1), (2, 2), (3, 3), (4, 4)]);
        for (coldkey, targets) in [(3, [1, 2]), (4, [3, 4])] {
            stake_at_once(SUBNET, 9, coldkey, 20_000_000);
            for n in targets {
                let amount = Some(1_000_000 * u128::from(n));
                let to = hotkey(n);
                assert_ok!(Stake::move_stake(
                    origin(coldkey),
                    SUBNET,
                    hotkey(9),
                    OTHER_SUBNET,
                    to,
                    amount
                ));
            }
        }
        assert_eq!(move_coldkey(4, 3, 5), 1);
        Stake::do_try_state().unwrap();
        let leaving = Stake::stake_of(&account(3)).unbonding;
        let removed: u128 = leaving
            .iter()
            .filter(|entry| entry.moves_to.is_none())
            .map(|entry| entry.amount)
            .sum();
        assert_eq!((leaving.len(), removed), (3, 7_000_000));
    });
}

#[test]
fn move_coldkey_pays_the_new_one_what_was_ready_to_withdraw() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 5_000_000);
        assert_ok!(Stake::remove_stake(
            origin(3),
            SUBNET,
            hotkey(1),
            Some(2_000_000)
        ));
        advance_past_unbonding();
        assert_eq!(move_coldkey(3, 6, 5), 1);
        assert_eq!(balance(6), ENDOWMENT + 2_000_000);
        assert_eq!(position(SUBNET, 1, 6), (3_000_000, 0, 0));
    });
}

#[test]
fn move_coldkey_loses_nothing_to_shares_that_a_slash_made_worthless() {
    ExtBuilder.build_and_execute(|| {
        for coldkey in [3, 4] {
            stake_at_once(SUBNET, 1, coldkey, 5_000_000);
            let some = Some(1_000_000);
            assert_ok!(Stake::remove_stake(
                origin(coldkey),
                SUBNET,
                hotkey(1),
                some
            ));
        }
        Stake::slash(SUBNET, &hotkey(1), Ratio16::ONE);
        // 4 starts anew; 3 still holds shares of what is gone.
        stake_at_once(SUBNET, 1, 4, 5_000_000);
        let some = Some(1_000_000);
        assert_ok!(Stake::remove_stake(origin(4), SUBNET, hotkey(1), some));
        assert_eq!(move_coldkey(3, 4, 5), 1);
        assert_eq!(position(SUBNET, 1, 4), (4_000_000, 0, 1_000_000));
        assert_eq!(position(SUBNET, 1, 3), (0, 0, 0));
    });
}
