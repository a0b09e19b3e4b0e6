//! One epoch of one subnet, from closing it to opening the next.

use crate::{
    pallet::{
        BondCounts, Bonds, Config, Earned, Error, Event, Outcomes, Pallet, PermitBits, StandingsOf,
        States,
    },
    payout::Split,
    snapshot::Snapshot,
    types::{next_standing, pad, to_u32, Bits, BondRow, Columns, Shares},
};
use alloc::{collections::BTreeSet, vec::Vec};
use assay_pallet_traits::{Issuer, Stakes, Subnets, WeightRows};
use assay_primitives::{Balance, BlockNumber, EpochIndex, NetUid, Uid};
use assay_yuma::{EpochOutput, NewBonds, Share};
use frame_support::{storage::with_storage_layer, BoundedVec};
use sp_runtime::{DispatchError, DispatchResult};

/// What was paid, by uid.
struct Paid {
    as_miner: Vec<Balance>,
    as_validator: Vec<Balance>,
}

impl<T: Config> Pallet<T> {
    /// Runs a subnet's open epoch and opens the next, whatever comes of it. An epoch that is not
    /// `affordable` is closed and fails.
    pub(crate) fn run_epoch(netuid: NetUid, now: BlockNumber, affordable: bool) {
        // A subnet that was dissolved while it waited is owed nothing.
        let Some(state) = States::<T>::get(netuid) else {
            return;
        };
        let late = T::Weights::close_epoch(netuid, state.epoch);
        let outcome = if affordable {
            with_storage_layer(|| {
                // Nobody holds a permit in the first epoch, so it pays nobody, and whoever staked
                // during it can gain nothing by having come late: it already counts for the permits
                // that this epoch gives.
                if state.epoch == EpochIndex::default() {
                    T::Stakes::after_payout(netuid);
                }
                let snapshot = Snapshot::<T>::take(netuid, &state, now, &late)?;
                let output = snapshot.run()?;
                let paid = Self::pay(&snapshot, &output)?;
                Self::apply(&snapshot, &output, &paid)
            })
        } else {
            Err(Error::<T>::TooCostly.into())
        };
        let epoch = state.epoch;
        let last_ran_at = match outcome {
            Ok(()) => now,
            Err(error) => {
                Self::deposit_event(Event::EpochFailed {
                    netuid,
                    epoch,
                    error,
                });
                // Bonds stay as the last epoch that succeeded left them, and so must the block from
                // which on a new holder of a uid breaks them.
                state.last_ran_at
            }
        };
        T::Subnets::begin_epoch(netuid);
        Self::open_next(netuid, state, last_ran_at);
    }

    /// Empties the pot and pays who earned it.
    fn pay(snapshot: &Snapshot<T>, output: &EpochOutput) -> Result<Paid, DispatchError> {
        let (netuid, epoch) = (snapshot.netuid, snapshot.epoch);
        let mut due = T::Issuer::take_due(netuid);
        let amount = due.amount();
        let split = Split::of(
            amount,
            &snapshot.terms(output),
            &output.incentive,
            &output.dividends,
        );
        let to_owner = Self::try_pay(snapshot, None, split.owner, || {
            T::Issuer::pay(&mut due, &snapshot.owner, split.owner)
        });
        let mut paid = Paid {
            as_miner: Vec::new(),
            as_validator: Vec::new(),
        };
        // As many of each as there are neurons: yuma's columns are as long as its input.
        for ((uid, fact), (as_miner, as_validator)) in (0..)
            .map(Uid)
            .zip(&snapshot.facts)
            .zip(split.miners.into_iter().zip(split.validators))
        {
            let as_miner = Self::try_pay(snapshot, Some(uid), as_miner, || {
                T::Issuer::pay_miner(&mut due, &fact.hotkey, &fact.coldkey, as_miner)
            });
            let as_validator = Self::try_pay(snapshot, Some(uid), as_validator, || {
                T::Issuer::pay_dividend(&mut due, &fact.hotkey, as_validator)
            });
            if as_miner > 0 || as_validator > 0 {
                let paid = Event::NeuronPaid {
                    netuid,
                    epoch,
                    uid,
                    as_miner,
                    as_validator,
                };
                Self::deposit_event(paid);
            }
            paid.as_miner.push(as_miner);
            paid.as_validator.push(as_validator);
        }
        let to_miners = paid.as_miner.iter().sum();
        let to_validators = paid.as_validator.iter().sum();
        T::Issuer::settle(due)?;
        // In the first epoch, what was staked has entered already.
        if epoch != EpochIndex::default() {
            T::Stakes::after_payout(netuid);
        }
        Self::deposit_event(Event::EpochRan {
            netuid,
            epoch,
            due: amount,
            to_miners,
            to_owner,
            to_validators,
        });
        Ok(paid)
    }

