//! Subnets that the tests make up: owned, so that they can be changed and run again.

// Every test file compiles this module for itself and uses a part of it.
#![allow(dead_code)]

use assay_yuma::{
    judge, run, BondRow, BondRule, EpochInput, EpochOutput, Judgement, LiquidAlpha, Neuron, Params,
    Share, WeightRow, YumaError,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Rows by validator, each by target.
pub type Table<T> = BTreeMap<u16, BTreeMap<u16, T>>;

/// One subnet before an epoch.
#[derive(Clone, Debug)]
pub struct Subnet {
    pub params: Params,
    pub neurons: Vec<Neuron>,
    pub weights: Table<u16>,
    pub bonds: Table<u32>,
}

impl Subnet {
    pub fn run(&self) -> Result<EpochOutput, YumaError> {
        self.with_input(run)
    }

    pub fn judge(&self, uid: u16) -> Result<Judgement, YumaError> {
        self.with_input(|input| judge(input, uid))
    }

    fn with_input<R>(&self, compute: impl FnOnce(&EpochInput) -> R) -> R {
        let weights = columns(&self.weights);
        let bonds = columns(&self.bonds);
        let weights: Vec<WeightRow> = weights
            .iter()
            .map(|(validator, targets, values)| WeightRow {
                validator: *validator,
                targets,
                values,
            })
            .collect();
        let bonds: Vec<BondRow> = bonds
            .iter()
            .map(|(validator, targets, values)| BondRow {
                validator: *validator,
                targets,
                values,
            })
            .collect();
        let (params, neurons) = (self.params, &self.neurons);
        compute(&EpochInput {
            params,
            neurons,
            weights: &weights,
            bonds: &bonds,
        })
    }

    /// [`Subnet::run`] where the input is known to be well-formed.
    pub fn outcome(&self) -> EpochOutput {
        self.run().expect("the subnet is well-formed")
    }

    /// The active stake of each uid by its definition.
    pub fn votes(&self) -> Vec<u128> {
        let params = &self.params;
        let votes = |neuron: &Neuron| {
            let recent = neuron.last_update + params.activity_cutoff >= params.block;
            if neuron.permit && recent && neuron.stake >= params.min_stake {
                neuron.stake
            } else {
                0
            }
        };
        self.neurons.iter().map(votes).collect()
    }
}

fn columns<T: Copy>(table: &Table<T>) -> Vec<(u16, Vec<u16>, Vec<T>)> {
    table
        .iter()
        .map(|(validator, row)| {
            (
                *validator,
                row.keys().copied().collect(),
                row.values().copied().collect(),
            )
        })
        .collect()
}

/// Bonds of an outcome as the next epoch's table.
pub fn bonds_of(outcome: &EpochOutput) -> Table<u32> {
    outcome
        .bonds
        .iter()
        .map(|row| {
            let pairs = row.targets.iter().copied().zip(row.values.iter().copied());
            (row.validator, pairs.collect())
        })
        .collect()
}

/// The largest difference between two columns.
pub fn distance(ours: &[Share], theirs: &[Share]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter()
        .zip(theirs)
        .map(|(a, b)| (a.to_f64() - b.to_f64()).abs())
        .fold(0.0, f64::max)
}

/// The largest difference between two outcomes' bonds.
pub fn bond_distance(ours: &Table<u32>, theirs: &Table<u32>) -> f64 {
    let one_way = |a: &Table<u32>, b: &Table<u32>| {
        let mut worst = 0u32;
        for (validator, row) in a {
            for (target, bond) in row {
                let other = b
                    .get(validator)
                    .and_then(|row| row.get(target))
                    .unwrap_or(&0);
                worst = worst.max(bond.abs_diff(*other));
            }
        }
        f64::from(worst) / f64::from(u32::MAX)
    };
    one_way(ours, theirs).max(one_way(theirs, ours))
}

/// The largest difference between two outcomes in anything that is a fraction.
pub fn difference(ours: &EpochOutput, theirs: &EpochOutput) -> f64 {
    [
        distance(&ours.stake, &theirs.stake),
        distance(&ours.consensus, &theirs.consensus),
        distance(&ours.validator_trust, &theirs.validator_trust),
        distance(&ours.trust, &theirs.trust),
        distance(&ours.rank, &theirs.rank),
        distance(&ours.incentive, &theirs.incentive),
        distance(&ours.dividends, &theirs.dividends),
        bond_distance(&bonds_of(ours), &bonds_of(theirs)),
    ]
    .into_iter()
    .fold(0.0, f64::max)
}

/// How many cases a property is tried on, unless `PROPTEST_CASES` asks for more. Failing cases are
/// printed, not kept in files.
pub fn cases(cases: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() {
        asked.cases
    } else {
        cases
    };
    ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 500,
        ..asked
    }
}

