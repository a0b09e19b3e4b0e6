use crate::{mock::*, Event, Positions};
use assay_pallet_traits::{Slash, Stakes};
use assay_primitives::{Balance, Ratio16};
use frame_support::assert_ok;

const HALF: Ratio16 = Ratio16(32_768);

fn after_half(amount: Balance) -> Balance {
    amount - HALF.of(amount)
}

fn origin(coldkey: u8) -> RuntimeOrigin {
    RuntimeOrigin::signed(account(coldkey))
}

#[test]
fn slash_reaches_entering_bonded_and_unbonding_stake_alike() {
    ExtBuilder.build_and_execute(|| {
        // The owner is bonded; 3 has some of everything, 4 was there before the era turned.
        stake_at_once(SUBNET, 1, 1, 10_000_000);
        stake_at_once(SUBNET, 1, 3, 8_000_000);
        stake_at_once(SUBNET, 1, 4, 6_000_000);
        assert_ok!(Stake::remove_stake(origin(4), SUBNET, hotkey(1), None));
        advance(ERA_LENGTH);
        assert_ok!(Stake::remove_stake(
            origin(3),
            SUBNET,
            hotkey(1),
            Some(3_000_000)
        ));
        assert_ok!(Stake::add_stake(origin(3), SUBNET, hotkey(1), 4_000_000));
        // Stake elsewhere is nobody's business.
        stake_at_once(OTHER_SUBNET, 1, 5, 7_000_000);
        stake_at_once(SUBNET, 2, 5, 7_000_000);
        // The payout let the entering stake of 3 in; it enters again with more.
        assert_ok!(Stake::add_stake(origin(3), SUBNET, hotkey(1), 2_000_000));
        assert_eq!(position(SUBNET, 1, 3), (9_000_000, 2_000_000, 3_000_000));

        let issuance = Balances::total_issuance();
        let amount = Stake::slash(SUBNET, &hotkey(1), HALF);
        assert_eq!(position(SUBNET, 1, 1), (after_half(10_000_000), 0, 0));
        assert_eq!(
            position(SUBNET, 1, 3),
            (
                after_half(9_000_000),
                after_half(2_000_000),
                after_half(3_000_000)
            )
        );
        assert_eq!(position(SUBNET, 1, 4), (0, 0, after_half(6_000_000)));
        assert_eq!(position(OTHER_SUBNET, 1, 5).0, 7_000_000);
        assert_eq!(position(SUBNET, 2, 5).0, 7_000_000);
        let taken = [10_000_000, 9_000_000, 2_000_000, 3_000_000, 6_000_000];
        assert_eq!(
            amount,
            taken.map(|part| HALF.of(part)).iter().sum::<Balance>()
        );
        assert_eq!(Balances::total_issuance(), issuance - amount);
        let expected = Event::Slashed {
            netuid: SUBNET,
            hotkey: hotkey(1),
            amount,
        };
        assert_eq!(last_event(), Some(expected));
        assert_eq!(
            Stake::total(SUBNET),
            after_half(10_000_000) + after_half(9_000_000) + 7_000_000
        );
    });
}

#[test]
fn slash_is_felt_after_entering_and_after_unbonding() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 8_000_000);
        assert_ok!(Stake::remove_stake(
            origin(3),
            SUBNET,
            hotkey(1),
            Some(4_000_000)
        ));
        assert_ok!(Stake::add_stake(origin(4), SUBNET, hotkey(1), 6_000_000));
        Stake::slash(SUBNET, &hotkey(1), HALF);
        Stake::after_payout(SUBNET);
        assert_eq!(position(SUBNET, 1, 4), (after_half(6_000_000), 0, 0));
        advance_past_unbonding();
        assert_ok!(Stake::withdraw(origin(3), SUBNET, hotkey(1)));
        assert_eq!(balance(3), ENDOWMENT - 8_000_000 + after_half(4_000_000));
    });
}

