//! What others ask of the registry of subnets and neurons.

use alloc::vec::Vec;
use assay_primitives::{
    BlockNumber, Generation, Hyperparameters, NetUid, Serial, TaskVersion, Uid,
};

/// The registry of subnets.
pub trait Subnets<AccountId> {
    /// Whether a subnet is registered under this number.
    fn exists(netuid: NetUid) -> bool {
        Self::generation(netuid).is_some()
    }

    /// The generation that has ended under this number and of which something is still kept. None
    /// is registered under the number until that is gone.
    fn dissolving(_netuid: NetUid) -> Option<Generation> {
        None
    }

    /// Whether something may be kept under this number.
    fn may_keep(netuid: NetUid) -> bool {
        Self::exists(netuid) || Self::dissolving(netuid).is_some()
    }

    /// The generation that is registered under this number.
    fn generation(netuid: NetUid) -> Option<Generation>;

    /// The creator, who gets the owner's cut.
    fn owner(netuid: NetUid) -> Option<AccountId>;

    /// Every registered subnet, ascending. Bounded by the registry's places.
    fn netuids() -> Vec<NetUid>;

    /// Every number under which something may be kept: those of registered subnets and those of
    /// subnets that are being dissolved. Bounded by the registry's places, too.
    fn kept() -> Vec<NetUid> {
        Self::netuids()
    }

    /// The block in which it was registered.
    fn registered_at(netuid: NetUid) -> Option<BlockNumber>;

    /// Whether miners and owner are paid: see [`AdmissionPolicy`].
    fn is_admitted(netuid: NetUid) -> bool;

    /// The version of the task in force.
    fn task_version(netuid: NetUid) -> Option<TaskVersion>;

    /// The settings in force.
    fn hyperparameters(netuid: NetUid) -> Option<Hyperparameters>;

    /// Puts announced changes into force. Called once per epoch, after it ran and was paid, so that
    /// nothing changes in the middle of one.
    fn begin_epoch(netuid: NetUid);
}

/// What the epoch needs to know about a neuron.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeuronFacts<AccountId> {
    /// Its hotkey.
    pub hotkey: AccountId,
    /// The hotkey's owner, who is paid.
    pub coldkey: AccountId,
    /// Its serial.
    pub serial: Serial,
    /// The block in which the uid's present holder registered.
    pub registered_at: BlockNumber,
}

/// The neurons of the subnets.
pub trait Neurons<AccountId> {
    /// How many neurons a subnet has: uids are `0..count`.
    fn count(netuid: NetUid) -> u16;

    /// The place of a hotkey in a subnet.
    fn uid_of(netuid: NetUid, hotkey: &AccountId) -> Option<Uid>;

    /// The facts about one neuron.
    fn neuron(netuid: NetUid, uid: Uid) -> Option<NeuronFacts<AccountId>>;

    /// The facts about all neurons of a subnet, by uid.
    fn neurons(netuid: NetUid) -> Vec<NeuronFacts<AccountId>>;

    /// The owner of a hotkey, wherever it is registered.
    fn coldkey_of(hotkey: &AccountId) -> Option<AccountId>;

    /// The hotkey that one was exchanged for. A key that was exchanged never comes back.
    fn successor_of(hotkey: &AccountId) -> Option<AccountId>;
}

/// Whether a new subnet is paid for its miners from the start. Root admits by call; a network may
/// admit on creation. To be replaced by a rule tied to fees burned.
pub trait AdmissionPolicy {
    /// Whether a subnet is admitted when it is created.
    fn admitted_on_creation() -> bool;
}
