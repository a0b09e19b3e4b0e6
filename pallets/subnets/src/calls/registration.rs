//! Registering neurons.

use crate::{
    Candidate, Config, Endpoints, Error, Event, HotkeyInfo, Hotkeys, HyperparametersOf, Models,
    Neuron, NeuronCount, Neurons, NextSerial, OwnedHotkeys, Pallet, RegistrationPrices,
    RegistrationProof, Successors, Uids, WeightInfo,
};
use assay_pallet_traits::{NeuronHooks, ProofError};
use assay_primitives::{Balance, Generation, NetUid, RegistrationProofPayload, Serial, Uid};
use frame_support::{
    dispatch::{DispatchErrorWithPostInfo, DispatchResultWithPostInfo},
    ensure,
    traits::Get,
};
use sp_runtime::{traits::Zero, ArithmeticError, DispatchError, DispatchResult};

impl<T: Config> From<ProofError> for Error<T> {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::UnsupportedKind => Self::HotkeyKindUnsupported,
            ProofError::Expired => Self::ProofExpired,
            ProofError::TooLong => Self::ProofTooLong,
            ProofError::Invalid => Self::ProofInvalid,
        }
    }
}

/// Where a new neuron goes.
enum Place {
    /// A uid that nobody held.
    Free(Uid),
    /// That of a neuron that gives way.
    Of(Candidate),
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_register(
        coldkey: T::AccountId,
        netuid: NetUid,
        hotkey: T::AccountId,
        max_price: Balance,
        proof: RegistrationProof,
    ) -> DispatchResultWithPostInfo {
        // Known beforehand, so that a call that fails pays for the subnet it named and not for the
        // largest there could be.
        let weight = match Self::neurons_to_search(netuid) {
            0 => T::WeightInfo::register(),
            searched => T::WeightInfo::register_full(searched.into()),
        }
        .saturating_add(T::NeuronHooks::on_neuron_weight());
        let post_info = Some(weight).into();
        match Self::try_register(coldkey, netuid, hotkey, max_price, proof) {
            Ok(()) => Ok(post_info),
            Err(error) => Err(DispatchErrorWithPostInfo { post_info, error }),
        }
    }

    pub(crate) fn try_register(
        coldkey: T::AccountId,
        netuid: NetUid,
        hotkey: T::AccountId,
        max_price: Balance,
        proof: RegistrationProof,
    ) -> DispatchResult {
        let subnet = Self::registered(netuid)?;
        let settings = HyperparametersOf::<T>::get(netuid).ok_or(Error::<T>::UnknownSubnet)?;
        ensure!(settings.registration_open, Error::<T>::RegistrationClosed);
        ensure!(
            !Uids::<T>::contains_key(netuid, &hotkey),
            Error::<T>::AlreadyRegistered
        );
        if let Some(info) = Hotkeys::<T>::get(&hotkey) {
            ensure!(info.coldkey == coldkey, Error::<T>::HotkeyOfAnother);
        }
        ensure!(
            !Successors::<T>::contains_key(&hotkey),
            Error::<T>::HotkeySpent
        );
        let curve = Self::registration_price_curve();
        let price = curve.at(RegistrationPrices::<T>::get(netuid), Self::now());
        Self::ensure_can_pay(&coldkey, price, max_price)?;
        Self::ensure_proof(&proof, netuid, subnet.generation, &coldkey, &hotkey)?;
        let place = Self::choose_place(netuid)?;
        let serial = NextSerial::<T>::get();
        let next_serial = serial.0.checked_add(1).ok_or(ArithmeticError::Overflow)?;

        Self::burn(&coldkey, price)?;
        RegistrationPrices::<T>::insert(netuid, curve.after(price, Self::now()));
        NextSerial::<T>::put(Serial(next_serial));
        let uid = match place {
            Place::Free(uid) => {
                Self::settle(netuid, uid, &hotkey, &coldkey, serial);
                NeuronCount::<T>::insert(netuid, uid.next().0);
                T::NeuronHooks::on_neuron_added(netuid, uid);
                uid
            }
            Place::Of(candidate) => {
                let uid = candidate.tenure.uid;
                let old_hotkey = Self::evict(netuid, candidate)?;
                Self::settle(netuid, uid, &hotkey, &coldkey, serial);
                T::NeuronHooks::on_neuron_replaced(netuid, uid, &old_hotkey);
                uid
            }
        };
        Self::deposit_event(Event::NeuronRegistered {
            netuid,
            uid,
            hotkey,
            coldkey,
            serial,
            price,
        });
        Ok(())
    }

