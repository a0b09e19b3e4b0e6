//! What the miner needs of the chain, as a trait; [`NodeChain`] is the real one.

mod node;

pub use node::NodeChain;

use assay_primitives::{Balance, Endpoint, ModelAnnouncement, Uid};
use assay_protocol::Hotkey;
use async_trait::async_trait;
use std::collections::{HashMap, HashSet};

/// The miner's hotkey as a neuron of its subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neuron {
    /// Its place.
    pub uid: Uid,
    /// Where the chain says it listens.
    pub endpoint: Option<Endpoint>,
    /// What the chain says it serves.
    pub model: Option<ModelAnnouncement>,
}

/// What one look at a finalized block tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The miner's neuron, if it is registered.
    pub neuron: Option<Neuron>,
    /// What a registration costs now.
    pub registration_price: Balance,
    /// Who may call.
    pub callers: Callers,
}

/// What the chain says of those who may call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Callers {
    /// Who holds a validator permit.
    pub permits: HashSet<Hotkey>,
    /// Stake on the subnet, by hotkey.
    pub stakes: HashMap<Hotkey, Balance>,
}

/// Why the chain gave no answer or no consent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The node is away or slow. Trying again may help; whatever was submitted may have got through.
    #[error("{0}")]
    Away(String),
    /// The chain refuses. Trying the same again at once does not help.
    #[error("{0}")]
    Refused(String),
}

/// The subnet as seen by this miner. Each call looks at, or ends with, a finalized block.
#[async_trait]
pub trait Chain: Send + Sync + 'static {
    /// How the miner stands.
    async fn standing(&self) -> Result<Standing, ChainError>;

    /// Registers the hotkey for at most `max_price`.
    async fn register(&self, max_price: Balance) -> Result<(), ChainError>;

    /// Says where the miner listens.
    async fn announce(&self, endpoint: &Endpoint) -> Result<(), ChainError>;

    /// Says what the miner serves.
    async fn announce_model(&self, model: &ModelAnnouncement) -> Result<(), ChainError>;
}
