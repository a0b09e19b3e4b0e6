//! What the runtime's read APIs return: plain facts, ready for a table or for JSON.
//!
//! Amounts are in the token's smallest unit, in JSON as decimal text; shares are `x / 2^32` rounded
//! down unless a field says otherwise; blocks are heights. Columns of a [`Metagraph`] are indexed by
//! uid.

use crate::{
    Announced, AnnouncedTask, Balance, BlockNumber, Digest, Endpoint, EpochIndex, Generation,
    Hyperparameters, ModelAnnouncement, NetUid, Ratio16, Serial, TaskSpec, TaskVersion, Uid,
};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use scale_info::TypeInfo;

/// One line about a subnet.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct SubnetSummary<AccountId> {
    /// The subnet's number.
    pub netuid: NetUid,
    /// How often the number was reused.
    pub generation: Generation,
    /// Its creator.
    pub owner: AccountId,
    /// Whether root admitted it to miners' emission.
    pub admitted: bool,
    /// The task's name, UTF-8.
    #[cfg_attr(feature = "std", serde(with = "crate::text"))]
    pub name: crate::Text,
    /// Neurons registered.
    pub neurons: u16,
    /// Places for neurons.
    pub max_neurons: u16,
    /// Stake placed on it.
    #[cfg_attr(feature = "std", serde(with = "crate::amount"))]
    pub stake: Balance,
    /// Its part of issuance now.
    pub issuance_share: u32,
    /// What a registration costs now.
    #[cfg_attr(feature = "std", serde(with = "crate::amount"))]
    pub registration_price: Balance,
    /// Blocks between epochs.
    pub tempo: BlockNumber,
    /// The epoch that is open.
    pub epoch: EpochIndex,
    /// The block at which it falls due.
    pub next_epoch_at: BlockNumber,
}

/// Everything about one subnet but its neurons.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct SubnetDetails<AccountId> {
    /// What the list of subnets shows.
    pub summary: SubnetSummary<AccountId>,
    /// The block in which it was registered.
    pub registered_at: BlockNumber,
    /// What its creator locked.
    #[cfg_attr(feature = "std", serde(with = "crate::amount"))]
    pub lock: Balance,
    /// The task's version.
    pub task_version: TaskVersion,
    /// The task.
    pub task: TaskSpec,
    /// The task that was announced and is not in force yet.
    pub next_task: Option<AnnouncedTask>,
    /// The account that the subnet was offered to.
    pub offered_to: Option<AccountId>,
    /// The settings in force.
    pub hyperparameters: Hyperparameters,
    /// The settings from the next epoch on, where they differ.
    pub next_hyperparameters: Option<Hyperparameters>,
    /// What is due to its neurons so far in this epoch.
    #[cfg_attr(feature = "std", serde(with = "crate::amount"))]
    pub pot: Balance,
}

/// A subnet's whole state at one block, as columns indexed by uid.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Metagraph<AccountId> {
    /// The subnet.
    pub netuid: NetUid,
    /// Its generation.
    pub generation: Generation,
    /// The block that was read.
    pub block: BlockNumber,
    /// The epoch that is open.
    pub epoch: EpochIndex,
    /// The block at which the last epoch ran; the block of registration before the first.
    pub last_epoch_at: BlockNumber,
    /// The block at which the open epoch falls due.
    pub next_epoch_at: BlockNumber,
    /// The task's version.
    pub task_version: TaskVersion,
    /// The settings in force.
    pub hyperparameters: Hyperparameters,
    /// Hotkeys.
    pub hotkeys: Vec<AccountId>,
    /// Their owners.
    pub coldkeys: Vec<AccountId>,
    /// Serials.
    pub serials: Vec<Serial>,
    /// Blocks of registration.
    pub registered_at: Vec<BlockNumber>,
    /// Whether the neuron can't be pruned now.
    pub immune: Vec<bool>,
    /// Stake that votes and earns.
    #[cfg_attr(feature = "std", serde(with = "crate::amount::column"))]
    pub stake: Vec<Balance>,
    /// Permits to validate in the open epoch.
    pub permits: Vec<bool>,
    /// Whether the validator counted as active in the last epoch.
    pub active: Vec<bool>,
    /// The block at which the weights in force were set or committed; `None` without weights.
    pub last_update: Vec<Option<BlockNumber>>,
    /// Consensus weight of the last epoch.
    pub consensus: Vec<u32>,
    /// Trust of the last epoch.
    pub trust: Vec<u32>,
    /// Validator trust of the last epoch.
    pub validator_trust: Vec<u32>,
    /// Incentive of the last epoch.
    pub incentive: Vec<u32>,
    /// Dividends of the last epoch.
    pub dividends: Vec<u32>,
    /// What the last epoch paid to the neuron, as miner and as validator together.
    #[cfg_attr(feature = "std", serde(with = "crate::amount::column"))]
    pub emission: Vec<Balance>,
    /// What all epochs together paid to the neuron since its registration.
    #[cfg_attr(feature = "std", serde(with = "crate::amount::column"))]
    pub earned: Vec<Balance>,
    /// Endpoints announced.
    pub endpoints: Vec<Option<Announced<Endpoint>>>,
    /// Models announced.
    pub models: Vec<Option<Announced<ModelAnnouncement>>>,
}

