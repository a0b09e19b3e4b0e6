use crate::{mock::*, Error, Event};
use assay_pallet_traits::WeightRows;
use assay_primitives::{EpochIndex, Evidence, NetUid, Refusal, TaskVersion, Uid};

/// Commits in the open epoch and waits until its window opens.
fn to_be_revealed(uid: u16) -> Plan {
    let plan = Plan::new(account(uid)).committed();
    assert_eq!(run_epoch(), []);
    plan
}

#[test]
fn reveal_weights_puts_the_row_into_force_when_it_is_what_was_committed() {
    ExtBuilder::default().build_and_execute(|| {
        let plan = to_be_revealed(1);
        assert_included(&account(1), plan.reveal());
        assert_eq!(Weights::row(NETUID, Uid(1)), [(Uid(4), 1), (Uid(5), 2)]);
        let info = Weights::row_info(NETUID, Uid(1)).unwrap();
        // The block and the epoch of the commit, not those of the reveal.
        assert_eq!((info.last_update, info.epoch), (1, EpochIndex(10)));
        assert_eq!(Weights::last_updates(NETUID, 2), [None, Some(1)]);
        assert_eq!(pending(1), []);
        let reveal = Weights::last_reveal(NETUID, Uid(1)).unwrap();
        assert_eq!(reveal.evidence, plan.evidence);
        assert_eq!((reveal.commit.hash, reveal.at), (plan.hash(), 21));
        assert_eq!(
            events().last(),
            Some(&Event::WeightsRevealed {
                netuid: NETUID,
                uid: Uid(1),
                hotkey: account(1),
                epoch: EpochIndex(10),
                task_version: TaskVersion(5),
                evidence: plan.evidence,
                len: 2,
                in_force: true,
            })
        );
    });
}

#[test]
fn reveal_weights_opens_each_in_its_own_window_when_several_are_pending() {
    ExtBuilder::default()
        .reveal_period(2)
        .build_and_execute(|| {
            let first = Plan::new(account(1)).committed();
            run_epoch();
            let second = Plan {
                values: vec![7, 7],
                ..Plan::new(account(1))
            }
            .committed();
            run_epoch();
            let third = Plan {
                values: vec![8, 8],
                ..Plan::new(account(1))
            }
            .committed();
            assert_eq!(pending(1).len(), 3);
            let early = (Refusal::RevealTooEarly, Error::RevealTooEarly);
            assert_refused(&account(1), second.reveal(), early.0, early.1);
            assert_included(&account(1), first.reveal());
            assert_eq!(run_epoch(), []);
            assert_included(&account(1), second.reveal());
            assert_eq!(run_epoch(), []);
            assert_included(&account(1), third.reveal());
            assert_eq!(Weights::row(NETUID, Uid(1)), [(Uid(4), 8), (Uid(5), 8)]);
            assert_eq!(pending(1), []);
        });
}

#[test]
fn reveal_weights_fulfils_the_duty_only_when_a_newer_row_is_in_force() {
    ExtBuilder::default().plain_weights().build_and_execute(|| {
        let plan = to_be_revealed(1);
        let newer = Plan {
            values: vec![9, 9],
            ..Plan::new(account(1))
        };
        assert_included(&account(1), newer.set());
        assert_included(&account(1), plan.reveal());
        assert_eq!(Weights::row(NETUID, Uid(1)), [(Uid(4), 9), (Uid(5), 9)]);
        assert!(matches!(
            events().last(),
            Some(Event::WeightsRevealed {
                in_force: false,
                ..
            })
        ));
        assert_eq!(
            Weights::last_reveal(NETUID, Uid(1)).unwrap().commit.epoch,
            plan.epoch
        );
        assert_eq!(run_epoch(), []);
    });
}

#[test]
fn reveal_weights_opens_an_old_version_when_the_task_changed_after_the_commit() {
    ExtBuilder::default().build_and_execute(|| {
        let plan = to_be_revealed(1);
        world(|w| w.task_version = TaskVersion(6));
        assert_included(&account(1), plan.reveal());
        assert_eq!(
            Weights::row_info(NETUID, Uid(1)).unwrap().task_version,
            TaskVersion(5)
        );
    });
}

