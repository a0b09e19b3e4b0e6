//! Sending transactions.

use crate::{
    connection::{explained, ChainClient, Online},
    error::{ChainError, Explain},
    reads::BlockId,
    AccountId32, AssayConfig,
};
use assay_primitives::{BlockNumber, Digest};
use std::{collections::HashMap, sync::Arc};
use subxt::{
    config::DefaultExtrinsicParamsBuilder,
    extrinsics::ExtrinsicEvents,
    transactions::{Payload, Signer, TransactionProgress, TransactionStatus},
};
use tokio::sync::Mutex;

/// How many blocks a transaction stays valid unless said otherwise: long enough for a busy chain,
/// short enough that a lost one can't come back as a surprise.
const MORTALITY: u64 = 64;

/// One lock per account that submits. Between asking the node for the next nonce and the pool's word
/// that it took the transaction, nobody else may ask for the same account.
#[derive(Default)]
pub(crate) struct Nonces {
    accounts: Mutex<HashMap<[u8; 32], Arc<Mutex<()>>>>,
}

impl Nonces {
    async fn of(&self, account: &AccountId32) -> Arc<Mutex<()>> {
        self.accounts
            .lock()
            .await
            .entry(account.0)
            .or_default()
            .clone()
    }
}

/// A transaction that ran without error and is finalized.
pub struct TransactionReceipt {
    /// The block that holds it.
    pub block: BlockId,
    /// Its hash.
    pub hash: Digest,
    /// What it emitted.
    pub events: ExtrinsicEvents<AssayConfig>,
}

impl TransactionReceipt {
    /// The first event of a type of [`crate::runtime`].
    pub fn find_event<E: subxt::events::DecodeAsEvent>(&self) -> Option<E> {
        self.events.find_first::<E>().and_then(Result::ok)
    }
}

type Progress =
    TransactionProgress<AssayConfig, subxt::client::OnlineClientAtBlockImpl<AssayConfig>>;

impl ChainClient {
    /// Signs and sends a call and waits until it is finalized.
    ///
    /// # Errors
    /// [`ChainError::Refused`] or [`ChainError::Invalid`] where the pool or the block refused it,
    /// [`ChainError::Dispatch`] where it ran and failed; nothing was changed then but the fee paid.
    /// After [`ChainError::Deadline`] or [`ChainError::Connection`] it may or may not have got
    /// through: look at the chain before sending it again.
    pub async fn submit<Call, Key>(
        &self,
        signer: &Key,
        call: &Call,
    ) -> Result<TransactionReceipt, ChainError>
    where
        Call: Payload,
        Key: Signer<AssayConfig>,
    {
        let progress = self.send(signer, call, MORTALITY).await?;
        let deadline = self.config().finality_deadline;
        let what = "waiting for a transaction to be finalized";
        tokio::time::timeout(deadline, self.finalize(progress))
            .await
            .unwrap_or(Err(ChainError::Deadline { what, deadline }))
    }

    /// Signs and sends a call and returns once the pool has taken it, with the transaction's hash.
    /// It stays valid for about `blocks` blocks (the next power of two). Whether it is included is
    /// to be read from the chain.
    ///
    /// # Errors
    /// As [`Self::submit`], but for what the block says.
    pub async fn hand_in<Call, Key>(
        &self,
        signer: &Key,
        call: &Call,
        blocks: BlockNumber,
    ) -> Result<Digest, ChainError>
    where
        Call: Payload,
        Key: Signer<AssayConfig>,
    {
        let progress = self.send(signer, call, blocks.into()).await?;
        Ok(Digest(progress.extrinsic_hash().0))
    }

    /// Takes the next nonce, signs and hands the transaction to the pool.
    async fn send<Call, Key>(
        &self,
        signer: &Key,
        call: &Call,
        mortality: u64,
    ) -> Result<Progress, ChainError>
    where
        Call: Payload,
        Key: Signer<AssayConfig>,
    {
        const WHAT: &str = "sending a transaction";
        let online = self.online().await?;
        let account = signer.account_id();
        let turn = self.nonces().of(&account).await;
        let _turn = turn.lock().await;
        self.within(WHAT, async {
            let at = explained(WHAT, online.client.at_current_block().await)?;
            let nonce = next_nonce(&online, &account).await?;
            let (number, hash) = (at.block_number(), at.block_hash());
            let params = DefaultExtrinsicParamsBuilder::<AssayConfig>::new()
                .nonce(nonce)
                .mortal_from_unchecked(mortality, number, hash)
                .build();
            let transactions = at.transactions();
            let mut signable = explained(WHAT, transactions.create_signable_offline(call, params))?;
            let signed = explained(WHAT, signable.sign(signer))?;
            explained(WHAT, signed.submit_and_watch().await)
        })
        .await
    }

    async fn finalize(&self, mut progress: Progress) -> Result<TransactionReceipt, ChainError> {
        const WHAT: &str = "following a transaction";
        let hash = Digest(progress.extrinsic_hash().0);
        while let Some(status) = progress.next().await {
            let found = match explained(WHAT, status)? {
                TransactionStatus::InFinalizedBlock(found) => found,
                TransactionStatus::Invalid { message }
                | TransactionStatus::Dropped { message }
                | TransactionStatus::Error { message } => {
                    let said = subxt::error::TransactionStatusError::Invalid(message);
                    return Err(said.explain(WHAT));
                }
                _ => continue,
            };
            let block = Digest(found.block_hash().0);
            let events = explained(WHAT, found.wait_for_success().await)?;
            let number = explained(WHAT, found.at().await)?.block_number();
            let number = BlockNumber::try_from(number).unwrap_or(BlockNumber::MAX);
            return Ok(TransactionReceipt {
                block: BlockId {
                    number,
                    hash: block,
                },
                hash,
                events,
            });
        }
        let reason = "the node stopped reporting on it".into();
        Err(ChainError::Connection { what: WHAT, reason })
    }
}

/// The nonce after those in the pool. A finalized read would give the same one twice.
async fn next_nonce(online: &Online, account: &AccountId32) -> Result<u64, ChainError> {
    let params = subxt::rpcs::client::rpc_params![account.to_string()];
    online
        .rpc
        .request("system_accountNextIndex", params)
        .await
        .map_err(|error| ChainError::Connection {
            what: "reading the next nonce",
            reason: error.to_string(),
        })
}
