//! What weights rest on: receipts under a Merkle root, and the seeds that the queries came from.
//!
//! A validator commits to the secret of an epoch's rounds ([`seed_commitment`]) one epoch before it
//! asks anything; only its first epoch has no such commitment. The queries of a round follow from the
//! secret and from a block that nobody knew when the secret was committed ([`query_seed`]). Each
//! answer becomes a [`ReceiptLeaf`]; the leaves' root and the
//! scores' root stand in the commit as [`Evidence`]. Whoever holds the leaves can redo the round.

use crate::{Digest, Generation, NetUid, Serial, TaskVersion, Uid};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use hash_db::Hasher;
use scale_info::TypeInfo;
use sp_crypto_hashing::blake2_256;

/// An sr25519 or ed25519 signature.
pub type Signature64 = [u8; 64];

/// The score of a perfect answer. Scores in leaves are integers in `0..=SCORE_ONE`.
pub const SCORE_ONE: u32 = 1_000_000;

/// What a validator's weights rest on.
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
#[cfg_attr(feature = "std", serde(tag = "version", rename_all = "snake_case"))]
pub enum Evidence {
    /// The first layout.
    V1 {
        /// Merkle root over the SCALE-encoded [`ReceiptLeaf`]s, in order of round, item, serial.
        root: Digest,
        /// How many leaves.
        leaf_count: u32,
        /// Merkle root over the SCALE-encoded [`MinerScore`]s, in order of uid.
        score_root: Digest,
    },
}

impl Evidence {
    /// Evidence of no receipt and no score: that of a validator who asked nobody.
    pub const fn none() -> Self {
        Self::V1 {
            root: Digest([0; 32]),
            leaf_count: 0,
            score_root: Digest([0; 32]),
        }
    }
}

/// One judged answer, to a request of one item or of several. Absence and latency can't be proved,
/// so no leaf states them.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(serde::Serialize))]
pub struct ReceiptLeaf {
    /// Hash of the chain's first block.
    pub genesis: Digest,
    /// The subnet.
    pub netuid: NetUid,
    /// Its generation.
    pub generation: Generation,
    /// The task's version.
    pub task_version: TaskVersion,
    /// The round, counted by the validator within the subnet.
    pub round: u64,
    /// The index within the round of the request's first item.
    pub item: u32,
    /// The miner's serial.
    pub serial: Serial,
    /// SHA-256 of the model that the miner had announced.
    pub artifact: Digest,
    /// SHA-256 of the request's body.
    pub request_digest: Digest,
    /// SHA-256 of the response's body.
    pub response_digest: Digest,
    /// How the answer was judged, in `0..=SCORE_ONE`.
    pub score: u32,
    /// The validator's signature over the request.
    #[cfg_attr(feature = "std", serde(serialize_with = "hex_bytes"))]
    pub request_signature: Signature64,
    /// The miner's signature over the response and the request's signature.
    #[cfg_attr(feature = "std", serde(serialize_with = "hex_bytes"))]
    pub response_signature: Signature64,
}

#[cfg(feature = "std")]
fn hex_bytes<S: serde::Serializer>(bytes: &Signature64, serializer: S) -> Result<S::Ok, S::Error> {
    use core::fmt::Write;
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(text, "{byte:02x}").map_err(serde::ser::Error::custom)?;
    }
    serializer.serialize_str(&text)
}

/// One miner's score, from which its weight follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct MinerScore {
    /// The miner's uid.
    pub uid: Uid,
    /// Its serial.
    pub serial: Serial,
    /// The score, in `0..=SCORE_ONE`.
    pub score: u32,
}

/// The hash that a validator commits as `next_seed`: BLAKE2b-256 over `assay:secret:v1\n` and the
/// secret.
pub fn seed_commitment(secret: &[u8; 32]) -> Digest {
    Digest((b"assay:secret:v1\n", secret).using_encoded(blake2_256))
}

/// The seed of one miner's queries in one round: BLAKE2b-256 over `assay:query:v1\n` and the
/// arguments in SCALE, in order. `block_hash` is the finalized block at the round's start.
pub fn query_seed(
    secret: &[u8; 32],
    block_hash: &[u8; 32],
    netuid: NetUid,
    generation: Generation,
    task_version: TaskVersion,
    serial: Serial,
) -> [u8; 32] {
    (
        b"assay:query:v1\n",
        secret,
        block_hash,
        netuid,
        generation,
        task_version,
        serial,
    )
        .using_encoded(blake2_256)
}

