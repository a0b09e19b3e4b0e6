//! What the registry stores and takes.

use assay_primitives::{Balance, BlockNumber, Generation, Serial, TaskVersion};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_runtime::{traits::Verify, AccountId32, MultiSignature};

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

/// A hotkey's agreement to be registered.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct RegistrationProof {
    /// The last block in which it counts.
    pub expires_at: BlockNumber,
    /// The hotkey's signature over `assay_primitives::RegistrationProofPayload`.
    pub signature: MultiSignature,
}

impl RegistrationProof {
    /// Whether the signature is of a kind that a hotkey can be: one that can sign requests and
    /// receipts too.
    pub fn is_of_hotkey_kind(&self) -> bool {
        matches!(
            self.signature,
            MultiSignature::Sr25519(_) | MultiSignature::Ed25519(_)
        )
    }

    /// Whether `hotkey` signed `payload`.
    pub fn is_signature_of(&self, hotkey: &[u8; 32], payload: &[u8]) -> bool {
        self.signature.verify(payload, &AccountId32::new(*hotkey))
    }
}