#[test]
fn reveal_weights_keeps_its_window_when_the_reveal_period_changes() {
    ExtBuilder::default()
        .reveal_period(2)
        .build_and_execute(|| {
            let plan = to_be_revealed(1);
            world(|w| w.settings.reveal_period = 1);
            let early = (Refusal::RevealTooEarly, Error::RevealTooEarly);
            assert_refused(&account(1), plan.reveal(), early.0, early.1);
            run_epoch();
            assert_included(&account(1), plan.reveal());
        });
}

#[test]
fn reveal_weights_is_refused_when_the_window_is_not_open_yet() {
    ExtBuilder::default().build_and_execute(|| {
        let plan = Plan::new(account(1)).committed();
        let (refusal, error) = (Refusal::RevealTooEarly, Error::RevealTooEarly);
        assert_refused(&account(1), plan.reveal(), refusal, error);
    });
}

#[test]
fn reveal_weights_is_refused_when_the_window_is_over() {
    ExtBuilder::default().build_and_execute(|| {
        let plan = to_be_revealed(1);
        assert_eq!(run_epoch(), [Uid(1)]);
        let (refusal, error) = (Refusal::RevealTooLate, Error::RevealTooLate);
        assert_refused(&account(1), plan.reveal(), refusal, error);
    });
}

#[test]
fn reveal_weights_is_refused_when_nothing_was_committed() {
    ExtBuilder::default().build_and_execute(|| {
        let (refusal, error) = (Refusal::NoSuchCommit, Error::NoSuchCommit);
        let plan = Plan::new(account(1));
        assert_refused(&account(1), plan.reveal(), refusal, error);
        let next = Plan {
            epoch: EpochIndex(11),
            ..plan.clone()
        };
        assert_refused(
            &account(1),
            next.reveal(),
            Refusal::NoSuchCommit,
            Error::NoSuchCommit,
        );
        run_epoch();
        assert_refused(
            &account(1),
            plan.reveal(),
            Refusal::NoSuchCommit,
            Error::NoSuchCommit,
        );
    });
}

#[test]
fn reveal_weights_is_refused_when_opened_a_second_time() {
    ExtBuilder::default().build_and_execute(|| {
        let plan = to_be_revealed(1);
        assert_included(&account(1), plan.reveal());
        let (refusal, error) = (Refusal::NoSuchCommit, Error::NoSuchCommit);
        assert_refused(&account(1), plan.reveal(), refusal, error);
    });
}

#[test]
fn reveal_weights_is_refused_when_anything_differs_from_what_was_hashed() {
    ExtBuilder::default().build_and_execute(|| {
        let plan = to_be_revealed(1);
        for other in [
            Plan {
                values: vec![1, 3],
                ..plan.clone()
            },
            Plan {
                targets: vec![4, 6],
                ..plan.clone()
            },
            Plan {
                salt: [0; 32],
                ..plan.clone()
            },
            Plan {
                evidence: Evidence::none(),
                ..plan.clone()
            },
        ] {
            let (refusal, error) = (Refusal::RevealMismatch, Error::RevealMismatch);
            assert_refused(&account(1), other.reveal(), refusal, error);
        }
        assert_included(&account(1), plan.reveal());
    });
}

#[test]
fn reveal_weights_is_refused_when_made_for_another_version_of_the_task() {
    ExtBuilder::default().build_and_execute(|| {
        let plan = Plan {
            task_version: TaskVersion(4),
            ..Plan::new(account(1))
        }
        .committed();
        run_epoch();
        let (refusal, error) = (Refusal::WrongTaskVersion, Error::WrongTaskVersion);
        assert_refused(&account(1), plan.reveal(), refusal, error);
    });
}

#[test]
fn reveal_weights_is_refused_when_the_row_is_malformed() {
    ExtBuilder::default().build_and_execute(|| {
        let malformed = [
            (vec![4, 5], vec![1]),
            (vec![4, 4], vec![1, 2]),
            (vec![4, 8], vec![1, 2]),
            ((0..9).collect(), (0..9).collect()),
        ];
        for (targets, values) in malformed {
            let plan = Plan {
                targets,
                values,
                ..Plan::new(account(1))
            }
            .committed();
            run_epoch();
            assert_refused(
                &account(1),
                plan.reveal(),
                Refusal::Malformed,
                Error::Malformed,
            );
        }
    });
}

