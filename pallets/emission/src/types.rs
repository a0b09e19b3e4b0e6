//! What the pallet stores.

use assay_primitives::{Balance, NetUid};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// What was issued and minted so far. `genesis <= minted <= issued <= cap`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Supply {
    /// The balances of genesis: where the curve starts.
    pub genesis: Balance,
    /// All that was ever minted, with credits that wait to be claimed. Burns take nothing off it.
    pub minted: Balance,
    /// What was minted and what waits in the pots.
    pub issued: Balance,
}

/// A subnet's part of issuance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct SubnetIssuance {
    /// The subnet.
    pub netuid: NetUid,
    /// The moving average of its stake, in 2^-32 units.
    pub average: u128,
    /// Its part of what this block issued, in `x / 2^32`.
    pub share: u32,
    /// What waits for its next payout.
    pub pot: Balance,
}

impl SubnetIssuance {
    /// A new subnet: nothing waits for it and its average starts from nothing.
    pub fn new(netuid: NetUid) -> Self {
        Self {
            netuid,
            ..Self::default()
        }
    }
}

/// Where a miner's incentive goes.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum PayoutTarget {
    /// To the hotkey's owner, as balance.
    #[default]
    Coldkey,
    /// Into the hotkey's own bond in the subnet. It enters after the payout that it came from.
    OwnBond,
}
