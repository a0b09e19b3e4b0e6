//! What the epoch asks of submitted weights.

use alloc::vec::Vec;
use assay_primitives::{BlockNumber, EpochIndex, NetUid, Uid};

/// A validator's weights that are in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowInForce {
    /// The validator.
    pub validator: Uid,
    /// Uids, ascending.
    pub targets: Vec<u16>,
    /// Raw weights, one per target.
    pub values: Vec<u16>,
}

/// Weights by subnet.
pub trait WeightRows {
    /// The rows in force: of each validator the newest set or revealed. Ascending by validator.
    fn rows(netuid: NetUid) -> Vec<RowInForce>;

    /// How many weights [`Self::rows`] holds and of how many validators, without reading them:
    /// what an epoch's cost depends on.
    fn size(netuid: NetUid) -> (u32, u32);

    /// By uid below `neurons`, the block at which the row in force was set or committed; `None`
    /// without a row.
    fn last_updates(netuid: NetUid, neurons: u16) -> Vec<Option<BlockNumber>>;

    /// The validators with a commit whose window ends with `epoch`, ascending: who would count as
    /// inactive if it were closed now.
    fn unrevealed(netuid: NetUid, epoch: EpochIndex) -> Vec<Uid>;

    /// Closes `epoch`: commits whose window ends with it expire, with an event. Returns the
    /// validators who left one unrevealed and so count as inactive in this epoch, ascending.
    fn close_epoch(netuid: NetUid, epoch: EpochIndex) -> Vec<Uid>;
}
