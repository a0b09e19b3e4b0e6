//! The crate against a second implementation: dense tables of floating-point numbers, written
//! straight from the formulas and sharing no code with the crate.

mod common;

use assay_yuma::{BondRule, EpochOutput, Share};
use common::{bonds_of, cases, subnet, Subnet};
use proptest::prelude::*;

type Matrix = Vec<Vec<f64>>;

struct Model {
    stake: Vec<f64>,
    consensus: Vec<f64>,
    validator_trust: Vec<f64>,
    trust: Vec<f64>,
    rank: Vec<f64>,
    incentive: Vec<f64>,
    dividends: Vec<f64>,
    bonds: Matrix,
    /// How far dividends may be off because a new bond has 32 bits.
    resolution: f64,
}

fn normalised(values: &[f64]) -> Vec<f64> {
    let sum: f64 = values.iter().sum();
    values
        .iter()
        .map(|value| if sum > 0.0 { value / sum } else { 0.0 })
        .collect()
}

fn normalise_columns(matrix: &mut Matrix) {
    for j in 0..matrix.len() {
        let sum: f64 = matrix.iter().map(|row| row[j]).sum();
        for row in matrix.iter_mut().filter(|_| sum > 0.0) {
            row[j] /= sum;
        }
    }
}

fn ratio(value: u16) -> f64 {
    f64::from(value) / 65_535.0
}

/// Step 4.
fn weights(subnet: &Subnet) -> Matrix {
    let neurons = &subnet.neurons;
    let mut weights = vec![vec![0.0; neurons.len()]; neurons.len()];
    for (validator, row) in &subnet.weights {
        let i = usize::from(*validator);
        for (target, raw) in row {
            let j = usize::from(*target);
            let counts = neurons[i].permit && i != j;
            if counts && neurons[i].last_update > neurons[j].registered_at {
                weights[i][j] = f64::from(*raw);
            }
        }
        weights[i] = normalised(&weights[i]);
    }
    weights
}

/// Step 5, with the stake counted exactly.
fn consensus(subnet: &Subnet, weights: &Matrix, votes: &[u128]) -> Vec<f64> {
    let needed = u128::from(subnet.params.kappa) * votes.iter().sum::<u128>();
    (0..votes.len())
        .map(|j| {
            let support = |least: f64| -> u128 {
                (0..votes.len())
                    .filter(|i| weights[*i][j] >= least)
                    .map(|i| votes[i])
                    .sum()
            };
            let candidates = (0..votes.len())
                .filter(|i| votes[*i] > 0)
                .map(|i| weights[i][j]);
            candidates
                .filter(|w| support(*w) * 65_535 >= needed)
                .fold(0.0, f64::max)
        })
        .collect()
}

fn relative(subnet: &Subnet, old: &Matrix, aims: &Matrix, model: &Model) -> (Matrix, Vec<f64>) {
    let n = old.len();
    let any_consensus = model.consensus.iter().any(|c| *c > 0.0);
    let mut bonds = vec![vec![0.0; n]; n];
    for i in 0..n {
        for j in 0..n {
            let (bond, aim) = (old[i][j], aims[i][j]);
            let rate = match subnet.params.liquid_alpha {
                Some(liquid) if any_consensus => {
                    let from = if aim >= bond {
                        aim - model.consensus[j]
                    } else {
                        bond - aim
                    };
                    let steepness = f64::from(liquid.steepness) / 1_000.0;
                    let curve = 1.0 / (1.0 + (-steepness * (from.clamp(0.0, 1.0) - 0.5)).exp());
                    ratio(liquid.low) + (ratio(liquid.high) - ratio(liquid.low)) * curve
                }
                _ => ratio(subnet.params.bonds_alpha),
            };
            bonds[i][j] = ((1.0 - rate) * bond + rate * aim).min(1.0);
        }
    }
    let mut shares = bonds.clone();
    normalise_columns(&mut shares);
    let earned = |i: usize| -> f64 {
        model.stake[i]
            * (0..n)
                .map(|j| shares[i][j] * model.incentive[j])
                .sum::<f64>()
    };
    let earned = (0..n).map(earned).collect();
    (bonds, earned)
}

/// Every entry of a column may be off by a unit: that part of the column's incentive may go
/// astray, and more of the dividends if the stake behind them is small.
fn resolution(model: &Model, bonds: &Matrix, earned: &[f64]) -> f64 {
    let astray = |j: usize| -> f64 {
        let sum: f64 = bonds.iter().map(|row| row[j]).sum();
        let units = sum * f64::from(u32::MAX);
        model.incentive[j] * (bonds.len() as f64 / units.max(1.0)).min(1.0)
    };
    let whole: f64 = earned.iter().sum();
    let astray: f64 = (0..bonds.len()).map(astray).sum();
    if whole > 0.0 {
        astray / whole
    } else {
        0.0
    }
}

fn classic(subnet: &Subnet, old: &Matrix, aims: &Matrix, model: &Model) -> (Matrix, Vec<f64>) {
    let n = old.len();
    let alpha = ratio(subnet.params.bonds_alpha);
    let mut past = old.clone();
    normalise_columns(&mut past);
    let mut delta: Matrix = aims.clone();
    for (row, stake) in delta.iter_mut().zip(&model.stake) {
        row.iter_mut().for_each(|aim| *aim *= stake);
    }
    normalise_columns(&mut delta);
    let mut mixed = delta;
    for (row, past) in mixed.iter_mut().zip(&past) {
        for (entry, past) in row.iter_mut().zip(past) {
            *entry = alpha * *entry + (1.0 - alpha) * past;
        }
    }
    normalise_columns(&mut mixed);
    let earned = mixed
        .iter()
        .map(|row| {
            row.iter()
                .zip(&model.incentive)
                .map(|(entry, share)| entry * share)
                .sum()
        })
        .collect();
    for j in 0..n {
        let largest = mixed.iter().map(|row| row[j]).fold(0.0, f64::max);
        for row in mixed.iter_mut().filter(|_| largest > 0.0) {
            row[j] /= largest;
        }
    }
    (mixed, earned)
}

