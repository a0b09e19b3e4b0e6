//! What a validator needs from the chain, and nothing more.
//!
//! Everything is read at one finalized block, so that a round rests on a state that can't be taken
//! back. A call returns once the network has taken it or refused it; whether it counts is read from
//! a later snapshot alone, so that a lost answer loses nothing.

use assay_primitives::{
    BlockNumber, CommitView, Digest, Endpoint, EpochIndex, Evidence, Generation, Metagraph, NetUid,
    Refusal, Salt, Serial, TaskSpec, TaskVersion, Uid,
};
use async_trait::async_trait;

/// A public key as it stands on chain.
pub type Hotkey = [u8; 32];

/// One subnet at one finalized block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Hash of the chain's first block.
    pub genesis: Digest,
    /// Hash of the block that was read.
    pub block_hash: Digest,
    /// When it was made, in milliseconds since 1970, by its author's clock; `None` where the chain
    /// does not say.
    pub time_ms: Option<u64>,
    /// The subnet's state.
    pub metagraph: Metagraph<Hotkey>,
    /// The commits of our own hotkey that wait for their reveal.
    pub own_commits: Vec<CommitView>,
}

/// A miner as a round sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miner {
    /// Its place.
    pub uid: Uid,
    /// Its registration.
    pub serial: Serial,
    /// Its public key.
    pub hotkey: Hotkey,
    /// Where it listens.
    pub endpoint: Endpoint,
    /// SHA-256 of the model it announced; zeros where it announced none.
    pub artifact: Digest,
}

impl Snapshot {
    /// The block that was read.
    pub fn block(&self) -> BlockNumber {
        self.metagraph.block
    }

    /// The epoch that is open.
    pub fn epoch(&self) -> EpochIndex {
        self.metagraph.epoch
    }

    /// The neuron that a hotkey holds.
    pub fn uid_of(&self, hotkey: &Hotkey) -> Option<Uid> {
        let place = self
            .metagraph
            .hotkeys
            .iter()
            .position(|held| held == hotkey)?;
        u16::try_from(place).ok().map(Uid)
    }

    /// The registration behind a uid.
    pub fn serial_of(&self, uid: Uid) -> Option<Serial> {
        self.metagraph.serials.get(usize::from(uid.0)).copied()
    }

    /// Whether a uid may validate in the open epoch.
    pub fn is_permitted(&self, uid: Uid) -> bool {
        self.metagraph
            .permits
            .get(usize::from(uid.0))
            .copied()
            .unwrap_or(false)
    }

    /// The block of the weights of `uid` in force.
    pub fn last_update_of(&self, uid: Uid) -> Option<BlockNumber> {
        self.metagraph
            .last_update
            .get(usize::from(uid.0))
            .copied()
            .flatten()
    }

    /// Every neuron that announced where it listens, but `own`.
    pub fn miners(&self, own: &Hotkey) -> Vec<Miner> {
        let graph = &self.metagraph;
        let columns = graph.hotkeys.iter().zip(&graph.serials);
        let announced = graph.endpoints.iter().zip(&graph.models);
        (0..=u16::MAX)
            .zip(columns.zip(announced))
            .filter(|(_, ((hotkey, _), _))| *hotkey != own)
            .filter_map(|(uid, ((hotkey, serial), (endpoint, model)))| {
                Some(Miner {
                    uid: Uid(uid),
                    serial: *serial,
                    hotkey: *hotkey,
                    endpoint: endpoint.as_ref()?.what.clone(),
                    artifact: model.map(|model| model.what.sha256).unwrap_or_default(),
                })
            })
            .collect()
    }
}

/// What `commit_weights` sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The subnet.
    pub netuid: NetUid,
    /// The epoch that it is for: the open one, or the chain refuses it.
    pub epoch: EpochIndex,
    /// The commit's hash.
    pub hash: Digest,
    /// The hash of the secret of the next epoch's rounds.
    pub next_seed: Digest,
}

/// What `reveal_weights` sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reveal {
    /// The subnet.
    pub netuid: NetUid,
    /// The epoch of the commit.
    pub epoch: EpochIndex,
    /// Uids, ascending.
    pub targets: Vec<u16>,
    /// One weight each.
    pub values: Vec<u16>,
    /// The commit's salt.
    pub salt: Salt,
    /// The task that the weights were computed for.
    pub task_version: TaskVersion,
    /// What they rest on.
    pub evidence: Evidence,
}

/// Why the chain could not be asked or did not take a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The node does not answer.
    #[error("the node does not answer: {0}")]
    Unavailable(String),
    /// The subnet is not there.
    #[error("there is no subnet {0} on this chain")]
    NoSuchSubnet(NetUid),
    /// The pool or the block refused a weight call.
    #[error("the chain refused the call: {0}")]
    Refused(Refusal),
    /// The call failed for another reason.
    #[error("the call failed: {0}")]
    Failed(String),
}

/// The chain as a validator sees it.
#[async_trait]
pub trait Chain: Send + Sync {
    /// The newest finalized block: a small read, to see whether it is time for a large one.
    async fn finalized(&self) -> Result<BlockNumber, ChainError>;

    /// The subnet at the newest finalized block.
    async fn snapshot(&self) -> Result<Snapshot, ChainError>;

    /// The task that stands on chain, with its generation and version.
    async fn task(&self) -> Result<(Generation, TaskVersion, TaskSpec), ChainError>;

    /// Sends a commit. May be repeated: the chain takes one an epoch.
    async fn commit_weights(&self, commit: &Commit) -> Result<(), ChainError>;

    /// Sends a reveal. May be repeated: the chain takes one a commit.
    async fn reveal_weights(&self, reveal: &Reveal) -> Result<(), ChainError>;
}
