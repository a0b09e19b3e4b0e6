//! The handshake: before a validator sends queries to an address that somebody announced, whoever
//! listens there must prove to hold the hotkey.
//!
//! It is an ordinary signed request: `POST` [`PATH`] with a [`Hello`]. Its receipt is the proof, as
//! it signs the caller's nonce with the miner's hotkey; an address that does not answer with a good
//! receipt gets no queries, so nobody's server can be flooded by announcing it. A [`Welcome`] tells
//! what the miner serves.

use crate::Hotkey;
use assay_primitives::Digest;
use serde::{Deserialize, Serialize};

/// Where the handshake is posted.
pub const PATH: &str = "/assay/v1/handshake";

/// The version of this protocol that both messages name.
pub const PROTOCOL: &str = "assay/1";

/// What a caller says first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL`]. A miner that does not speak it answers 400.
    pub protocol: String,
}

impl Default for Hello {
    fn default() -> Self {
        Self {
            protocol: PROTOCOL.to_owned(),
        }
    }
}

/// What a miner answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// [`PROTOCOL`].
    pub protocol: String,
    /// The miner's hotkey: the one that signs the receipt.
    pub hotkey: Hotkey,
    /// Name and version of the software, for people.
    pub software: String,
    /// What can be asked of it.
    pub models: Vec<ServedModel>,
}

/// One model that a miner serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedModel {
    /// The name to ask for.
    pub name: String,
    /// The version served when none is asked for.
    pub version: String,
    /// SHA-256 of the model file: what the miner announces on chain.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
}
