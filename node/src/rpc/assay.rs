//! `assay_*`: subnets, neurons, weights and stake, one question to a call.
//!
//! Every method takes as last argument the hash of the block to ask about; without it, it answers
//! for the node's best block, as the methods of every Substrate node do. Who must not see a block
//! undone asks for `chain_getFinalizedHead` first and passes that. A node answers for the blocks
//! whose state it keeps.
//!
//! What does not exist is `null` and no error. Amounts are decimal text in the token's smallest
//! unit, since a number in JSON loses units above 2^53; all other numbers are numbers.

use std::{fmt::Display, sync::Arc};

use assay_primitives::{
    Balance, ColdkeyChange, ColdkeyStake, CommitView, Metagraph, NetUid, NeuronView, PruningView,
    SubnetDetails, SubnetPlaces, SubnetSummary, Uid, WeightRowView,
};
use assay_runtime::{opaque::Block, AccountId, Hash};
use assay_runtime_api::AssayApi;
use jsonrpsee::{core::RpcResult, proc_macros::rpc, types::ErrorObjectOwned};
use sp_api::{ApiRef, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;

/// The code of every error of these methods: the state of the block asked about can't be read.
pub const UNREADABLE: i32 = 1;

/// What clients may ask about Assay.
#[rpc(server, namespace = "assay")]
pub trait Assay {
    /// All subnets, ascending.
    #[method(name = "subnets", blocking)]
    fn subnets(&self, at: Option<Hash>) -> RpcResult<Vec<SubnetSummary<AccountId>>>;

    /// One subnet with its task and settings.
    #[method(name = "subnet", blocking)]
    fn subnet(
        &self,
        netuid: NetUid,
        at: Option<Hash>,
    ) -> RpcResult<Option<SubnetDetails<AccountId>>>;

    /// A subnet's whole state, as columns by uid.
    #[method(name = "metagraph", blocking)]
    fn metagraph(
        &self,
        netuid: NetUid,
        at: Option<Hash>,
    ) -> RpcResult<Option<Metagraph<AccountId>>>;

    /// One neuron with the reasons for its numbers.
    #[method(name = "neuron", blocking)]
    fn neuron(
        &self,
        netuid: NetUid,
        uid: Uid,
        at: Option<Hash>,
    ) -> RpcResult<Option<NeuronView<AccountId>>>;

    /// The neuron that gives way to the next one that registers, and why.
    #[method(name = "nextToPrune", blocking)]
    fn next_to_prune(
        &self,
        netuid: NetUid,
        at: Option<Hash>,
    ) -> RpcResult<Option<PruningView<AccountId>>>;

    /// The weights in force, by validator.
    #[method(name = "weights", blocking)]
    fn weights(&self, netuid: NetUid, at: Option<Hash>) -> RpcResult<Vec<WeightRowView>>;

    /// The commits of a hotkey that wait for their reveal, oldest first.
    #[method(name = "commits", blocking)]
    fn commits(
        &self,
        netuid: NetUid,
        hotkey: AccountId,
        at: Option<Hash>,
    ) -> RpcResult<Vec<CommitView>>;

    /// Where a coldkey's stake is.
    #[method(name = "stakeOf", blocking)]
    fn stake_of(&self, coldkey: AccountId, at: Option<Hash>) -> RpcResult<ColdkeyStake<AccountId>>;

    /// The change of a coldkey that was announced and is not finished.
    #[method(name = "coldkeyChange", blocking)]
    fn coldkey_change(
        &self,
        coldkey: AccountId,
        at: Option<Hash>,
    ) -> RpcResult<Option<ColdkeyChange<AccountId>>>;

    /// What registering a neuron would have cost in the block asked about.
    #[method(name = "registrationPrice", blocking)]
    fn registration_price(&self, netuid: NetUid, at: Option<Hash>) -> RpcResult<Option<String>>;

    /// What registering a subnet would have cost in the block asked about.
    #[method(name = "subnetPrice", blocking)]
    fn subnet_price(&self, at: Option<Hash>) -> RpcResult<String>;

    /// The places for subnets, and who would give way for a newcomer.
    #[method(name = "subnetPlaces", blocking)]
    fn subnet_places(&self, at: Option<Hash>) -> RpcResult<SubnetPlaces<AccountId>>;
}

/// Answers from the runtime.
pub struct Assay<C> {
    client: Arc<C>,
}

impl<C> Assay<C>
where
    C: ProvideRuntimeApi<Block> + HeaderBackend<Block>,
    C::Api: AssayApi<Block, AccountId>,
{
    /// Asks this client's runtime.
    pub fn new(client: Arc<C>) -> Self {
        Self { client }
    }

    fn ask<T, E: Display>(
        &self,
        at: Option<Hash>,
        question: impl FnOnce(ApiRef<'_, C::Api>, Hash) -> Result<T, E>,
    ) -> RpcResult<T> {
        let at = at.unwrap_or_else(|| self.client.info().best_hash);
        question(self.client.runtime_api(), at).map_err(|error| unreadable(at, &error))
    }
}

fn unreadable(at: Hash, error: &dyn Display) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(
        UNREADABLE,
        format!(
            "block {at:?} can't be asked about: it is unknown, its state was pruned, or its \
             runtime has no such question"
        ),
        Some(error.to_string()),
    )
}

fn text(amount: Balance) -> String {
    amount.to_string()
}

impl<C> AssayServer for Assay<C>
where
    C: ProvideRuntimeApi<Block> + HeaderBackend<Block> + Send + Sync + 'static,
    C::Api: AssayApi<Block, AccountId>,
{
    fn subnets(&self, at: Option<Hash>) -> RpcResult<Vec<SubnetSummary<AccountId>>> {
        self.ask(at, |api, at| api.subnets(at))
    }

    fn subnet(
        &self,
        netuid: NetUid,
        at: Option<Hash>,
    ) -> RpcResult<Option<SubnetDetails<AccountId>>> {
        self.ask(at, |api, at| api.subnet(at, netuid))
    }

    fn metagraph(
        &self,
        netuid: NetUid,
        at: Option<Hash>,
    ) -> RpcResult<Option<Metagraph<AccountId>>> {
        self.ask(at, |api, at| api.metagraph(at, netuid))
    }

    fn neuron(
        &self,
        netuid: NetUid,
        uid: Uid,
        at: Option<Hash>,
    ) -> RpcResult<Option<NeuronView<AccountId>>> {
        self.ask(at, |api, at| api.neuron(at, netuid, uid))
    }

    fn next_to_prune(
        &self,
        netuid: NetUid,
        at: Option<Hash>,
    ) -> RpcResult<Option<PruningView<AccountId>>> {
        self.ask(at, |api, at| api.next_to_prune(at, netuid))
    }

    fn weights(&self, netuid: NetUid, at: Option<Hash>) -> RpcResult<Vec<WeightRowView>> {
        self.ask(at, |api, at| api.weights(at, netuid))
    }

    fn commits(
        &self,
        netuid: NetUid,
        hotkey: AccountId,
        at: Option<Hash>,
    ) -> RpcResult<Vec<CommitView>> {
        self.ask(at, |api, at| api.commits(at, netuid, hotkey))
    }

    fn stake_of(&self, coldkey: AccountId, at: Option<Hash>) -> RpcResult<ColdkeyStake<AccountId>> {
        self.ask(at, |api, at| api.stake_of(at, coldkey))
    }

    fn coldkey_change(
        &self,
        coldkey: AccountId,
        at: Option<Hash>,
    ) -> RpcResult<Option<ColdkeyChange<AccountId>>> {
        self.ask(at, |api, at| api.coldkey_change(at, coldkey))
    }

    fn registration_price(&self, netuid: NetUid, at: Option<Hash>) -> RpcResult<Option<String>> {
        self.ask(at, |api, at| api.registration_price(at, netuid))
            .map(|price| price.map(text))
    }

    fn subnet_price(&self, at: Option<Hash>) -> RpcResult<String> {
        self.ask(at, |api, at| api.subnet_price(at)).map(text)
    }

    fn subnet_places(&self, at: Option<Hash>) -> RpcResult<SubnetPlaces<AccountId>> {
        self.ask(at, |api, at| api.subnet_places(at))
    }
}
