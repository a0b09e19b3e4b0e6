//! Input that makes no sense is refused with a reason, and nothing at all panics.

mod common;

use assay_yuma::{
    run, BondRow, BondRule, EpochInput, LiquidAlpha, Neuron, Params, Table, WeightRow, YumaError,
    MAX_NEURONS,
};
use common::cases;
use proptest::prelude::*;

fn params() -> Params {
    Params {
        kappa: 32_768,
        bonds_penalty: u16::MAX,
        bonds_alpha: 6_554,
        bond_rule: BondRule::Relative,
        liquid_alpha: None,
        block: 1_000,
        last_epoch_block: 900,
        activity_cutoff: 500,
        min_stake: 0,
        max_validators: 64,
    }
}

fn neurons(count: usize) -> Vec<Neuron> {
    vec![
        Neuron {
            stake: 10,
            permit: true,
            last_update: 950,
            registered_at: 1
        };
        count
    ]
}

fn with_weights(rows: &[WeightRow]) -> Option<YumaError> {
    let neurons = neurons(4);
    run(&EpochInput {
        params: params(),
        neurons: &neurons,
        weights: rows,
        bonds: &[],
    })
    .err()
}

fn with_bonds(rows: &[BondRow]) -> Option<YumaError> {
    let neurons = neurons(4);
    run(&EpochInput {
        params: params(),
        neurons: &neurons,
        weights: &[],
        bonds: rows,
    })
    .err()
}

fn weights<'a>(validator: u16, targets: &'a [u16], values: &'a [u16]) -> WeightRow<'a> {
    WeightRow {
        validator,
        targets,
        values,
    }
}

fn bonds<'a>(validator: u16, targets: &'a [u16], values: &'a [u32]) -> BondRow<'a> {
    BondRow {
        validator,
        targets,
        values,
    }
}

#[test]
fn run_refuses_a_row_when_no_neuron_has_its_uid() {
    let error = |table| {
        Some(YumaError::UnknownValidator {
            table,
            validator: 4,
        })
    };
    assert_eq!(
        with_weights(&[weights(4, &[1], &[1])]),
        error(Table::Weights)
    );
    assert_eq!(with_bonds(&[bonds(4, &[1], &[1])]), error(Table::Bonds));
}

#[test]
fn run_refuses_a_second_row_when_one_validator_has_two() {
    let error = |table| {
        Some(YumaError::RepeatedValidator {
            table,
            validator: 1,
        })
    };
    let rows = [
        weights(1, &[2], &[1]),
        weights(0, &[2], &[1]),
        weights(1, &[3], &[1]),
    ];
    assert_eq!(with_weights(&rows), error(Table::Weights));
    assert_eq!(
        with_bonds(&[bonds(1, &[2], &[1]), bonds(1, &[3], &[1])]),
        error(Table::Bonds)
    );
}

#[test]
fn run_refuses_a_row_when_its_lengths_differ() {
    let error = |table| {
        Some(YumaError::UnequalLengths {
            table,
            validator: 0,
            targets: 2,
            values: 1,
        })
    };
    assert_eq!(
        with_weights(&[weights(0, &[1, 2], &[1])]),
        error(Table::Weights)
    );
    assert_eq!(with_bonds(&[bonds(0, &[1, 2], &[1])]), error(Table::Bonds));
}

#[test]
fn run_refuses_a_row_when_its_targets_do_not_ascend() {
    let error = |table| {
        Some(YumaError::UnsortedTargets {
            table,
            validator: 0,
        })
    };
    assert_eq!(
        with_weights(&[weights(0, &[2, 1], &[1, 1])]),
        error(Table::Weights)
    );
    assert_eq!(
        with_weights(&[weights(0, &[1, 1], &[1, 1])]),
        error(Table::Weights)
    );
    assert_eq!(
        with_bonds(&[bonds(0, &[1, 1], &[1, 1])]),
        error(Table::Bonds)
    );
}

#[test]
fn run_refuses_a_row_when_a_target_does_not_exist() {
    let error = |table| {
        Some(YumaError::UnknownTarget {
            table,
            validator: 0,
            target: 9,
        })
    };
    assert_eq!(
        with_weights(&[weights(0, &[1, 9], &[1, 1])]),
        error(Table::Weights)
    );
    assert_eq!(with_bonds(&[bonds(0, &[9], &[1])]), error(Table::Bonds));
}

#[test]
fn run_refuses_neurons_when_uids_run_out() {
    let neurons = neurons(MAX_NEURONS + 1);
    let input = EpochInput {
        params: params(),
        neurons: &neurons,
        weights: &[],
        bonds: &[],
    };
    assert_eq!(
        run(&input).err(),
        Some(YumaError::TooManyNeurons { count: 65_537 })
    );
}

#[test]
fn run_refuses_stakes_when_their_sum_overflows() {
    let mut neurons = neurons(2);
    neurons[0].stake = u128::MAX;
    let input = EpochInput {
        params: params(),
        neurons: &neurons,
        weights: &[],
        bonds: &[],
    };
    assert_eq!(run(&input).err(), Some(YumaError::StakeOverflow));
}