fn model(subnet: &Subnet) -> Model {
    let n = subnet.neurons.len();
    let votes = subnet.votes();
    let stake = normalised(&votes.iter().map(|votes| *votes as f64).collect::<Vec<_>>());
    let weights = weights(subnet);
    let consensus = consensus(subnet, &weights, &votes);
    let clip = |row: &Vec<f64>| -> Vec<f64> {
        row.iter().zip(&consensus).map(|(w, c)| w.min(*c)).collect()
    };
    let clipped: Matrix = weights.iter().map(clip).collect();
    let weighted =
        |matrix: &Matrix, j: usize| -> f64 { (0..n).map(|i| stake[i] * matrix[i][j]).sum() };
    let rank: Vec<f64> = (0..n).map(|j| weighted(&clipped, j)).collect();
    let support: Vec<f64> = (0..n).map(|j| weighted(&weights, j)).collect();
    let trust = rank
        .iter()
        .zip(&support)
        .map(|(r, s)| if *s > 0.0 { r / s } else { 0.0 })
        .collect();
    let penalty = ratio(subnet.params.bonds_penalty);
    let aims: Matrix = weights
        .iter()
        .zip(&clipped)
        .map(|(w, c)| {
            w.iter()
                .zip(c)
                .map(|(w, c)| (1.0 - penalty) * w + penalty * c)
                .collect()
        })
        .collect();
    let mut old = vec![vec![0.0; n]; n];
    for (validator, row) in &subnet.bonds {
        for (target, bond) in row {
            if subnet.neurons[usize::from(*target)].registered_at < subnet.params.last_epoch_block {
                let bond = f64::from(*bond) / f64::from(u32::MAX);
                old[usize::from(*validator)][usize::from(*target)] = bond;
            }
        }
    }
    let mut model = Model {
        validator_trust: clipped.iter().map(|row| row.iter().sum()).collect(),
        incentive: normalised(&rank),
        stake,
        consensus,
        trust,
        rank,
        dividends: Vec::new(),
        bonds: Vec::new(),
        resolution: 0.0,
    };
    let (bonds, earned) = match subnet.params.bond_rule {
        BondRule::Relative => relative(subnet, &old, &aims, &model),
        BondRule::Classic => classic(subnet, &old, &aims, &model),
    };
    if subnet.params.bond_rule == BondRule::Relative {
        model.resolution = resolution(&model, &bonds, &earned);
    }
    model.dividends = normalised(&earned);
    model.bonds = bonds;
    model
}

fn close(name: &str, ours: &[Share], theirs: &[f64], tolerance: f64) -> Result<(), TestCaseError> {
    for (uid, (a, b)) in ours.iter().zip(theirs).enumerate() {
        let a = a.to_f64();
        prop_assert!(
            (a - b).abs() <= tolerance,
            "{} of {}: {} instead of {}",
            name,
            uid,
            a,
            b
        );
    }
    Ok(())
}

fn agree(ours: &EpochOutput, theirs: &Model, tolerance: f64) -> Result<(), TestCaseError> {
    close("stake", &ours.stake, &theirs.stake, tolerance)?;
    close("consensus", &ours.consensus, &theirs.consensus, tolerance)?;
    close(
        "validator trust",
        &ours.validator_trust,
        &theirs.validator_trust,
        tolerance,
    )?;
    close("trust", &ours.trust, &theirs.trust, tolerance)?;
    close("rank", &ours.rank, &theirs.rank, tolerance)?;
    close("incentive", &ours.incentive, &theirs.incentive, tolerance)?;
    close(
        "dividends",
        &ours.dividends,
        &theirs.dividends,
        tolerance + theirs.resolution,
    )?;
    let table = bonds_of(ours);
    for (i, row) in (0u16..).zip(&theirs.bonds) {
        for (j, bond) in (0u16..).zip(row) {
            let ours = table.get(&i).and_then(|row| row.get(&j)).unwrap_or(&0);
            let ours = f64::from(*ours) / f64::from(u32::MAX);
            prop_assert!(
                (ours - bond).abs() <= tolerance,
                "bond of {} with {}: {} instead of {}",
                i,
                j,
                ours,
                bond
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn run_agrees_with_the_floating_point_model(subnet in subnet()) {
        agree(&subnet.outcome(), &model(&subnet), 1e-6)?;
    }

    #[test]
    fn run_agrees_with_the_floating_point_model_when_epochs_follow_each_other(
        subnet in subnet(),
        epochs in prop::collection::vec(any::<u64>(), 8),
    ) {
        let mut subnet = subnet;
        for shuffle in epochs {
            let outcome = subnet.outcome();
            agree(&outcome, &model(&subnet), 1e-6)?;
            subnet.bonds = bonds_of(&outcome);
            // Other weights for every validator, some gone and some new.
            for (validator, row) in &mut subnet.weights {
                row.values_mut().for_each(|raw| *raw = raw.rotate_left((shuffle % 15) as u32) | 256);
                row.remove(&((shuffle >> 8) as u16 % 24));
                let target = (shuffle >> 16) as u16 % subnet.neurons.len() as u16;
                row.insert(target, *validator * 1_000 + 500);
            }
        }
    }
}
