//! Steps 7 and 8: what becomes of bonds, and what they earn.
//!
//! Everything here goes row by row, old bonds and weights side by side; what a rule needs to know
//! of a column is summed up in one record per target before or between its passes. No pass holds
//! more than the old rows, the new rows and those records.

mod classic;
mod rate;
mod relative;

use crate::columns::Columns;
use crate::rows::Row;
use crate::stake::Stakes;
use crate::{BondRow, BondRule, EpochInput, NewBonds, Share, MAX_NEURONS};
use alloc::vec;
use alloc::vec::Vec;

/// What the rules work on.
pub(crate) struct Context<'a> {
    pub rows: &'a [Row<'a>],
    pub old: &'a [BondRow<'a>],
    pub stakes: &'a Stakes,
    pub columns: &'a Columns,
    pub incentive: &'a [Share],
    pub penalty: Penalty,
    /// By target, all ones if bonds with it outlive the epoch, and 0 if the uid changed hands.
    pub lasting: Vec<u32>,
}

/// What the rules find out.
pub(crate) struct Outcome {
    /// The bonds to keep.
    pub bonds: Vec<NewBonds>,
    /// Dividends by uid, not yet normalised; fractions that sum to no more than one.
    pub earned: Vec<u64>,
    /// `T_i = Σ_j w̄_ij` by uid, in parts of 2^-62.
    pub validator_trust: Vec<u64>,
}

impl Outcome {
    fn new(ctx: &Context) -> Self {
        let n = ctx.incentive.len();
        Self {
            bonds: Vec::with_capacity(ctx.rows.len() + ctx.old.len()),
            earned: vec![0; n],
            validator_trust: vec![0; n],
        }
    }
}

/// Turns weights and old bonds into new bonds and dividends.
pub(crate) fn bonds(
    input: &EpochInput,
    rows: &[Row],
    old: &[BondRow],
    stakes: &Stakes,
    columns: &Columns,
    incentive: &[Share],
) -> Outcome {
    let params = &input.params;
    let lasting = input
        .neurons
        .iter()
        .map(|neuron| {
            if neuron.registered_at < params.last_epoch_block {
                u32::MAX
            } else {
                0
            }
        })
        .collect();
    let penalty = Penalty::new(params.bonds_penalty);
    let ctx = Context {
        rows,
        old,
        stakes,
        columns,
        incentive,
        penalty,
        lasting,
    };
    match (params.bond_rule, params.liquid_alpha) {
        (BondRule::Classic, _) => classic::run(&ctx, params.bonds_alpha),
        (BondRule::Relative, Some(liquid)) if columns.consensus.iter().any(|c| *c > 0) => {
            relative::run(&ctx, &rate::Curve::new(&liquid))
        }
        (BondRule::Relative, _) => relative::run(&ctx, &rate::Fixed::new(params.bonds_alpha)),
    }
}

/// The bonds penalty β, as `1 - β` in parts of 2^-32.
pub(crate) struct Penalty {
    spared: u64,
}

impl Penalty {
    fn new(penalty: u16) -> Self {
        Self {
            spared: ratio16(u16::MAX - penalty, 32),
        }
    }

    /// Step 7, `w̃ = (1 - β) w + β w̄`, given `w̄ <= w <= 1` in parts of 2^-62.
    #[inline(always)]
    fn apply(&self, weight: u64, clipped: u64) -> u64 {
        if self.spared == 0 {
            return clipped;
        }
        // The excess is multiplied in halves of 31 bits, so that each product fits 64 bits.
        let excess = weight - clipped;
        let high = ((excess >> 31) * self.spared) >> 1;
        let low = ((excess & LOW_HALF) * self.spared) >> 32;
        clipped + high + low
    }
}

/// The lower half of the fractional bits of a [`Share`].
const LOW_HALF: u64 = (1 << 31) - 1;

/// `value / 65,535` in parts of 2^-`bits`, to the nearest; exact at both ends. `bits` is below 48.
fn ratio16(value: u16, bits: u32) -> u64 {
    let one = u64::from(u16::MAX);
    ((u64::from(value) << bits) + one / 2) / one
}

/// The fraction of 2^62 as a bond, which is a fraction of `u32::MAX`, rounded down.
#[inline(always)]
fn to_bond(fraction: u64) -> u32 {
    // fraction × (2^32 - 1) / 2^62
    ((fraction - (fraction >> 32)) >> 30) as u32
}

/// Multiplies by a fixed ratio: the factor of one column.
#[derive(Clone, Copy, Default)]
pub(crate) struct Factor {
    mantissa: u64,
    shift: u32,
}