#[test]
fn run_gives_an_empty_outcome_when_there_is_nobody() {
    let input = EpochInput {
        params: params(),
        neurons: &[],
        weights: &[],
        bonds: &[],
    };
    assert_eq!(run(&input), Ok(Default::default()));
}

#[test]
fn run_serves_every_uid_when_all_are_taken_and_all_validate() {
    let neurons = neurons(MAX_NEURONS);
    let next: Vec<[u16; 1]> = (0..=u16::MAX).map(|uid| [uid.wrapping_add(1)]).collect();
    let rows: Vec<WeightRow> = (0..=u16::MAX)
        .zip(&next)
        .map(|(uid, next)| weights(uid, next, &[u16::MAX]))
        .collect();
    let past: Vec<BondRow> = (0..=u16::MAX)
        .zip(&next)
        .map(|(uid, next)| bonds(uid, next, &[u32::MAX]))
        .collect();
    let params = Params {
        kappa: 0,
        ..params()
    };
    let input = EpochInput {
        params,
        neurons: &neurons,
        weights: &rows,
        bonds: &past,
    };
    let outcome = run(&input).expect("the input is well-formed");
    assert!(outcome
        .incentive
        .iter()
        .all(|share| *share == outcome.incentive[0]));
    assert!(outcome
        .dividends
        .iter()
        .all(|share| *share == outcome.dividends[0]));
    assert!(outcome.bonds.len() == MAX_NEURONS && !outcome.dividends[0].is_zero());
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    let error = with_weights(&[weights(3, &[2, 1], &[1, 1])]).map(|error| error.to_string());
    assert_eq!(
        error.as_deref(),
        Some("weights: the targets of uid 3 must ascend, each named once")
    );
}

fn any_params() -> impl Strategy<Value = Params> {
    let liquid =
        (any::<u16>(), any::<u16>(), any::<u32>()).prop_map(|(low, high, steepness)| LiquidAlpha {
            low,
            high,
            steepness,
        });
    let rule = prop_oneof![Just(BondRule::Relative), Just(BondRule::Classic)];
    let ratios = (any::<u16>(), any::<u16>(), any::<u16>(), any::<u16>());
    let blocks = (any::<u64>(), any::<u64>(), any::<u64>());
    (
        ratios,
        blocks,
        rule,
        prop::option::of(liquid),
        any::<u128>(),
    )
        .prop_map(
            |(ratios, blocks, bond_rule, liquid_alpha, min_stake)| Params {
                kappa: ratios.0,
                bonds_penalty: ratios.1,
                bonds_alpha: ratios.2,
                bond_rule,
                liquid_alpha,
                block: blocks.0,
                last_epoch_block: blocks.1,
                activity_cutoff: blocks.2,
                min_stake: min_stake >> (ratios.3 % 128),
                max_validators: ratios.3,
            },
        )
}

fn any_neuron() -> impl Strategy<Value = Neuron> {
    let block = || prop_oneof![Just(0), Just(u64::MAX), any::<u64>()];
    (any::<u128>(), 5..128u32, any::<bool>(), block(), block()).prop_map(
        |(stake, shift, permit, last_update, registered_at)| Neuron {
            stake: stake >> shift,
            permit,
            last_update,
            registered_at,
        },
    )
}

type Row<T> = (u16, Vec<u16>, Vec<T>);

/// Rows of which some are in order and some are not.
fn any_rows<T: Arbitrary + Clone>() -> impl Strategy<Value = Vec<Row<T>>> {
    let targets = prop::collection::vec(0..12u16, 0..14);
    let row = (
        0..12u16,
        targets,
        prop::collection::vec(any::<T>(), 14),
        any::<u8>(),
    )
        .prop_map(|(validator, mut targets, mut values, shape)| {
            if shape > 8 {
                targets.sort_unstable();
                targets.dedup();
            }
            if shape > 4 {
                values.truncate(targets.len());
            }
            (validator, targets, values)
        });
    (prop::collection::vec(row, 0..12), any::<u8>()).prop_map(|(mut rows, shape)| {
        if shape > 30 {
            rows.sort_by_key(|row| row.0);
            rows.dedup_by_key(|row| row.0);
        }
        rows
    })
}

proptest! {
    #![proptest_config(cases(1_024))]

    #[test]
    fn run_never_panics(
        params in any_params(),
        neurons in prop::collection::vec(any_neuron(), 8..14),
        weights in any_rows::<u16>(),
        bonds in any_rows::<u32>(),
    ) {
        let weights: Vec<WeightRow> = weights
            .iter()
            .map(|(validator, targets, values)| WeightRow { validator: *validator, targets, values })
            .collect();
        let bonds: Vec<BondRow> = bonds
            .iter()
            .map(|(validator, targets, values)| BondRow { validator: *validator, targets, values })
            .collect();
        if let Ok(outcome) = run(&EpochInput { params, neurons: &neurons, weights: &weights, bonds: &bonds }) {
            prop_assert_eq!(outcome.incentive.len(), neurons.len());
        }
    }
}
