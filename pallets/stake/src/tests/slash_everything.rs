//! A validator is slashed in the middle of everything: own bond and delegated stake that votes, that
//! entered and was not claimed, that enters, that unbonds in every era there is, that moves away,
//! and that could be withdrawn; with a take that is about to rise, under a hotkey that was exchanged.

use crate::{mock::*, PoolsOf, UnbondingOf};
use assay_pallet_traits::{KeyHolder, Slash, Stakes};
use assay_primitives::{Balance, Ratio16};
use frame_support::assert_ok;

/// The owner, three delegators, and one who joins after the slash.
const OWNER: u8 = 1;
const DELEGATORS: [u8; 3] = [3, 4, 5];
const LATER: u8 = 6;
/// A quarter, to the nearest.
const PART: Ratio16 = Ratio16(16_384);

fn origin(coldkey: u8) -> RuntimeOrigin {
    RuntimeOrigin::signed(account(coldkey))
}

fn add(coldkey: u8, n: u8, amount: Balance) {
    assert_ok!(Stake::add_stake(origin(coldkey), SUBNET, hotkey(n), amount));
}

fn remove(coldkey: u8, n: u8, amount: Balance) {
    let amount = Some(amount);
    assert_ok!(Stake::remove_stake(
        origin(coldkey),
        SUBNET,
        hotkey(n),
        amount
    ));
}

/// Builds all of it on hotkey 7, which was hotkey 1, and stake on hotkey 2 beside it.
fn everything() {
    stake_at_once(SUBNET, 2, LATER, 50_000_000);
    stake_at_once(OTHER_SUBNET, 1, LATER, 50_000_000);
    add(OWNER, 1, 40_000_000);
    for (index, coldkey) in (0..).zip(DELEGATORS) {
        add(coldkey, 1, 20_000_000 + 1_234_567 * index);
    }
    Stake::after_payout(SUBNET);
    dividend(SUBNET, 1, 1_000_003);
    // One removal that can be withdrawn by the end, then one in each era that still waits.
    for era in 0..=UNBONDING_ERAS + 1 {
        remove(OWNER, 1, 1_000_001 + Balance::from(era));
        remove(3, 1, 1_000_101 + Balance::from(era));
        if era <= UNBONDING_ERAS {
            advance(ERA_LENGTH);
        }
    }
    assert_ok!(Stake::move_stake(
        origin(4),
        SUBNET,
        hotkey(1),
        SUBNET,
        hotkey(2),
        Some(5_000_005)
    ));
    add(5, 1, 3_000_007);
    // It entered; nobody claimed it yet.
    Stake::after_payout(SUBNET);
    assert_ok!(Stake::set_take(
        origin(OWNER),
        SUBNET,
        hotkey(1),
        Ratio16(8_000)
    ));
    assert_ok!(Stake::move_hotkey(&hotkey(1), &hotkey(7)));
    own_hotkeys(&[(7, OWNER), (2, 2)]);
    add(OWNER, 7, 2_000_003);
    add(3, 7, 2_000_009);
}

/// What a coldkey has on hotkey 7: each amount apart, and whether a slash reaches it.
fn amounts(coldkey: u8) -> Vec<(Balance, bool)> {
    let stake = Stake::stake_of(&account(coldkey));
    let now = Stake::now();
    let positions = stake
        .positions
        .iter()
        .filter(|position| position.hotkey == hotkey(7))
        .flat_map(|position| [(position.staked, true), (position.entering, true)]);
    let unbonding = stake
        .unbonding
        .iter()
        .map(|entry| (entry.amount, entry.withdrawable_at > now));
    positions.chain(unbonding).collect()
}

fn held_by_pools() -> Balance {
    let pools = PoolsOf::<Test>::iter_values().map(|pools| pools.active() + pools.entering());
    let unbonding = UnbondingOf::<Test>::iter_values()
        .map(|unbonding| unbonding.own.amount + unbonding.delegated.amount);
    pools.chain(unbonding).sum()
}

#[test]
fn slash_takes_the_same_part_of_everything_that_it_reaches() {
    ExtBuilder.build_and_execute(|| {
        everything();
        let all = [OWNER, 3, 4, 5];
        let before = all.map(amounts);
        let (bystander, held) = (amounts(LATER), held_by_pools());
        let elsewhere = position(SUBNET, 2, LATER);
        let issuance = Balances::total_issuance();

        let taken = Stake::slash(SUBNET, &hotkey(7), PART);

        let mut lost = 0;
        for (before, after) in before.iter().zip(all.map(amounts)) {
            assert_eq!(before.len(), after.len());
            for ((was, reached), (is, _)) in before.iter().zip(after) {
                // Parts of pools are rounded down, and so is what a holder has of them.
                let expected = if *reached { was - PART.of(*was) } else { *was };
                assert!(expected.abs_diff(is) <= 2, "{was} became {is}");
                lost += was - is;
            }
        }
        assert!(taken.abs_diff(lost) <= 2 * before.iter().flatten().count() as Balance);
        assert_eq!(held - held_by_pools(), taken);
        assert_eq!(issuance - Balances::total_issuance(), taken);
        assert_eq!(
            (amounts(LATER), position(SUBNET, 2, LATER)),
            (bystander, elsewhere)
        );
    });
}

#[test]
fn everything_goes_on_after_a_slash() {
    ExtBuilder.build_and_execute(|| {
        everything();
        let taken = Stake::slash(SUBNET, &hotkey(7), PART);
        Stake::do_try_state().unwrap();
        // A second slash, a dividend, a newcomer, another era.
        let again = Stake::slash(SUBNET, &hotkey(7), PART);
        assert!(again < taken && again > taken / 2);
        dividend(SUBNET, 7, 10_000_019);
        add(LATER, 7, 5_000_000);
        Stake::after_payout(SUBNET);
        advance(ERA_LENGTH);
        let newcomer = position(SUBNET, 7, LATER).0;
        assert!(newcomer.abs_diff(5_000_000) <= 1, "{newcomer}");

        // Everybody gets out all that is left, and nothing stays behind.
        for coldkey in [OWNER, 3, 4, 5, LATER] {
            let _ = Stake::remove_stake(origin(coldkey), SUBNET, hotkey(7), None);
        }
        advance_past_unbonding();
        assert_ok!(Stake::complete_move(
            origin(9),
            account(4),
            SUBNET,
            hotkey(7)
        ));
        for coldkey in [OWNER, 3, 4, 5, LATER] {
            let _ = Stake::withdraw(origin(coldkey), SUBNET, hotkey(7));
        }
        assert_eq!(PoolsOf::<Test>::get(SUBNET, hotkey(7)), None);
        let moved = 5_000_005;
        let first = moved - PART.of(moved);
        let arrived = position(SUBNET, 2, 4).1;
        assert!(arrived.abs_diff(first - PART.of(first)) <= 2, "{arrived}");
    });
}
