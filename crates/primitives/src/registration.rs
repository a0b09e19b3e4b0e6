//! What a hotkey signs to be registered, or to take another's place.

use crate::{BlockNumber, Generation, NetUid};
use alloc::vec::Vec;
use codec::Encode;

/// What a hotkey signs to agree that `coldkey` registers it: nobody can register, and so make
/// liable, a key that isn't theirs. The signature covers [`Self::to_bytes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationProofPayload {
    /// Hash of the chain's first block, so that a proof is good for one network.
    pub genesis: [u8; 32],
    /// The subnet to register in.
    pub netuid: NetUid,
    /// Its generation.
    pub generation: Generation,
    /// The account that will own the hotkey.
    pub coldkey: [u8; 32],
    /// Last block at which the proof counts.
    pub expires_at: BlockNumber,
}

impl RegistrationProofPayload {
    const DOMAIN: &'static [u8; 18] = b"assay:register:v1\n";

    /// The bytes to be signed: the domain `assay:register:v1\n`, then the fields in SCALE.
    pub fn to_bytes(&self) -> Vec<u8> {
        (
            Self::DOMAIN,
            self.genesis,
            self.netuid,
            self.generation,
            self.coldkey,
            self.expires_at,
        )
            .encode()
    }
}

/// What a hotkey signs to agree that it takes the place of another one of the same owner, in all
/// subnets. The signature covers [`Self::to_bytes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwapProofPayload {
    /// Hash of the chain's first block, so that a proof is good for one network.
    pub genesis: [u8; 32],
    /// The account that owns the old hotkey and will own the new one.
    pub coldkey: [u8; 32],
    /// The hotkey whose place it takes.
    pub old_hotkey: [u8; 32],
    /// Last block at which the proof counts.
    pub expires_at: BlockNumber,
}

impl SwapProofPayload {
    const DOMAIN: &'static [u8; 14] = b"assay:swap:v1\n";

    /// The bytes to be signed: the domain `assay:swap:v1\n`, then the fields in SCALE.
    pub fn to_bytes(&self) -> Vec<u8> {
        (
            Self::DOMAIN,
            self.genesis,
            self.coldkey,
            self.old_hotkey,
            self.expires_at,
        )
            .encode()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_bytes_lays_the_fields_out_in_order() {
        let payload = RegistrationProofPayload {
            genesis: [1; 32],
            netuid: NetUid(0x0203),
            generation: Generation(4),
            coldkey: [5; 32],
            expires_at: 6,
        };
        let mut expected = b"assay:register:v1\n".to_vec();
        expected.extend([1; 32]);
        expected.extend([3, 2, 4, 0, 0, 0]);
        expected.extend([5; 32]);
        expected.extend([6, 0, 0, 0]);
        assert_eq!(payload.to_bytes(), expected);
    }

    #[test]
    fn to_bytes_of_a_swap_can_not_be_taken_for_a_registration() {
        let payload = SwapProofPayload {
            genesis: [1; 32],
            coldkey: [2; 32],
            old_hotkey: [3; 32],
            expires_at: 4,
        };
        let mut expected = b"assay:swap:v1\n".to_vec();
        expected.extend([1; 32]);
        expected.extend([2; 32]);
        expected.extend([3; 32]);
        expected.extend([4, 0, 0, 0]);
        assert_eq!(payload.to_bytes(), expected);
    }
}
