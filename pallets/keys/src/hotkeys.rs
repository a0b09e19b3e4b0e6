//! Exchanging a hotkey.

use crate::{Config, Error, Event, KeyHolder, Pallet, SwappedAt};
use assay_pallet_traits::{HotkeyProof, Neurons, ProofError};
use assay_primitives::{Balance, BlockNumber, SwapProofPayload};
use frame_support::{
    ensure,
    traits::{
        fungible::{Inspect, Mutate},
        tokens::{Fortitude, Precision, Preservation},
        Get,
    },
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{traits::Zero, DispatchResult, SaturatedConversion};

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

impl<T: Config> Pallet<T> {
    /// This block's height. Heights are `u32` on every network of ours, so nothing saturates.
    pub(crate) fn now() -> BlockNumber {
        frame_system::Pallet::<T>::block_number().saturated_into()
    }

    pub(crate) fn do_swap_hotkey(
        coldkey: T::AccountId,
        old: T::AccountId,
        new: T::AccountId,
        proof: HotkeyProof,
    ) -> DispatchResult {
        let owner = T::Neurons::coldkey_of(&old).ok_or(Error::<T>::UnknownHotkey)?;
        ensure!(owner == coldkey, Error::<T>::NotOwner);
        ensure!(
            T::Neurons::coldkey_of(&new).is_none() && T::Neurons::successor_of(&new).is_none(),
            Error::<T>::HotkeyUsed
        );
        let now = Self::now();
        let rested = SwappedAt::<T>::get(&old)
            .is_none_or(|at| at.saturating_add(T::HotkeySwapInterval::get()) <= now);
        ensure!(rested, Error::<T>::SwappedTooSoon);
        let price = T::HotkeySwapPrice::get();
        Self::ensure_can_pay(&coldkey, price)?;
        let payload = SwapProofPayload {
            // The system keeps the hash of the first block for ever, however short its memory.
            genesis: frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero()).into(),
            coldkey: *coldkey.as_ref(),
            old_hotkey: *old.as_ref(),
            expires_at: proof.expires_at,
        };
        let lifetime = T::MaxProofLifetime::get();
        proof
            .check(new.as_ref(), &payload.to_bytes(), now, lifetime)
            .map_err(Error::<T>::from)?;

        Self::burn(&coldkey, price)?;
        T::Holders::move_hotkey(&old, &new)?;
        SwappedAt::<T>::remove(&old);
        SwappedAt::<T>::insert(&new, now);
        Self::deposit_event(Event::HotkeySwapped {
            coldkey,
            old,
            new,
            price,
        });
        Ok(())
    }

    /// Checks that an account can pay without dying of it.
    pub(crate) fn ensure_can_pay(who: &T::AccountId, price: Balance) -> DispatchResult {
        let payable =
            T::Currency::reducible_balance(who, Preservation::Preserve, Fortitude::Polite);
        ensure!(payable >= price, Error::<T>::InsufficientBalance);
        Ok(())
    }

    /// Burns what [`Self::ensure_can_pay`] let pass.
    pub(crate) fn burn(who: &T::AccountId, amount: Balance) -> DispatchResult {
        T::Currency::burn_from(
            who,
            amount,
            Preservation::Preserve,
            Precision::Exact,
            Fortitude::Polite,
        )?;
        Ok(())
    }
}
