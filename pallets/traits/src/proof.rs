//! A hotkey's agreement to something, signed by it.

use assay_primitives::BlockNumber;
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;
use sp_runtime::{traits::Verify, AccountId32, MultiSignature};

/// A hotkey's agreement to what a payload says, until a block.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct HotkeyProof {
    /// The last block in which it counts.
    pub expires_at: BlockNumber,
    /// The hotkey's signature over the payload, which names the expiry, too.
    pub signature: MultiSignature,
}

/// Why a proof does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofError {
    /// It is signed by a kind of key that can't sign requests and receipts.
    UnsupportedKind,
    /// It has expired.
    Expired,
    /// It counts for longer than is allowed.
    TooLong,
    /// The hotkey did not sign this payload.
    Invalid,
}

impl HotkeyProof {
    /// Checks that `hotkey` signed `payload`, at a block, where a proof may look `lifetime` blocks
    /// ahead: a stolen one is soon worth nothing.
    pub fn check(
        &self,
        hotkey: &[u8; 32],
        payload: &[u8],
        now: BlockNumber,
        lifetime: BlockNumber,
    ) -> Result<(), ProofError> {
        let of_hotkey_kind = matches!(
            self.signature,
            MultiSignature::Sr25519(_) | MultiSignature::Ed25519(_)
        );
        if !of_hotkey_kind {
            return Err(ProofError::UnsupportedKind);
        }
        if now > self.expires_at {
            return Err(ProofError::Expired);
        }
        if self.expires_at > now.saturating_add(lifetime) {
            return Err(ProofError::TooLong);
        }
        if !self.signature.verify(payload, &AccountId32::new(*hotkey)) {
            return Err(ProofError::Invalid);
        }
        Ok(())
    }
}
