//! The only minter.

use alloc::vec::Vec;
use assay_primitives::{Balance, NetUid};
use sp_runtime::DispatchResult;

/// Money that left a subnet's pot to be paid out. What is not minted of it goes back to the curve
/// with [`Issuer::settle`]; it must not be forgotten.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "what is due must be settled"]
pub struct Due {
    /// The subnet.
    pub netuid: NetUid,
    /// What its pot held.
    pub amount: Balance,
}

/// Mints what the curve allows.
pub trait Issuer<AccountId> {
    /// Empties a subnet's pot.
    fn take_due(netuid: NetUid) -> Due;

    /// Mints to an account. Below the existential deposit of a dead account it becomes a claimable
    /// credit instead, which counts as minted.
    fn pay(account: &AccountId, amount: Balance) -> DispatchResult;

    /// Pays a miner as it asked to be paid: to its coldkey or into its own bond.
    fn pay_miner(
        netuid: NetUid,
        hotkey: &AccountId,
        coldkey: &AccountId,
        amount: Balance,
    ) -> DispatchResult;

    /// Mints a dividend into a hotkey's pools.
    fn pay_dividend(netuid: NetUid, hotkey: &AccountId, amount: Balance) -> DispatchResult;

    /// Ends a payout: `paid` of what was due was minted, the rest was not earned and leaves the
    /// pots unminted, back under the curve.
    fn settle(due: Due, paid: Balance);

    /// The part of issuance that a subnet gets now, in `x / 2^32`.
    fn share(netuid: NetUid) -> u32;

    /// What waits in a subnet's pot.
    fn pot(netuid: NetUid) -> Balance;
}

/// How much stake stands on subnets over time: whom a newcomer replaces when all places are taken.
pub trait StakeAverages {
    /// The moving average of a subnet's stake, rounded down. A new subnet's starts from nothing.
    fn average(netuid: NetUid) -> Balance;

    /// [`Self::average`] of many subnets, in their order.
    fn averages(netuids: &[NetUid]) -> Vec<Balance> {
        netuids
            .iter()
            .map(|netuid| Self::average(*netuid))
            .collect()
    }
}