#[test]
fn reveal_weights_is_refused_when_the_subnet_is_unknown() {
    ExtBuilder::default().build_and_execute(|| {
        let plan = Plan {
            netuid: NetUid(9),
            ..to_be_revealed(1)
        };
        assert_refused(
            &account(1),
            plan.reveal(),
            Refusal::UnknownSubnet,
            Error::UnknownSubnet,
        );
    });
}

#[test]
fn reveal_weights_is_refused_when_another_hotkey_opens_the_commit() {
    ExtBuilder::default().build_and_execute(|| {
        let plan = to_be_revealed(1);
        let (refusal, error) = (Refusal::NoSuchCommit, Error::NoSuchCommit);
        assert_refused(&account(2), plan.reveal(), refusal, error);
    });
}

#[test]
fn reveal_weights_is_refused_when_the_hotkey_lost_its_place() {
    ExtBuilder::default().build_and_execute(|| {
        let plan = to_be_revealed(1);
        replace(1, account(50));
        let (refusal, error) = (Refusal::NotRegistered, Error::NotRegistered);
        assert_refused(&account(1), plan.reveal(), refusal, error);
    });
}

#[test]
fn reveal_weights_is_refused_when_the_permit_is_gone() {
    ExtBuilder::default().build_and_execute(|| {
        let plan = to_be_revealed(1);
        world(|w| w.permitted.remove(&Uid(1)));
        let (refusal, error) = (Refusal::NotPermitted, Error::NotPermitted);
        assert_refused(&account(1), plan.reveal(), refusal, error);
    });
}

#[test]
fn reveal_weights_finds_nothing_to_inherit_when_the_uid_changed_hands() {
    ExtBuilder::default().build_and_execute(|| {
        let revealed = to_be_revealed(1);
        assert_included(&account(1), revealed.reveal());
        let plan = Plan::new(account(1)).committed();
        replace(1, account(50));
        assert_eq!(Weights::row(NETUID, Uid(1)), []);
        assert_eq!(Weights::size(NETUID), (0, 0));
        assert_eq!(Weights::last_reveal(NETUID, Uid(1)), None);
        assert_eq!(pending(1), []);
        world(|w| w.permitted.insert(Uid(1)));
        run_epoch();
        let (refusal, error) = (Refusal::NoSuchCommit, Error::NoSuchCommit);
        assert_refused(&account(50), plan.reveal(), refusal, error);
        // Nor does it count as late with what it never committed.
        assert_eq!(run_epoch(), []);
    });
}

#[test]
fn reveal_weights_opens_what_the_old_hotkey_committed_when_it_was_exchanged() {
    ExtBuilder::default().build_and_execute(|| {
        let plan = to_be_revealed(1);
        exchange(1, account(77));
        // The hash binds the key that made the commit, whoever opens it.
        assert_refused(
            &account(1),
            plan.reveal(),
            Refusal::NotRegistered,
            Error::NotRegistered,
        );
        let as_if_by_the_new_one = Plan {
            salt: [9; 32],
            ..plan.clone()
        };
        assert_refused(
            &account(77),
            as_if_by_the_new_one.reveal(),
            Refusal::RevealMismatch,
            Error::RevealMismatch,
        );
        assert_included(&account(77), plan.reveal());
        assert_eq!(Weights::row(NETUID, Uid(1)), [(Uid(4), 1), (Uid(5), 2)]);
        assert_eq!(pending(1), []);
    });
}

#[test]
fn reveal_weights_is_due_from_the_new_hotkey_when_the_old_one_was_exchanged() {
    ExtBuilder::default().build_and_execute(|| {
        to_be_revealed(1);
        exchange(1, account(77));
        // It can commit once in an epoch like any other, and what it left unopened is its own.
        Plan::new(account(77)).committed();
        assert_eq!(run_epoch(), [Uid(1)]);
    });
}
