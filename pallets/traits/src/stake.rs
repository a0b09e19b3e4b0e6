//! What others ask of stake.

use alloc::vec::Vec;
use assay_primitives::{Balance, Generation, NetUid, Ratio16};
use sp_runtime::DispatchResult;

/// Stake per subnet and hotkey.
pub trait Stakes<AccountId> {
    /// Stake behind a hotkey that votes and earns: what is still entering or on its way out is not
    /// counted.
    fn stake(netuid: NetUid, hotkey: &AccountId) -> Balance;

    /// [`Self::stake`] of many hotkeys, in their order.
    fn stakes(netuid: NetUid, hotkeys: &[AccountId]) -> Vec<Balance> {
        hotkeys
            .iter()
            .map(|hotkey| Self::stake(netuid, hotkey))
            .collect()
    }

    /// All stake placed on a subnet that votes and earns.
    fn total(netuid: NetUid) -> Balance;

    /// The account that holds all staked money: dividends are minted into it just before
    /// [`Self::credit_dividend`].
    fn holding_account() -> AccountId;

    /// Adds a dividend, already minted to [`Self::holding_account`], to a hotkey's pools: its take
    /// goes to the validator's own bond, the rest to all by their stake. A hotkey without any stake
    /// gets it as own bond.
    ///
    /// Fails where the hotkey has no owner; nothing is changed then.
    fn credit_dividend(netuid: NetUid, hotkey: &AccountId, amount: Balance) -> DispatchResult;

    /// Adds to the own bond of a hotkey, on behalf of its coldkey, money already minted to
    /// [`Self::holding_account`]: how a miner is paid into stake.
    fn credit_own(netuid: NetUid, hotkey: &AccountId, amount: Balance) -> DispatchResult;

    /// Says that a subnet's epoch was paid: what was entering before it now enters, at the price
    /// after this payout.
    fn after_payout(netuid: NetUid);
}

/// Takes stake away for a proven fault.
pub trait Slash<AccountId> {
    /// Takes `part` of all that stands behind a hotkey in a subnet, unbonding stake included, own
    /// bond first and delegated stake after it at the same rate, and burns it. Returns what was
    /// taken. O(1) in the number of stakers.
    fn slash(netuid: NetUid, hotkey: &AccountId, part: Ratio16) -> Balance;

    /// The same for a subnet that was dissolved: `part` of what stood behind the hotkey in that
    /// generation of the netuid and is still on its way out.
    fn slash_dissolved(
        netuid: NetUid,
        generation: Generation,
        hotkey: &AccountId,
        part: Ratio16,
    ) -> Balance;
}