#[test]
fn slash_spares_what_could_be_withdrawn() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 8_000_000);
        assert_ok!(Stake::remove_stake(origin(3), SUBNET, hotkey(1), None));
        advance_past_unbonding();
        System::set_block_number(System::block_number() - 1);
        assert_eq!(
            Stake::slash(SUBNET, &hotkey(1), Ratio16(1)),
            Ratio16(1).of(8_000_000)
        );
        advance(1);
        assert_eq!(Stake::slash(SUBNET, &hotkey(1), HALF), 0);
        assert_ok!(Stake::withdraw(origin(3), SUBNET, hotkey(1)));
        assert_eq!(balance(3), ENDOWMENT - Ratio16(1).of(8_000_000));
    });
}

#[test]
fn slash_of_everything_leaves_pools_that_can_be_used_again() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, 8_000_000);
        assert_ok!(Stake::remove_stake(
            origin(3),
            SUBNET,
            hotkey(1),
            Some(2_000_000)
        ));
        assert_ok!(Stake::add_stake(origin(3), SUBNET, hotkey(1), 3_000_000));
        assert_eq!(Stake::slash(SUBNET, &hotkey(1), Ratio16::ONE), 11_000_000);
        assert_eq!(Stake::total(SUBNET), 0);
        assert_eq!(position(SUBNET, 1, 3), (0, 0, 0));

        // Others come, in the same era and before the same payout; the old shares are worth
        // nothing next to theirs.
        assert_ok!(Stake::add_stake(origin(4), SUBNET, hotkey(1), 5_000_000));
        Stake::after_payout(SUBNET);
        assert_ok!(Stake::remove_stake(
            origin(4),
            SUBNET,
            hotkey(1),
            Some(1_000_000)
        ));
        assert_eq!(position(SUBNET, 1, 4), (4_000_000, 0, 1_000_000));
        assert_eq!(position(SUBNET, 1, 3), (0, 0, 0));

        // Whoever lost everything may come back as anybody.
        assert_ok!(Stake::add_stake(origin(3), SUBNET, hotkey(1), 5_000_000));
        Stake::after_payout(SUBNET);
        assert_eq!(position(SUBNET, 1, 3), (5_000_000, 0, 0));
        assert_eq!(position(SUBNET, 1, 4), (4_000_000, 0, 1_000_000));
    });
}

#[test]
fn slash_of_everything_takes_what_entered_but_was_not_claimed() {
    ExtBuilder.build_and_execute(|| {
        for coldkey in [3, 4] {
            assert_ok!(Stake::add_stake(
                origin(coldkey),
                SUBNET,
                hotkey(1),
                5_000_000
            ));
        }
        Stake::after_payout(SUBNET);
        assert_eq!(Stake::slash(SUBNET, &hotkey(1), Ratio16::ONE), 10_000_000);
        stake_at_once(SUBNET, 1, 5, 5_000_000);
        assert_eq!(position(SUBNET, 1, 3), (0, 0, 0));
        assert_eq!(position(SUBNET, 1, 5), (5_000_000, 0, 0));
        for coldkey in [3, 4] {
            assert_ok!(Stake::remove_stake(
                origin(coldkey),
                SUBNET,
                hotkey(1),
                None
            ));
        }
        assert_eq!(Positions::<Test>::iter().count(), 1);
    });
}

#[test]
fn slash_many_times_over_never_lets_the_price_run_out_of_range() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, ENDOWMENT / 2);
        for _ in 0..20 {
            Stake::slash(SUBNET, &hotkey(1), Ratio16(65_534));
            Stake::do_try_state().unwrap();
            assert_ok!(Stake::add_stake(origin(4), SUBNET, hotkey(1), 2_000_000));
            Stake::after_payout(SUBNET);
        }
    });
}

#[test]
fn slash_takes_nothing_when_nobody_has_stake() {
    ExtBuilder.build_and_execute(|| {
        assert_eq!(Stake::slash(SUBNET, &hotkey(1), HALF), 0);
        assert_eq!(last_event(), None);
    });
}
