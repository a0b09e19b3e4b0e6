//! Why a call was refused, and what to do about it.
//!
//! A section of the pallet's module: `lib.rs` imports it whole, so names are those of that module.

use frame_support::pallet_macros::pallet_section;

#[pallet_section]
mod errors {
    /// Why a call was refused, and what to do about it.
    #[pallet::error]
    pub enum Error<T> {
        /// There is no such subnet: look the netuid up in the list of subnets.
        UnknownSubnet,
        /// The hotkey has no owner: it must be registered in a subnet before it can be staked on.
        UnknownHotkey,
        /// The balance does not cover the amount and the existential deposit that stays behind:
        /// stake less.
        NotEnoughBalance,
        /// The position would be worth less than `MinPosition`: stake more.
        BelowMinimum,
        /// One share of this pool has grown so dear that rounding would cost more than a millionth
        /// of the amount: stake more.
        TooSmallForPool,
        /// The coldkey has no stake on this hotkey in this subnet.
        NoStake,
        /// The position is worth less than the amount: remove less, or name no amount to remove
        /// all.
        NotEnoughStake,
        /// An amount of nothing: name how much.
        ZeroAmount,
        /// What would be left is below `MinPosition`: leave more, or name no amount to remove all.
        LeavesDust,
        /// Nothing was removed that could be withdrawn: call `remove_stake` first.
        NothingToWithdraw,
        /// What was removed still waits: the event of its removal names the block.
        StillUnbonding,
        /// Only the hotkey's owner may do this.
        NotOwner,
        /// The take is above `MaxTake`.
        TakeTooHigh,
        /// The take would rise by more than `MaxTakeRaise` at once: raise it in steps.
        TakeRaisedTooFast,
        /// Stake can't move to where it is: name another hotkey or another subnet.
        SamePlace,
        /// As many moves as there may be wait in this position: wait for one to arrive.
        TooManyMoves,
        /// An amount is larger than the pools can count. No amount that exists is.
        Overflow,
    }
}
