//! Following the finalized chain across lost connections.

use crate::{connection::ChainClient, error::ChainError, reads::BlockId};
use assay_primitives::{BlockNumber, Digest};
use std::time::Duration;

/// The finalized blocks from now on, each once and in order of height. Blocks that were finalized
/// while the connection was away are skipped but for the newest.
pub struct FinalizedBlocks {
    chain: ChainClient,
    last: Option<BlockNumber>,
    pause: Duration,
}

impl ChainClient {
    /// Follows the finalized chain, looking for a new block every `pause`.
    ///
    /// Looking costs one small request; a subscription would end silently when its socket hangs.
    pub fn finalized_blocks(&self, pause: Duration) -> FinalizedBlocks {
        FinalizedBlocks {
            chain: self.clone(),
            last: None,
            pause,
        }
    }

    /// The newest finalized block's number and hash.
    ///
    /// # Errors
    /// See [`ChainError`].
    pub async fn finalized_block(&self) -> Result<BlockId, ChainError> {
        const WHAT: &str = "reading the finalized block";
        let online = self.online().await?;
        self.within(WHAT, async {
            let methods = subxt::rpcs::LegacyRpcMethods::<
                subxt::config::RpcConfigFor<crate::AssayConfig>,
            >::new(online.rpc);
            let lost = |error: subxt::rpcs::Error| ChainError::Connection {
                what: WHAT,
                reason: error.to_string(),
            };
            let hash = methods.chain_get_finalized_head().await.map_err(lost)?;
            let header = methods.chain_get_header(Some(hash)).await.map_err(lost)?;
            let header = header.ok_or_else(|| ChainError::Connection {
                what: WHAT,
                reason: "the node has no header for its own finalized block".into(),
            })?;
            let number = BlockNumber::try_from(header.number).unwrap_or(BlockNumber::MAX);
            Ok(BlockId {
                number,
                hash: Digest(hash.0),
            })
        })
        .await
    }
}

impl FinalizedBlocks {
    /// Waits for the next finalized block.
    ///
    /// # Errors
    /// See [`ChainError`]; the next call tries again, after the pause.
    pub async fn next(&mut self) -> Result<BlockId, ChainError> {
        loop {
            let found = self.chain.finalized_block().await;
            match found {
                Ok(block) if self.last.is_none_or(|last| block.number > last) => {
                    self.last = Some(block.number);
                    return Ok(block);
                }
                Ok(_) => tokio::time::sleep(self.pause).await,
                Err(error) => {
                    tokio::time::sleep(self.pause).await;
                    return Err(error);
                }
            }
        }
    }
}
