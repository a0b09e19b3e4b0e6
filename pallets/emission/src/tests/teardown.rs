use crate::{mock::*, Event, PayoutTarget, PayoutTargets, Supplied};
use assay_pallet_traits::{Issuer, Progress, StakeAverages, Teardown};
use assay_primitives::{Generation, NetUid, ASY};
use frame_support::{assert_ok, weights::WeightMeter};

#[test]
fn begin_returns_the_pot_to_the_curve_when_the_subnet_ends() {
    ExtBuilder::default()
        .subnets(&[1, 2])
        .build_and_execute(|| {
            for netuid in [1, 2] {
                set_stake(netuid, 1_000 * ASY);
            }
            run_blocks(10);
            let (pot, other) = (Emission::pot(NetUid(1)), Emission::pot(NetUid(2)));
            let issued = Supplied::<Test>::get().issued;
            assert!(pot > 0);
            Emission::begin(NetUid(1));
            assert_eq!(Emission::subnet(NetUid(1)), None);
            assert_eq!(Supplied::<Test>::get().issued, issued - pot);
            assert_eq!(Emission::pot(NetUid(2)), other);
            let returned = Event::PotReturned {
                netuid: NetUid(1),
                amount: pot,
            };
            assert_eq!(events().last(), Some(&returned));
            Emission::begin(NetUid(1));
            assert_eq!(Supplied::<Test>::get().issued, issued - pot);
        });
}

#[test]
fn step_forgets_how_miners_are_paid() {
    ExtBuilder::default().subnets(&[1]).build_and_execute(|| {
        let origin = RuntimeOrigin::signed(account(1));
        let target = PayoutTarget::OwnBond;
        assert_ok!(Emission::set_payout(origin, NetUid(1), hotkey(1), target));
        let mut meter = WeightMeter::new();
        let progress = Emission::step(NetUid(1), Generation(0), &mut meter);
        assert_eq!(progress, Progress::Done);
        assert!(!PayoutTargets::<Test>::contains_key(NetUid(1), hotkey(1)));
    });
}

#[test]
fn averages_near_the_stake_and_are_told_in_order() {
    ExtBuilder::default()
        .subnets(&[1, 3])
        .build_and_execute(|| {
            set_stake(1, 1_000);
            set_stake(3, 3_000);
            run_blocks(100);
            let netuids = [NetUid(3), NetUid(1), NetUid(2)];
            let averages = Emission::averages(&netuids);
            for (average, half) in averages.iter().zip([1_500, 500, 0]) {
                assert!(average.abs_diff(half) <= 1, "{average} is not {half}");
            }
            assert_eq!(averages, netuids.map(Emission::average));
        });
}
