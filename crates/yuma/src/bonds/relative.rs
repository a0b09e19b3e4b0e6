//! The relative rule: bonds follow a validator's own weights.
//!
//! ```text
//! B'_ij = (1 - a) B_ij + a w̃_ij        kept
//! b_ij  = B'_ij / Σ_i B'_ij
//! D_i   ∝ S_i Σ_j b_ij I_j
//! ```

use super::rate::{Rate, RATE_BITS};
use super::{pairs, rewrite, to_bond, Context, Factor, Outcome, Penalty, Rewrite};
use crate::Share;
use alloc::vec::Vec;

/// What the rule needs to know of a target.
struct Target {
    /// `C_j` in parts of 2^-62.
    consensus: u64,
    /// The sum of all new bonds.
    sum: u64,
    /// `C_j` in the unit of bonds.
    bond_consensus: u32,
    /// All ones if old bonds with it count.
    lasting: u32,
}

/// The rule for one validator's row.
struct Relative<'a, R> {
    targets: &'a mut [Target],
    penalty: &'a Penalty,
    rate: &'a R,
    /// From a raw weight to parts of 2^-62.
    scale: u64,
    /// `T_i`, as far as the row has been read.
    trust: u64,
}

impl<R: Rate> Rewrite for Relative<'_, R> {
    #[inline(always)]
    fn bond(&mut self, place: usize, raw: u16, old: u32) -> u32 {
        let target = &mut self.targets[place];
        let weight = u64::from(raw) * self.scale;
        let clipped = weight.min(target.consensus);
        self.trust += clipped;
        let aim = to_bond(self.penalty.apply(weight, clipped));
        let old = old & target.lasting;
        let bond = step(old, aim, self.rate.of(aim, old, target.bond_consensus));
        target.sum += u64::from(bond);
        bond
    }
}

pub(super) fn run(ctx: &Context, rate: &impl Rate) -> Outcome {
    let mut targets: Vec<Target> = ctx
        .columns
        .consensus
        .iter()
        .zip(&ctx.lasting)
        .map(|(consensus, lasting)| Target {
            consensus: *consensus,
            sum: 0,
            bond_consensus: to_bond(*consensus),
            lasting: *lasting,
        })
        .collect();
    let mut outcome = Outcome::new(ctx);
    for (validator, row, old) in pairs(ctx.rows, ctx.old) {
        let rule = Relative {
            targets: &mut targets,
            penalty: &ctx.penalty,
            rate,
            scale: row.map_or(0, |row| row.scale),
            trust: 0,
        };
        let (new, rule) = rewrite(validator, row, old, rule);
        outcome.validator_trust[usize::from(validator)] = rule.trust;
        if !new.targets.is_empty() {
            outcome.bonds.push(new);
        }
    }
    let factors: Vec<Factor> = ctx
        .incentive
        .iter()
        .zip(&targets)
        .map(|(share, target)| Factor::new(*share, target.sum))
        .collect();
    for row in &outcome.bonds {
        let uid = usize::from(row.validator);
        let earned = row
            .targets
            .iter()
            .zip(&row.values)
            .map(|(target, bond)| factors[usize::from(*target)].of(*bond))
            .sum();
        // Bonds in each column sum to one at most, and so do incentives.
        outcome.earned[uid] = ctx.stakes.shares[uid].mul(Share::from_bits(earned)).bits();
    }
    outcome
}

/// Moves a bond towards its aim by `rate`.
///
/// Rounding is towards the aim: an average that rounds down never reaches what it tends to and
/// forgets small weights for ever; one that rounds to the nearest never lets go of a bond whose
/// weight is gone.
#[inline(always)]
fn step(bond: u32, aim: u32, rate: u32) -> u32 {
    let one = 1u64 << RATE_BITS;
    let up = if aim > bond { one - 1 } else { 0 };
    let rate = u64::from(rate);
    // A mean of two 32-bit numbers with weights that sum to 2^31: below 2^63.
    ((u64::from(bond) * (one - rate) + u64::from(aim) * rate + up) >> RATE_BITS) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_reaches_its_aim_from_either_side_when_repeated() {
        // 0.025, at which bonds of 16 bits lose a weight of 0.05 %.
        let rate = (0.025 * (1u64 << RATE_BITS) as f64) as u32;
        for (start, aim) in [(0, 2_147_483), (u32::MAX, 0), (0, 1), (7, 7)] {
            let bond = (0..2_000).fold(start, |bond, _| step(bond, aim, rate));
            assert_eq!(bond, aim, "from {start}");
        }
    }

    #[test]
    fn step_is_exact_at_the_ends_of_the_rate() {
        assert_eq!(step(17, u32::MAX, 0), 17);
        assert_eq!(step(17, u32::MAX, 1 << RATE_BITS), u32::MAX);
        assert_eq!(step(u32::MAX, 17, 1 << RATE_BITS), 17);
    }
}
