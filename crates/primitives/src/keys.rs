//! A coldkey that is being changed.

use crate::BlockNumber;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// How far a change of coldkey is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum ColdkeyChangeStage {
    /// It was announced and waits. The old coldkey may dispute it.
    Announced,
    /// The old coldkey disputed it: root decides.
    Disputed,
    /// Root decided that it goes on. It can't be disputed again.
    Upheld,
    /// The new coldkey is taking over.
    Moving,
}

/// A change of coldkey that was announced.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct ColdkeyChange<AccountId> {
    /// The coldkey that will own everything.
    pub new: AccountId,
    /// The block in which it was announced.
    pub announced_at: BlockNumber,
    /// The first block in which the new coldkey may take over.
    pub ready_at: BlockNumber,
    /// The first block in which it may not any more. Means nothing while it is disputed or once
    /// things move.
    pub expires_at: BlockNumber,
    /// How far it is.
    pub stage: ColdkeyChangeStage,
}
