//! The bodies of the calls. Each checks everything first and writes last.

mod ownership;
mod registration;
mod serving;
mod subnets;
mod tasks;

pub(crate) use subnets::SubnetPayment;

use crate::{Config, Error, Pallet};
use assay_primitives::Balance;
use frame_support::{
    ensure,
    traits::{
        fungible::{Inspect, Mutate},
        tokens::{Fortitude, Precision, Preservation},
    },
};
use sp_runtime::DispatchResult;

impl<T: Config> Pallet<T> {
    /// Checks that `who` accepts a price and can pay it without dying of it.
    fn ensure_can_pay(who: &T::AccountId, price: Balance, max_price: Balance) -> DispatchResult {
        ensure!(price <= max_price, Error::<T>::PriceAboveMax);
        let payable =
            T::Currency::reducible_balance(who, Preservation::Preserve, Fortitude::Polite);
        ensure!(payable >= price, Error::<T>::InsufficientBalance);
        Ok(())
    }

    /// Burns what [`Self::ensure_can_pay`] let pass.
    fn burn(who: &T::AccountId, amount: Balance) -> DispatchResult {
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
