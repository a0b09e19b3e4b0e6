//! Steps 1 to 3: whose stake counts, and who may validate next.
//!
//! Stake is compared in token units, never as fractions, so that a vote which sums to exactly
//! `kappa` passes on every machine and whatever the scale.

use crate::{EpochInput, Neuron, Params, Share, YumaError};
use alloc::vec;
use alloc::vec::Vec;

/// What steps 1 to 3 know of each neuron, by uid, and of all together.
pub(crate) struct Stakes {
    /// Active stake in token units; 0 for whoever does not vote.
    pub votes: Vec<u128>,
    /// Active stake as a fraction of all active stake.
    pub shares: Vec<Share>,
    /// Permits of the next epoch.
    pub next_permit: Vec<bool>,
    /// Σ `votes`.
    pub active_total: u128,
    /// Stake of all who hold a permit.
    pub permitted_total: u128,
}

impl Stakes {
    pub fn new(input: &EpochInput) -> Result<Self, YumaError> {
        let EpochInput {
            params, neurons, ..
        } = input;
        neurons
            .iter()
            .try_fold(0u128, |sum, neuron| sum.checked_add(neuron.stake))
            .ok_or(YumaError::StakeOverflow)?;
        let votes: Vec<u128> = neurons
            .iter()
            .map(|neuron| {
                if is_active(neuron, params) {
                    counted(neuron, params)
                } else {
                    0
                }
            })
            .collect();
        let active_total = votes.iter().sum();
        let permitted_total = neurons
            .iter()
            .filter(|neuron| neuron.permit)
            .map(|neuron| counted(neuron, params))
            .sum();
        let shares = votes
            .iter()
            .map(|votes| Share::ratio(*votes, active_total))
            .collect();
        let next_permit = next_permits(neurons, params);
        Ok(Self {
            votes,
            shares,
            next_permit,
            active_total,
            permitted_total,
        })
    }
}

/// `S_i` before normalisation: stake below the minimum is none.
fn counted(neuron: &Neuron, params: &Params) -> u128 {
    if neuron.stake >= params.min_stake {
        neuron.stake
    } else {
        0
    }
}

/// Whether a neuron's stake takes part in this epoch.
fn is_active(neuron: &Neuron, params: &Params) -> bool {
    // A cutoff beyond the last block number never cuts off.
    neuron.permit && neuron.last_update.saturating_add(params.activity_cutoff) >= params.block
}

/// The `max_validators` largest stakes get a permit, ties going to the lower uid.
fn next_permits(neurons: &[Neuron], params: &Params) -> Vec<bool> {
    let mut candidates: Vec<(u128, usize)> = neurons
        .iter()
        .enumerate()
        .map(|(uid, neuron)| (counted(neuron, params), uid))
        .filter(|(stake, _)| *stake > 0)
        .collect();
    let places = usize::from(params.max_validators);
    if places < candidates.len() {
        candidates.select_nth_unstable_by(places, |(a, uid_a), (b, uid_b)| {
            b.cmp(a).then(uid_a.cmp(uid_b))
        });
        candidates.truncate(places);
    }
    let mut permits = vec![false; neurons.len()];
    for (_, uid) in candidates {
        permits[uid] = true;
    }
    permits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BondRule;

    fn params(max_validators: u16, min_stake: u128) -> Params {
        Params {
            kappa: 32_768,
            bonds_penalty: u16::MAX,
            bonds_alpha: 6_554,
            bond_rule: BondRule::Relative,
            liquid_alpha: None,
            block: 1_000,
            last_epoch_block: 900,
            activity_cutoff: 100,
            min_stake,
            max_validators,
        }
    }

    fn neurons(stakes: &[u128]) -> Vec<Neuron> {
        stakes
            .iter()
            .map(|stake| Neuron {
                stake: *stake,
                permit: true,
                last_update: 950,
                registered_at: 1,
            })
            .collect()
    }

    #[test]
    fn next_permits_go_to_the_lower_uid_when_stakes_tie() {
        let neurons = neurons(&[5, 7, 7, 7, 0]);
        let permits = next_permits(&neurons, &params(2, 0));
        assert_eq!(permits, [false, true, true, false, false]);
    }

    #[test]
    fn next_permits_leave_places_empty_when_stake_is_missing() {
        let neurons = neurons(&[5, 99, 0]);
        assert_eq!(
            next_permits(&neurons, &params(64, 50)),
            [false, true, false]
        );
        assert_eq!(next_permits(&neurons, &params(0, 0)), [false, false, false]);
    }

    #[test]
    fn stakes_fail_when_their_sum_overflows() {
        let neurons = neurons(&[u128::MAX, 1]);
        let input = EpochInput {
            params: params(2, 0),
            neurons: &neurons,
            weights: &[],
            bonds: &[],
        };
        assert_eq!(Stakes::new(&input).err(), Some(YumaError::StakeOverflow));
    }

    #[test]
    fn activity_ends_after_the_cutoff() {
        let mut neuron = Neuron {
            stake: 1,
            permit: true,
            last_update: 900,
            registered_at: 1,
        };
        assert!(is_active(&neuron, &params(1, 0)));
        neuron.last_update = 899;
        assert!(!is_active(&neuron, &params(1, 0)));
        let forever = Params {
            activity_cutoff: u64::MAX,
            ..params(1, 0)
        };
        assert!(is_active(&neuron, &forever));
    }
}
