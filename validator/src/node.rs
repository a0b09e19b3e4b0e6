//! The chain behind an Assay node.

use crate::chain::{Chain, ChainError, Commit, Reveal, Snapshot};
use assay_chain_client::{calls, AccountId32, ChainClient, ChainError as ClientError, Keypair};
use assay_primitives::{BlockNumber, Generation, NetUid, TaskSpec, TaskVersion};
use async_trait::async_trait;

/// One subnet of the chain that a node serves, seen with the eyes of one hotkey.
pub struct NodeChain {
    client: ChainClient,
    key: Keypair,
    netuid: NetUid,
}

impl NodeChain {
    /// Weight calls are signed by `key`. Nothing is connected until it is needed.
    pub fn new(client: ChainClient, key: Keypair, netuid: NetUid) -> Self {
        Self {
            client,
            key,
            netuid,
        }
    }

    fn account(&self) -> AccountId32 {
        AccountId32(self.key.public_key().0)
    }
}

#[async_trait]
impl Chain for NodeChain {
    async fn finalized(&self) -> Result<BlockNumber, ChainError> {
        Ok(self.client.finalized_block().await?.number)
    }

    async fn snapshot(&self) -> Result<Snapshot, ChainError> {
        let genesis = self.client.genesis_hash().await?;
        let at = self.client.at_finalized().await?;
        let metagraph = at.metagraph(self.netuid).await?;
        let own_commits = at.commits(self.netuid, &self.account()).await?;
        let time_ms = Some(at.time_ms().await?);
        let block_hash = at.block().hash;
        Ok(Snapshot {
            genesis,
            block_hash,
            time_ms,
            metagraph,
            own_commits,
        })
    }

    async fn task(&self) -> Result<(Generation, TaskVersion, TaskSpec), ChainError> {
        let details = self
            .client
            .at_finalized()
            .await?
            .subnet(self.netuid)
            .await?;
        Ok((
            details.summary.generation,
            details.task_version,
            details.task,
        ))
    }

    async fn commit_weights(&self, commit: &Commit) -> Result<(), ChainError> {
        let Commit {
            netuid,
            epoch,
            hash,
            next_seed,
        } = *commit;
        let call = calls::commit_weights(netuid, epoch, hash, next_seed);
        self.client.submit(&self.key, &call).await?;
        Ok(())
    }

    async fn reveal_weights(&self, reveal: &Reveal) -> Result<(), ChainError> {
        let opened = calls::Reveal {
            epoch: reveal.epoch,
            targets: reveal.targets.clone(),
            values: reveal.values.clone(),
            salt: reveal.salt,
            task_version: reveal.task_version,
            evidence: reveal.evidence,
        };
        let call = calls::reveal_weights(reveal.netuid, opened);
        self.client.submit(&self.key, &call).await?;
        Ok(())
    }
}

impl From<ClientError> for ChainError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(refusal) => Self::Refused(refusal),
            ClientError::NoSuchSubnet(netuid) => Self::NoSuchSubnet(netuid),
            error if error.is_transient() => Self::Unavailable(error.to_string()),
            error => Self::Failed(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_primitives::Refusal;
    use std::time::Duration;

    #[test]
    fn errors_that_leave_a_call_s_fate_open_read_as_unavailable() {
        let what = "waiting for a transaction to be finalized";
        let deadline = ClientError::Deadline {
            what,
            deadline: Duration::from_secs(1),
        };
        assert!(matches!(
            ChainError::from(deadline),
            ChainError::Unavailable(_)
        ));
        let broken = ClientError::Connection {
            what,
            reason: "reset".into(),
        };
        assert!(matches!(
            ChainError::from(broken),
            ChainError::Unavailable(_)
        ));
        let refused = ClientError::Refused(Refusal::TooFast);
        assert_eq!(
            ChainError::from(refused),
            ChainError::Refused(Refusal::TooFast)
        );
        let invalid = ClientError::Invalid("stale".into());
        assert!(matches!(ChainError::from(invalid), ChainError::Failed(_)));
    }
}
