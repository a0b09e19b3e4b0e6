//! What an epoch leaves behind, and the questions that it answers by itself.

use alloc::vec::Vec;
use assay_primitives::{Balance, BlockNumber, EpochIndex, Uid, MAX_NEURONS};
use assay_yuma::Share;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
    traits::{ConstU32, Get},
    BoundedVec,
};
use scale_info::TypeInfo;

/// Places for neurons in any subnet.
pub(crate) type MaxNeurons = ConstU32<{ MAX_NEURONS as u32 }>;

/// Shares by uid, in `x / 2^32` rounded down.
pub type Shares = BoundedVec<u32, MaxNeurons>;

/// Amounts by uid.
pub type Amounts = BoundedVec<Balance, MaxNeurons>;

/// Where a subnet is in its schedule.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct EpochState {
    /// The open epoch.
    pub epoch: EpochIndex,
    /// The block at which it falls due.
    pub due_at: BlockNumber,
    /// The block at which the last epoch ran; that of registration before the first.
    pub last_ran_at: BlockNumber,
}

/// A bit per uid. What was never set is not.
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Bits(BoundedVec<u8, ConstU32<{ MAX_NEURONS as u32 / 8 }>>);

impl Bits {
    /// A bit per element; of more than [`MAX_NEURONS`] the first.
    pub fn from_bools(bools: &[bool]) -> Self {
        let byte = |bools: &[bool]| {
            bools
                .iter()
                .enumerate()
                .fold(0, |byte, (bit, set)| byte | (u8::from(*set) << bit))
        };
        Self(BoundedVec::truncate_from(
            bools.chunks(8).map(byte).collect(),
        ))
    }

    /// Whether a uid's bit is set.
    pub fn get(&self, uid: Uid) -> bool {
        let byte = self
            .0
            .get(usize::from(uid.0 / 8))
            .copied()
            .unwrap_or_default();
        byte & (1 << (uid.0 % 8)) != 0
    }

    /// Takes a uid's bit away; says whether it was set.
    pub fn clear(&mut self, uid: Uid) -> bool {
        let was_set = self.get(uid);
        if let Some(byte) = self.0.get_mut(usize::from(uid.0 / 8)) {
            *byte &= !(1 << (uid.0 % 8));
        }
        was_set
    }

    /// How many bits are set.
    pub fn count(&self) -> u32 {
        self.0.iter().map(|byte| byte.count_ones()).sum()
    }

    /// The first `len` bits.
    pub fn to_bools(&self, len: u16) -> Vec<bool> {
        (0..len).map(|uid| self.get(Uid(uid))).collect()
    }
}

/// The outcome of an epoch, by uid, for all neurons that there were.
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Columns {
    /// Part of the active stake.
    pub stake: Shares,
    /// Consensus weight.
    pub consensus: Shares,
    /// How much of the weight on the neuron the consensus left.
    pub trust: Shares,
    /// How much of the neuron's own weights the consensus left.
    pub validator_trust: Shares,
    /// Part of the miners' reward.
    pub incentive: Shares,
    /// Part of the validators' reward.
    pub dividends: Shares,
    /// What was paid to the neuron, as miner and as validator together.
    pub emission: Amounts,
    /// Whether its stake was active.
    pub active: Bits,
}

impl Columns {
    /// Forgets what a uid had.
    pub fn clear(&mut self, uid: Uid) {
        let shares = [
            &mut self.stake,
            &mut self.consensus,
            &mut self.trust,
            &mut self.validator_trust,
            &mut self.incentive,
            &mut self.dividends,
        ];
        for column in shares {
            clear(column, uid);
        }
        clear(&mut self.emission, uid);
        self.active.clear(uid);
    }

    /// The same columns for `neurons` neurons: who came after the epoch has nothing.
    #[must_use]
    pub fn padded(mut self, neurons: u16) -> Self {
        let shares = [
            &mut self.stake,
            &mut self.consensus,
            &mut self.trust,
            &mut self.validator_trust,
            &mut self.incentive,
            &mut self.dividends,
        ];
        for column in shares {
            pad(column, neurons);
        }
        pad(&mut self.emission, neurons);
        self
    }
}

