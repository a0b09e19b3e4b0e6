use crate::{mock::*, Event};
use assay_primitives::{Balance, EpochIndex, Ratio16, Uid, ASY};
use sp_runtime::DispatchError;

const POT: Balance = 1_000 * ASY;

/// The miners' half of the pot, and the rest.
fn parts() -> (Balance, Balance) {
    let miners = Ratio16(32768).of(POT);
    (miners, POT - miners)
}

fn miner(uid: u16) -> Balance {
    Minted::get(coldkey(NETUID, uid))
}

fn validator(uid: u16) -> Balance {
    Minted::get(hotkey(NETUID, uid))
}

#[test]
fn epoch_pays_to_the_last_unit_when_everybody_is_there() {
    execute(|| {
        register_paying(NETUID);
        run_epoch(NETUID);
        let (for_miners, for_validators) = parts();
        let to_owner = Ratio16(11796).of(for_miners);
        assert_eq!(Minted::get(owner(NETUID)), to_owner);
        assert_eq!(miner(2) + miner(3) + miner(4), for_miners - to_owner);
        assert_eq!(validator(0) + validator(1), for_validators);
        assert_eq!(
            (minted(NETUID), Returned::get(NETUID), Pots::get(NETUID)),
            (POT, 0, 0)
        );
        // As they were weighed: 3 to 2 to 1.
        assert!(miner(2).abs_diff(miner(4) * 3) <= 3);
        assert!(miner(3).abs_diff(miner(4) * 2) <= 3);
        // Who agree with each other earn by their stake.
        assert!(validator(0).abs_diff(for_validators / 10 * 6) < ASY / 1_000);
        assert_eq!(Payouts::get(NETUID), 2);
        let ran = Event::EpochRan {
            netuid: NETUID,
            epoch: EpochIndex(1),
            due: POT,
            to_miners: for_miners - to_owner,
            to_owner,
            to_validators: for_validators,
        };
        assert!(events().contains(&ran));
    });
}

#[test]
fn epoch_says_what_every_neuron_got() {
    execute(|| {
        register_paying(NETUID);
        run_epoch(NETUID);
        let paid: Vec<(Uid, Balance, Balance)> = events()
            .into_iter()
            .filter_map(|event| match event {
                Event::NeuronPaid {
                    epoch,
                    uid,
                    as_miner,
                    as_validator,
                    ..
                } => {
                    assert_eq!(epoch, EpochIndex(1));
                    Some((uid, as_miner, as_validator))
                }
                _ => None,
            })
            .collect();
        let expected: Vec<_> = (0..5)
            .map(|uid| (Uid(uid), miner(uid), validator(uid)))
            .collect();
        assert_eq!(paid, expected);
        let emission: Vec<Balance> = (0..5).map(|uid| miner(uid) + validator(uid)).collect();
        assert_eq!(Epoch::outcome(NETUID).emission, emission);
        assert_eq!(Epoch::earned(NETUID), emission);
        // What was earned adds up over epochs; emission is the last one's.
        Pots::insert(NETUID, POT);
        run_epoch(NETUID);
        let earned: Vec<Balance> = (0..5).map(|uid| miner(uid) + validator(uid)).collect();
        assert_eq!(Epoch::earned(NETUID), earned);
        assert!(Epoch::outcome(NETUID).emission[2] < earned[2]);
    });
}

#[test]
fn epoch_mints_nothing_when_there_is_no_incentive() {
    execute(|| {
        register_paying(NETUID);
        subnet(NETUID, |subnet| subnet.rows.clear());
        run_epoch(NETUID);
        assert_eq!(
            (minted(NETUID), Returned::get(NETUID), Pots::get(NETUID)),
            (0, POT, 0)
        );
    });
}

#[test]
fn epoch_mints_nothing_when_nobody_held_a_permit_yet() {
    execute(|| {
        register(NETUID, &[600 * ASY, 0]);
        set_weights(NETUID, 0, &[(1, 1)]);
        Pots::insert(NETUID, POT);
        run_epoch(NETUID);
        assert_eq!((minted(NETUID), Returned::get(NETUID)), (0, POT));
    });
}

