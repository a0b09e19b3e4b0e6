use crate::mock::*;
use assay_primitives::{NetUid, Uid};

#[test]
fn standing_follows_incentive_and_dividends() {
    execute(|| {
        register_paying(NETUID);
        let mut last = [0; 5];
        for _ in 0..12 {
            for validator in [0, 1] {
                set_weights(NETUID, validator, &[(2, 3), (3, 2)]);
            }
            run_epoch(NETUID);
            let standing = [0, 1, 2, 3, 4].map(|uid| Epoch::standing(NETUID, Uid(uid)));
            assert_eq!(Epoch::standings(NETUID), standing);
            for uid in 0..4 {
                assert!(standing[uid] > last[uid]);
            }
            last = standing;
        }
        // Incentive 3 to 2, dividends 6 to 4, nothing for who is weighed by nobody.
        assert!(last[2] > last[3] && last[0] > last[1]);
        assert_eq!(last[4], 0);
        // Four fifths of the way.
        let whole = 3.0 / 5.0 * 2f64.powi(32);
        assert!((f64::from(last[2]) / whole - 0.8).abs() < 0.01);
        assert_eq!(Epoch::standing(NETUID, Uid(77)), 0);
        assert_eq!(Epoch::standing(NetUid(99), Uid(0)), 0);
    });
}

#[test]
fn standing_is_untouched_when_an_epoch_has_no_incentive() {
    execute(|| {
        register_paying(NETUID);
        run_epoch(NETUID);
        let before = Epoch::standings(NETUID);
        assert!(before[2] > 0);
        subnet(NETUID, |subnet| subnet.rows.clear());
        run_epoch(NETUID);
        assert_eq!(Epoch::outcome(NETUID).incentive.iter().max(), Some(&0));
        assert_eq!(Epoch::standings(NETUID), before);
    });
}

#[test]
fn standing_falls_when_others_earn_and_one_does_not() {
    execute(|| {
        register_paying(NETUID);
        run_epoch(NETUID);
        let before = Epoch::standing(NETUID, Uid(4));
        for validator in [0, 1] {
            set_weights(NETUID, validator, &[(2, 1)]);
        }
        run_epoch(NETUID);
        assert!(Epoch::standing(NETUID, Uid(4)) < before);
    });
}