    /// How many neurons must be looked through to register one: none while a place is free. Also
    /// where root has lowered the number of places, since no registration shrinks a subnet.
    fn neurons_to_search(netuid: NetUid) -> u16 {
        let places = HyperparametersOf::<T>::get(netuid).map_or(0, |settings| settings.max_neurons);
        let count = NeuronCount::<T>::get(netuid);
        if count < places {
            0
        } else {
            count
        }
    }

    fn choose_place(netuid: NetUid) -> Result<Place, DispatchError> {
        if Self::neurons_to_search(netuid) == 0 {
            return Ok(Place::Free(Uid(NeuronCount::<T>::get(netuid))));
        }
        let candidate = Self::next_to_prune(netuid).ok_or(Error::<T>::AllNeuronsImmune)?;
        Ok(Place::Of(candidate))
    }

    fn ensure_proof(
        proof: &RegistrationProof,
        netuid: NetUid,
        generation: Generation,
        coldkey: &T::AccountId,
        hotkey: &T::AccountId,
    ) -> DispatchResult {
        // The system keeps the hash of the first block for ever, however short its memory.
        let payload = RegistrationProofPayload {
            genesis: frame_system::Pallet::<T>::block_hash(
                frame_system::pallet_prelude::BlockNumberFor::<T>::zero(),
            )
            .into(),
            netuid,
            generation,
            coldkey: *coldkey.as_ref(),
            expires_at: proof.expires_at,
        };
        proof
            .check(
                hotkey.as_ref(),
                &payload.to_bytes(),
                Self::now(),
                T::MaxProofLifetime::get(),
            )
            .map_err(Error::<T>::from)?;
        Ok(())
    }

    /// Takes a neuron's place and all that this pallet keeps for it away. Returns its hotkey.
    fn evict(netuid: NetUid, candidate: Candidate) -> Result<T::AccountId, DispatchError> {
        let uid = candidate.tenure.uid;
        // The candidate was read from there in the same call.
        let neuron = Neurons::<T>::take(netuid, uid).ok_or(Error::<T>::NotRegistered)?;
        Uids::<T>::remove(netuid, &neuron.hotkey);
        Endpoints::<T>::remove(netuid, uid);
        Models::<T>::remove(netuid, uid);
        Self::release_hotkey(&neuron.hotkey);
        Self::deposit_event(Event::NeuronPruned {
            netuid,
            uid,
            hotkey: neuron.hotkey.clone(),
            serial: neuron.serial,
            standing: candidate.standing,
        });
        Ok(neuron.hotkey)
    }

    /// Gives an empty place to a hotkey.
    fn settle(
        netuid: NetUid,
        uid: Uid,
        hotkey: &T::AccountId,
        coldkey: &T::AccountId,
        serial: Serial,
    ) {
        let registered = Hotkeys::<T>::mutate(hotkey, |info| {
            let info = info.get_or_insert_with(|| {
                OwnedHotkeys::<T>::insert(coldkey, hotkey, ());
                HotkeyInfo {
                    coldkey: coldkey.clone(),
                    registrations: 0,
                }
            });
            // At most one per subnet, and subnets are counted in 16 bits.
            info.registrations = info.registrations.saturating_add(1);
            info.registrations
        });
        if registered == 1 {
            frame_system::Pallet::<T>::inc_sufficients(hotkey);
        }
        Uids::<T>::insert(netuid, hotkey, uid);
        Neurons::<T>::insert(
            netuid,
            uid,
            Neuron {
                hotkey: hotkey.clone(),
                serial,
                registered_at: Self::now(),
            },
        );
    }
}
