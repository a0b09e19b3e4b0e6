//! What is always true.
//!
//! 1. `genesis <= minted <= issued <= curve <= cap`.
//! 2. `issued = minted + pots`: between blocks nothing is unsettled.
//! 3. What exists and what waits to be claimed is at most what was minted: burns only take away.
//! 4. Pots stand in order, each under a registered subnet.
//! 5. A credit is below the existential deposit, and only registered miners chose how to be paid.

use crate::{curve, pallet::*};
use assay_pallet_traits::{Neurons, Subnets};
use assay_primitives::Balance;
use frame_support::{
    ensure,
    traits::{fungible::Inspect, Get},
};
use sp_runtime::{SaturatedConversion, TryRuntimeError};

impl<T: Config> Pallet<T> {
    /// Checks every invariant of this module's docs.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let supply = Supplied::<T>::get();
        let block = frame_system::Pallet::<T>::block_number().saturated_into();
        let cap = T::Cap::get();
        let most = curve::issued_at(cap, supply.genesis, block, T::HalfLife::get());
        ensure!(
            supply.genesis <= supply.minted,
            "less was minted than there was at genesis"
        );
        ensure!(
            supply.minted <= supply.issued,
            "more was minted than issued"
        );
        ensure!(
            supply.issued <= most,
            "more was issued than the curve allows"
        );
        ensure!(most <= cap, "the curve exceeds the cap");

        let subnets = Issuance::<T>::get();
        let pots: Balance = subnets.iter().map(|subnet| subnet.pot).sum();
        ensure!(Unsettled::<T>::get() == 0, "a payout was not settled");
        ensure!(
            supply.issued == supply.minted + pots,
            "issued is not minted and pots"
        );
        ensure!(
            subnets
                .windows(2)
                .all(|pair| pair[0].netuid < pair[1].netuid),
            "pots are out of order"
        );
        ensure!(
            subnets
                .iter()
                .all(|subnet| T::Subnets::exists(subnet.netuid)),
            "a pot is kept for a subnet that is not registered"
        );

        let mut credits: Balance = 0;
        for (_, credit) in Claims::<T>::iter() {
            ensure!(credit > 0, "a credit of nothing is kept");
            ensure!(
                credit < T::Currency::minimum_balance(),
                "a credit could have been paid"
            );
            credits += credit;
        }
        ensure!(
            T::Currency::total_issuance() + credits <= supply.minted,
            "more exists than was minted"
        );
        for (netuid, hotkey, _) in PayoutTargets::<T>::iter() {
            ensure!(
                T::Neurons::uid_of(netuid, &hotkey).is_some(),
                "a payout target is kept for a neuron that is gone"
            );
        }
        Ok(())
    }
}
