//! Step 4: which weights count, and what each is as a fraction of its row.
//!
//! A row is never copied unless something must be dropped from it; the fraction
//! `w_ij = raw_ij / Σ_j raw_ij` is one multiplication away from the raw value and is not stored.

use crate::{BondRow, EpochInput, Neuron, Share, Table, WeightRow, YumaError};
use alloc::borrow::Cow;
use alloc::vec;
use alloc::vec::Vec;

/// The weights of one permitted validator that count in this epoch.
pub(crate) struct Row<'a> {
    pub validator: u16,
    pub targets: Cow<'a, [u16]>,
    pub values: Cow<'a, [u16]>,
    /// `1 / Σ raw` in parts of 2^-62: times a raw value it is that weight's fraction of the row.
    pub scale: u64,
}

/// Checks every row of the input and returns those weights that count, ascending by validator.
///
/// Dropped are rows without a permit, weights on oneself, and weights set no later than their
/// target registered. Rows without any positive weight disappear.
pub(crate) fn weight_rows<'a>(input: &EpochInput<'a>) -> Result<Vec<Row<'a>>, YumaError> {
    let neurons = input.neurons;
    let mut seen = Seen::new(Table::Weights, neurons.len());
    let newest = neurons
        .iter()
        .map(|neuron| neuron.registered_at)
        .max()
        .unwrap_or(0);
    let mut rows = Vec::with_capacity(input.weights.len());
    for row in input.weights {
        seen.check(row.validator, row.targets, row.values.len())?;
        let Some(neuron) = neurons.get(usize::from(row.validator)) else {
            continue;
        };
        if neuron.permit {
            rows.extend(valid_part(row, neuron, neurons, newest));
        }
    }
    rows.sort_unstable_by_key(|row| row.validator);
    Ok(rows)
}

/// Checks every row of old bonds and returns them ascending by validator.
pub(crate) fn bond_rows<'a>(input: &EpochInput<'a>) -> Result<Vec<BondRow<'a>>, YumaError> {
    let mut seen = Seen::new(Table::Bonds, input.neurons.len());
    for row in input.bonds {
        seen.check(row.validator, row.targets, row.values.len())?;
    }
    let mut rows = input.bonds.to_vec();
    rows.sort_unstable_by_key(|row| row.validator);
    Ok(rows)
}

/// What counts of one row, if anything does.
fn valid_part<'a>(
    row: &WeightRow<'a>,
    neuron: &Neuron,
    neurons: &[Neuron],
    newest: u64,
) -> Option<Row<'a>> {
    let weighs_itself = row.targets.binary_search(&row.validator).is_ok();
    let all_older = neuron.last_update > newest;
    let (targets, values) = if all_older && !weighs_itself {
        (Cow::Borrowed(row.targets), Cow::Borrowed(row.values))
    } else {
        let counts = |target: u16| {
            target != row.validator
                && neurons
                    .get(usize::from(target))
                    .is_some_and(|other| neuron.last_update > other.registered_at)
        };
        let mut targets = Vec::with_capacity(row.targets.len());
        let mut values = Vec::with_capacity(row.targets.len());
        for (target, value) in row.targets.iter().zip(row.values) {
            if counts(*target) {
                targets.push(*target);
                values.push(*value);
            }
        }
        (Cow::Owned(targets), Cow::Owned(values))
    };
    // At most 65,536 × 65,535, which fits 32 bits.
    let sum: u32 = values.iter().map(|value| u32::from(*value)).sum();
    let scale = Share::ONE.bits().checked_div(u64::from(sum))?;
    Some(Row {
        validator: row.validator,
        targets,
        values,
        scale,
    })
}

/// Checks the shape of the rows of one table.
struct Seen {
    table: Table,
    validators: Vec<bool>,
}

impl Seen {
    fn new(table: Table, neurons: usize) -> Self {
        Self {
            table,
            validators: vec![false; neurons],
        }
    }

    fn check(&mut self, validator: u16, targets: &[u16], values: usize) -> Result<(), YumaError> {
        let table = self.table;
        match self.validators.get_mut(usize::from(validator)) {
            None => return Err(YumaError::UnknownValidator { table, validator }),
            Some(true) => return Err(YumaError::RepeatedValidator { table, validator }),
            Some(seen) => *seen = true,
        }
        if targets.len() != values {
            let targets = targets.len();
            return Err(YumaError::UnequalLengths {
                table,
                validator,
                targets,
                values,
            });
        }
        // A fold without an early way out, so that it is done many targets at a time.
        let ascending = targets
            .iter()
            .zip(targets.iter().skip(1))
            .fold(true, |ascending, (left, right)| ascending & (left < right));
        if !ascending {
            return Err(YumaError::UnsortedTargets { table, validator });
        }
        match targets.last() {
            Some(target) if usize::from(*target) >= self.validators.len() => {
                Err(YumaError::UnknownTarget {
                    table,
                    validator,
                    target: *target,
                })
            }
            _ => Ok(()),
        }
    }
}