/// One neuron with the reasons for its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct NeuronView<AccountId> {
    /// The subnet.
    pub netuid: NetUid,
    /// Its place.
    pub uid: Uid,
    /// Its hotkey.
    pub hotkey: AccountId,
    /// The hotkey's owner.
    pub coldkey: AccountId,
    /// Its serial.
    pub serial: Serial,
    /// The block of its registration.
    pub registered_at: BlockNumber,
    /// The first block at which it may be pruned.
    pub immune_until: BlockNumber,
    /// Stake that votes and earns.
    #[cfg_attr(feature = "std", serde(with = "crate::amount"))]
    pub stake: Balance,
    /// Whether it may validate in the open epoch.
    pub permit: bool,
    /// The moving average that pruning goes by.
    pub standing: u32,
    /// The block at which the last epoch ran; the block of the subnet's registration before the
    /// first.
    pub last_epoch_at: BlockNumber,
    /// What the last epoch made of it.
    pub outcome: NeuronOutcome,
    /// Its weights in force.
    pub weights: Vec<(Uid, u16)>,
    /// Its bonds.
    pub bonds: Vec<(Uid, u32)>,
    /// Its pending commits.
    pub commits: Vec<CommitView>,
    /// What the open epoch would make of the weights on it and by it if it ran in the next block.
    /// Read at the block before [`Self::last_epoch_at`], it is what the last epoch made of them.
    pub outlook: Option<NeuronOutlook>,
}

/// What an epoch made of a neuron.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct NeuronOutcome {
    /// Whether its stake was active: permitted, with weights in force, recent, and no commit left
    /// unrevealed.
    pub active: bool,
    /// Its part of the active stake.
    pub stake: u32,
    /// The largest weight on it that enough active stake supported.
    pub consensus: u32,
    /// How much of the weight on it the consensus left.
    pub trust: u32,
    /// How much of its own weights the consensus left.
    pub validator_trust: u32,
    /// Its part of the miners' reward.
    pub incentive: u32,
    /// Its part of the validators' reward.
    pub dividends: u32,
    /// What it was paid, as miner and as validator together.
    #[cfg_attr(feature = "std", serde(with = "crate::amount"))]
    pub emission: Balance,
}

/// What an epoch would make of the weights on a neuron and by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct NeuronOutlook {
    /// The epoch.
    pub epoch: EpochIndex,
    /// Whether the neuron's stake is active: permitted, with weights in force, recent, and no commit
    /// unrevealed whose window ends with the epoch.
    pub active: bool,
    /// Its part of the active stake.
    pub stake: u32,
    /// The largest weight on it that enough active stake supports.
    pub consensus: u32,
    /// The weights on it, ascending by validator.
    pub received: Vec<ClippedWeight>,
    /// Its own weights, ascending by target.
    pub given: Vec<ClippedWeight>,
}

/// A weight before and after consensus. Those that don't count are not among them: without a permit,
/// on oneself, or committed before their target registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct ClippedWeight {
    /// Who set it.
    pub validator: Uid,
    /// Whom it is on.
    pub target: Uid,
    /// The validator's part of the active stake; nothing where its stake is not active.
    pub stake: u32,
    /// The weight as a part of what counts of its row.
    pub weight: u32,
    /// What is left of it: no more than the target's consensus.
    pub clipped: u32,
}

