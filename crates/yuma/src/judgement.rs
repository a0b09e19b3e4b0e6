//! What consensus makes of single weights, for whoever asks why a neuron's numbers are what they
//! are.
//!
//! [`run`](crate::run) adds clipped weights up and keeps none of them: there are as many as there
//! are weights. Here those that concern one neuron are formed by the same steps from the same
//! input, so that they sum up to that epoch's outcome to the last bit.

use crate::{
    columns::columns,
    rows::{weight_rows, Copies, Row},
    stake::Stakes,
    EpochInput, Share, YumaError, MAX_NEURONS,
};
use alloc::vec::Vec;

/// A weight before and after consensus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClippedWeight {
    /// Uid of the validator that set it.
    pub validator: u16,
    /// Uid that it is on.
    pub target: u16,
    /// `S_i`: the validator's part of the active stake; nothing where its stake is not active.
    pub stake: Share,
    /// `w`: the weight as a fraction of what counts of its row.
    pub weight: Share,
    /// `w̄ = min(w, C)`.
    pub clipped: Share,
}

/// What steps 1 to 6 make of one neuron.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Whether its stake is active.
    pub active: bool,
    /// Its part of the active stake.
    pub stake: Share,
    /// `C`: the largest weight on it that enough active stake supports.
    pub consensus: Share,
    /// The weights on it, ascending by validator. Those of validators whose stake is not active are
    /// among them, and move nothing.
    pub received: Vec<ClippedWeight>,
    /// Its own weights, ascending by target. What is clipped of them sums up to its trust as a
    /// validator.
    pub given: Vec<ClippedWeight>,
}

/// Computes, of an epoch, what concerns the weights on `uid` and by it. A uid that no neuron has is
/// judged by nobody.
///
/// Weights that don't count (without a permit, on oneself, set before the target registered, of
/// nothing) are left out. Bonds play no part and may be left out of the input.
///
/// # Errors
///
/// Those of [`run`](crate::run), but for malformed bonds.
pub fn judge(input: &EpochInput, uid: u16) -> Result<Judgement, YumaError> {
    let count = input.neurons.len();
    if count > MAX_NEURONS {
        return Err(YumaError::TooManyNeurons { count });
    }
    let stakes = Stakes::new(input)?;
    let mut copies = Copies::default();
    let rows = weight_rows(input, &mut copies)?;
    let consensus = columns(&rows, &stakes, input.params.kappa).consensus;
    let clipped = |row: &Row, place: usize| {
        let target = *row.targets.get(place)?;
        let weight = u64::from(*row.values.get(place)?) * row.scale;
        let consensus = *consensus.get(usize::from(target))?;
        (weight > 0).then(|| ClippedWeight {
            validator: row.validator,
            target,
            stake: stakes.shares[usize::from(row.validator)],
            weight: Share::from_bits(weight),
            clipped: Share::from_bits(weight.min(consensus)),
        })
    };
    let received = rows
        .iter()
        .filter_map(|row| clipped(row, row.targets.binary_search(&uid).ok()?))
        .collect();
    let given = rows
        .iter()
        .filter(|row| row.validator == uid)
        .flat_map(|row| (0..row.targets.len()).filter_map(|place| clipped(row, place)))
        .collect();
    let place = usize::from(uid);
    Ok(Judgement {
        active: stakes.votes.get(place).is_some_and(|votes| *votes > 0),
        stake: stakes.shares.get(place).copied().unwrap_or_default(),
        consensus: Share::from_bits(consensus.get(place).copied().unwrap_or_default()),
        received,
        given,
    })
}
