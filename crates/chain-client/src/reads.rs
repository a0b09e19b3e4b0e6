//! What the chain says at one block.

use crate::{
    connection::{explained, ChainClient},
    error::ChainError,
    AccountId32, AssayConfig,
};
use assay_primitives::{
    Balance, BlockNumber, ColdkeyChange, ColdkeyStake, CommitView, Digest, Metagraph, NetUid,
    NeuronView, PruningView, SubnetDetails, SubnetPlaces, SubnetSummary, Uid, WeightRowView,
};
use codec::{Decode, Encode};
use subxt::client::{BlockNumberOrRef, ClientAtBlock, OnlineClientAtBlockImpl};

/// A block's number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockId {
    /// The height.
    pub number: BlockNumber,
    /// The hash.
    pub hash: Digest,
}

/// The chain at one block: everything read from it is of the same moment.
pub struct Snapshot {
    pub(crate) chain: ChainClient,
    pub(crate) at: ClientAtBlock<AssayConfig, OnlineClientAtBlockImpl<AssayConfig>>,
}

impl ChainClient {
    /// The newest finalized block.
    ///
    /// # Errors
    /// See [`ChainError`]; nothing was read.
    pub async fn at_finalized(&self) -> Result<Snapshot, ChainError> {
        const WHAT: &str = "reading the finalized block";
        let online = self.online().await?;
        let at = self
            .within(WHAT, async {
                explained(WHAT, online.client.at_current_block().await)
            })
            .await?;
        Ok(Snapshot {
            chain: self.clone(),
            at,
        })
    }

    /// A given block. Blocks that the node pruned can't be read.
    ///
    /// # Errors
    /// See [`ChainError`]; nothing was read.
    pub async fn at_block(&self, hash: Digest) -> Result<Snapshot, ChainError> {
        self.at(subxt::utils::H256(hash.0)).await
    }

    /// The block of a given height on the node's best chain. Blocks that the node pruned can't be
    /// read.
    ///
    /// # Errors
    /// See [`ChainError`]; nothing was read.
    pub async fn at_height(&self, number: BlockNumber) -> Result<Snapshot, ChainError> {
        self.at(number).await
    }

    async fn at(
        &self,
        block: impl Into<BlockNumberOrRef<AssayConfig>>,
    ) -> Result<Snapshot, ChainError> {
        const WHAT: &str = "reading a block";
        let online = self.online().await?;
        let at = self
            .within(WHAT, async {
                explained(WHAT, online.client.at_block(block).await)
            })
            .await?;
        Ok(Snapshot {
            chain: self.clone(),
            at,
        })
    }
}

impl Snapshot {
    /// The block that is read.
    pub fn block(&self) -> BlockId {
        // Heights are u32 on this chain; subxt widens them.
        let number = BlockNumber::try_from(self.at.block_number()).unwrap_or(BlockNumber::MAX);
        BlockId {
            number,
            hash: Digest(self.at.block_hash().0),
        }
    }

    /// When the block was made, in milliseconds since 1970, by its author's clock.
    ///
    /// # Errors
    /// See [`ChainError`]; nothing was read.
    pub async fn time_ms(&self) -> Result<u64, ChainError> {
        const WHAT: &str = "reading a block's time";
        let now = crate::runtime::storage().timestamp().now();
        let stored = self
            .chain
            .within(WHAT, async {
                explained(WHAT, self.at.storage().fetch(now, ()).await)
            })
            .await?;
        explained(WHAT, stored.decode())
    }

    /// Calls a runtime API function and decodes its answer whole.
    async fn call<Out: Decode>(
        &self,
        function: &'static str,
        what: &'static str,
        arguments: impl Encode,
    ) -> Result<Out, ChainError> {
        let arguments = arguments.encode();
        let answer = self
            .chain
            .within(what, async {
                let apis = self.at.runtime_apis();
                explained(what, apis.call_raw(function, Some(&arguments)).await)
            })
            .await?;
        explained(what, codec::DecodeAll::decode_all(&mut &answer[..]))
    }

    /// All subnets, ascending.
    pub async fn subnets(&self) -> Result<Vec<SubnetSummary<AccountId32>>, ChainError> {
        self.call("AssayApi_subnets", "reading the subnets", ())
            .await
    }

