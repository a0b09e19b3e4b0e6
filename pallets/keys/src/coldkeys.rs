//! Changing a coldkey.

use crate::{
    Changes, Config, Error, Event, FreezeReason, KeyHolder, Pallet, WeightInfo, MAX_MOVED,
};
use assay_pallet_traits::ColdkeyChanges;
use assay_primitives::{Balance, ColdkeyChange, ColdkeyChangeStage as Stage};
use frame_support::{
    dispatch::DispatchResultWithPostInfo,
    ensure,
    traits::{
        fungible::{Inspect, Mutate, MutateFreeze},
        tokens::{Fortitude::Polite, Preservation::Expendable},
        Get,
    },
    weights::Weight,
};
use sp_runtime::{DispatchError, DispatchResult};

impl<T: Config> ColdkeyChanges<T::AccountId> for Pallet<T> {
    fn is_changing(coldkey: &T::AccountId) -> bool {
        Changes::<T>::contains_key(coldkey)
    }
}

impl<T: Config> Pallet<T> {
    /// The change of a coldkey that was announced and is not finished.
    pub fn coldkey_change(old: &T::AccountId) -> Option<ColdkeyChange<T::AccountId>> {
        Changes::<T>::get(old)
    }

    /// Whether a frozen coldkey may pay for a dispute out of what is frozen: once for each change,
    /// so nobody burns its money with fees.
    pub fn may_dispute(old: &T::AccountId) -> bool {
        Changes::<T>::get(old).is_some_and(|change| change.stage == Stage::Announced)
    }

    pub(crate) fn do_announce(old: T::AccountId, new: T::AccountId) -> DispatchResult {
        ensure!(old != new, Error::<T>::SameColdkey);
        ensure!(
            !Changes::<T>::contains_key(&old),
            Error::<T>::AlreadyChanging
        );
        ensure!(
            !Changes::<T>::contains_key(&new),
            Error::<T>::NewColdkeyChanging
        );
        let price = T::ColdkeyChangePrice::get();
        Self::ensure_can_pay(&old, price)?;

        Self::burn(&old, price)?;
        // More than there will ever be: whatever comes later is frozen as well.
        T::Currency::set_freeze(&FreezeReason::ColdkeyChange.into(), &old, Balance::MAX)?;
        let announced_at = Self::now();
        let ready_at = announced_at.saturating_add(T::ColdkeyChangeDelay::get());
        let expires_at = ready_at.saturating_add(T::ColdkeyChangeWindow::get());
        let change = ColdkeyChange {
            new: new.clone(),
            announced_at,
            ready_at,
            expires_at,
            stage: Stage::Announced,
        };
        Changes::<T>::insert(&old, change);
        Self::deposit_event(Event::ColdkeyChangeAnnounced {
            old,
            new,
            ready_at,
            expires_at,
            price,
        });
        Ok(())
    }

    pub(crate) fn do_dispute(old: T::AccountId) -> DispatchResult {
        Self::change(&old, |change| {
            ensure!(
                change.stage == Stage::Announced,
                Error::<T>::TooLateToDispute
            );
            change.stage = Stage::Disputed;
            Ok(())
        })?;
        Self::deposit_event(Event::ColdkeyChangeDisputed { old });
        Ok(())
    }

    pub(crate) fn do_decide(old: T::AccountId, uphold: bool) -> DispatchResult {
        let now = Self::now();
        let expires_at = now.saturating_add(T::ColdkeyChangeWindow::get());
        Self::change(&old, |change| {
            ensure!(change.stage == Stage::Disputed, Error::<T>::NotDisputed);
            change.stage = Stage::Upheld;
            change.ready_at = now;
            change.expires_at = expires_at;
            Ok(())
        })?;
        if uphold {
            Self::deposit_event(Event::ColdkeyChangeUpheld { old, expires_at });
        } else {
            Self::free(&old)?;
            Self::deposit_event(Event::ColdkeyChangeRejected { old });
        }
        Ok(())
    }

    pub(crate) fn do_drop(old: T::AccountId) -> DispatchResult {
        let change = Changes::<T>::get(&old).ok_or(Error::<T>::NotChanging)?;
        match change.stage {
            Stage::Disputed => return Err(Error::<T>::Disputed.into()),
            Stage::Moving => return Err(Error::<T>::NotExpired.into()),
            Stage::Announced | Stage::Upheld => {}
        }
        ensure!(Self::now() >= change.expires_at, Error::<T>::NotExpired);
        Self::free(&old)?;
        Self::deposit_event(Event::ColdkeyChangeDropped { old });
        Ok(())
    }

    pub(crate) fn do_take_over(
        old: T::AccountId,
        new: T::AccountId,
        limit: u32,
    ) -> DispatchResultWithPostInfo {
        ensure!(limit > 0, Error::<T>::ZeroLimit);
        let limit = limit.min(MAX_MOVED);
        Self::ensure_may_take_over(&old, &new)?;
        let moved = T::Holders::move_coldkey(&old, &new, limit)?;
        if moved < limit {
            let amount = Self::sweep(&old, &new)?;
            Self::deposit_event(Event::ColdkeyChanged { old, new, amount });
        } else {
            Self::change(&old, |change| {
                change.stage = Stage::Moving;
                Ok(())
            })?;
            Self::deposit_event(Event::ColdkeyMoving { old, new, moved });
        }
        Ok(Some(Self::take_over_weight(moved)).into())
    }

    fn ensure_may_take_over(old: &T::AccountId, new: &T::AccountId) -> DispatchResult {
        let change = Changes::<T>::get(old).ok_or(Error::<T>::NotChanging)?;
        ensure!(change.new == *new, Error::<T>::NotNewColdkey);
        match change.stage {
            Stage::Disputed => return Err(Error::<T>::Disputed.into()),
            Stage::Announced | Stage::Upheld => {
                let now = Self::now();
                ensure!(now >= change.ready_at, Error::<T>::TooEarly);
                ensure!(now < change.expires_at, Error::<T>::Expired);
            }
            Stage::Moving => {}
        }
        ensure!(
            !Changes::<T>::contains_key(new),
            Error::<T>::NewColdkeyChanging
        );
        ensure!(
            T::Currency::balance(new) >= T::Currency::minimum_balance(),
            Error::<T>::NewColdkeyDead
        );
        Ok(())
    }

    /// Frees the old coldkey and moves its money, all that nothing else holds back.
    fn sweep(old: &T::AccountId, new: &T::AccountId) -> Result<Balance, DispatchError> {
        Self::free(old)?;
        let amount = T::Currency::reducible_balance(old, Expendable, Polite);
        if amount > 0 {
            T::Currency::transfer(old, new, amount, Expendable)?;
        }
        Ok(amount)
    }

    fn free(old: &T::AccountId) -> DispatchResult {
        Changes::<T>::remove(old);
        T::Currency::thaw(&FreezeReason::ColdkeyChange.into(), old)
    }

    fn change(
        old: &T::AccountId,
        change: impl FnOnce(&mut ColdkeyChange<T::AccountId>) -> DispatchResult,
    ) -> DispatchResult {
        Changes::<T>::try_mutate(old, |stored| {
            change(stored.as_mut().ok_or(Error::<T>::NotChanging)?)
        })
    }

    /// What a call costs that moves so many things.
    pub(crate) fn take_over_weight(things: u32) -> Weight {
        T::WeightInfo::take_over_coldkey().saturating_add(T::Holders::move_coldkey_weight(things))
    }
}
