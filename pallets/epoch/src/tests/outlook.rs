use crate::{mock::*, Columns};
use assay_primitives::{EpochIndex, NeuronOutcome, NeuronOutlook, Uid, ASY};
use proptest::prelude::*;

fn outlooks() -> Vec<NeuronOutlook> {
    let neurons = subnet(NETUID, |subnet| subnet.neurons.len() as u16);
    (0..neurons)
        .map(|uid| Epoch::outlook(NETUID, Uid(uid)).expect("the subnet has a schedule"))
        .collect()
}

/// What each neuron would have come to, in the block before the epoch runs; then it runs.
fn outlooks_of_the_next_run() -> (Vec<NeuronOutlook>, Columns) {
    run_to(due_at(NETUID) - 1);
    let outlooks = outlooks();
    run_epoch(NETUID);
    (outlooks, Epoch::outcome(NETUID))
}

/// What is stored is rounded down to 32 bits, each weight and the sum by itself.
fn assert_sums_up(outlooks: &[NeuronOutlook], outcome: &Columns) {
    for (uid, outlook) in outlooks.iter().enumerate() {
        assert_eq!(outlook.active, outcome.active.get(Uid(uid as u16)));
        assert_eq!(outlook.stake, outcome.stake[uid]);
        assert_eq!(outlook.consensus, outcome.consensus[uid]);
        for weight in &outlook.received {
            assert_eq!(weight.clipped, weight.weight.min(outlook.consensus));
            let validator = usize::from(weight.validator.0);
            assert!(outlooks[validator].given.contains(weight));
        }
        let trust: u64 = outlook
            .given
            .iter()
            .map(|weight| u64::from(weight.clipped))
            .sum();
        let stored = u64::from(outcome.validator_trust[uid]);
        assert!(trust <= stored + 1 && stored <= trust + outlook.given.len() as u64);
    }
}

#[test]
fn outlook_is_what_the_epoch_makes_of_it_when_read_in_the_block_before() {
    execute(|| {
        register_paying(NETUID);
        // The smaller of the two departs from the larger one, which decides.
        set_weights(NETUID, 1, &[(2, 1), (3, 1), (4, 8)]);
        let (outlooks, outcome) = outlooks_of_the_next_run();
        assert_sums_up(&outlooks, &outcome);
        let clipped = |uid: usize| -> Vec<(u16, bool)> {
            let received = outlooks[uid].received.iter();
            received
                .map(|weight| (weight.validator.0, weight.clipped < weight.weight))
                .collect()
        };
        assert_eq!(clipped(2), [(0, false), (1, false)]);
        assert_eq!(clipped(4), [(0, false), (1, true)]);
        assert_eq!(outlooks[4].consensus, outlooks[4].received[0].weight);
        assert!(outlooks[0].received.is_empty() && outlooks[2].given.is_empty());
        assert_eq!(outlooks[0].epoch, EpochIndex(1));
    });
}

#[test]
fn outlook_has_no_stake_behind_who_leaves_a_commit_unrevealed() {
    execute(|| {
        register_paying(NETUID);
        subnet(NETUID, |subnet| subnet.late = vec![Uid(1)]);
        let (outlooks, outcome) = outlooks_of_the_next_run();
        assert_sums_up(&outlooks, &outcome);
        assert!(outlooks[0].active && !outlooks[1].active);
        // Its row counts as never set: older than everybody's registration.
        let validators: Vec<u16> = outlooks[2]
            .received
            .iter()
            .map(|weight| weight.validator.0)
            .collect();
        assert_eq!(validators, [0]);
        assert_eq!(outlooks[1].given, []);
    });
}

#[test]
fn outlook_leaves_out_weights_on_who_registered_later() {
    execute(|| {
        register_paying(NETUID);
        run_to(System::block_number() + 1);
        replace(NETUID, 3);
        let (outlooks, outcome) = outlooks_of_the_next_run();
        assert_sums_up(&outlooks, &outcome);
        assert_eq!(outlooks[3].received, []);
        // What is left of the rows is the whole.
        assert_eq!(outlooks[2].received[0].weight, 3 << 30);
    });
}

#[test]
fn outcome_of_has_nothing_when_the_neuron_came_after_the_epoch() {
    execute(|| {
        register_paying(NETUID);
        run_epoch(NETUID);
        let paid = Epoch::outcome_of(NETUID, Uid(2));
        assert!(paid.incentive > 0 && paid.emission > 0 && !paid.active);
        assert!(Epoch::outcome_of(NETUID, Uid(0)).active);
        add_neuron(NETUID, ASY);
        assert_eq!(Epoch::outcome_of(NETUID, Uid(5)), NeuronOutcome::default());
        replace(NETUID, 2);
        assert_eq!(Epoch::outcome_of(NETUID, Uid(2)), NeuronOutcome::default());
    });
}

#[test]
fn outlook_is_nothing_when_the_subnet_is_unknown() {
    execute(|| assert_eq!(Epoch::outlook(NETUID, Uid(0)), None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn outlook_sums_up_to_the_outcome_whatever_the_weights(
        stakes in prop::collection::vec(1..1_000 * ASY, 6),
        rows in prop::collection::vec(prop::collection::btree_map(0..6u16, any::<u16>(), 0..6), 6),
        late in prop::option::of(0..6u16),
    ) {
        execute(|| {
            register(NETUID, &stakes);
            run_epoch(NETUID);
            run_to(System::block_number() + 1);
            for (uid, row) in (0..).zip(&rows) {
                let row: Vec<_> = row.iter().map(|(target, value)| (*target, *value)).collect();
                set_weights(NETUID, uid, &row);
            }
            subnet(NETUID, |subnet| subnet.late = late.map(Uid).into_iter().collect());
            let (outlooks, outcome) = outlooks_of_the_next_run();
            assert_sums_up(&outlooks, &outcome);
        });
    }
}
