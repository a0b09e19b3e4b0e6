use crate::mock::*;
use assay_pallet_traits::Stakes;
use assay_primitives::{ColdkeyStake, Ratio16, StakePosition, UnbondingView};
use frame_support::{assert_ok, assert_storage_noop};

#[test]
fn stake_of_shows_positions_and_what_is_on_its_way_out() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 1, 5_000_000);
        stake_at_once(OTHER_SUBNET, 2, 1, 6_000_000);
        let origin = RuntimeOrigin::signed(account(1));
        let remove = Stake::remove_stake(origin.clone(), SUBNET, hotkey(1), Some(1_000_000));
        assert_ok!(remove);
        assert_ok!(Stake::set_take(
            origin.clone(),
            SUBNET,
            hotkey(1),
            Ratio16(5)
        ));
        assert_ok!(Stake::add_stake(origin, OTHER_SUBNET, hotkey(2), 2_000_000));

        let own = StakePosition {
            netuid: SUBNET,
            hotkey: hotkey(1),
            staked: 4_000_000,
            entering: 0,
            own: true,
            take: Ratio16(5),
        };
        let delegated = StakePosition {
            netuid: OTHER_SUBNET,
            hotkey: hotkey(2),
            staked: 6_000_000,
            entering: 2_000_000,
            own: false,
            take: DEFAULT_TAKE,
        };
        let leaving = UnbondingView {
            dissolved: None,
            netuid: SUBNET,
            hotkey: hotkey(1),
            amount: 1_000_000,
            withdrawable_at: (UNBONDING_ERAS + 1) * ERA_LENGTH,
            moves_to: None,
        };
        let expected = ColdkeyStake {
            positions: vec![own, delegated],
            unbonding: vec![leaving],
        };
        assert_eq!(Stake::stake_of(&account(1)), expected);
    });
}

#[test]
fn stake_of_changes_nothing_when_pools_are_behind() {
    ExtBuilder.build_and_execute(|| {
        let origin = RuntimeOrigin::signed(account(3));
        assert_ok!(Stake::add_stake(origin, SUBNET, hotkey(1), 5_000_000));
        Stake::after_payout(SUBNET);
        assert_storage_noop!(assert_eq!(position(SUBNET, 1, 3), (5_000_000, 0, 0)));
    });
}

#[test]
fn stake_of_is_empty_when_the_coldkey_has_none() {
    ExtBuilder.build_and_execute(|| {
        let none = ColdkeyStake {
            positions: vec![],
            unbonding: vec![],
        };
        assert_eq!(Stake::stake_of(&account(7)), none);
    });
}
