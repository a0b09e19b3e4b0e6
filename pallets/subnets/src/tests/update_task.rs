use crate::{mock::*, Error, Event, Tasks, UpcomingTasks};
use assay_pallet_traits::{mocks::MockEpochs, Subnets as _};
use assay_primitives::{AnnouncedTask, EpochIndex, Hyperparameter, NetUid, TaskSpec, TaskVersion};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchResult;

fn owner() -> RuntimeOrigin {
    RuntimeOrigin::signed(coldkey(7))
}

fn other() -> TaskSpec {
    TaskSpec {
        deadline_ms: 700,
        ..task()
    }
}

fn update(origin: RuntimeOrigin) -> DispatchResult {
    Subnets::update_task(origin, NetUid(0), Box::new(other()))
}

/// Ends epochs up to and with this one, of subnet 0.
fn end_epochs(epochs: core::ops::RangeInclusive<u32>) {
    for epoch in epochs {
        MockEpochs::on_current(move |_| EpochIndex(epoch));
        Subnets::begin_epoch(NetUid(0));
    }
    let _ = take_news();
}

#[test]
fn update_task_waits_two_epochs_and_the_reveal_window_when_announced() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        MockEpochs::on_current(|_| EpochIndex(5));
        take_events();
        assert_ok!(update(owner()));
        let (version, from_epoch) = (TaskVersion(1), EpochIndex(9));
        assert_eq!(
            take_events(),
            [Event::TaskAnnounced {
                netuid,
                version,
                from_epoch,
                task: Box::new(other()),
            }]
        );
        end_epochs(5..=7);
        assert_eq!(Tasks::<Test>::get(netuid), Some(task()));
        assert_eq!(Subnets::task_version(netuid), Some(TaskVersion(0)));
        assert_eq!(take_events(), []);
        end_epochs(8..=8);
        assert_eq!(Tasks::<Test>::get(netuid), Some(other()));
        assert_eq!(Subnets::task_version(netuid), Some(version));
        assert_eq!(take_events(), [Event::TaskUpdated { netuid, version }]);
        assert_eq!(UpcomingTasks::<Test>::get(netuid), None);
    });
}

#[test]
fn update_task_waits_for_the_longer_reveal_window_when_one_is_announced() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        let changes = vec![Hyperparameter::RevealPeriod(4)].try_into().unwrap();
        assert_ok!(Subnets::patch_hyperparameters(owner(), netuid, changes));
        assert_ok!(update(owner()));
        let from_epoch = UpcomingTasks::<Test>::get(netuid).map(|task| task.from_epoch);
        assert_eq!(from_epoch, Some(EpochIndex(7)));
    });
}

#[test]
fn update_task_replaces_what_waits_and_waits_anew_when_made_twice() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        assert_ok!(update(owner()));
        MockEpochs::on_current(|_| EpochIndex(3));
        assert_ok!(Subnets::update_task(owner(), netuid, Box::new(task())));
        assert_eq!(
            UpcomingTasks::<Test>::get(netuid),
            Some(AnnouncedTask {
                version: TaskVersion(1),
                from_epoch: EpochIndex(7),
                task: task(),
            })
        );
    });
}

#[test]
fn update_task_is_allowed_to_root_and_refused_to_others() {
    ExtBuilder::default().build_and_execute(|| {
        assert_noop!(update(RuntimeOrigin::root()), Error::<Test>::UnknownSubnet);
        register_subnet();
        assert_noop!(
            update(RuntimeOrigin::signed(coldkey(1))),
            Error::<Test>::NotSubnetOwner
        );
        assert_ok!(update(RuntimeOrigin::root()));
    });
}

#[test]
fn update_task_fails_when_the_task_is_broken() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        let broken = TaskSpec {
            max_batch: 0,
            ..task()
        };
        assert_noop!(
            Subnets::update_task(owner(), netuid, Box::new(broken)),
            Error::<Test>::TaskBadBatch
        );
    });
}