/// BLAKE2b-256 as a tree's hash.
struct Blake2b256;

impl Hasher for Blake2b256 {
    type Out = [u8; 32];
    type StdHasher = hash256_std_hasher::Hash256StdHasher;
    const LENGTH: usize = 32;

    fn hash(bytes: &[u8]) -> Self::Out {
        blake2_256(bytes)
    }
}

/// The root of SCALE-encoded leaves; of none, 32 zero bytes. Nodes are BLAKE2b-256 over their two
/// children, a lone node moves up unchanged. No leaf of ours encodes to the 64 bytes of an inner
/// node, and a proof is checked against the number of leaves, so neither stands in for the other.
pub fn merkle_root<Leaf: Encode>(leaves: &[Leaf]) -> Digest {
    Digest(binary_merkle_tree::merkle_root::<Blake2b256, _>(
        leaves.iter().map(Encode::encode),
    ))
}

/// The siblings that lead from leaf `index` to the root, or `None` where there is no such leaf.
pub fn merkle_proof<Leaf: Encode>(leaves: &[Leaf], index: u32) -> Option<Vec<Digest>> {
    if index as usize >= leaves.len() {
        return None;
    }
    let encoded: Vec<_> = leaves.iter().map(Encode::encode).collect();
    let proof = binary_merkle_tree::merkle_proof::<Blake2b256, _, _>(encoded, index);
    Some(proof.proof.into_iter().map(Digest).collect())
}

/// Whether `proof` leads from `leaf` at `index` of `leaf_count` leaves to `root`.
pub fn verify_merkle_proof<Leaf: Encode>(
    root: &Digest,
    proof: &[Digest],
    leaf_count: u32,
    index: u32,
    leaf: &Leaf,
) -> bool {
    let leaf = leaf.encode();
    index < leaf_count
        && binary_merkle_tree::verify_proof::<Blake2b256, _, _>(
            &root.0,
            proof.iter().map(|sibling| sibling.0),
            leaf_count,
            index,
            &leaf,
        )
}

/// [`merkle_root`] over scores, which must be in order of uid.
pub fn score_root(scores: &[MinerScore]) -> Digest {
    merkle_root(scores)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(count: u16) -> Vec<MinerScore> {
        (0..count)
            .map(|uid| MinerScore {
                uid: Uid(uid),
                serial: Serial(uid.into()),
                score: 7,
            })
            .collect()
    }

    #[test]
    fn every_leaf_is_proved_and_no_other() {
        for count in 1..20 {
            let leaves = scores(count);
            let root = score_root(&leaves);
            for index in 0..u32::from(count) {
                let leaf = &leaves[index as usize];
                let proof = merkle_proof(&leaves, index).unwrap();
                assert!(verify_merkle_proof(
                    &root,
                    &proof,
                    count.into(),
                    index,
                    leaf
                ));
                let forged = MinerScore { score: 8, ..*leaf };
                assert!(!verify_merkle_proof(
                    &root,
                    &proof,
                    count.into(),
                    index,
                    &forged
                ));
            }
            assert_eq!(merkle_proof(&leaves, count.into()), None);
        }
        assert_eq!(merkle_root::<MinerScore>(&[]), Digest::default());
    }

    #[test]
    fn seeds_differ_by_secret_block_and_serial() {
        let seed = |secret, block, serial| {
            let (netuid, generation, version) = (NetUid(1), Generation(0), TaskVersion(0));
            query_seed(
                &[secret; 32],
                &[block; 32],
                netuid,
                generation,
                version,
                Serial(serial),
            )
        };
        let base = seed(1, 1, 1);
        assert_eq!(base, seed(1, 1, 1));
        for other in [seed(2, 1, 1), seed(1, 2, 1), seed(1, 1, 2)] {
            assert_ne!(base, other);
        }
        assert_ne!(seed_commitment(&[1; 32]), seed_commitment(&[2; 32]));
    }
}
