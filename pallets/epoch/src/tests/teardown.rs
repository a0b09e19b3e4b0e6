use crate::{mock::*, Agenda, BondCounts, Bonds, Earned, Outcomes, PermitBits, Queue, StandingsOf};
use assay_pallet_traits::{Epochs, Progress, Teardown};
use assay_primitives::{Generation, NetUid};
use frame_support::weights::WeightMeter;

fn step(netuid: NetUid, meter: &mut WeightMeter) -> Progress {
    Epoch::step(netuid, Generation(0), meter)
}

/// Takes a subnet out of the registry, whose part it is to say first that it has ended.
fn end(netuid: NetUid) {
    world(|world| world.subnets.remove(&netuid));
    Epoch::begin(netuid);
}

#[test]
fn begin_unschedules_the_subnet_when_its_epoch_is_to_come() {
    execute(|| {
        register(NETUID, &[]);
        register(NetUid(11), &[]);
        let due = Epoch::due_at(NETUID).unwrap();
        end(NETUID);
        assert_eq!(Epoch::due_at(NETUID), None);
        assert!(!Agenda::<Test>::get(due).contains(&NETUID));
        run_to(u64::from(due) + 5);
        assert!(Epoch::due_at(NetUid(11)).is_some());
        // Nothing is done for what is not there.
        Epoch::begin(NETUID);
    });
}

#[test]
fn begin_unschedules_the_subnet_when_it_waits_in_the_queue() {
    execute(|| {
        register(NETUID, &[]);
        register(NetUid(11), &[]);
        let due = Epoch::due_at(NETUID).unwrap();
        System::set_block_number(due.into());
        Epoch::enqueue_due(due);
        assert!(Queue::<Test>::get().contains(&NETUID));
        end(NETUID);
        assert!(!Queue::<Test>::get().contains(&NETUID));
    });
}

#[test]
fn step_forgets_every_column_when_it_is_paid_for() {
    execute(|| {
        register_paying(NETUID);
        run_epoch(NETUID);
        run_epoch(NETUID);
        assert!(Bonds::<Test>::iter_prefix(NETUID).count() > 0);
        end(NETUID);
        assert_eq!(step(NETUID, &mut WeightMeter::new()), Progress::Done);
        assert_eq!(Bonds::<Test>::iter_prefix(NETUID).count(), 0);
        assert!(!Outcomes::<Test>::contains_key(NETUID));
        assert!(!PermitBits::<Test>::contains_key(NETUID));
        assert!(!StandingsOf::<Test>::contains_key(NETUID));
        assert!(!Earned::<Test>::contains_key(NETUID));
        assert!(!BondCounts::<Test>::contains_key(NETUID));
    });
}
