//! What the epoch asks of this pallet.

use crate::{mock::*, Event};
use assay_pallet_traits::{NeuronHooks, WeightRows};
use assay_primitives::{EpochIndex, Uid};

#[test]
fn close_epoch_names_who_is_inactive_when_a_commit_was_left_unrevealed() {
    ExtBuilder::default().build_and_execute(|| {
        let plans = [2, 0, 1].map(|uid| Plan::new(account(uid)).committed());
        assert_eq!(run_epoch(), []);
        assert_included(&account(0), plans[1].reveal());
        let epoch = world(|w| w.epoch);
        assert_eq!(Weights::unrevealed(NETUID, epoch), [Uid(1), Uid(2)]);
        assert_eq!(run_epoch(), [Uid(1), Uid(2)]);
        assert_eq!(Weights::unrevealed(NETUID, epoch.next()), []);
        let expired: Vec<_> = events()
            .into_iter()
            .filter_map(|event| match event {
                Event::CommitExpired {
                    uid, epoch, hash, ..
                } => Some((uid, epoch, hash)),
                _ => None,
            })
            .collect();
        assert_eq!(expired.len(), 2);
        assert!(expired.contains(&(Uid(1), EpochIndex(10), plans[2].hash())));
        assert!(expired.contains(&(Uid(2), EpochIndex(10), plans[0].hash())));
        // Only in that epoch.
        assert_eq!(run_epoch(), []);
        assert!(pending(1).is_empty() && pending(2).is_empty());
    });
}

#[test]
fn close_epoch_leaves_a_row_in_force_when_a_newer_commit_expires() {
    ExtBuilder::default().build_and_execute(|| {
        let first = Plan::new(account(1)).committed();
        run_epoch();
        assert_included(&account(1), first.reveal());
        Plan::new(account(1)).committed();
        run_epoch();
        assert_eq!(run_epoch(), [Uid(1)]);
        assert_eq!(Weights::size(NETUID), (2, 1));
    });
}

#[test]
fn close_epoch_drops_a_row_when_the_permit_is_gone() {
    ExtBuilder::default().plain_weights().build_and_execute(|| {
        for uid in [0, 1, 2] {
            assert_included(&account(uid), Plan::new(account(uid)).set());
        }
        world(|w| w.permitted.remove(&Uid(1)));
        run_epoch();
        let validators: Vec<Uid> = Weights::rows(NETUID)
            .iter()
            .map(|row| row.validator)
            .collect();
        assert_eq!(validators, [Uid(0), Uid(2)]);
        assert_eq!(Weights::size(NETUID), (4, 2));
        assert_eq!(Weights::row_info(NETUID, Uid(1)), None);
        let dropped = Event::WeightsDropped {
            netuid: NETUID,
            uid: Uid(1),
        };
        assert_eq!(events().last(), Some(&dropped));
    });
}

#[test]
fn rows_are_ascending_by_validator_when_there_are_many() {
    ExtBuilder::default()
        .neurons(64, 64)
        .plain_weights()
        .build_and_execute(|| {
            for uid in (0..64).rev() {
                assert_included(&account(uid), Plan::new(account(uid)).set());
            }
            let validators: Vec<u16> = Weights::rows(NETUID)
                .iter()
                .map(|row| row.validator.0)
                .collect();
            assert_eq!(validators, (0..64).collect::<Vec<u16>>());
            assert_eq!(Weights::last_updates(NETUID, 64), [Some(1); 64]);
            assert_eq!(Weights::rows(OTHER), []);
            // A subnet with fewer neurons than rows is asked about those that it has.
            assert_eq!(Weights::last_updates(NETUID, 2), [Some(1); 2]);
        });
}

#[test]
fn on_neuron_added_changes_nothing_when_the_place_was_free() {
    ExtBuilder::default().build_and_execute(|| {
        frame_support::assert_storage_noop!(Weights::on_neuron_added(NETUID, Uid(7)));
        assert!(Weights::on_neuron_weight().ref_time() > 0);
    });
}
