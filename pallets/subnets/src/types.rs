//! What the registry stores and takes.

use assay_primitives::{Balance, BlockNumber, Generation, Serial, TaskVersion};
use codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A registered subnet.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Subnet<AccountId> {
    /// Its creator.
    pub owner: AccountId,
    /// How often its number was used before.
    pub generation: Generation,
    /// The block in which it was registered.
    pub registered_at: BlockNumber,
    /// What is held of its owner for it.
    pub lock: Balance,
    /// The version of its task, counted from 0.
    pub task_version: TaskVersion,
    /// Whether its miners and owner are paid.
    pub admitted: bool,
}

/// A registered neuron.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Neuron<AccountId> {
    /// Who holds the place.
    pub hotkey: AccountId,
    /// The number of its registration, never used twice.
    pub serial: Serial,
    /// The block in which it was registered.
    pub registered_at: BlockNumber,
}

/// What is known of a hotkey apart from its places.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct HotkeyInfo<AccountId> {
    /// Its owner.
    pub coldkey: AccountId,
    /// In how many subnets it is registered. While in any, its account is kept alive without a
    /// balance.
    pub registrations: u32,
}

/// What a hotkey was exchanged for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Succession<AccountId> {
    /// The hotkey that holds what it held.
    pub hotkey: AccountId,
    /// The block in which that happened: what was signed before is the old key's.
    pub at: BlockNumber,
}
