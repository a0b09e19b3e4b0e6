//! The only minter.

use alloc::vec::Vec;
use assay_primitives::{Balance, NetUid};
use sp_runtime::DispatchResult;

/// Money that left a subnet's pot to be paid out, and what became of it so far. The books are kept
/// here while thousands are paid, and written down once, with [`Issuer::settle`]; it must not be
/// forgotten.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "what is due must be settled"]
pub struct Due {
    netuid: NetUid,
    amount: Balance,
    to_accounts: Balance,
    to_stake: Balance,
}

impl Due {
    /// A pot of which nothing was paid yet.
    pub const fn new(netuid: NetUid, amount: Balance) -> Self {
        Self {
            netuid,
            amount,
            to_accounts: 0,
            to_stake: 0,
        }
    }

    /// The subnet.
    pub const fn netuid(&self) -> NetUid {
        self.netuid
    }

    /// What its pot held.
    pub const fn amount(&self) -> Balance {
        self.amount
    }

    /// What was paid of it.
    pub const fn paid(&self) -> Balance {
        // Both together are never more than the amount: see `spend`.
        self.to_accounts + self.to_stake
    }

    /// What was paid of it into stake.
    pub const fn to_stake(&self) -> Balance {
        self.to_stake
    }

    /// What can still be paid.
    pub const fn left(&self) -> Balance {
        self.amount - self.paid()
    }

    /// Counts what was paid to an account, at most what is left. Says whether it was no more.
    #[must_use = "what was not counted must not be paid"]
    pub fn spend(&mut self, amount: Balance) -> bool {
        let enough = amount <= self.left();
        if enough {
            self.to_accounts += amount;
        }
        enough
    }

    /// As [`Self::spend`], of what was paid into stake.
    #[must_use = "what was not counted must not be paid"]
    pub fn spend_on_stake(&mut self, amount: Balance) -> bool {
        let enough = amount <= self.left();
        if enough {
            self.to_stake += amount;
        }
        enough
    }
}

/// Mints what the curve allows. A payment that fails changes nothing, and one of nothing succeeds.
pub trait Issuer<AccountId> {
    /// Empties a subnet's pot.
    fn take_due(netuid: NetUid) -> Due;

    /// Mints to an account. Below the existential deposit of a dead account it becomes a claimable
    /// credit instead, which counts as minted.
    fn pay(due: &mut Due, account: &AccountId, amount: Balance) -> DispatchResult;

    /// Pays a miner as it asked to be paid: to its coldkey or into its own bond.
    fn pay_miner(
        due: &mut Due,
        hotkey: &AccountId,
        coldkey: &AccountId,
        amount: Balance,
    ) -> DispatchResult;

    /// Pays a dividend into a hotkey's pools.
    fn pay_dividend(due: &mut Due, hotkey: &AccountId, amount: Balance) -> DispatchResult;

    /// Ends a payout: mints what went into stake, and lets what was not earned leave the pots
    /// unminted, back under the curve. If it fails, everything since [`Self::take_due`] must be
    /// undone.
    fn settle(due: Due) -> DispatchResult;

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