    /// Makes one payment and returns what was paid. One that fails has left nothing behind, is told
    /// of, and keeps nobody else from being paid.
    fn try_pay(
        snapshot: &Snapshot<T>,
        uid: Option<Uid>,
        amount: Balance,
        pay: impl FnOnce() -> DispatchResult,
    ) -> Balance {
        if amount == 0 {
            return 0;
        }
        match pay() {
            Ok(()) => amount,
            Err(error) => {
                let (netuid, epoch) = (snapshot.netuid, snapshot.epoch);
                Self::deposit_event(Event::PaymentFailed {
                    netuid,
                    epoch,
                    uid,
                    amount,
                    error,
                });
                0
            }
        }
    }

    /// Keeps the outcome: columns, permits, bonds, standings and what was earned.
    fn apply(snapshot: &Snapshot<T>, output: &EpochOutput, paid: &Paid) -> DispatchResult {
        let netuid = snapshot.netuid;
        let columns = Self::columns(output, paid)?;
        Self::apply_standings(netuid, &columns);
        Self::apply_earned(netuid, &columns)?;
        Outcomes::<T>::insert(netuid, columns);
        let permits = Bits::from_bools(&output.next_permit);
        let epoch = snapshot.epoch.next();
        if permits != PermitBits::<T>::get(netuid) {
            PermitBits::<T>::insert(netuid, &permits);
            Self::deposit_event(Event::PermitsChanged {
                netuid,
                epoch,
                permits: permits.clone(),
            });
        }
        Self::apply_bonds(snapshot, &output.bonds, &permits)
    }

    fn columns(output: &EpochOutput, paid: &Paid) -> Result<Columns, Error<T>> {
        let emission = paid
            .as_miner
            .iter()
            .zip(&paid.as_validator)
            .map(|(a, b)| a + b);
        Ok(Columns {
            stake: shares(&output.stake)?,
            consensus: shares(&output.consensus)?,
            trust: shares(&output.trust)?,
            validator_trust: shares(&output.validator_trust)?,
            incentive: shares(&output.incentive)?,
            dividends: shares(&output.dividends)?,
            emission: bounded(emission.collect())?,
            active: Bits::from_bools(&output.active),
        })
    }

    /// Epochs without any incentive don't count: they say nothing about anybody.
    fn apply_standings(netuid: NetUid, columns: &Columns) {
        if columns.incentive.iter().all(|share| *share == 0) {
            return;
        }
        StandingsOf::<T>::mutate(netuid, |standings| {
            pad(standings, columns.incentive.len() as u16);
            let shares = columns.incentive.iter().zip(&columns.dividends);
            for (standing, (incentive, dividends)) in standings.iter_mut().zip(shares) {
                *standing = next_standing(*standing, *incentive, *dividends);
            }
        });
    }

    fn apply_earned(netuid: NetUid, columns: &Columns) -> Result<(), Error<T>> {
        Earned::<T>::try_mutate(netuid, |earned| {
            pad(earned, columns.emission.len() as u16);
            for (earned, emission) in earned.iter_mut().zip(&columns.emission) {
                // No more than the cap is ever minted, which is far below the type's limit.
                *earned = earned.checked_add(*emission).ok_or(Error::Overpaid)?;
            }
            Ok(())
        })
    }

    /// Keeps the bonds of those who may validate next and drops all others.
    fn apply_bonds(snapshot: &Snapshot<T>, bonds: &[NewBonds], permits: &Bits) -> DispatchResult {
        let netuid = snapshot.netuid;
        let mut gone: BTreeSet<Uid> = snapshot.bonds.iter().map(|(uid, _)| *uid).collect();
        let mut count = 0u32;
        for row in bonds.iter().filter(|row| permits.get(Uid(row.validator))) {
            let validator = Uid(row.validator);
            gone.remove(&validator);
            count = count.saturating_add(row.targets.len() as u32);
            let row = BondRow {
                targets: bounded::<T, _>(row.targets.clone())?,
                values: bounded::<T, _>(row.values.clone())?,
            };
            Bonds::<T>::insert(netuid, validator, row);
        }
        for validator in gone {
            Bonds::<T>::remove(netuid, validator);
        }
        BondCounts::<T>::insert(netuid, count);
        Ok(())
    }
}

fn bounded<T: Config, E>(
    elements: Vec<E>,
) -> Result<BoundedVec<E, crate::types::MaxNeurons>, Error<T>> {
    elements.try_into().map_err(|_| Error::TooMany)
}

fn shares<T: Config>(column: &[Share]) -> Result<Shares, Error<T>> {
    bounded(column.iter().map(|share| to_u32(*share)).collect())
}
