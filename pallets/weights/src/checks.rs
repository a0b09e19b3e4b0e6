//! What must hold before a weight call changes anything.
//!
//! The extension asks at the transaction pool and at inclusion; the calls ask once more, since they
//! write by what the checks found.

use crate::{
    pallet::{Call, Commits, Config, Error, Pallet, RowInfos},
    types::{Commit, Opening, Row},
};
use assay_pallet_traits::{Epochs, Neurons, Permits, Subnets};
use assay_primitives::{
    commit_hash, CommitPayload, EpochIndex, Hyperparameters, NetUid, TaskVersion, Uid, WeightsError,
};

/// A validator of a subnet, and the epoch that is open there.
pub(crate) struct Validator {
    pub uid: Uid,
    pub epoch: EpochIndex,
    pub hyperparameters: Hyperparameters,
}

impl<T: Config> Pallet<T> {
    /// Checks a call as a whole, without keeping anything. Returns the subnet and its open epoch.
    pub(crate) fn check_call(
        hotkey: &T::AccountId,
        call: &Call<T>,
    ) -> Result<(NetUid, EpochIndex), Error<T>> {
        match call {
            Call::set_weights {
                netuid,
                targets,
                values,
                task_version,
            } => {
                let validator = Self::check_set(hotkey, *netuid, targets, values, *task_version)?;
                Ok((*netuid, validator.epoch))
            }
            Call::commit_weights { netuid, epoch, .. } => {
                let validator = Self::check_commit(hotkey, *netuid, *epoch)?;
                Ok((*netuid, validator.epoch))
            }
            Call::reveal_weights {
                netuid,
                epoch,
                targets,
                values,
                salt,
                task_version,
                evidence,
            } => {
                let row = Row {
                    targets: targets.clone(),
                    values: values.clone(),
                };
                let opening = Opening {
                    epoch: *epoch,
                    row,
                    salt: *salt,
                    task_version: *task_version,
                    evidence: *evidence,
                };
                let (validator, _) = Self::check_reveal(hotkey, *netuid, &opening)?;
                Ok((*netuid, validator.epoch))
            }
            // The macro's own variant, which has no value.
            Call::__Ignore(..) => Err(Error::Nested),
        }
    }

    /// What `set_weights` needs.
    pub(crate) fn check_set(
        hotkey: &T::AccountId,
        netuid: NetUid,
        targets: &[u16],
        values: &[u16],
        task_version: TaskVersion,
    ) -> Result<Validator, Error<T>> {
        let validator = Self::check_validator(hotkey, netuid)?;
        if !validator.hyperparameters.plain_weights {
            return Err(Error::PlainWeightsDisabled);
        }
        if T::Subnets::task_version(netuid) != Some(task_version) {
            return Err(Error::WrongTaskVersion);
        }
        Self::check_row(netuid, targets, values)?;
        // A reveal only ever puts a row of an earlier epoch into force, so a row of the open epoch
        // was set in plain.
        let set_in = RowInfos::<T>::get(netuid, validator.uid).map(|info| info.epoch);
        if set_in == Some(validator.epoch) {
            return Err(Error::TooFast);
        }
        Ok(validator)
    }

    /// What `commit_weights` needs.
    pub(crate) fn check_commit(
        hotkey: &T::AccountId,
        netuid: NetUid,
        epoch: EpochIndex,
    ) -> Result<Validator, Error<T>> {
        let validator = Self::check_validator(hotkey, netuid)?;
        if epoch != validator.epoch {
            return Err(Error::WrongEpoch);
        }
        let pending = Commits::<T>::get(netuid, validator.uid);
        if pending.iter().any(|commit| commit.epoch == epoch) {
            return Err(Error::TooFast);
        }
        Ok(validator)
    }

    /// What `reveal_weights` needs. Also returns the commit that is opened.
    pub(crate) fn check_reveal(
        hotkey: &T::AccountId,
        netuid: NetUid,
        opening: &Opening,
    ) -> Result<(Validator, Commit), Error<T>> {
        let validator = Self::check_validator(hotkey, netuid)?;
        let Opening {
            epoch,
            row,
            salt,
            task_version,
            evidence,
        } = opening;
        let pending = Commits::<T>::get(netuid, validator.uid);
        let Some(commit) = pending.into_iter().find(|commit| commit.epoch == *epoch) else {
            return Err(Self::why_no_commit(&validator, *epoch));
        };
        if validator.epoch < commit.reveal_in {
            return Err(Error::RevealTooEarly);
        }
        if validator.epoch > commit.reveal_in {
            return Err(Error::RevealTooLate);
        }
        if *task_version != commit.task_version {
            return Err(Error::WrongTaskVersion);
        }
        Self::check_row(netuid, &row.targets, &row.values)?;
        let payload = CommitPayload {
            hotkey: commit.hotkey,
            netuid,
            generation: T::Subnets::generation(netuid).ok_or(Error::UnknownSubnet)?,
            epoch: *epoch,
            task_version: *task_version,
            targets: &row.targets,
            values: &row.values,
            salt: *salt,
            evidence: *evidence,
        };
        if commit_hash(&payload) != commit.hash {
            return Err(Error::RevealMismatch);
        }
        Ok((validator, commit))
    }

    /// Commits are cleared when they expire, so a window that is over is told from the epoch.
    fn why_no_commit(validator: &Validator, epoch: EpochIndex) -> Error<T> {
        if reveal_epoch(epoch, &validator.hyperparameters) < validator.epoch {
            Error::RevealTooLate
        } else {
            Error::NoSuchCommit
        }
    }

    fn check_validator(hotkey: &T::AccountId, netuid: NetUid) -> Result<Validator, Error<T>> {
        let hyperparameters = T::Subnets::hyperparameters(netuid).ok_or(Error::UnknownSubnet)?;
        let uid = T::Neurons::uid_of(netuid, hotkey).ok_or(Error::NotRegistered)?;
        if !T::Permits::has_permit(netuid, uid) {
            return Err(Error::NotPermitted);
        }
        Ok(Validator {
            uid,
            epoch: T::Epochs::current(netuid),
            hyperparameters,
        })
    }

    fn check_row(netuid: NetUid, targets: &[u16], values: &[u16]) -> Result<(), Error<T>> {
        let neurons = T::Neurons::count(netuid);
        WeightsError::check(targets, values, neurons).map_err(|_| Error::Malformed)
    }
}

/// The epoch in which a commit made in `epoch` must be opened.
pub(crate) fn reveal_epoch(epoch: EpochIndex, hyperparameters: &Hyperparameters) -> EpochIndex {
    // Four thousand million epochs are out of reach.
    EpochIndex(epoch.0.saturating_add(hyperparameters.reveal_period.into()))
}
