//! Steps 5 and 6, column by column: consensus, rank and what trust is measured against.
//!
//! Rows are stored by validator, but consensus asks who supports a *target*. The columns are
//! therefore gathered a block at a time: as many whole columns as fit a small buffer, filled from
//! all rows at once while each row's cursor moves on. The buffer stays in cache, every row is read
//! once from front to back, and memory beyond the input is O(n + v).

use crate::quantile::{Quantile, Summary, Vote, Votes};
use crate::rows::Row;
use crate::stake::Stakes;
use crate::Share;
use alloc::vec;
use alloc::vec::Vec;

/// Entries of one block of columns: 64 KiB at four bytes each.
const BLOCK: usize = 1 << 14;

/// What the columns tell, by target uid, in parts of 2^-62.
pub(crate) struct Columns {
    /// `C_j`.
    pub consensus: Vec<u64>,
    /// `R_j = Σ_i S_i min(w_ij, C_j)`.
    pub rank: Vec<u64>,
    /// `Σ_i S_i w_ij`.
    pub support: Vec<u64>,
}

/// What a column needs to know of one validator.
struct Voter<V> {
    /// `1 / Σ raw`: raw weight to fraction of the row.
    scale: u64,
    /// `S_i / Σ raw`: raw weight to stake-weighted fraction.
    weighted: u64,
    /// `S_i`.
    share: u64,
    votes: V,
}

/// One weight in a column: the place of its row in the lower half, the raw value in the upper.
/// One number, so that gathering columns writes one.
#[derive(Clone, Copy, Default)]
struct Entry(u32);

impl Entry {
    fn new(row: u16, raw: u16) -> Self {
        Self(u32::from(row) | u32::from(raw) << 16)
    }

    fn row(self) -> usize {
        (self.0 & 0xffff) as usize
    }

    fn raw(self) -> u64 {
        u64::from(self.0 >> 16)
    }
}

/// Computes all columns.
///
/// Votes are counted in 64 bits wherever the stake fits, which is a good deal faster in Wasm.
pub(crate) fn columns(rows: &[Row], stakes: &Stakes, kappa: u16) -> Columns {
    let needed = votes_needed(stakes.active_total, kappa);
    match (u64::try_from(stakes.active_total), u64::try_from(needed)) {
        (Ok(_), Ok(needed)) => gather(rows, stakes, needed, |votes| votes as u64),
        _ => gather(rows, stakes, needed, |votes| votes),
    }
}

/// The least stake that is at least `kappa` of `total`: `ceil(kappa × total / 65,535)`, and never
/// nothing, since the weight of nobody is no consensus.
fn votes_needed(total: u128, kappa: u16) -> u128 {
    let (kappa, one) = (u128::from(kappa), u128::from(u16::MAX));
    // Split so that no product overflows: `total = one × whole + rest`.
    let (whole, rest) = (total / one, total % one);
    (whole * kappa + (rest * kappa).div_ceil(one)).max(1)
}

fn gather<V: Votes>(
    rows: &[Row],
    stakes: &Stakes,
    needed: V,
    to_votes: impl Fn(u128) -> V,
) -> Columns {
    let n = stakes.votes.len();
    let mut columns = Columns {
        consensus: vec![0; n],
        rank: vec![0; n],
        support: vec![0; n],
    };
    let rows: Vec<&Row> = rows
        .iter()
        .filter(|row| stakes.votes[usize::from(row.validator)] > 0)
        .collect();
    let voters: Vec<Voter<V>> = rows
        .iter()
        .map(|row| {
            let uid = usize::from(row.validator);
            let share = stakes.shares[uid];
            Voter {
                scale: row.scale,
                weighted: row.weighted(share),
                share: share.bits(),
                votes: to_votes(stakes.votes[uid]),
            }
        })
        .collect();
    let mut blocks = Blocks::new(&rows, n);
    let mut column = Column {
        needed,
        quantile: Quantile::default(),
        weights: Vec::new(),
    };
    while let Some(first) = blocks.next_block(&rows) {
        for (offset, entries) in blocks.columns().enumerate() {
            let outcome = column.outcome(entries, &voters);
            let target = first + offset;
            columns.consensus[target] = outcome.consensus;
            columns.rank[target] = outcome.rank;
            columns.support[target] = outcome.support;
        }
    }
    columns
}

