//! Announcing another task, and putting it into force.

use crate::{
    Config, Error, Event, HyperparametersOf, Pallet, PendingHyperparameters, Subnets, Tasks,
    UpcomingTasks,
};
use alloc::boxed::Box;
use assay_pallet_traits::Epochs;
use assay_primitives::{AnnouncedTask, EpochIndex, NetUid, TaskSpec};
use frame_system::pallet_prelude::OriginFor;
use sp_runtime::{ArithmeticError, DispatchError, DispatchResult};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_update_task(
        origin: OriginFor<T>,
        netuid: NetUid,
        task: Box<TaskSpec>,
    ) -> DispatchResult {
        Self::ensure_patcher(origin, netuid)?;
        task.check().map_err(Error::<T>::from)?;
        let subnet = Self::registered(netuid)?;
        let version = subnet.task_version.next();
        let from_epoch = Self::first_epoch_of_update(netuid)?;
        UpcomingTasks::<T>::insert(
            netuid,
            AnnouncedTask {
                version,
                from_epoch,
                task: (*task).clone(),
            },
        );
        Self::deposit_event(Event::TaskAnnounced {
            netuid,
            version,
            from_epoch,
            task,
        });
        Ok(())
    }

    /// The first epoch in which a task that is announced now is in force: after the open one,
    /// [`task_lead`](assay_primitives::Hyperparameters::task_lead) whole epochs pass, by the
    /// settings in force or those that wait, whichever gives more.
    fn first_epoch_of_update(netuid: NetUid) -> Result<EpochIndex, DispatchError> {
        let settings = HyperparametersOf::<T>::get(netuid).ok_or(Error::<T>::UnknownSubnet)?;
        let next = PendingHyperparameters::<T>::get(netuid).unwrap_or(settings);
        let lead = settings.task_lead().max(next.task_lead());
        let EpochIndex(open) = T::Epochs::current(netuid);
        let first = open.checked_add(lead).and_then(|last| last.checked_add(1));
        first
            .map(EpochIndex)
            .ok_or(ArithmeticError::Overflow.into())
    }

    /// Puts the announced task into force, if the epoch that opens now is its first.
    pub(crate) fn begin_task(netuid: NetUid) {
        let opening = T::Epochs::current(netuid).next();
        let due = UpcomingTasks::<T>::get(netuid).filter(|next| next.from_epoch <= opening);
        let Some(AnnouncedTask { version, task, .. }) = due else {
            return;
        };
        UpcomingTasks::<T>::remove(netuid);
        Tasks::<T>::insert(netuid, task);
        Subnets::<T>::mutate(netuid, |subnet| {
            if let Some(subnet) = subnet {
                subnet.task_version = version;
            }
        });
        Self::deposit_event(Event::TaskUpdated { netuid, version });
    }
}
