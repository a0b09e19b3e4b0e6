use crate::{mock::*, Error, Event};
use assay_pallet_traits::{RowInForce, WeightRows};
use assay_primitives::{EpochIndex, NetUid, Refusal, TaskVersion, Uid};
use frame_support::assert_ok;

fn plain() -> ExtBuilder {
    ExtBuilder::default().plain_weights()
}

#[test]
fn set_weights_puts_the_row_into_force_when_all_is_well() {
    plain().build_and_execute(|| {
        let plan = Plan::new(account(1));
        assert_included(&account(1), plan.set());
        let row = RowInForce {
            validator: Uid(1),
            targets: vec![4, 5],
            values: vec![1, 2],
        };
        assert_eq!(Weights::rows(NETUID), [row]);
        assert_eq!(Weights::size(NETUID), (2, 1));
        assert_eq!(Weights::last_updates(NETUID, 3), [None, Some(1), None]);
        assert_eq!(
            events(),
            [Event::WeightsSet {
                netuid: NETUID,
                uid: Uid(1),
                hotkey: account(1),
                epoch: EpochIndex(10),
                task_version: TaskVersion(5),
                len: 2,
            }]
        );
    });
}

#[test]
fn set_weights_replaces_the_row_when_a_new_epoch_is_open() {
    plain().build_and_execute(|| {
        assert_included(&account(1), Plan::new(account(1)).set());
        run_epoch();
        let plan = Plan {
            targets: vec![0, 2, 6],
            values: vec![7, 8, 9],
            ..Plan::new(account(1))
        };
        assert_included(&account(1), plan.set());
        assert_eq!(
            Weights::row(NETUID, Uid(1)),
            [(Uid(0), 7), (Uid(2), 8), (Uid(6), 9)]
        );
        assert_eq!(Weights::size(NETUID), (3, 1));
    });
}

#[test]
fn set_weights_takes_weights_back_when_the_row_is_empty() {
    plain().build_and_execute(|| {
        assert_included(&account(1), Plan::new(account(1)).set());
        run_epoch();
        let plan = Plan {
            targets: vec![],
            values: vec![],
            ..Plan::new(account(1))
        };
        assert_included(&account(1), plan.set());
        assert_eq!(Weights::row(NETUID, Uid(1)), []);
        assert_eq!(Weights::size(NETUID), (0, 1));
        assert!(Weights::row_info(NETUID, Uid(1)).is_some_and(|info| info.len == 0));
    });
}

#[test]
fn set_weights_is_refused_when_the_subnet_is_unknown() {
    plain().build_and_execute(|| {
        let plan = Plan {
            netuid: NetUid(9),
            ..Plan::new(account(1))
        };
        assert_refused(
            &account(1),
            plan.set(),
            Refusal::UnknownSubnet,
            Error::UnknownSubnet,
        );
    });
}

#[test]
fn set_weights_is_refused_when_the_hotkey_is_not_registered() {
    plain().build_and_execute(|| {
        let stranger = account(99);
        System::inc_sufficients(&stranger);
        let plan = Plan::new(stranger.clone());
        assert_refused(
            &stranger,
            plan.set(),
            Refusal::NotRegistered,
            Error::NotRegistered,
        );
    });
}

#[test]
fn set_weights_is_refused_when_the_neuron_has_no_permit() {
    plain().build_and_execute(|| {
        let plan = Plan::new(account(3));
        assert_refused(
            &account(3),
            plan.set(),
            Refusal::NotPermitted,
            Error::NotPermitted,
        );
    });
}

#[test]
fn set_weights_is_refused_when_only_commit_and_reveal_is_allowed() {
    ExtBuilder::default().build_and_execute(|| {
        let plan = Plan::new(account(1));
        let (refusal, error) = (Refusal::PlainWeightsDisabled, Error::PlainWeightsDisabled);
        assert_refused(&account(1), plan.set(), refusal, error);
    });
}

#[test]
fn set_weights_is_refused_when_made_for_another_version_of_the_task() {
    plain().build_and_execute(|| {
        let plan = Plan {
            task_version: TaskVersion(4),
            ..Plan::new(account(1))
        };
        let (refusal, error) = (Refusal::WrongTaskVersion, Error::WrongTaskVersion);
        assert_refused(&account(1), plan.set(), refusal, error);
    });
}

#[test]
fn set_weights_is_refused_when_the_row_is_malformed() {
    plain().build_and_execute(|| {
        let all: Vec<u16> = (0..9).collect();
        for (targets, values, wrong) in [
            (vec![4, 5], vec![1], "unequal length"),
            (vec![4], vec![1, 2], "unequal length"),
            (vec![4, 4], vec![1, 2], "a repeated uid"),
            (vec![5, 4], vec![1, 2], "not ascending"),
            (vec![4, 8], vec![1, 2], "an unknown uid"),
            (all.clone(), all, "more than there are neurons"),
        ] {
            println!("{wrong}");
            let plan = Plan {
                targets,
                values,
                ..Plan::new(account(1))
            };
            assert_refused(
                &account(1),
                plan.set(),
                Refusal::Malformed,
                Error::Malformed,
            );
        }
    });
}

#[test]
fn set_weights_is_refused_when_already_set_in_this_epoch() {
    plain().build_and_execute(|| {
        assert_included(&account(1), Plan::new(account(1)).set());
        next_block();
        let plan = Plan {
            values: vec![5, 6],
            ..Plan::new(account(1))
        };
        assert_refused(&account(1), plan.set(), Refusal::TooFast, Error::TooFast);
        // Others and other subnets have their own turn.
        assert_included(&account(2), Plan::new(account(2)).set());
        let elsewhere = Plan {
            netuid: OTHER,
            ..Plan::new(account(1))
        };
        assert_included(&account(1), elsewhere.set());
        run_epoch();
        assert_ok!(include(&account(1), plan.set()).expect("a new epoch is open"));
    });
}
