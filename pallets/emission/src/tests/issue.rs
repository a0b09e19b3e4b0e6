use crate::{curve, mock::*, Issuance, Supplied, Supply};
use assay_pallet_traits::Issuer;
use assay_primitives::{Balance, NetUid, ASY, CAP};

fn pots() -> Vec<Balance> {
    Issuance::<Test>::get()
        .iter()
        .map(|subnet| subnet.pot)
        .collect()
}

#[test]
fn genesis_counts_every_balance_as_minted() {
    ExtBuilder::default().build_and_execute(|| {
        let genesis = 2 * ENDOWMENT;
        assert_eq!(
            Supplied::<Test>::get(),
            Supply {
                genesis,
                minted: genesis,
                issued: genesis
            }
        );
    });
}

#[test]
fn issue_does_nothing_when_there_is_no_subnet() {
    ExtBuilder::default().build_and_execute(|| {
        run_blocks(5);
        assert_eq!(Emission::issued(), 2 * ENDOWMENT);
    });
}

#[test]
fn issue_does_nothing_when_no_subnet_has_stake() {
    ExtBuilder::default()
        .subnets(&[1, 2])
        .build_and_execute(|| {
            run_blocks(5);
            assert_eq!(Emission::issued(), 2 * ENDOWMENT);
            assert_eq!(pots(), [0, 0]);
        });
}

#[test]
fn issue_stops_when_the_last_stake_leaves() {
    ExtBuilder::default().subnets(&[1]).build_and_execute(|| {
        set_stake(1, ASY);
        run_blocks(5);
        let issued = Emission::issued();
        set_stake(1, 0);
        run_blocks(5);
        assert_eq!(Emission::issued(), issued);
        assert_eq!(Emission::share(NetUid(1)), 0);
    });
}

#[test]
fn issue_follows_the_curve_block_by_block() {
    ExtBuilder::default().subnets(&[1]).build_and_execute(|| {
        set_stake(1, ASY);
        let mut issued = 2 * ENDOWMENT;
        for _ in 0..50 {
            issued += curve::block_issuance(CAP - issued, HALF_LIFE);
            run_blocks(1);
            assert_eq!(Emission::issued(), issued);
            assert_eq!(Emission::pot(NetUid(1)), issued - 2 * ENDOWMENT);
        }
        assert_eq!(Balances::total_issuance(), 2 * ENDOWMENT);
    });
}

#[test]
fn issue_splits_to_the_last_unit_by_average_stake() {
    ExtBuilder::default()
        .subnets(&[1, 2, 3])
        .build_and_execute(|| {
            set_stake(1, 3 * ASY);
            set_stake(2, ASY);
            let before = Emission::issued();
            run_blocks(1);
            let issued = Emission::issued() - before;
            let pots = pots();
            assert_eq!(pots.iter().sum::<Balance>(), issued);
            // Both averages started together, so they stand as the stakes do, but for the last 2^-32
            // of a unit that each was rounded by.
            assert!(pots[0].abs_diff(issued * 3 / 4) < 1 << 10, "{pots:?}");
            assert_eq!(pots[2], 0);
            let shares = [1, 2, 3].map(|netuid| Emission::share(NetUid(netuid)));
            assert!(shares[0].abs_diff(3 << 30) <= 1, "{shares:?}");
            assert!(shares[1].abs_diff(1 << 30) <= 1, "{shares:?}");
            assert_eq!(shares[2], 0);
        });
}

#[test]
fn issue_moves_to_new_stake_by_halves() {
    ExtBuilder::default()
        .subnets(&[1, 2])
        .build_and_execute(|| {
            set_stake(1, 1_000 * ASY);
            run_blocks(2_000);
            set_stake(2, 1_000 * ASY);
            run_blocks(100);
            // After a half-life the newcomer's average is half of the other's.
            let share = Emission::share(NetUid(2));
            assert!(share.abs_diff(u32::MAX / 3) < u32::MAX / 1_000, "{share}");
        });
}

#[test]
fn share_and_pot_are_nothing_when_the_subnet_is_unknown() {
    ExtBuilder::default().build_and_execute(|| {
        assert_eq!(Emission::share(NetUid(9)), 0);
        assert_eq!(Emission::pot(NetUid(9)), 0);
        assert_eq!(Emission::take_due(NetUid(9)).amount(), 0);
    });
}
