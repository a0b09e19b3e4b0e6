//! How a subnet changes and ends, as storage and read APIs show it.

use crate::{Balance, BlockNumber, EpochIndex, Generation, NetUid, TaskSpec, TaskVersion};
use alloc::vec::Vec;
use codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A task that was announced and is not in force yet.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct AnnouncedTask {
    /// The version that it will have.
    pub version: TaskVersion,
    /// The first epoch in which it is in force.
    pub from_epoch: EpochIndex,
    /// The task, which names every artifact by its digest.
    pub task: TaskSpec,
}

/// The places for subnets, and who would give way for a newcomer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct SubnetPlaces<AccountId> {
    /// Places there are.
    pub places: u32,
    /// Places that no subnet holds and none waits for.
    pub free: u32,
    /// What registering a subnet costs now.
    #[cfg_attr(feature = "std", serde(with = "crate::amount"))]
    pub price: Balance,
    /// The subnet that the next registration dissolves. `None` where a place is free or becomes
    /// free without that, or where every subnet is immune.
    pub next_to_dissolve: Option<NetUid>,
    /// Every subnet in the order in which they would give way, as things stand.
    pub standings: Vec<SubnetStanding>,
    /// Subnets that are being dissolved, in the order in which that is done.
    pub dissolving: Vec<DissolvingSubnet<AccountId>>,
}

/// Why a subnet stands where it does among those that may be dissolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct SubnetStanding {
    /// The subnet.
    pub netuid: NetUid,
    /// The moving average of its stake: the least goes first.
    #[cfg_attr(feature = "std", serde(with = "crate::amount"))]
    pub average_stake: Balance,
    /// The block in which it was registered: among equals the oldest goes first.
    pub registered_at: BlockNumber,
    /// The first block at which it may be dissolved.
    pub immune_until: BlockNumber,
    /// Whether it can't be dissolved now.
    pub immune: bool,
}

/// A subnet that has ended and of which something is still stored.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct DissolvingSubnet<AccountId> {
    /// Its number.
    pub netuid: NetUid,
    /// The generation that ended.
    pub generation: Generation,
    /// Whose subnet is registered under the number when it is free, if anybody's.
    pub successor: Option<AccountId>,
}