/// Sets a uid's element, where there is one, to its default.
pub(crate) fn clear<E: Default, Bound>(column: &mut BoundedVec<E, Bound>, uid: Uid)
where
    Bound: Get<u32>,
{
    if let Some(element) = column.get_mut(usize::from(uid.0)) {
        *element = E::default();
    }
}

/// Extends a column with defaults to `neurons` elements, or to its bound.
pub(crate) fn pad<E: Clone + Default, Bound>(column: &mut BoundedVec<E, Bound>, neurons: u16)
where
    Bound: Get<u32>,
{
    let len = u32::from(neurons).min(Bound::get()) as usize;
    if column.len() < len {
        column.bounded_resize(len, E::default());
    }
}

/// A validator's bonds.
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct BondRow {
    /// Uids, ascending.
    pub targets: BoundedVec<u16, MaxNeurons>,
    /// The bond with each target, a fraction of `u32::MAX`.
    pub values: BoundedVec<u32, MaxNeurons>,
}

/// A fraction in `x / 2^32`, rounded down; the whole is `u32::MAX`.
pub(crate) fn to_u32(share: Share) -> u32 {
    // At most 2^62 / 2^30 = 2^32, which one clamps to.
    u32::try_from(share.bits() >> (Share::BITS - 32)).unwrap_or(u32::MAX)
}

/// One part in this many of an average is the newest epoch: after as many as a new neuron is immune
/// for by default, 12, it is four fifths of the way to where it belongs.
const STANDING_PERIOD: u64 = 8;

/// The moving average of a neuron's shares after an epoch in which they were `incentive` and
/// `dividends`.
pub(crate) fn next_standing(standing: u32, incentive: u32, dividends: u32) -> u32 {
    // Who has both shares is clamped at the whole: it is in no danger of giving way. Rounding down
    // leaves an average at most 8 parts of 2^32 low, for all neurons alike.
    let share = u64::from(incentive.saturating_add(dividends));
    let average = (u64::from(standing) * (STANDING_PERIOD - 1) + share) / STANDING_PERIOD;
    u32::try_from(average).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_read_as_they_were_set() {
        let bools: Vec<bool> = (0..100).map(|uid| uid % 3 == 0).collect();
        let mut bits = Bits::from_bools(&bools);
        assert_eq!(bits.to_bools(100), bools);
        assert_eq!(bits.count(), 34);
        assert!(!bits.get(Uid(u16::MAX)));
        assert!(bits.clear(Uid(99)));
        assert!(!bits.clear(Uid(99)));
        assert!(!bits.clear(Uid(u16::MAX)));
        assert_eq!(bits.count(), 33);
    }

    #[test]
    fn columns_grow_and_forget_by_uid() {
        let mut columns = Columns {
            incentive: BoundedVec::truncate_from(vec![5, 6]),
            emission: BoundedVec::truncate_from(vec![7, 8]),
            active: Bits::from_bools(&[true, true]),
            ..Columns::default()
        };
        columns.clear(Uid(1));
        columns.clear(Uid(9));
        let columns = columns.padded(3);
        assert_eq!(columns.incentive, vec![5, 0, 0]);
        assert_eq!(columns.emission, vec![7, 0, 0]);
        assert_eq!(columns.active.to_bools(3), [true, false, false]);
        assert_eq!(columns.dividends, vec![0; 3]);
    }

    #[test]
    fn standing_nears_the_share_and_stays_in_range() {
        let mut standing = 0;
        for _ in 0..12 {
            standing = next_standing(standing, 1 << 30, 0);
        }
        assert!((820_000_000..890_000_000).contains(&standing), "{standing}");
        for _ in 0..1000 {
            standing = next_standing(standing, u32::MAX, u32::MAX);
        }
        assert!(u32::MAX - standing <= 8);
    }

    #[test]
    fn shares_span_the_whole_range() {
        assert_eq!(to_u32(Share::ZERO), 0);
        assert_eq!(to_u32(Share::ratio(1, 2)), 1 << 31);
        assert_eq!(to_u32(Share::ONE), u32::MAX);
    }
}