impl Factor {
    /// `share / whole`, to be multiplied with parts of that whole; 0 if the whole is 0.
    ///
    /// The mantissa keeps 64 bits less those of `whole`: 24 and more for up to 256 full bonds.
    fn new(share: Share, whole: u64) -> Self {
        // At least one, since a share has 63 bits at most.
        let shift = share.bits().leading_zeros() & 63;
        match (share.bits() << shift).checked_div(whole) {
            Some(mantissa) => Self { mantissa, shift },
            None => Self::default(),
        }
    }

    /// `part × share / whole`. The part must be no larger than the whole: then the product stays
    /// below 2^64.
    #[inline(always)]
    fn of(self, part: u32) -> u64 {
        (u64::from(part) * self.mantissa) >> self.shift
    }
}

/// All validators with weights or bonds, ascending, each with what it has.
pub(crate) fn pairs<'a>(
    rows: &'a [Row<'a>],
    old: &'a [BondRow<'a>],
) -> impl Iterator<Item = (u16, Option<&'a Row<'a>>, Option<&'a BondRow<'a>>)> {
    let mut rows = rows.iter().peekable();
    let mut old = old.iter().peekable();
    core::iter::from_fn(move || {
        let validator = match (rows.peek(), old.peek()) {
            (Some(row), Some(bonds)) => row.validator.min(bonds.validator),
            (Some(row), None) => row.validator,
            (None, Some(bonds)) => bonds.validator,
            (None, None) => return None,
        };
        let row = rows.next_if(|row| row.validator == validator);
        Some((
            validator,
            row,
            old.next_if(|bonds| bonds.validator == validator),
        ))
    })
}

/// What makes the new bonds of one validator, target by target.
trait Rewrite {
    /// The bond with the target at `place` from its raw weight and its old bond, either of which
    /// is 0 for want of an entry.
    fn bond(&mut self, place: usize, raw: u16, old: u32) -> u32;
}

/// Makes a validator's new bonds: goes through all targets of its weights and of its old bonds,
/// ascending, and keeps what does not come out as 0.
///
/// The rule is taken and given back so that what it adds up stays in registers.
fn rewrite<R: Rewrite>(
    validator: u16,
    row: Option<&Row>,
    old: Option<&BondRow>,
    mut rule: R,
) -> (NewBonds, R) {
    let (targets, raws) = row.map_or((&[][..], &[][..]), |row| (row.targets, row.values));
    let (past, bonds) = old.map_or((&[][..], &[][..]), |old| (old.targets, old.values));
    // The usual case once a network runs: a validator weighs whom it weighed before.
    let same = targets == past;
    let room = if same {
        past.len()
    } else {
        (targets.len() + past.len()).min(MAX_NEURONS)
    };
    let mut new = NewBonds {
        validator,
        targets: vec![0; room],
        values: vec![0; room],
    };
    let mut writer = Writer {
        targets: &mut new.targets,
        values: &mut new.values,
        filled: 0,
    };
    if same {
        for ((target, raw), bond) in targets.iter().zip(raws).zip(bonds) {
            writer.write(*target, rule.bond(usize::from(*target), *raw, *bond));
        }
    } else {
        let (mut left, mut right) = (0, 0);
        loop {
            let target = targets
                .get(left)
                .map_or(NO_TARGET, |target| u32::from(*target));
            let other = past
                .get(right)
                .map_or(NO_TARGET, |target| u32::from(*target));
            let least = target.min(other);
            if least == NO_TARGET {
                break;
            }
            let (weighed, bonded) = (target == least, other == least);
            let raw = if weighed {
                raws.get(left).map_or(0, |raw| *raw)
            } else {
                0
            };
            let bond = if bonded {
                bonds.get(right).map_or(0, |bond| *bond)
            } else {
                0
            };
            writer.write(least as u16, rule.bond(least as usize, raw, bond));
            left += usize::from(weighed);
            right += usize::from(bonded);
        }
    }
    let filled = writer.filled;
    new.targets.truncate(filled);
    new.values.truncate(filled);
    (new, rule)
}

/// Larger than every target.
const NO_TARGET: u32 = 1 << 16;

/// Writes bonds one after the other. Each is written, and the next one over it if it is 0: like
/// the merge above, without a branch on the data, which no processor could foresee in sparse rows.
struct Writer<'a> {
    targets: &'a mut [u16],
    values: &'a mut [u32],
    filled: usize,
}

impl Writer<'_> {
    #[inline(always)]
    fn write(&mut self, target: u16, bond: u32) {
        self.targets[self.filled] = target;
        self.values[self.filled] = bond;
        self.filled += usize::from(bond > 0);
    }
}
