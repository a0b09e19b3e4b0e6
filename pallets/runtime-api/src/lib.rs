//! What clients may ask the runtime.
//!
//! One call answers one question whole: a metagraph is one read, not one per column. The answers
//! are the views of `assay-primitives`, so that clients decode the very types that the runtime
//! encodes. Every function is read-only and bounded by the registry's own bounds; none may be added
//! that walks storage without one.

#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]

extern crate alloc;

use alloc::vec::Vec;
use assay_primitives::{
    Balance, ColdkeyChange, ColdkeyStake, CommitView, Metagraph, NetUid, NeuronView, PruningView,
    SubnetDetails, SubnetPlaces, SubnetSummary, Uid, WeightRowView,
};
use codec::Codec;

sp_api::decl_runtime_apis! {
    /// Assay's state, as clients see it.
    pub trait AssayApi<AccountId>
    where
        AccountId: Codec,
    {
        /// All subnets, ascending.
        fn subnets() -> Vec<SubnetSummary<AccountId>>;

        /// One subnet with its task and settings.
        fn subnet(netuid: NetUid) -> Option<SubnetDetails<AccountId>>;

        /// A subnet's whole state, as columns by uid.
        fn metagraph(netuid: NetUid) -> Option<Metagraph<AccountId>>;

        /// One neuron with the reasons for its numbers.
        fn neuron(netuid: NetUid, uid: Uid) -> Option<NeuronView<AccountId>>;

        /// The neuron that gives way to the next one that registers, and why.
        fn next_to_prune(netuid: NetUid) -> Option<PruningView<AccountId>>;

        /// The weights in force, by validator.
        fn weights(netuid: NetUid) -> Vec<WeightRowView>;

        /// The commits of a hotkey that wait for their reveal, oldest first.
        fn commits(netuid: NetUid, hotkey: AccountId) -> Vec<CommitView>;

        /// Where a coldkey's stake is.
        fn stake_of(coldkey: AccountId) -> ColdkeyStake<AccountId>;

        /// The change of a coldkey that was announced and is not finished.
        fn coldkey_change(coldkey: AccountId) -> Option<ColdkeyChange<AccountId>>;

        /// What registering a neuron costs now.
        fn registration_price(netuid: NetUid) -> Option<Balance>;

        /// What registering a subnet costs now.
        fn subnet_price() -> Balance;

        /// The places for subnets, and who would give way for a newcomer.
        fn subnet_places() -> SubnetPlaces<AccountId>;

        /// What an account can spend.
        fn balance(account: AccountId) -> Balance;

        /// What was minted so far and what waits in pots: the curve's own count.
        fn issued() -> Balance;
    }
}
