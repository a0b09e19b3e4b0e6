//! Announcing what a neuron serves and where.

use crate::{Config, Endpoints, Error, Event, Hotkeys, HyperparametersOf, Models, Pallet, Uids};
use assay_primitives::{
    Announced, BlockNumber, Endpoint, EndpointError, ModelAnnouncement, NetUid, Uid,
};
use frame_support::ensure;
use sp_runtime::{DispatchError, DispatchResult};

impl<T: Config> From<EndpointError> for Error<T> {
    fn from(error: EndpointError) -> Self {
        match error {
            EndpointError::BadHost => Self::EndpointBadHost,
            EndpointError::BadPort => Self::EndpointBadPort,
            EndpointError::BadCertificate => Self::EndpointBadCertificate,
        }
    }
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_announce(
        who: T::AccountId,
        netuid: NetUid,
        hotkey: T::AccountId,
        endpoint: Endpoint,
    ) -> DispatchResult {
        endpoint.check().map_err(Error::<T>::from)?;
        let uid = Self::ensure_announcer(&who, netuid, &hotkey)?;
        let last = Endpoints::<T>::get(netuid, uid).map(|announced| announced.at);
        let at = Self::ensure_interval(netuid, last)?;
        let what = endpoint.clone();
        Endpoints::<T>::insert(netuid, uid, Announced { what, at });
        Self::deposit_event(Event::EndpointAnnounced {
            netuid,
            uid,
            hotkey,
            endpoint,
        });
        Ok(())
    }

    pub(crate) fn do_announce_model(
        who: T::AccountId,
        netuid: NetUid,
        hotkey: T::AccountId,
        model: ModelAnnouncement,
    ) -> DispatchResult {
        ensure!(model.size > 0, Error::<T>::EmptyModel);
        let uid = Self::ensure_announcer(&who, netuid, &hotkey)?;
        let last = Models::<T>::get(netuid, uid).map(|announced| announced.at);
        let at = Self::ensure_interval(netuid, last)?;
        Models::<T>::insert(netuid, uid, Announced { what: model, at });
        Self::deposit_event(Event::ModelAnnounced {
            netuid,
            uid,
            hotkey,
            model,
        });
        Ok(())
    }

    /// The place that `who` may announce for.
    fn ensure_announcer(
        who: &T::AccountId,
        netuid: NetUid,
        hotkey: &T::AccountId,
    ) -> Result<Uid, DispatchError> {
        Self::registered(netuid)?;
        let uid = Uids::<T>::get(netuid, hotkey).ok_or(Error::<T>::NotRegistered)?;
        let by_coldkey = || Hotkeys::<T>::get(hotkey).is_some_and(|info| info.coldkey == *who);
        ensure!(
            who == hotkey || by_coldkey(),
            Error::<T>::NotHotkeyOrColdkey
        );
        Ok(uid)
    }

    /// This block, if long enough after the last announcement. Endpoints and models are counted
    /// apart, so that a miner can announce both when it starts.
    fn ensure_interval(
        netuid: NetUid,
        last: Option<BlockNumber>,
    ) -> Result<BlockNumber, DispatchError> {
        let now = Self::now();
        let interval = HyperparametersOf::<T>::get(netuid)
            .ok_or(Error::<T>::UnknownSubnet)?
            .announce_interval;
        let due = last.is_none_or(|at| at.saturating_add(interval) <= now);
        ensure!(due, Error::<T>::AnnouncedTooSoon);
        Ok(now)
    }
}
