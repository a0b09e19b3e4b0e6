//! What is checked when a runtime is built.

use crate::{Config, Pallet};
use frame_support::traits::Get;

impl<T: Config> Pallet<T> {
    /// Checks that the runtime's constants agree with each other. Panics where they don't: it runs
    /// in the runtime's own tests, never on chain.
    pub(crate) fn check_constants() {
        assert!(
            (1..=u32::from(u16::MAX)).contains(&T::MaxSubnets::get()),
            "MaxSubnets must leave a place and fit a NetUid"
        );
        assert!(
            T::SubnetPriceHalfLife::get() > 0 && T::RegistrationPriceHalfLife::get() > 0,
            "prices must halve within at least one block"
        );
        assert!(
            T::MaxProofLifetime::get() > 0,
            "a proof must outlive the block it is made in"
        );
        let least = Self::least_budget();
        assert!(
            least.all_lte(T::DissolutionBudget::get()),
            "DissolutionBudget must be at least {least:?}, or a dissolution can stand still"
        );
    }
}
