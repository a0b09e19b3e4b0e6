use crate::{mock::*, Commit, Error, Event};
use assay_primitives::{CommitView, Digest, EpochIndex, NetUid, Refusal, Serial, TaskVersion, Uid};

#[test]
fn commit_weights_keeps_the_commit_when_all_is_well() {
    ExtBuilder::default()
        .reveal_period(2)
        .build_and_execute(|| {
            let plan = Plan::new(account(1)).committed();
            let commit = Commit {
                epoch: EpochIndex(10),
                reveal_in: EpochIndex(12),
                hash: plan.hash(),
                hotkey: account(1).into(),
                next_seed: Digest([3; 32]),
                at: 1,
                serial: Serial(1_001),
                task_version: TaskVersion(5),
            };
            assert_eq!(pending(1), [commit]);
            assert_eq!(
                Weights::commits_of(NETUID, &account(1)),
                [CommitView::from(commit)]
            );
            assert_eq!(Weights::commits_of(NETUID, &account(99)), []);
            assert_eq!(
                events(),
                [Event::WeightsCommitted {
                    netuid: NETUID,
                    uid: Uid(1),
                    hotkey: account(1),
                    epoch: EpochIndex(10),
                    hash: plan.hash(),
                    next_seed: Digest([3; 32]),
                    reveal_in: EpochIndex(12),
                }]
            );
        });
}

#[test]
fn commit_weights_keeps_several_when_each_is_of_its_own_epoch() {
    ExtBuilder::default()
        .reveal_period(8)
        .build_and_execute(|| {
            for open in 10..30 {
                Plan::new(account(1)).committed();
                let epochs: Vec<u32> = pending(1).iter().map(|commit| commit.epoch.0).collect();
                // None is opened: each waits for its window and expires at its end.
                let first = open.max(18) - 8;
                assert_eq!(epochs, (first..=open).collect::<Vec<u32>>());
                let late = run_epoch();
                assert_eq!(late.is_empty(), open < 18, "epoch {open}");
            }
        });
}

#[test]
fn commit_weights_is_refused_when_the_epoch_is_not_the_open_one() {
    ExtBuilder::default().build_and_execute(|| {
        for epoch in [9, 11] {
            let plan = Plan {
                epoch: EpochIndex(epoch),
                ..Plan::new(account(1))
            };
            assert_refused(
                &account(1),
                plan.commit(),
                Refusal::WrongEpoch,
                Error::WrongEpoch,
            );
        }
    });
}

#[test]
fn commit_weights_is_refused_when_the_epoch_ended_while_the_pool_held_it() {
    ExtBuilder::default().build_and_execute(|| {
        let plan = Plan::new(account(1));
        assert!(pool(&account(1), &plan.commit()).is_ok());
        run_epoch();
        assert_refused(
            &account(1),
            plan.commit(),
            Refusal::WrongEpoch,
            Error::WrongEpoch,
        );
    });
}

#[test]
fn commit_weights_is_refused_when_already_made_in_this_epoch() {
    ExtBuilder::default().build_and_execute(|| {
        let plan = Plan::new(account(1)).committed();
        let again = Plan {
            salt: [9; 32],
            ..plan
        };
        assert_refused(
            &account(1),
            again.commit(),
            Refusal::TooFast,
            Error::TooFast,
        );
        Plan::new(account(2)).committed();
        Plan {
            netuid: OTHER,
            ..Plan::new(account(1))
        }
        .committed();
    });
}

#[test]
fn commit_weights_is_refused_when_the_subnet_is_unknown() {
    ExtBuilder::default().build_and_execute(|| {
        let plan = Plan {
            netuid: NetUid(9),
            ..Plan::new(account(1))
        };
        assert_refused(
            &account(1),
            plan.commit(),
            Refusal::UnknownSubnet,
            Error::UnknownSubnet,
        );
    });
}

#[test]
fn commit_weights_is_refused_when_the_hotkey_is_not_registered() {
    ExtBuilder::default().build_and_execute(|| {
        let stranger = account(99);
        System::inc_sufficients(&stranger);
        let plan = Plan::new(stranger.clone());
        assert_refused(
            &stranger,
            plan.commit(),
            Refusal::NotRegistered,
            Error::NotRegistered,
        );
    });
}

#[test]
fn commit_weights_is_refused_when_the_neuron_has_no_permit() {
    ExtBuilder::default().build_and_execute(|| {
        let plan = Plan::new(account(3));
        assert_refused(
            &account(3),
            plan.commit(),
            Refusal::NotPermitted,
            Error::NotPermitted,
        );
    });
}
