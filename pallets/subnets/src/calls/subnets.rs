//! Registering subnets and changing what holds for a whole subnet.

use crate::{
    dissolution::{Place, WaitingSubnet},
    Config, Error, Event, Generations, HoldReason, HyperparametersOf, Netuids, NetworkParameters,
    Pallet, PendingHyperparameters, Subnet, SubnetPrice, Subnets, Tasks, WaitingSubnets,
    MAX_CHANGES,
};
use alloc::boxed::Box;
use assay_pallet_traits::{AdmissionPolicy, SubnetHooks, Subnets as Registry};
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

/// On whose behalf a subnet is changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Patcher {
    Root,
    Owner,
}

/// What was paid for a subnet.
#[derive(Clone, Copy)]
pub(crate) struct SubnetPayment {
    /// All of it.
    pub price: Balance,
    /// What is held of it; the rest was burned.
    pub lock: Balance,
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_register_subnet(
        owner: T::AccountId,
        task: Box<TaskSpec>,
        max_price: Balance,
    ) -> DispatchResult {
        task.check().map_err(Error::<T>::from)?;
        let place = Self::find_place()?;
        let now = Self::now();
        let parameters = NetworkParameters::<T>::get();
        let curve = parameters.subnet_price_curve(T::SubnetPriceHalfLife::get());
        let price = curve.at(SubnetPrice::<T>::get(), now);
        Self::ensure_can_pay(&owner, price, max_price)?;

        let lock = parameters.subnet_price_floor;
        let payment = SubnetPayment { price, lock };
        Self::burn(&owner, price.saturating_sub(lock))?;
        T::Currency::hold(&HoldReason::SubnetLock.into(), &owner, lock)?;
        SubnetPrice::<T>::put(curve.after(price, now));
        match place {
            Place::Free(netuid) => Self::found(netuid, owner, task, payment, false),
            Place::Freed(dissolution) => {
                Self::wait_for(dissolution.netuid, owner, task, payment);
                Ok(())
            }
            Place::Of(standing) => {
                Self::begin_dissolution(standing.netuid)?;
                Self::wait_for(standing.netuid, owner, task, payment);
                Ok(())
            }
        }
    }

    /// Keeps a subnet that is paid for until its number is free.
    fn wait_for(netuid: NetUid, owner: T::AccountId, task: Box<TaskSpec>, payment: SubnetPayment) {
        let SubnetPayment { price, lock } = payment;
        WaitingSubnets::<T>::insert(
            netuid,
            WaitingSubnet {
                owner: owner.clone(),
                price,
                lock,
                task: *task,
            },
        );
        Self::deposit_event(Event::RegistrationWaiting {
            netuid,
            generation: Self::next_generation(netuid),
            owner,
            price,
            lock,
        });
    }

    fn next_generation(netuid: NetUid) -> Generation {
        Generations::<T>::get(netuid).map_or(Generation::default(), Generation::next)
    }

    /// Registers a subnet that is paid for under a number that is free.
    pub(crate) fn found(
        netuid: NetUid,
        owner: T::AccountId,
        task: Box<TaskSpec>,
        payment: SubnetPayment,
        waited: bool,
    ) -> DispatchResult {
        Netuids::<T>::try_mutate(|netuids| {
            let index = netuids.partition_point(|registered| *registered < netuid);
            netuids.try_insert(index, netuid)
        })
        .map_err(|_| Error::<T>::NoPlaceForSubnet)?;
        let SubnetPayment { price, lock } = payment;
        let generation = Self::next_generation(netuid);
        let admitted = T::AdmissionPolicy::admitted_on_creation();
        let hyperparameters = Hyperparameters::new(T::DefaultTempo::get());
        Generations::<T>::insert(netuid, generation);
        Tasks::<T>::insert(netuid, &*task);
        HyperparametersOf::<T>::insert(netuid, hyperparameters);
        Subnets::<T>::insert(
            netuid,
            Subnet {
                owner: owner.clone(),
                generation,
                registered_at: Self::now(),
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
            waited,
            admitted,
            hyperparameters,
            task,
        });
        Ok(())
    }

    /// The subnet registered under a number, or why there is none.
    pub(crate) fn registered(netuid: NetUid) -> Result<Subnet<T::AccountId>, DispatchError> {
        Subnets::<T>::get(netuid).ok_or_else(|| {
            let error = if <Self as Registry<T::AccountId>>::dissolving(netuid).is_some() {
                Error::<T>::SubnetDissolving
            } else {
                Error::<T>::UnknownSubnet
            };
            error.into()
        })
    }

    pub(crate) fn do_patch_hyperparameters(
        origin: OriginFor<T>,
        netuid: NetUid,
        changes: BoundedVec<Hyperparameter, ConstU32<MAX_CHANGES>>,
    ) -> DispatchResult {
        let patcher = Self::ensure_patcher(origin, netuid)?;
        Self::registered(netuid)?;
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
        let subnet = Self::registered(netuid)?;
        Subnets::<T>::insert(netuid, Subnet { admitted, ..subnet });
        Self::deposit_event(Event::AdmissionSet { netuid, admitted });
        Ok(())
    }

    /// Says on whose behalf a subnet is changed: root's or its owner's.
    pub(super) fn ensure_patcher(
        origin: OriginFor<T>,
        netuid: NetUid,
    ) -> Result<Patcher, DispatchError> {
        let origin = match T::AdminOrigin::try_origin(origin) {
            Ok(_) => return Ok(Patcher::Root),
            Err(origin) => origin,
        };
        let who = ensure_signed(origin)?;
        let subnet = Self::registered(netuid)?;
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
