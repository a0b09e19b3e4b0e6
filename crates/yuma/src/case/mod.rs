//! Cases: whole sequences of epochs as JSON, read, run and reported.
//!
//! A case is one object: `params` and `neurons` as they stand before the first epoch, optionally
//! the `bonds` it starts with, and `epochs`. Each epoch may first change parameters and neurons
//! (by uid) and then gives all weights that stand in it; bonds and permits carry over.
//!
//! ```json
//! { "params": { "kappa": 32768, "bonds_penalty": 65535, "bonds_alpha": 6554,
//!     "bond_rule": "relative", "liquid_alpha": null, "block": 1000, "last_epoch_block": 900,
//!     "activity_cutoff": 5000, "min_stake": "0", "max_validators": 64 },
//!   "neurons": [
//!     { "stake": "1000", "permit": true, "last_update": 950, "registered_at": 1 },
//!     { "stake": "0", "permit": false, "last_update": 950, "registered_at": 1 } ],
//!   "bonds": [[0, 1, 6554]],
//!   "epochs": [
//!     { "weights": [[0, 1, 65535]] },
//!     { "params": { "block": 1100, "last_epoch_block": 1000 },
//!       "neurons": { "0": { "last_update": 1050 } }, "weights": [[0, 1, 65535]] } ] }
//! ```
//!
//! Ratios are numbers of 0 to 65535; token units are decimal strings (or plain integers); liquid
//! alpha is `{ "low": 45875, "high": 58982, "steepness": 10.0 }`. Weights and bonds may come in
//! any order. The keys `name`, `why`, `expect` and `tolerance` belong to whoever keeps the case
//! and are passed over; any other key that is not known is an error.
//!
//! Numbers in the report are floating-point, for people and comparisons; the computation is
//! [`run`](crate::run)'s.

mod format;
mod report;

pub use format::{Case, CaseError};
pub use report::{EpochReport, Report};

use crate::{
    BondRow, EpochInput, EpochOutput, LiquidAlpha, Neuron, NewBonds, Params, Table, WeightRow,
};
use format::Patch;
use std::collections::BTreeMap;

impl Case {
    /// Runs all epochs of the case, each going on from the permits and bonds of the one before.
    ///
    /// # Errors
    ///
    /// Names the epoch, and what in it cannot be: a neuron that does not exist, a weight given
    /// twice, anything that [`run`](crate::run) refuses.
    pub fn run(&self) -> Result<Report, CaseError> {
        let mut params = self.params.build();
        let mut neurons: Vec<Neuron> = self.neurons.iter().map(|neuron| neuron.build()).collect();
        let mut bonds = first_bonds(&self.bonds)?;
        let mut epochs = Vec::with_capacity(self.epochs.len());
        for (epoch, change) in self.epochs.iter().enumerate() {
            change.params.apply(&mut params);
            for (uid, patch) in &change.neurons {
                let neuron = neurons.get_mut(usize::from(*uid));
                patch.apply(neuron.ok_or(CaseError::UnknownNeuron { epoch, uid: *uid })?);
            }
            let weights = collect(Table::Weights, Some(epoch), &change.weights)?;
            let output = compute(params, &neurons, &weights, &bonds)
                .map_err(|source| CaseError::Refused { epoch, source })?;
            for (neuron, permit) in neurons.iter_mut().zip(&output.next_permit) {
                neuron.permit = *permit;
            }
            epochs.push(EpochReport::new(&output));
            bonds = output.bonds;
        }
        Ok(Report { epochs })
    }
}

fn compute(
    params: Params,
    neurons: &[Neuron],
    weights: &BTreeMap<u16, Entries<u16>>,
    bonds: &[NewBonds],
) -> Result<EpochOutput, crate::YumaError> {
    let weights: Vec<WeightRow> = weights
        .iter()
        .map(|(validator, row)| WeightRow {
            validator: *validator,
            targets: &row.targets,
            values: &row.values,
        })
        .collect();
    let bonds: Vec<BondRow> = bonds.iter().map(NewBonds::as_row).collect();
    crate::run(&EpochInput {
        params,
        neurons,
        weights: &weights,
        bonds: &bonds,
    })
}

/// One row, collected from triples.
#[derive(Default)]
struct Entries<T> {
    targets: Vec<u16>,
    values: Vec<T>,
}

/// Sorts triples `[validator, target, value]` into rows.
fn collect(
    table: Table,
    epoch: Option<usize>,
    triples: &[(u16, u16, u16)],
) -> Result<BTreeMap<u16, Entries<u16>>, CaseError> {
    let mut sorted = triples.to_vec();
    sorted.sort_unstable_by_key(|(validator, target, _)| (*validator, *target));
    for pair in sorted.windows(2) {
        if (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1) {
            let (validator, target, _) = pair[0];
            return Err(CaseError::Repeated {
                table,
                epoch,
                validator,
                target,
            });
        }
    }
    let mut rows = BTreeMap::<u16, Entries<u16>>::new();
    for (validator, target, value) in sorted {
        let row = rows.entry(validator).or_default();
        row.targets.push(target);
        row.values.push(value);
    }
    Ok(rows)
}

/// The bonds a case starts with, from fractions of `u16::MAX` to fractions of `u32::MAX`.
fn first_bonds(triples: &[(u16, u16, u16)]) -> Result<Vec<NewBonds>, CaseError> {
    let rows = collect(Table::Bonds, None, triples)?;
    // (2^32 - 1) / (2^16 - 1) is 2^16 + 1 exactly.
    let widen = |value: u16| u32::from(value) * 0x1_0001;
    Ok(rows
        .into_iter()
        .map(|(validator, row)| NewBonds {
            validator,
            targets: row.targets,
            values: row.values.into_iter().map(widen).collect(),
        })
        .collect())
}

impl format::ParamsJson {
    fn build(&self) -> Params {
        Params {
            kappa: self.kappa,
            bonds_penalty: self.bonds_penalty,
            bonds_alpha: self.bonds_alpha,
            bond_rule: self.bond_rule.into(),
            liquid_alpha: self.liquid_alpha.map(LiquidAlpha::from),
            block: self.block,
            last_epoch_block: self.last_epoch_block,
            activity_cutoff: self.activity_cutoff,
            min_stake: self.min_stake.0,
            max_validators: self.max_validators,
        }
    }
}

impl format::NeuronJson {
    fn build(&self) -> Neuron {
        Neuron {
            stake: self.stake.0,
            permit: self.permit,
            last_update: self.last_update,
            registered_at: self.registered_at,
        }
    }
}