fn ratio() -> impl Strategy<Value = u16> {
    prop_oneof![Just(0), Just(32_768), Just(u16::MAX), 1..u16::MAX]
}

fn rules() -> impl Strategy<Value = (BondRule, Option<LiquidAlpha>)> {
    let liquid =
        (any::<u16>(), any::<u16>(), 0..20_000u32).prop_map(|(low, high, steepness)| LiquidAlpha {
            low,
            high,
            steepness,
        });
    prop_oneof![
        Just((BondRule::Relative, None)),
        Just((BondRule::Classic, None)),
        liquid.prop_map(|liquid| (BondRule::Relative, Some(liquid))),
    ]
}

fn params() -> impl Strategy<Value = Params> {
    let kappa = prop_oneof![Just(32_767), Just(32_768), Just(u16::MAX), 655..u16::MAX];
    // Rates below one in a hundred leave too few digits of a first bond to compare dividends by.
    let alpha = prop_oneof![Just(655), Just(6_554), Just(u16::MAX), 655..u16::MAX];
    let min_stake = prop_oneof![Just(0), 0..10_000_000_000u128];
    (kappa, ratio(), alpha, rules(), min_stake, 0..20u16).prop_map(
        |(kappa, bonds_penalty, bonds_alpha, rule, min_stake, max_validators)| Params {
            kappa,
            bonds_penalty,
            bonds_alpha,
            bond_rule: rule.0,
            liquid_alpha: rule.1,
            block: 1_000,
            last_epoch_block: 900,
            activity_cutoff: 300,
            min_stake,
            max_validators,
        },
    )
}

fn neuron() -> impl Strategy<Value = Neuron> {
    let stake = prop_oneof![
        Just(0),
        Just(1 << 33),
        1_000_000_000..1_000_000_000_000_000u128
    ];
    let last_update = prop_oneof![4 => 800..1_000u64, 1 => 600..800u64];
    let registered_at = prop_oneof![9 => 1..600u64, 1 => 600..1_000u64];
    (stake, prop::bool::weighted(0.8), last_update, registered_at).prop_map(
        |(stake, permit, last_update, registered_at)| Neuron {
            stake,
            permit,
            last_update,
            registered_at,
        },
    )
}

/// A table in which about `density` of all entries stand.
fn table<T: std::fmt::Debug + Clone>(
    n: usize,
    density: f64,
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Table<T>> {
    let entry = prop::option::weighted(density, value);
    let row = prop::option::weighted(0.7, prop::collection::vec(entry, n));
    prop::collection::vec(row, n).prop_map(|rows| {
        let mut table = Table::new();
        for (validator, row) in (0u16..).zip(rows) {
            if let Some(row) = row {
                let entries = (0u16..).zip(row);
                let row = entries
                    .filter_map(|(target, value)| Some((target, value?)))
                    .collect();
                table.insert(validator, row);
            }
        }
        table
    })
}

/// Small subnets of all kinds.
pub fn subnet() -> impl Strategy<Value = Subnet> {
    (1..24usize, prop_oneof![Just(0.2), Just(0.6), Just(0.99)]).prop_flat_map(|(n, density)| {
        let weight = prop_oneof![1 => Just(0), 9 => 200..u16::MAX];
        let bond = prop_oneof![1 => 0..10u32, 9 => 100_000..=u32::MAX];
        (
            params(),
            prop::collection::vec(neuron(), n),
            table(n, density, weight),
            table(n, 0.5, bond),
        )
            .prop_map(|(params, neurons, weights, bonds)| Subnet {
                params,
                neurons,
                weights,
                bonds,
            })
    })
}
