use crate::{mock::*, Event};
use assay_pallet_traits::{Epochs, SubnetHooks};
use assay_primitives::{EpochIndex, NetUid};

#[test]
fn on_subnet_registered_schedules_a_tempo_ahead_and_later_by_number() {
    execute(|| {
        for netuid in [0, 1, 9, 10, 13] {
            register(NetUid(netuid), &[]);
            let due = 1 + 10 + u32::from(netuid) % 10;
            assert_eq!(Epoch::due_at(NetUid(netuid)), Some(due));
            assert_eq!(Epoch::last_ran_at(NetUid(netuid)), Some(1));
            assert_eq!(Epoch::current(NetUid(netuid)), EpochIndex(0));
        }
        assert!(Epoch::on_subnet_registered_weight().ref_time() > 0);
        let order: Vec<u16> = Epoch::next_epochs()
            .iter()
            .map(|(netuid, _)| netuid.0)
            .collect();
        assert_eq!(order, [0, 10, 1, 13, 9]);
    });
}

#[test]
fn epochs_of_an_unknown_subnet_are_none() {
    execute(|| {
        assert_eq!(Epoch::current(NetUid(5)), EpochIndex(0));
        assert_eq!(Epoch::due_at(NetUid(5)), None);
        assert_eq!(Epoch::last_ran_at(NetUid(5)), None);
        assert_eq!(Epoch::state(NetUid(5)), None);
        run_to(50);
        assert_eq!(events(), []);
    });
}

#[test]
fn epochs_run_once_a_tempo_when_there_is_room() {
    execute(|| {
        register(NETUID, &[]);
        for epoch in 0..5 {
            let due = 12 + 10 * epoch;
            assert_eq!(Epoch::current(NETUID), EpochIndex(epoch));
            run_to(u64::from(due) - 1);
            assert_eq!(Epoch::current(NETUID), EpochIndex(epoch));
            run_to(u64::from(due));
            assert_eq!(Epoch::current(NETUID), EpochIndex(epoch + 1));
            assert_eq!(Epoch::last_ran_at(NETUID), Some(due));
            assert_eq!(Epoch::due_at(NETUID), Some(due + 10));
        }
        let scheduled = Event::EpochScheduled {
            netuid: NETUID,
            epoch: EpochIndex(5),
            due_at: 62,
        };
        assert_eq!(events().last(), Some(&scheduled));
    });
}

#[test]
fn tempo_takes_effect_from_the_epoch_that_begins_with_it() {
    execute(|| {
        register(NETUID, &[]);
        subnet(NETUID, |subnet| subnet.next_settings.tempo = 25);
        assert_eq!(Epoch::due_at(NETUID), Some(12));
        run_epoch(NETUID);
        assert_eq!(Epoch::due_at(NETUID), Some(12 + 25));
    });
}

#[test]
fn epoch_of_a_dissolved_subnet_is_dropped_when_it_falls_due() {
    execute(|| {
        register(NETUID, &[]);
        world(|world| world.subnets.remove(&NETUID));
        crate::States::<Test>::remove(NETUID);
        // The agenda still names it: it is taken out when its block comes.
        for block in 2..=12 {
            System::set_block_number(block);
            <Epoch as frame_support::traits::Hooks<u64>>::on_initialize(block);
        }
        assert!(Epoch::waiting().is_empty());
    });
}
