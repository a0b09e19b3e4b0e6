//! What is always true.
//!
//! 1. Exactly the coldkeys that are being changed are frozen.
//! 2. No coldkey is changed for itself; a change is ready after it was announced and before it
//!    expires.
//! 3. Only known hotkeys are remembered to have taken another's place, in no block to come.

use crate::{Changes, Config, FreezeReason, Pallet, SwappedAt};
use assay_pallet_traits::Neurons;
use frame_support::{ensure, traits::fungible::InspectFreeze};
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
    /// Checks every invariant of this module's docs.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let reason = FreezeReason::ColdkeyChange.into();
        for (old, change) in Changes::<T>::iter() {
            ensure!(
                T::Currency::balance_frozen(&reason, &old) == u128::MAX,
                "a coldkey that is being changed is not frozen"
            );
            ensure!(change.new != old, "a coldkey is changed for itself");
            ensure!(
                change.announced_at <= change.ready_at && change.ready_at < change.expires_at,
                "a change of coldkey expires before it is ready"
            );
        }
        for (who, _) in frame_system::Account::<T>::iter() {
            ensure!(
                T::Currency::balance_frozen(&reason, &who) == 0 || Changes::<T>::contains_key(&who),
                "an account is frozen though its coldkey is not being changed"
            );
        }
        for (hotkey, at) in SwappedAt::<T>::iter() {
            ensure!(
                at <= Self::now() && T::Neurons::coldkey_of(&hotkey).is_some(),
                "a hotkey that nobody knows took another's place"
            );
        }
        Ok(())
    }
}
