use crate::{mock::*, Commits, Reveals, RowInfos, Rows, Totals};
use assay_pallet_traits::{Progress, Teardown};
use assay_primitives::Generation;
use frame_support::weights::WeightMeter;

#[test]
fn step_forgets_rows_commits_and_reveals() {
    ExtBuilder::default().build_and_execute(|| {
        for uid in 0..3 {
            let plan = Plan::new(account(uid)).committed();
            run_epoch();
            assert_included(&account(uid), plan.reveal());
            Plan::new(account(uid)).committed();
        }
        assert!(Rows::<Test>::iter_prefix(NETUID).count() > 0);
        let mut meter = WeightMeter::new();
        assert_eq!(
            Weights::step(NETUID, Generation(0), &mut meter),
            Progress::Done
        );
        assert_eq!(Rows::<Test>::iter_prefix(NETUID).count(), 0);
        assert_eq!(RowInfos::<Test>::iter_prefix(NETUID).count(), 0);
        assert_eq!(Commits::<Test>::iter_prefix(NETUID).count(), 0);
        assert_eq!(Reveals::<Test>::iter_prefix(NETUID).count(), 0);
        assert!(!Totals::<Test>::contains_key(NETUID));
    });
}