/// The rows cut into blocks of columns.
struct Blocks {
    /// Number of entries of each column.
    counts: Vec<u32>,
    /// How far each row has been read.
    cursors: Vec<usize>,
    /// The entries of the block's columns, one column after the other.
    entries: Vec<Entry>,
    /// Where in `entries` each column of the block ends.
    ends: Vec<usize>,
    /// Where in `entries` the block's columns are being written.
    next: Vec<usize>,
    /// The first column after the block.
    end: usize,
    capacity: usize,
}

impl Blocks {
    fn new(rows: &[&Row], n: usize) -> Self {
        let mut counts = vec![0u32; n];
        for row in rows {
            for target in row.targets {
                counts[usize::from(*target)] += 1;
            }
        }
        // A block costs a visit to every row, so blocks grow with the number of rows: all visits
        // together stay below an eighth of the number of weights.
        let capacity = BLOCK.max(rows.len() * 8);
        Self {
            counts,
            cursors: vec![0; rows.len()],
            entries: Vec::with_capacity(capacity),
            ends: Vec::new(),
            next: Vec::new(),
            end: 0,
            capacity,
        }
    }

    /// Fills the next block and returns its first column, or nothing when all columns are done.
    fn next_block(&mut self, rows: &[&Row]) -> Option<usize> {
        let first = self.end;
        if first >= self.counts.len() {
            return None;
        }
        self.ends.clear();
        self.next.clear();
        let mut filled = 0;
        for count in &self.counts[first..] {
            let count = *count as usize;
            // No column is longer than there are rows, so every block takes one at least.
            if filled + count > self.capacity {
                break;
            }
            self.next.push(filled);
            filled += count;
            self.ends.push(filled);
        }
        self.end = first + self.ends.len();
        self.entries.clear();
        self.entries.resize(filled, Entry::default());
        // Borrowed once, so that the loop keeps them in registers. A row's place fits 16 bits, as
        // each has a uid of its own.
        let (entries, next, end) = (&mut self.entries[..], &mut self.next[..], self.end);
        for (place, (row, cursor)) in rows.iter().zip(&mut self.cursors).enumerate() {
            let (targets, values) = (&row.targets[*cursor..], &row.values[*cursor..]);
            let mut taken = 0;
            for (target, raw) in targets.iter().zip(values) {
                let target = usize::from(*target);
                if target >= end {
                    break;
                }
                let at = &mut next[target - first];
                entries[*at] = Entry::new(place as u16, *raw);
                *at += 1;
                taken += 1;
            }
            *cursor += taken;
        }
        Some(first)
    }

    /// The entries of each column of the block.
    fn columns(&self) -> impl Iterator<Item = &[Entry]> {
        let starts = core::iter::once(&0).chain(&self.ends);
        starts
            .zip(&self.ends)
            .map(|(start, end)| &self.entries[*start..*end])
    }
}

/// What comes of one column.
#[derive(Default)]
struct Outcome {
    consensus: u64,
    rank: u64,
    support: u64,
}

/// Works on one column after the other, keeping its scratch space.
struct Column<V> {
    needed: V,
    quantile: Quantile<V>,
    weights: Vec<Vote<V>>,
}

impl<V: Votes> Column<V> {
    fn outcome(&mut self, entries: &[Entry], voters: &[Voter<V>]) -> Outcome {
        let mut summary = Summary::default();
        let mut support = 0;
        self.weights.resize(entries.len(), Vote::default());
        for (entry, vote) in entries.iter().zip(&mut self.weights) {
            let voter = &voters[entry.row()];
            *vote = Vote {
                weight: entry.raw() * voter.scale,
                votes: voter.votes,
            };
            summary.add(*vote);
            support += entry.raw() * voter.weighted;
        }
        let consensus = self.quantile.of(&self.weights, summary, self.needed);
        // S_i min(w_ij, C_j) is S_i w_ij up to the consensus and S_i C_j above it, where the
        // stakes can be added first and multiplied once. Half the weights lie on either side in
        // no order at all, so a mask serves better than a branch, and is made by
        // subtraction because compilers turn a comparison back into one.
        let (mut below, mut above) = (0, 0);
        for (entry, vote) in entries.iter().zip(&self.weights) {
            let voter = &voters[entry.row()];
            // All ones if the weight is above the consensus; neither reaches 2^63.
            let clipped = (consensus.wrapping_sub(vote.weight) as i64 >> 63) as u64;
            below += (entry.raw() * voter.weighted) & !clipped;
            above += voter.share & clipped;
        }
        let rank = below
            + Share::from_bits(consensus)
                .mul(Share::from_bits(above))
                .bits();
        Outcome {
            consensus,
            rank,
            support,
        }
    }
}
