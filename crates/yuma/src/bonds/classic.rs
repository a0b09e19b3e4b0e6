//! The classic rule: bonds follow a validator's part in all stake-weighted support.
//!
//! ```text
//! Δ_ij = S_i w̃_ij,  P = old bonds;  columns of both normalised
//! E    = α Δ + (1 - α) P;           columns normalised
//! D_i  ∝ Σ_j E_ij I_j
//! kept: E, each column scaled so that its largest entry is 1
//! ```
//!
//! The columns of `Δ` need no pass of their own: `Σ_i S_i w̃_ij` is `(1 - β) Σ_i S_i w_ij + β R_j`,
//! and the columns have told both.

use super::{pairs, rewrite, Context, Factor, Outcome, Penalty, Rewrite, LOW_HALF};
use alloc::vec;
use alloc::vec::Vec;

/// What the rule needs to know of a target in order to mix new support with old bonds.
struct Target {
    /// `C_j` in parts of 2^-62.
    consensus: u64,
    /// `Σ_i S_i w̃_ij` in parts of 2^-62.
    support: u64,
    /// α / `support`, for 32 bits of it, in parts of 2^-31 of a fraction of `u32::MAX`.
    by_support: u64,
    /// (1 - α) / Σ old bonds, in the same parts; 0 if the uid changed hands.
    by_past: u64,
    /// The sum of all entries of `E`, 1 up to rounding.
    sum: u64,
    /// The largest entry of `E`, a fraction of `u32::MAX`.
    largest: u32,
    /// Shift that brings `consensus` just below 2^64.
    lift: u8,
    /// Shift that brings `support` just below 2^64.
    raise: u8,
}

/// The rule for one validator's row.
struct Classic<'a> {
    targets: &'a mut [Target],
    penalty: &'a Penalty,
    /// From a raw weight to `w_ij` in parts of 2^-62.
    scale: u64,
    /// From a raw weight to `S_i w_ij` in parts of 2^-62.
    weighted: u64,
    /// `S_i` in two halves of 31 bits, the higher one first.
    share: (u64, u64),
    /// `T_i`, as far as the row has been read.
    trust: u64,
}

impl Rewrite for Classic<'_> {
    #[inline(always)]
    fn bond(&mut self, place: usize, raw: u16, old: u32) -> u32 {
        let target = &mut self.targets[place];
        let weight = u64::from(raw) * self.scale;
        self.trust += weight.min(target.consensus);
        // S_i w_ij and S_i C_j, the latter as a product of 62 by 32 bits in two halves.
        let whole = u64::from(raw) * self.weighted;
        let clip = (target.consensus << target.lift) >> 32;
        let (high, low) = self.share;
        let ceiling = (high * clip + ((low * clip) >> 31)) >> (target.lift - 1);
        let support = self
            .penalty
            .apply(whole, least(whole, ceiling))
            .min(target.support);
        let support = (support << target.raise) >> 32;
        let old = u64::from(old);
        // Neither part exceeds its whole, so the sum is at most `u32::MAX` × 2^31.
        let mixed = support * target.by_support + old * target.by_past;
        let mixed = (mixed >> 31) as u32;
        target.sum += u64::from(mixed);
        target.largest = target.largest.max(mixed);
        mixed
    }
}

/// The smaller of two numbers below 2^63.
///
/// Weights lie above and below the consensus in no order at all, and `min` of numbers this long in
/// the making is compiled to a branch, mispredicted every other time. Subtraction is left alone.
#[inline(always)]
fn least(a: u64, b: u64) -> u64 {
    let difference = a.wrapping_sub(b);
    let negative = (difference as i64 >> 63) as u64;
    b.wrapping_add(difference & negative)
}

pub(super) fn run(ctx: &Context, alpha: u16) -> Outcome {
    let mut targets = targets(ctx, alpha);
    let mut outcome = Outcome::new(ctx);
    for (validator, row, old) in pairs(ctx.rows, ctx.old) {
        let uid = usize::from(validator);
        let share = ctx.stakes.shares[uid];
        let rule = Classic {
            targets: &mut targets,
            penalty: &ctx.penalty,
            scale: row.map_or(0, |row| row.scale),
            weighted: row.map_or(0, |row| row.weighted(share)),
            share: (share.bits() >> 31, share.bits() & LOW_HALF),
            trust: 0,
        };
        let (new, rule) = rewrite(validator, row, old, rule);
        outcome.validator_trust[uid] = rule.trust;
        if !new.targets.is_empty() {
            outcome.bonds.push(new);
        }
    }
    let columns: Vec<(Factor, u64)> = ctx
        .incentive
        .iter()
        .zip(&targets)
        .map(|(share, target)| (Factor::new(*share, target.sum), stretch(target.largest)))
        .collect();
    for row in &mut outcome.bonds {
        let mut earned = 0;
        for (target, bond) in row.targets.iter().zip(&mut row.values) {
            let (factor, stretch) = columns[usize::from(*target)];
            earned += factor.of(*bond);
            *bond = ((u64::from(*bond) * stretch) >> 32) as u32;
        }
        outcome.earned[usize::from(row.validator)] = earned;
    }
    outcome
}

/// How to mix support and old bonds in each column.
fn targets(ctx: &Context, alpha: u16) -> Vec<Target> {
    let mut past = vec![0u64; ctx.incentive.len()];
    for row in ctx.old {
        for (target, bond) in row.targets.iter().zip(row.values) {
            let place = usize::from(*target);
            past[place] += u64::from(bond & ctx.lasting[place]);
        }
    }
    let columns = ctx.columns;
    past.iter()
        .enumerate()
        .map(|(place, past)| {
            let (support, rank) = (columns.support[place], columns.rank[place]);
            // Rounding may leave the rank a few parts above the support it is clipped from.
            let support = ctx.penalty.apply(support.max(rank), rank);
            // Neither reaches 2^63, and where one is 0 any shift will do.
            let shift = |bits: u64| bits.leading_zeros().clamp(1, 63) as u8;
            let (consensus, raise) = (columns.consensus[place], shift(support));
            let limit = (support << raise) >> 32;
            let (new, kept) = parts(alpha, limit > 0, *past > 0);
            Target {
                consensus,
                support,
                by_support: (new << 31).checked_div(limit).unwrap_or(0),
                by_past: (kept << 31).checked_div(*past).unwrap_or(0),
                sum: 0,
                largest: 0,
                lift: shift(consensus),
                raise,
            }
        })
        .collect()
}

/// The parts of new support and old bonds in a column, as fractions of `u32::MAX`. A column that
/// has only one of the two consists of it, unless its part is 0.
fn parts(alpha: u16, supported: bool, bonded: bool) -> (u64, u64) {
    let one = u64::from(u32::MAX);
    // u32::MAX is u16::MAX × 65,537.
    let new = u64::from(alpha) * 65_537;
    match (supported, bonded) {
        (true, true) => (new, one - new),
        (true, false) if alpha > 0 => (one, 0),
        (false, true) if alpha < u16::MAX => (0, one),
        _ => (0, 0),
    }
}

/// What to multiply a column's entries with, in parts of 2^-32, so that the largest becomes
/// `u32::MAX` exactly; 0 for an empty column.
fn stretch(largest: u32) -> u64 {
    (u64::from(u32::MAX) << 32)
        .checked_add(u64::from(largest).saturating_sub(1))
        .and_then(|whole| whole.checked_div(u64::from(largest)))
        .unwrap_or(0)
}
