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

impl Row<'_> {
    /// `S_i / Σ raw` in parts of 2^-62: times a raw value it is that weight times the stake.
    pub fn weighted(&self, share: Share) -> u64 {
        share.mul(Share::from_bits(self.scale)).bits()
    }
}

/// Checks every row of the input and returns those weights that count, ascending by validator.
///
/// Dropped are rows without a permit, weights on oneself, and weights set no later than their
/// target registered. Rows without any positive weight disappear.
pub(crate) fn weight_rows<'a>(input: &EpochInput<'a>) -> Result<Vec<Row<'a>>, YumaError> {
    let neurons = input.neurons;
    let mut seen = Seen::new(Table::Weights, neurons.len());
    // Side by side in memory, since rows of a network with newcomers look into all of them.
    let registered: Vec<u64> = neurons.iter().map(|neuron| neuron.registered_at).collect();
    let newest = registered.iter().copied().max().unwrap_or(0);
    let mut rows = Vec::with_capacity(input.weights.len());
    for row in input.weights {
        seen.check(row.validator, row.targets, row.values.len())?;
        let Some(neuron) = neurons.get(usize::from(row.validator)) else {
            continue;
        };
        if neuron.permit {
            rows.extend(valid_part(row, neuron, &registered, newest));
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
    registered: &[u64],
    newest: u64,
) -> Option<Row<'a>> {
    let mut kept = Kept::new(row);
    if neuron.last_update > newest {
        kept.skip(row.targets.binary_search(&row.validator).ok());
    } else {
        let void = |target: u16| {
            let registered = registered.get(usize::from(target));
            target == row.validator || registered.is_none_or(|at| *at >= neuron.last_update)
        };
        kept.skip(
            (0..)
                .zip(row.targets)
                .filter(|(_, target)| void(**target))
                .map(|(at, _)| at),
        );
    }
    let (targets, values) = kept.finish();
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

/// A row less the entries that are skipped, copied only if there are any.
struct Kept<'a> {
    rest: (&'a [u16], &'a [u16]),
    copied: Option<(Vec<u16>, Vec<u16>)>,
}

impl<'a> Kept<'a> {
    fn new(row: &WeightRow<'a>) -> Self {
        Self {
            rest: (row.targets, row.values),
            copied: None,
        }
    }

    /// Skips the entries at the given places, which ascend.
    fn skip(&mut self, places: impl IntoIterator<Item = usize>) {
        let whole = self.rest.0.len();
        for place in places {
            let place = place - (whole - self.rest.0.len());
            let (targets, values) = self
                .copied
                .get_or_insert_with(|| (Vec::with_capacity(whole), Vec::with_capacity(whole)));
            targets.extend_from_slice(&self.rest.0[..place]);
            values.extend_from_slice(&self.rest.1[..place]);
            self.rest = (&self.rest.0[place + 1..], &self.rest.1[place + 1..]);
        }
    }

    fn finish(self) -> (Cow<'a, [u16]>, Cow<'a, [u16]>) {
        match self.copied {
            None => (Cow::Borrowed(self.rest.0), Cow::Borrowed(self.rest.1)),
            Some((mut targets, mut values)) => {
                targets.extend_from_slice(self.rest.0);
                values.extend_from_slice(self.rest.1);
                (Cow::Owned(targets), Cow::Owned(values))
            }
        }
    }
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
