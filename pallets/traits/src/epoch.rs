//! What others ask of the epochs' schedule and outcome.

use alloc::vec::Vec;
use assay_primitives::{BlockNumber, EpochIndex, NetUid, Uid};

/// The schedule.
pub trait Epochs {
    /// The epoch that is open; 0 before the first ran or without such a subnet.
    fn current(netuid: NetUid) -> EpochIndex;

    /// The block at which the open epoch falls due. It may run a little later when many are due.
    fn due_at(netuid: NetUid) -> Option<BlockNumber>;

    /// The block at which the last epoch ran; that of registration before the first.
    fn last_ran_at(netuid: NetUid) -> Option<BlockNumber>;
}

/// The right to validate in the open epoch.
pub trait Permits {
    /// Whether a neuron has it.
    fn has_permit(netuid: NetUid, uid: Uid) -> bool;
}

/// How neurons stand when one must give way.
pub trait Standings {
    /// By uid, the moving average of each neuron's shares of incentive and dividends, in `x / 2^32`.
    /// Epochs without any incentive don't count; a new neuron stands at 0.
    fn standings(netuid: NetUid) -> Vec<u32>;
}