#[test]
fn epoch_mints_the_validators_part_only_when_the_subnet_is_not_admitted() {
    execute(|| {
        register_paying(NETUID);
        subnet(NETUID, |subnet| subnet.admitted = false);
        run_epoch(NETUID);
        let (for_miners, for_validators) = parts();
        assert_eq!(minted(NETUID), for_validators);
        assert_eq!(validator(0) + validator(1), for_validators);
        assert_eq!(Returned::get(NETUID), for_miners);
    });
}

/// Runs an epoch in which uid 1, with 400 of 1,000 ASY, is absent, and checks the payout.
fn assert_scaled(make_absent: impl FnOnce()) {
    execute(|| {
        register_paying(NETUID);
        make_absent();
        run_epoch(NETUID);
        let (for_miners, for_validators) = parts();
        let (miners, validators) = (for_miners * 6 / 10, for_validators * 6 / 10);
        assert_eq!(validator(0), validators);
        assert_eq!(validator(1), 0);
        assert_eq!(
            miner(2) + miner(3) + miner(4) + Minted::get(owner(NETUID)),
            miners
        );
        assert_eq!(Minted::get(owner(NETUID)), Ratio16(11796).of(miners));
        assert_eq!(Returned::get(NETUID), POT - miners - validators);
        assert_eq!(Epoch::outcome(NETUID).active.to_bools(2), [true, false]);
    });
}

#[test]
fn epoch_does_not_pay_the_absents_part_when_a_commit_was_left_unrevealed() {
    assert_scaled(|| subnet(NETUID, |subnet| subnet.late = vec![Uid(1)]));
}

#[test]
fn epoch_does_not_pay_the_absents_part_when_no_weights_are_in_force() {
    assert_scaled(|| {
        subnet(NETUID, |subnet| {
            subnet.rows.retain(|row| row.validator != Uid(1));
            subnet.updated.remove(&Uid(1));
        });
    });
}

#[test]
fn epoch_does_not_pay_the_absents_part_when_weights_are_older_than_the_cutoff() {
    assert_scaled(|| {
        subnet(NETUID, |subnet| {
            subnet.settings.activity_cutoff = Some(10);
            subnet.next_settings.activity_cutoff = Some(10);
            subnet.updated.insert(Uid(1), 11);
        });
        // Due in block 22: 11 and 10 are one short of it.
        assert_eq!(due_at(NETUID), 22);
    });
}

#[test]
fn payment_that_fails_is_reported_and_keeps_nobody_from_being_paid() {
    execute(|| {
        register_paying(NETUID);
        let broken = [coldkey(NETUID, 2), hotkey(NETUID, 0), owner(NETUID)];
        world(|world| world.broken.extend(broken.clone()));
        run_epoch(NETUID);
        // What a failed payment had moved is moved back.
        assert!(broken.iter().all(|account| Minted::get(account) == 0));
        assert!(miner(3) > 0 && miner(4) > 0 && validator(1) > 0);
        assert_eq!(minted(NETUID) + Returned::get(NETUID), POT);
        let failed: Vec<(Option<Uid>, Balance)> = events()
            .into_iter()
            .filter_map(|event| match event {
                Event::PaymentFailed {
                    uid, amount, error, ..
                } => {
                    assert_eq!(error, DispatchError::CannotLookup);
                    Some((uid, amount))
                }
                _ => None,
            })
            .collect();
        let who: Vec<Option<Uid>> = failed.iter().map(|(uid, _)| *uid).collect();
        assert_eq!(who, [None, Some(Uid(0)), Some(Uid(2))]);
        let unpaid: Balance = failed.iter().map(|(_, amount)| amount).sum();
        assert_eq!(unpaid, Returned::get(NETUID));
        assert_eq!(Epoch::outcome(NETUID).emission[2], 0);
        assert_eq!(Epoch::earned(NETUID)[0], 0);
    });
}

#[test]
fn epoch_does_not_pay_the_absents_part_when_the_chain_is_younger_than_the_cutoff() {
    assert_scaled(|| {
        subnet(NETUID, |subnet| {
            subnet.settings.activity_cutoff = Some(1_000_000);
            subnet.next_settings.activity_cutoff = Some(1_000_000);
            subnet.rows.retain(|row| row.validator != Uid(1));
            subnet.updated.remove(&Uid(1));
        });
    });
}
