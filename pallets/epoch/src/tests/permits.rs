use crate::{mock::*, Event};
use assay_pallet_traits::{mocks::MockStakes, Permits};
use assay_primitives::{EpochIndex, Uid, ASY};

/// Lets two neurons hold permits, from now on.
fn give_two() {
    subnet(NETUID, |subnet| {
        subnet.settings.max_validators = 2;
        subnet.next_settings = subnet.settings;
    });
}

#[test]
fn permits_go_to_the_largest_and_to_the_lower_uid_when_stakes_tie() {
    execute(|| {
        register(NETUID, &[5 * ASY, 7 * ASY, 7 * ASY, 7 * ASY, 0]);
        give_two();
        assert!(!Epoch::has_permit(NETUID, Uid(1)));
        run_epoch(NETUID);
        assert_eq!(Epoch::permits(NETUID), [false, true, true, false, false]);
        assert!(Epoch::has_permit(NETUID, Uid(1)) && !Epoch::has_permit(NETUID, Uid(3)));
        assert!(!Epoch::has_permit(NETUID, Uid(u16::MAX)));
    });
}

#[test]
fn permits_count_stake_that_enters_when_the_first_epoch_ends() {
    execute(|| {
        register(NETUID, &[0, 0]);
        // What is staked shows from the payout on, as entering stake does.
        MockStakes::on_after_payout(|netuid| {
            subnet(netuid, |subnet| {
                for stake in &mut subnet.stakes {
                    *stake += 5 * ASY;
                }
            });
        });
        run_epoch(NETUID);
        assert_eq!(Epoch::permits(NETUID), [true, true]);
        // Afterwards it enters once an epoch, after the payout.
        MockStakes::on_after_payout(|netuid| {
            subnet(netuid, |subnet| subnet.stakes[0] = 0);
        });
        run_epoch(NETUID);
        assert_eq!(Epoch::permits(NETUID), [true, true]);
        run_epoch(NETUID);
        assert_eq!(Epoch::permits(NETUID), [false, true]);
    });
}

#[test]
fn permits_need_the_minimum_stake() {
    execute(|| {
        register(NETUID, &[5 * ASY, ASY, ASY - 1]);
        run_epoch(NETUID);
        assert_eq!(Epoch::permits(NETUID), [true, true, false]);
    });
}

#[test]
fn permits_need_a_quarter_of_an_equal_part_of_the_stake() {
    execute(|| {
        // 1 / (4 × 2) of 800 ASY is 100.
        register(NETUID, &[600 * ASY, 100 * ASY - 1, 100 * ASY + 1]);
        give_two();
        run_epoch(NETUID);
        assert_eq!(Epoch::permits(NETUID), [true, false, true]);
        subnet(NETUID, |subnet| {
            subnet.stakes = vec![600 * ASY, 100 * ASY, 100 * ASY]
        });
        run_epoch(NETUID);
        assert_eq!(Epoch::permits(NETUID), [true, true, false]);
    });
}

#[test]
fn permits_are_announced_only_when_they_change() {
    execute(|| {
        register(NETUID, &[5 * ASY, 4 * ASY]);
        let announced = || {
            let changed = |event: &Event<Test>| matches!(event, Event::PermitsChanged { .. });
            events().into_iter().filter(changed).collect::<Vec<_>>()
        };
        run_epoch(NETUID);
        let [Event::PermitsChanged { epoch, permits, .. }] = &announced()[..] else {
            panic!("{:?}", announced());
        };
        assert_eq!((*epoch, permits.count()), (EpochIndex(1), 2));
        run_epoch(NETUID);
        assert_eq!(announced().len(), 1);
        subnet(NETUID, |subnet| subnet.stakes[1] = 0);
        run_epoch(NETUID);
        assert_eq!(announced().len(), 2);
    });
}

#[test]
fn bonds_fall_with_the_permit() {
    execute(|| {
        register_paying(NETUID);
        run_epoch(NETUID);
        assert_eq!(Epoch::bonds(NETUID, Uid(0)).len(), 3);
        assert_eq!(Epoch::bonds(NETUID, Uid(1)).len(), 3);
        subnet(NETUID, |subnet| subnet.stakes[1] = 0);
        run_epoch(NETUID);
        assert_eq!(Epoch::permits(NETUID)[..2], [true, false]);
        assert_eq!(Epoch::bonds(NETUID, Uid(0)).len(), 3);
        assert_eq!(Epoch::bonds(NETUID, Uid(1)), []);
        assert_eq!(Epoch::bond_count(NETUID), 3);
    });
}
