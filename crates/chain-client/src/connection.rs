//! The connection: opened lazily, reopened when lost, never waited for without a deadline.

use crate::{
    error::{ChainError, Explain},
    submit::Nonces,
    AssayConfig,
};
use assay_primitives::Digest;
use std::{future::Future, sync::Arc, time::Duration};
use subxt::{
    backend::LegacyBackend,
    rpcs::client::reconnecting_rpc_client::{ExponentialBackoff, PingConfig, RpcClient},
    OnlineClient,
};
use tokio::sync::OnceCell;

/// Where the node is and how long to wait for it.
#[derive(Clone, Debug)]
pub struct ChainConfig {
    /// The node's WebSocket address, such as `ws://127.0.0.1:9944`.
    pub url: String,
    /// The network that the node must serve, where it matters which.
    pub genesis: Option<Digest>,
    /// Longest that one request may take, opening the connection included.
    pub call_deadline: Duration,
    /// Longest that a submitted transaction may take to be finalized.
    pub finality_deadline: Duration,
}

impl ChainConfig {
    /// Default of [`Self::call_deadline`].
    pub const CALL_DEADLINE: Duration = Duration::from_secs(15);
    /// Default of [`Self::finality_deadline`].
    pub const FINALITY_DEADLINE: Duration = Duration::from_secs(120);

    /// The default settings for a node.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            genesis: None,
            call_deadline: Self::CALL_DEADLINE,
            finality_deadline: Self::FINALITY_DEADLINE,
        }
    }
}

/// A client of one node. Clones share the connection.
#[derive(Clone)]
pub struct ChainClient {
    inner: Arc<Inner>,
}

struct Inner {
    config: ChainConfig,
    online: OnceCell<Online>,
    nonces: Nonces,
}

/// What is there once the first connection stood.
#[derive(Clone)]
pub(crate) struct Online {
    pub(crate) client: OnlineClient<AssayConfig>,
    pub(crate) rpc: subxt::rpcs::RpcClient,
}

impl ChainClient {
    /// A client that connects when it is first used.
    pub fn new(config: ChainConfig) -> Self {
        let inner = Inner {
            config,
            online: OnceCell::new(),
            nonces: Nonces::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The settings.
    pub fn config(&self) -> &ChainConfig {
        &self.inner.config
    }

    /// The hash of the chain's first block.
    ///
    /// # Errors
    /// [`ChainError::Unreachable`], [`ChainError::Deadline`] or [`ChainError::WrongNetwork`].
    pub async fn genesis_hash(&self) -> Result<Digest, ChainError> {
        Ok(Digest(self.online().await?.client.genesis_hash().0))
    }

    /// The open connection. The first call opens it; a failure leaves the next call to try again.
    pub(crate) async fn online(&self) -> Result<Online, ChainError> {
        let open = || self.within("connecting to the node", self.open());
        self.inner.online.get_or_try_init(open).await.cloned()
    }

    async fn open(&self) -> Result<Online, ChainError> {
        let ChainConfig {
            url,
            genesis,
            call_deadline,
            ..
        } = &self.inner.config;
        let unreachable = |reason: String| ChainError::Unreachable {
            url: url.clone(),
            reason,
        };
        // The reconnecting client would try for ever in silence; a plain connection says at once
        // why there is none.
        subxt::rpcs::RpcClient::from_insecure_url(url)
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        // Lost connections are retried for as long as the program runs: how long a caller waits is
        // decided by its own deadline.
        let retries = ExponentialBackoff::from_millis(50).max_delay(Duration::from_secs(5));
        let ping = PingConfig::new()
            .ping_interval(Duration::from_secs(10))
            .inactive_limit(Duration::from_secs(20));
        let rpc = RpcClient::builder()
            .retry_policy(retries)
            .enable_ws_ping(ping)
            .request_timeout(*call_deadline)
            .connection_timeout(*call_deadline)
            .build(url)
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        let rpc = subxt::rpcs::RpcClient::new(rpc);
        let backend = Arc::new(LegacyBackend::builder().build(rpc.clone()));
        let client = OnlineClient::<AssayConfig>::from_backend(backend)
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        let found = Digest(client.genesis_hash().0);
        match genesis {
            Some(expected) if *expected != found => Err(ChainError::WrongNetwork {
                url: url.clone(),
                expected: *expected,
                found,
            }),
            _ => Ok(Online { client, rpc }),
        }
    }

    pub(crate) fn nonces(&self) -> &Nonces {
        &self.inner.nonces
    }

    /// Gives up on `work` when a request's deadline has passed.
    pub(crate) async fn within<T>(
        &self,
        what: &'static str,
        work: impl Future<Output = Result<T, ChainError>>,
    ) -> Result<T, ChainError> {
        let deadline = self.inner.config.call_deadline;
        tokio::time::timeout(deadline, work)
            .await
            .unwrap_or(Err(ChainError::Deadline { what, deadline }))
    }
}

/// Maps an error of subxt with what was tried.
pub(crate) fn explained<T, E: Explain>(
    what: &'static str,
    result: Result<T, E>,
) -> Result<T, ChainError> {
    result.map_err(|error| error.explain(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    fn client(port: u16, deadline: Duration) -> ChainClient {
        let url = format!("ws://127.0.0.1:{port}");
        ChainClient::new(ChainConfig {
            call_deadline: deadline,
            ..ChainConfig::new(url)
        })
    }

    #[tokio::test]
    async fn genesis_hash_fails_when_the_node_is_away() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let away = client(port, Duration::from_secs(10))
            .genesis_hash()
            .await
            .unwrap_err();
        assert!(matches!(away, ChainError::Unreachable { .. }), "{away}");
        assert!(away.to_string().contains("is it running"), "{away}");
        assert!(away.is_transient());
    }

    #[tokio::test]
    async fn genesis_hash_gives_up_when_the_socket_is_half_open() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        // The listener accepts and says nothing, ever.
        let silent = client(port, Duration::from_millis(200))
            .genesis_hash()
            .await
            .unwrap_err();
        assert!(
            matches!(
                silent,
                ChainError::Deadline { .. } | ChainError::Unreachable { .. }
            ),
            "{silent}"
        );
        drop(listener);
    }

    #[tokio::test]
    async fn genesis_hash_fails_when_the_address_is_no_url() {
        let config = ChainConfig::new("not a url");
        let error = ChainClient::new(config).genesis_hash().await.unwrap_err();
        assert!(matches!(error, ChainError::Unreachable { .. }), "{error}");
    }
}
