//! What happened to stake. Together with the payouts the events tell every position's history.
//!
//! A section of the pallet's module: `lib.rs` imports it whole, so names are those of that module.

use frame_support::pallet_macros::pallet_section;

#[pallet_section]
mod events {
    /// What happened. Together with the payouts these tell every position's history.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// Stake was added and enters after the subnet's next payout.
        StakeAdded {
            /// The subnet.
            netuid: NetUid,
            /// The hotkey staked on.
            hotkey: T::AccountId,
            /// The staker.
            coldkey: T::AccountId,
            /// How much.
            amount: Balance,
            /// Whether it is the hotkey's own bond or delegated.
            side: Side,
        },
        /// Stake was removed and waits for its withdrawal.
        StakeRemoved {
            /// The subnet.
            netuid: NetUid,
            /// The hotkey it stood on.
            hotkey: T::AccountId,
            /// The staker.
            coldkey: T::AccountId,
            /// How much.
            amount: Balance,
            /// The first block at which it can be withdrawn.
            withdrawable_at: BlockNumber,
        },
        /// A subnet is being dissolved and a staker's stake in it was removed. It waits for
        /// `withdraw_dissolved`.
        StakeDeparted {
            /// The subnet.
            netuid: NetUid,
            /// The generation that ended.
            generation: Generation,
            /// The hotkey it stood on.
            hotkey: T::AccountId,
            /// The staker.
            coldkey: T::AccountId,
            /// How much, besides what was on its way out already.
            amount: Balance,
            /// The first block at which it can be withdrawn.
            withdrawable_at: BlockNumber,
        },
        /// Removed stake went back to its staker.
        Withdrawn {
            /// The subnet.
            netuid: NetUid,
            /// The hotkey it stood on.
            hotkey: T::AccountId,
            /// The staker.
            coldkey: T::AccountId,
            /// How much.
            amount: Balance,
        },
        /// Stake was taken out and waits before it enters at another place.
        StakeMoving {
            /// The subnet that it leaves.
            netuid: NetUid,
            /// The hotkey that it leaves.
            hotkey: T::AccountId,
            /// The staker.
            coldkey: T::AccountId,
            /// The subnet that it goes to.
            to_netuid: NetUid,
            /// The hotkey that it goes to.
            to_hotkey: T::AccountId,
            /// How much.
            amount: Balance,
            /// The first block at which `complete_move` lets it arrive.
            arrives_at: BlockNumber,
        },
        /// A position has another owner: with a change of coldkey.
        PositionMoved {
            /// The subnet.
            netuid: NetUid,
            /// The hotkey staked on.
            hotkey: T::AccountId,
            /// Who had it.
            old: T::AccountId,
            /// Who has it.
            new: T::AccountId,
        },
        /// What is on its way out of a dissolved subnet belongs to another coldkey.
        DepartureMoved {
            /// The subnet.
            netuid: NetUid,
            /// The generation that ended.
            generation: Generation,
            /// The hotkey it stood on.
            hotkey: T::AccountId,
            /// Who had it.
            old: T::AccountId,
            /// Who has it.
            new: T::AccountId,
        },
        /// A validator set its take.
        TakeSet {
            /// The subnet.
            netuid: NetUid,
            /// The validator.
            hotkey: T::AccountId,
            /// The take.
            take: Ratio16,
            /// The block from which it holds.
            from: BlockNumber,
        },
        /// A dividend went into a hotkey's pools.
        DividendCredited {
            /// The subnet.
            netuid: NetUid,
            /// The validator.
            hotkey: T::AccountId,
            /// How much in all.
            amount: Balance,
            /// What of it was the validator's take.
            take: Balance,
        },
        /// A miner was paid into its own bond; it enters after this payout.
        OwnBondCredited {
            /// The subnet.
            netuid: NetUid,
            /// The miner.
            hotkey: T::AccountId,
            /// Its owner.
            coldkey: T::AccountId,
            /// How much.
            amount: Balance,
        },
        /// A subnet's payout ended and what was entering entered.
        StakeEntered {
            /// The subnet.
            netuid: NetUid,
            /// How many payouts it has had now.
            payouts: PayoutIndex,
            /// How much entered.
            amount: Balance,
        },
        /// A hotkey was slashed and the money burned.
        Slashed {
            /// The subnet.
            netuid: NetUid,
            /// The hotkey.
            hotkey: T::AccountId,
            /// How much in all.
            amount: Balance,
        },
    }
}