/// Who gives way to the next neuron that registers, and why.
///
/// Nobody does while there are free places. Then it is, of those that are not immune, the one with
/// the least standing; among equals the one that was registered first, and then the one with the
/// lower uid.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct PruningView<AccountId> {
    /// The subnet.
    pub netuid: NetUid,
    /// Neurons registered.
    pub neurons: u16,
    /// Places for neurons. As long as some are free, nobody gives way.
    pub places: u16,
    /// How many neurons can't be pruned now.
    pub immune: u16,
    /// Who gives way once no place is free; nobody where all are immune, and then registrations
    /// into a full subnet fail.
    pub next: Option<PruningCandidate<AccountId>>,
    /// Who would give way after it, if nothing changed.
    pub after: Option<PruningCandidate<AccountId>>,
    /// What decided between these two.
    pub decided_by: Option<PruningRule>,
}

/// A neuron that may be pruned.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct PruningCandidate<AccountId> {
    /// Its place.
    pub uid: Uid,
    /// Its hotkey.
    pub hotkey: AccountId,
    /// The hotkey's owner.
    pub coldkey: AccountId,
    /// Its serial.
    pub serial: Serial,
    /// The block of its registration.
    pub registered_at: BlockNumber,
    /// The moving average of its shares of incentive and dividends.
    pub standing: u32,
}

/// What decides between two neurons that may be pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum PruningRule {
    /// It stands lower.
    LeastStanding,
    /// Both stand alike, and it was registered first.
    RegisteredFirst,
    /// Both stand alike and were registered in one block, and it has the lower uid.
    LowerUid,
}

/// A validator's weights in force.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct WeightRowView {
    /// The validator.
    pub validator: Uid,
    /// Uids, ascending.
    pub targets: Vec<u16>,
    /// Raw weights, one per target.
    pub values: Vec<u16>,
    /// The block at which the row was set or committed.
    pub last_update: BlockNumber,
}

/// A commit that waits for its reveal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct CommitView {
    /// The epoch in which it was made.
    pub epoch: EpochIndex,
    /// The hash.
    pub hash: Digest,
    /// The hash of the secret of the next epoch's rounds.
    pub next_seed: Digest,
    /// The block in which it was made.
    pub at: BlockNumber,
    /// The epoch in which it must be revealed.
    pub reveal_in: EpochIndex,
}

/// Where a coldkey's stake is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct ColdkeyStake<AccountId> {
    /// Its positions.
    pub positions: Vec<StakePosition<AccountId>>,
    /// What is on its way out.
    pub unbonding: Vec<UnbondingView<AccountId>>,
}

/// One position.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct StakePosition<AccountId> {
    /// The subnet.
    pub netuid: NetUid,
    /// The validator's hotkey.
    pub hotkey: AccountId,
    /// What the position is worth now.
    #[cfg_attr(feature = "std", serde(with = "crate::amount"))]
    pub staked: Balance,
    /// What enters after the subnet's next payout.
    #[cfg_attr(feature = "std", serde(with = "crate::amount"))]
    pub entering: Balance,
    /// Whether it is the validator's own bond.
    pub own: bool,
    /// The validator's take.
    pub take: Ratio16,
}

/// Where stake that moves is going.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct StakeTarget<AccountId> {
    /// The subnet.
    pub netuid: NetUid,
    /// The hotkey that was named; where it was exchanged since, what holds its place counts.
    pub hotkey: AccountId,
}

/// Stake on its way out.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct UnbondingView<AccountId> {
    /// The subnet.
    pub netuid: NetUid,
    /// The validator's hotkey.
    pub hotkey: AccountId,
    /// The generation in which it stood there, where the subnet was dissolved since.
    pub dissolved: Option<Generation>,
    /// What it is worth now.
    #[cfg_attr(feature = "std", serde(with = "crate::amount"))]
    pub amount: Balance,
    /// The first block at which it can be withdrawn, or arrive where it moves.
    pub withdrawable_at: BlockNumber,
    /// Where it goes then; to its coldkey, where this says nothing.
    pub moves_to: Option<StakeTarget<AccountId>>,
}
