//! The bodies of the calls: check, then write.

use crate::{
    checks::reveal_epoch,
    pallet::{Commits, Config, Error, Event, Origin, Pallet, Reveals, RowInfos},
    types::{Commit, Opening, Reveal, Row, RowInfo, Targets, Values},
};
use assay_pallet_traits::{Neurons, Subnets};
use assay_primitives::{BlockNumber, Digest, EpochIndex, NetUid, TaskVersion};
use frame_support::traits::OriginTrait;
use frame_system::pallet_prelude::OriginFor;
use sp_runtime::{
    traits::{AsSystemOriginSigner, BadOrigin, SaturatedConversion},
    DispatchError, DispatchResult,
};

impl<T: Config> Pallet<T> {
    /// The hotkey whose transaction the extension let in.
    pub(crate) fn ensure_admitted(origin: OriginFor<T>) -> Result<T::AccountId, DispatchError> {
        let signed = origin.as_system_origin_signer().is_some();
        match origin.into_caller().try_into() {
            Ok(Origin::Validator(hotkey)) => Ok(hotkey),
            Err(_) if signed => Err(Error::<T>::Nested.into()),
            Err(_) => Err(BadOrigin.into()),
        }
    }

    pub(crate) fn now() -> BlockNumber {
        frame_system::Pallet::<T>::block_number().saturated_into()
    }

    pub(crate) fn do_set_weights(
        hotkey: T::AccountId,
        netuid: NetUid,
        targets: Targets,
        values: Values,
        task_version: TaskVersion,
    ) -> DispatchResult {
        let validator = Self::check_set(&hotkey, netuid, &targets, &values, task_version)?;
        let (uid, epoch, row) = (validator.uid, validator.epoch, Row { targets, values });
        let len = row.len();
        let info = RowInfo {
            len,
            last_update: Self::now(),
            epoch,
            task_version,
        };
        Self::put_row(netuid, uid, row, info);
        Self::deposit_event(Event::WeightsSet {
            netuid,
            uid,
            hotkey,
            epoch,
            task_version,
            len,
        });
        Ok(())
    }

    pub(crate) fn do_commit_weights(
        hotkey: T::AccountId,
        netuid: NetUid,
        epoch: EpochIndex,
        hash: Digest,
        next_seed: Digest,
    ) -> DispatchResult {
        let validator = Self::check_commit(&hotkey, netuid, epoch)?;
        let uid = validator.uid;
        let reveal_in = reveal_epoch(epoch, &validator.hyperparameters);
        let neuron = T::Neurons::neuron(netuid, uid).ok_or(Error::<T>::NotRegistered)?;
        let task_version = T::Subnets::task_version(netuid).ok_or(Error::<T>::UnknownSubnet)?;
        let serial = neuron.serial;
        let at = Self::now();
        let commit = Commit {
            epoch,
            reveal_in,
            hash,
            hotkey: hotkey.clone().into(),
            next_seed,
            at,
            serial,
            task_version,
        };
        // There is a place for each epoch whose window can be open: one that is over was cleared.
        Commits::<T>::try_mutate(netuid, uid, |pending| pending.try_push(commit))
            .map_err(|_| Error::<T>::TooFast)?;
        Self::deposit_event(Event::WeightsCommitted {
            netuid,
            uid,
            hotkey,
            epoch,
            hash,
            next_seed,
            reveal_in,
        });
        Ok(())
    }

    pub(crate) fn do_reveal_weights(
        hotkey: T::AccountId,
        netuid: NetUid,
        opening: Opening,
    ) -> DispatchResult {
        let (validator, commit) = Self::check_reveal(&hotkey, netuid, &opening)?;
        let uid = validator.uid;
        let Opening {
            epoch,
            row,
            task_version,
            evidence,
            ..
        } = opening;
        Commits::<T>::mutate_exists(netuid, uid, |pending| {
            if let Some(commits) = pending {
                commits.retain(|commit| commit.epoch != epoch);
            }
            *pending = pending.take().filter(|commits| !commits.is_empty());
        });
        Reveals::<T>::insert(
            netuid,
            uid,
            Reveal {
                commit,
                at: Self::now(),
                evidence,
            },
        );
        let len = row.len();
        let in_force =
            RowInfos::<T>::get(netuid, uid).is_none_or(|present| present.epoch < commit.epoch);
        if in_force {
            let info = RowInfo {
                len,
                last_update: commit.at,
                epoch,
                task_version,
            };
            Self::put_row(netuid, uid, row, info);
        }
        Self::deposit_event(Event::WeightsRevealed {
            netuid,
            uid,
            hotkey,
            epoch,
            task_version,
            evidence,
            len,
            in_force,
        });
        Ok(())
    }
}