    /// One subnet with its task and settings.
    ///
    /// # Errors
    /// [`ChainError::NoSuchSubnet`] where there is none.
    pub async fn subnet(&self, netuid: NetUid) -> Result<SubnetDetails<AccountId32>, ChainError> {
        let found: Option<_> = self
            .call("AssayApi_subnet", "reading a subnet", netuid)
            .await?;
        found.ok_or(ChainError::NoSuchSubnet(netuid))
    }

    /// A subnet's whole state in one call. Accounts are 32 bytes, in whichever type suits.
    ///
    /// # Errors
    /// [`ChainError::NoSuchSubnet`] where there is none.
    pub async fn metagraph<Account: Decode>(
        &self,
        netuid: NetUid,
    ) -> Result<Metagraph<Account>, ChainError> {
        let found: Option<_> = self
            .call("AssayApi_metagraph", "reading a metagraph", netuid)
            .await?;
        found.ok_or(ChainError::NoSuchSubnet(netuid))
    }

    /// One neuron with the reasons for its numbers; `None` where there is none.
    pub async fn neuron(
        &self,
        netuid: NetUid,
        uid: Uid,
    ) -> Result<Option<NeuronView<AccountId32>>, ChainError> {
        self.call("AssayApi_neuron", "reading a neuron", (netuid, uid))
            .await
    }

    /// The neuron that gives way to the next one that registers, and why.
    ///
    /// # Errors
    /// [`ChainError::NoSuchSubnet`] where there is none.
    pub async fn next_to_prune(
        &self,
        netuid: NetUid,
    ) -> Result<PruningView<AccountId32>, ChainError> {
        const WHAT: &str = "reading who gives way next";
        let found: Option<_> = self.call("AssayApi_next_to_prune", WHAT, netuid).await?;
        found.ok_or(ChainError::NoSuchSubnet(netuid))
    }

    /// The change of a coldkey that was announced and is not finished; `None` where there is none.
    pub async fn coldkey_change(
        &self,
        coldkey: &AccountId32,
    ) -> Result<Option<ColdkeyChange<AccountId32>>, ChainError> {
        const WHAT: &str = "reading a change of coldkey";
        self.call("AssayApi_coldkey_change", WHAT, coldkey).await
    }

    /// Where a coldkey's stake is.
    pub async fn stake_of(
        &self,
        coldkey: &AccountId32,
    ) -> Result<ColdkeyStake<AccountId32>, ChainError> {
        self.call("AssayApi_stake_of", "reading stake", coldkey)
            .await
    }

    /// The commits of a hotkey that wait for their reveal.
    pub async fn commits(
        &self,
        netuid: NetUid,
        hotkey: &AccountId32,
    ) -> Result<Vec<CommitView>, ChainError> {
        self.call(
            "AssayApi_commits",
            "reading pending commits",
            (netuid, hotkey),
        )
        .await
    }

    /// What registering a neuron costs at this block.
    ///
    /// # Errors
    /// [`ChainError::NoSuchSubnet`] where there is none.
    pub async fn registration_price(&self, netuid: NetUid) -> Result<Balance, ChainError> {
        const WHAT: &str = "reading a registration's price";
        let found: Option<_> = self
            .call("AssayApi_registration_price", WHAT, netuid)
            .await?;
        found.ok_or(ChainError::NoSuchSubnet(netuid))
    }

    /// What registering a subnet costs at this block.
    pub async fn subnet_price(&self) -> Result<Balance, ChainError> {
        self.call("AssayApi_subnet_price", "reading a subnet's price", ())
            .await
    }

    /// The places for subnets, and who would give way for a newcomer.
    pub async fn subnet_places(&self) -> Result<SubnetPlaces<AccountId32>, ChainError> {
        self.call(
            "AssayApi_subnet_places",
            "reading the places for subnets",
            (),
        )
        .await
    }

    /// What an account can spend, transfer fees not counted.
    pub async fn balance(&self, account: &AccountId32) -> Result<Balance, ChainError> {
        self.call("AssayApi_balance", "reading a balance", account)
            .await
    }

    /// The weights in force, by validator.
    pub async fn weights(&self, netuid: NetUid) -> Result<Vec<WeightRowView>, ChainError> {
        self.call("AssayApi_weights", "reading weights", netuid)
            .await
    }

    /// What was minted so far and what waits in pots: the curve's own count.
    pub async fn issued(&self) -> Result<Balance, ChainError> {
        self.call("AssayApi_issued", "reading the issuance", ())
            .await
    }
}
