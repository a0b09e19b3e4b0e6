//! Step 4: which weights count, and what each is as a fraction of its row.
//!
//! A row is never copied unless something must be dropped from it, and all copies share one piece
//! of memory: in a Wasm executor every allocation is a call of the host. The fraction
//! `w_ij = raw_ij / Σ_j raw_ij` is one multiplication away from the raw value and is not stored.

use crate::{BondRow, EpochInput, Neuron, Share, Table, WeightRow, YumaError};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

/// The weights of one permitted validator that count in this epoch.
pub(crate) struct Row<'a> {
    pub validator: u16,
    pub targets: &'a [u16],
    pub values: &'a [u16],
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
/// target registered. Rows without any positive weight disappear. `copies` holds the rows that
/// had to be copied.
pub(crate) fn weight_rows<'a>(
    input: &EpochInput<'a>,
    copies: &'a mut Copies,
) -> Result<Vec<Row<'a>>, YumaError> {
    let neurons = input.neurons;
    let mut seen = Seen::new(Table::Weights, neurons.len());
    // Side by side in memory, since rows of a network with newcomers look into all of them.
    let registered: Vec<u64> = neurons.iter().map(|neuron| neuron.registered_at).collect();
    let newest = registered.iter().copied().max().unwrap_or(0);
    let room = input.weights.iter().map(|row| row.targets.len()).sum();
    let mut parts = Vec::with_capacity(input.weights.len());
    for row in input.weights {
        seen.check(row.validator, row.targets, row.values.len())?;
        match neurons.get(usize::from(row.validator)) {
            Some(neuron) if neuron.permit => {
                let void = void_places(row, neuron, &registered, newest);
                parts.push((row, copies.without(row, void, room)));
            }
            _ => {}
        }
    }
    let copies: &Copies = copies;
    let mut rows: Vec<Row> = parts
        .into_iter()
        .filter_map(|(row, part)| {
            let (targets, values) = match part {
                None => (row.targets, row.values),
                Some(part) => (&copies.targets[part.clone()], &copies.values[part]),
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
        })
        .collect();
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

/// The places in a row of the entries that don't count, ascending.
fn void_places<'a>(
    row: &'a WeightRow,
    neuron: &Neuron,
    registered: &'a [u64],
    newest: u64,
) -> impl Iterator<Item = usize> + 'a {
    let (validator, last_update) = (row.validator, neuron.last_update);
    // The usual case: no neuron is newer than the row, and the one place is soon found.
    let all = last_update > newest;
    let own = all.then(|| row.targets.binary_search(&validator).ok());
    let looked_at = if all { &[][..] } else { row.targets };
    let void = move |target: u16| {
        let registered = registered.get(usize::from(target));
        target == validator || registered.is_none_or(|at| *at >= last_update)
    };
    let voided = (0..)
        .zip(looked_at)
        .filter(move |(_, target)| void(**target))
        .map(|(place, _)| place);
    own.flatten().into_iter().chain(voided)
}

/// The rows of which something had to be dropped, one after the other.
#[derive(Default)]
pub(crate) struct Copies {
    targets: Vec<u16>,
    values: Vec<u16>,
}

impl Copies {
    /// Copies `row` without the entries at `places`, and says where to; does nothing if there are
    /// none. The first copy makes room for `room` entries.
    fn without(
        &mut self,
        row: &WeightRow,
        places: impl Iterator<Item = usize>,
        room: usize,
    ) -> Option<Range<usize>> {
        let mut places = places.peekable();
        places.peek()?;
        if self.targets.capacity() == 0 {
            self.targets.reserve_exact(room);
            self.values.reserve_exact(room);
        }
        let start = self.targets.len();
        let mut from = 0;
        for place in places {
            self.targets.extend_from_slice(&row.targets[from..place]);
            self.values.extend_from_slice(&row.values[from..place]);
            from = place + 1;
        }
        self.targets.extend_from_slice(&row.targets[from..]);
        self.values.extend_from_slice(&row.values[from..]);
        Some(start..self.targets.len())
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
