//! What must hold of every epoch, whatever the subnet.

mod common;

use assay_yuma::{Judgement, Neuron, Share};
use common::{bonds_of, cases, difference, distance, subnet, Subnet, Table};
use proptest::prelude::*;

/// What rounding may change.
const ROUNDING: f64 = 1e-8;

fn sum(shares: &[Share]) -> f64 {
    shares.iter().map(|share| share.to_f64()).sum()
}

fn bits(share: Share) -> u128 {
    u128::from(share)
}

fn judgements(subnet: &Subnet) -> Vec<Judgement> {
    (0..subnet.neurons.len() as u16)
        .map(|uid| subnet.judge(uid).expect("the subnet is well-formed"))
        .collect()
}

/// The fraction of its row that `validator` puts on each target, by definition.
fn fractions(subnet: &Subnet, validator: u16) -> Vec<f64> {
    let mut row = vec![0.0; subnet.neurons.len()];
    let own = &subnet.neurons[usize::from(validator)];
    for (target, raw) in subnet.weights.get(&validator).into_iter().flatten() {
        let other = &subnet.neurons[usize::from(*target)];
        if *target != validator && own.last_update > other.registered_at {
            row[usize::from(*target)] = f64::from(*raw);
        }
    }
    let whole: f64 = row.iter().sum();
    row.iter()
        .map(|raw| if whole > 0.0 { raw / whole } else { 0.0 })
        .collect()
}

fn renumber<T: Copy>(table: &Table<T>, new_uid: &[u16]) -> Table<T> {
    let uid = |old: &u16| new_uid[usize::from(*old)];
    table
        .iter()
        .map(|(validator, row)| {
            (
                uid(validator),
                row.iter()
                    .map(|(target, value)| (uid(target), *value))
                    .collect(),
            )
        })
        .collect()
}

fn permute<T: Copy>(column: &[T], new_uid: &[u16]) -> Vec<T> {
    let mut pairs: Vec<(u16, T)> = new_uid
        .iter()
        .copied()
        .zip(column.iter().copied())
        .collect();
    pairs.sort_by_key(|(uid, _)| *uid);
    pairs.into_iter().map(|(_, value)| value).collect()
}

