//! Registering subnets and changing what holds for a whole subnet.

use crate::{
    Config, Error, Event, Generations, HoldReason, HyperparametersOf, Netuids, NetworkParameters,
    Pallet, PendingHyperparameters, Subnet, SubnetPrice, Subnets, Tasks, MAX_CHANGES,
};
use alloc::boxed::Box;
use assay_pallet_traits::{AdmissionPolicy, SubnetHooks};
use assay_primitives::{
    Authority, Balance, Generation, Hyperparameter, HyperparameterError, Hyperparameters, NetUid,
    TaskError, TaskSpec, TaskVersion,
};
use core::mem::discriminant;
use frame_support::{
    ensure,
    traits::{fungible::MutateHold, ConstU32, EnsureOrigin, Get},
    BoundedVec,
};
use frame_system::{ensure_signed, pallet_prelude::OriginFor};
use sp_runtime::{DispatchError, DispatchResult};

impl<T: Config> From<TaskError> for Error<T> {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::BadName => Self::TaskBadName,
            TaskError::BadArtifact => Self::TaskBadArtifact,
            TaskError::NoTensors => Self::TaskNoTensors,
            TaskError::RepeatedTensor => Self::TaskRepeatedTensor,
            TaskError::BadShape => Self::TaskBadShape,
            TaskError::BadDeadline => Self::TaskBadDeadline,
            TaskError::BadBatch => Self::TaskBadBatch,
            TaskError::BadScoring => Self::TaskBadScoring,
            TaskError::NoReferenceModel => Self::TaskNoReferenceModel,
        }
    }
}

impl<T: Config> From<HyperparameterError> for Error<T> {
    fn from(error: HyperparameterError) -> Self {
        match error {
            HyperparameterError::OutOfBounds => Self::SettingOutOfBounds,
        }
    }
}

/// On whose behalf settings are changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patcher {
    Root,
    Owner,
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_register_subnet(
        owner: T::AccountId,
        task: Box<TaskSpec>,
        max_price: Balance,
    ) -> DispatchResult {
        task.check().map_err(Error::<T>::from)?;
        let mut netuids = Netuids::<T>::get();
        let place = first_gap(&netuids);
        // The index is right for an ascending list: all before it are the numbers below it.
        netuids
            .try_insert(place.into(), NetUid(place))
            .map_err(|_| Error::<T>::NoPlaceForSubnet)?;
        let now = Self::now();
        let parameters = NetworkParameters::<T>::get();
        let curve = parameters.subnet_price_curve(T::SubnetPriceHalfLife::get());
        let price = curve.at(SubnetPrice::<T>::get(), now);
        Self::ensure_can_pay(&owner, price, max_price)?;

        let netuid = NetUid(place);
        let lock = parameters.subnet_price_floor;
        Self::burn(&owner, price.saturating_sub(lock))?;
        T::Currency::hold(&HoldReason::SubnetLock.into(), &owner, lock)?;
        SubnetPrice::<T>::put(curve.after(price, now));

        let generation =
            Generations::<T>::get(netuid).map_or(Generation::default(), Generation::next);
        let admitted = T::AdmissionPolicy::admitted_on_creation();
        let hyperparameters = Hyperparameters::new(T::DefaultTempo::get());
        Netuids::<T>::put(netuids);
        Generations::<T>::insert(netuid, generation);
        Tasks::<T>::insert(netuid, &*task);
        HyperparametersOf::<T>::insert(netuid, hyperparameters);
        Subnets::<T>::insert(
            netuid,
            Subnet {
                owner: owner.clone(),
                generation,
                registered_at: now,
                lock,
                task_version: TaskVersion::default(),
                admitted,
            },
        );
        T::SubnetHooks::on_subnet_registered(netuid);
        Self::deposit_event(Event::SubnetRegistered {
            netuid,
            generation,
            owner,
            price,
            lock,
            admitted,
            hyperparameters,
            task,
        });
        Ok(())
    }

    pub(crate) fn do_patch_hyperparameters(
        origin: OriginFor<T>,
        netuid: NetUid,
        changes: BoundedVec<Hyperparameter, ConstU32<MAX_CHANGES>>,
    ) -> DispatchResult {
        let patcher = Self::ensure_patcher(origin, netuid)?;
        let mut settings = PendingHyperparameters::<T>::get(netuid)
            .or_else(|| HyperparametersOf::<T>::get(netuid))
            .ok_or(Error::<T>::UnknownSubnet)?;
        for (index, &change) in changes.iter().enumerate() {
            let repeated = changes[..index]
                .iter()
                .any(|earlier| discriminant(earlier) == discriminant(&change));
            ensure!(!repeated, Error::<T>::RepeatedSetting);
            if patcher == Patcher::Owner {
                Self::ensure_owner_may(change)?;
            }
            settings = settings.with(change).map_err(Error::<T>::from)?;
        }
        PendingHyperparameters::<T>::insert(netuid, settings);
        Self::deposit_event(Event::HyperparametersPatched { netuid, changes });
        Ok(())
    }

    pub(crate) fn do_set_admitted(netuid: NetUid, admitted: bool) -> DispatchResult {
        Subnets::<T>::try_mutate(netuid, |subnet| {
            let subnet = subnet.as_mut().ok_or(Error::<T>::UnknownSubnet)?;
            subnet.admitted = admitted;
            Ok::<_, DispatchError>(())
        })?;
        Self::deposit_event(Event::AdmissionSet { netuid, admitted });
        Ok(())
    }

    fn ensure_patcher(origin: OriginFor<T>, netuid: NetUid) -> Result<Patcher, DispatchError> {
        let origin = match T::AdminOrigin::try_origin(origin) {
            Ok(_) => return Ok(Patcher::Root),
            Err(origin) => origin,
        };
        let who = ensure_signed(origin)?;
        let subnet = Subnets::<T>::get(netuid).ok_or(Error::<T>::UnknownSubnet)?;
        ensure!(subnet.owner == who, Error::<T>::NotSubnetOwner);
        Ok(Patcher::Owner)
    }

    fn ensure_owner_may(change: Hyperparameter) -> DispatchResult {
        ensure!(
            change.authority() == Authority::Owner,
            Error::<T>::RootOnlySetting
        );
        // Every epoch costs every node; how often is not for a creator to decide.
        if let Hyperparameter::Tempo(tempo) = change {
            ensure!(
                tempo >= T::DefaultTempo::get(),
                Error::<T>::TempoBelowDefault
            );
        }
        Ok(())
    }
}

/// The lowest number that an ascending list of numbers does not hold. The list is shorter than
/// 2^16 (`integrity_test`), so its length is a number too.
fn first_gap(netuids: &[NetUid]) -> u16 {
    (0u16..)
        .zip(netuids)
        .find(|(number, netuid)| netuid.0 != *number)
        .map_or(netuids.len() as u16, |(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_gap_is_the_lowest_free_number() {
        let gap = |numbers: &[u16]| {
            let netuids: alloc::vec::Vec<_> = numbers.iter().copied().map(NetUid).collect();
            first_gap(&netuids)
        };
        assert_eq!(gap(&[]), 0);
        assert_eq!(gap(&[1, 2]), 0);
        assert_eq!(gap(&[0, 1, 3]), 2);
        assert_eq!(gap(&[0, 1, 2]), 3);
    }
}