/// A subnet and a renumbering of its uids.
fn renumbered() -> impl Strategy<Value = (Subnet, Vec<u16>)> {
    subnet().prop_flat_map(|subnet| {
        let uids: Vec<u16> = (0..subnet.neurons.len() as u16).collect();
        (Just(subnet), Just(uids).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn incentives_and_dividends_sum_to_one_or_nothing(subnet in subnet()) {
        let outcome = subnet.outcome();
        for column in [&outcome.incentive, &outcome.dividends, &outcome.stake] {
            let sum = sum(column);
            prop_assert!(sum == 0.0 || (sum - 1.0).abs() < ROUNDING, "{sum}");
            let bits: u64 = column.iter().map(|share| share.bits()).sum();
            prop_assert!(bits <= Share::ONE.bits());
        }
    }

    #[test]
    fn a_minority_cannot_raise_consensus_above_what_others_support(
        subnet in subnet(),
        order in prop::collection::vec(any::<u16>(), 24),
    ) {
        let votes = subnet.votes();
        let total: u128 = votes.iter().sum();
        // As many as fit below kappa, in an order of no meaning.
        let mut uids: Vec<usize> = (0..votes.len()).collect();
        uids.sort_by_key(|uid| order[*uid]);
        let (mut minority, mut stake) = (Vec::new(), 0);
        for uid in uids {
            if (stake + votes[uid]) * 65_535 < u128::from(subnet.params.kappa) * total {
                stake += votes[uid];
                minority.push(uid);
            }
        }
        let mut supported = vec![0f64; votes.len()];
        for uid in (0..votes.len()).filter(|uid| !minority.contains(uid) && votes[*uid] > 0) {
            for (most, weight) in supported.iter_mut().zip(fractions(&subnet, uid as u16)) {
                *most = most.max(weight);
            }
        }
        for (consensus, most) in subnet.outcome().consensus.iter().zip(supported) {
            prop_assert!(consensus.to_f64() <= most + 1e-12);
        }
    }

    #[test]
    fn scaling_all_stakes_changes_nothing(subnet in subnet(), factor in 2..1u128 << 70) {
        let mut scaled = subnet.clone();
        scaled.params.min_stake *= factor;
        for neuron in &mut scaled.neurons {
            neuron.stake *= factor;
        }
        let (before, after) = (subnet.outcome(), scaled.outcome());
        prop_assert!(difference(&before, &after) < ROUNDING);
        prop_assert_eq!(before.next_permit, after.next_permit);
        prop_assert_eq!(before.active, after.active);
        prop_assert_eq!(before.active_stake * factor, after.active_stake);
        prop_assert_eq!(before.permitted_stake * factor, after.permitted_stake);
    }

    #[test]
    fn scaling_a_validators_weights_changes_nothing(
        subnet in subnet(),
        validator in 0..24u16,
        factor in 2..100u16,
    ) {
        let mut small = subnet.clone();
        if let Some(row) = small.weights.get_mut(&validator) {
            row.values_mut().for_each(|raw| *raw /= 100);
        }
        let mut large = small.clone();
        if let Some(row) = large.weights.get_mut(&validator) {
            row.values_mut().for_each(|raw| *raw *= factor);
        }
        prop_assert!(difference(&small.outcome(), &large.outcome()) < ROUNDING);
    }

    #[test]
    fn renumbering_uids_permutes_the_outcome((mut subnet, new_uid) in renumbered()) {
        // Ties in permits are settled by uid, so there must be none.
        for (uid, neuron) in (0u128..).zip(&mut subnet.neurons) {
            neuron.stake = neuron.stake / 100 * 100 + uid;
        }
        let renumbered = Subnet {
            params: subnet.params,
            neurons: permute(&subnet.neurons, &new_uid),
            weights: renumber(&subnet.weights, &new_uid),
            bonds: renumber(&subnet.bonds, &new_uid),
        };
        let (before, after) = (subnet.outcome(), renumbered.outcome());
        prop_assert_eq!(renumber(&bonds_of(&before), &new_uid), bonds_of(&after));
        prop_assert_eq!(permute(&before.stake, &new_uid), after.stake);
        prop_assert_eq!(permute(&before.active, &new_uid), after.active);
        prop_assert_eq!(permute(&before.next_permit, &new_uid), after.next_permit);
        prop_assert_eq!(permute(&before.consensus, &new_uid), after.consensus);
        prop_assert_eq!(permute(&before.validator_trust, &new_uid), after.validator_trust);
        prop_assert_eq!(permute(&before.trust, &new_uid), after.trust);
        prop_assert_eq!(permute(&before.rank, &new_uid), after.rank);
        prop_assert_eq!(permute(&before.incentive, &new_uid), after.incentive);
        prop_assert_eq!(permute(&before.dividends, &new_uid), after.dividends);
    }

    #[test]
    fn a_self_weight_changes_nothing(subnet in subnet(), own in prop::collection::vec(any::<u16>(), 24)) {
        let (mut without, mut with) = (subnet.clone(), subnet);
        for (validator, row) in &mut without.weights {
            row.remove(validator);
        }
        for (validator, row) in &mut with.weights {
            row.insert(*validator, own[usize::from(*validator)]);
        }
        prop_assert_eq!(without.outcome(), with.outcome());
    }

    #[test]
    fn an_explicit_zero_is_as_good_as_an_absent_weight(subnet in subnet()) {
        let mut absent = subnet.clone();
        for row in absent.weights.values_mut() {
            row.retain(|_, raw| *raw > 0);
        }
        let mut explicit = subnet;
        for row in explicit.weights.values_mut() {
            for target in 0..explicit.neurons.len() as u16 {
                row.entry(target).or_insert(0);
            }
        }
        prop_assert_eq!(absent.outcome(), explicit.outcome());
    }

    #[test]
    fn splitting_a_validators_stake_changes_no_incentive(
        subnet in subnet(),
        validator in 0..24usize,
        part in 1..1_000u128,
    ) {
        let mut whole = subnet;
        whole.params.min_stake = 0;
        let n = whole.neurons.len();
        let validator = validator % n;
        // Its weight on itself would be its twin's weight on it.
        if let Some(row) = whole.weights.get_mut(&(validator as u16)) {
            row.remove(&(validator as u16));
        }
        let mut split = whole.clone();
        let neuron = split.neurons[validator];
        let stake = neuron.stake * part / 1_000;
        split.neurons[validator].stake -= stake;
        split.neurons.push(Neuron { stake, ..neuron });
        if let Some(row) = split.weights.get(&(validator as u16)).cloned() {
            split.weights.insert(n as u16, row);
        }
        let (before, after) = (whole.outcome(), split.outcome());
        prop_assert!(distance(&before.incentive, &after.incentive[..n]) < ROUNDING);
        prop_assert!(after.incentive[n].is_zero());
    }

    #[test]
    fn the_outcome_is_well_formed(subnet in subnet()) {
        let outcome = subnet.outcome();
        let n = subnet.neurons.len();
        for column in [
            &outcome.stake,
            &outcome.consensus,
            &outcome.validator_trust,
            &outcome.trust,
            &outcome.rank,
            &outcome.incentive,
            &outcome.dividends,
        ] {
            prop_assert_eq!(column.len(), n);
            prop_assert!(column.iter().all(|share| *share <= Share::ONE));
        }
        let votes = subnet.votes();
        prop_assert_eq!(outcome.active_stake, votes.iter().sum::<u128>());
        prop_assert!(outcome.active_stake <= outcome.permitted_stake);
        let active: Vec<bool> = votes.iter().map(|votes| *votes > 0).collect();
        prop_assert_eq!(&outcome.active, &active);
        let permits = outcome.next_permit.iter().filter(|permit| **permit).count();
        prop_assert!(permits <= usize::from(subnet.params.max_validators));
        prop_assert!(outcome.bonds.windows(2).all(|pair| pair[0].validator < pair[1].validator));
        for row in &outcome.bonds {
            prop_assert!(!row.targets.is_empty());
            prop_assert_eq!(row.targets.len(), row.values.len());
            prop_assert!(row.targets.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(row.values.iter().all(|bond| *bond > 0));
        }
        // The next epoch accepts what this one left.
        let next = Subnet { bonds: bonds_of(&outcome), ..subnet };
        prop_assert!(next.run().is_ok());
    }

    #[test]
    fn judge_sums_up_to_the_outcome_of_the_epoch(subnet in subnet()) {
        let outcome = subnet.outcome();
        for (uid, judgement) in judgements(&subnet).into_iter().enumerate() {
            prop_assert_eq!(judgement.active, outcome.active[uid]);
            prop_assert_eq!(judgement.stake, outcome.stake[uid]);
            prop_assert_eq!(judgement.consensus, outcome.consensus[uid]);
            let trust: u128 = judgement.given.iter().map(|given| bits(given.clipped)).sum();
            prop_assert_eq!(trust, bits(outcome.validator_trust[uid]));
            let rank: f64 = judgement
                .received
                .iter()
                .map(|received| received.stake.to_f64() * received.clipped.to_f64())
                .sum();
            prop_assert!((rank - outcome.rank[uid].to_f64()).abs() < 1e-8);
        }
    }

    #[test]
    fn judge_clips_what_is_above_the_consensus_and_nothing_else(subnet in subnet()) {
        for (uid, judgement) in (0..).zip(judgements(&subnet)) {
            for received in &judgement.received {
                prop_assert_eq!(received.target, uid);
                prop_assert_ne!(received.validator, uid);
                prop_assert!(!received.weight.is_zero());
                prop_assert_eq!(received.clipped, received.weight.min(judgement.consensus));
            }
        }
    }

    #[test]
    fn judge_tells_each_weight_to_both_of_its_neurons(subnet in subnet()) {
        let all = judgements(&subnet);
        let mut received: Vec<_> = all.iter().flat_map(|one| &one.received).collect();
        let given: Vec<_> = all.iter().flat_map(|one| &one.given).collect();
        received.sort_by_key(|weight| (weight.validator, weight.target));
        prop_assert_eq!(received, given);
    }

    #[test]
    fn judge_says_nothing_when_no_neuron_has_the_uid(subnet in subnet()) {
        prop_assert_eq!(subnet.judge(u16::MAX), Ok(Judgement::default()));
    }
}
