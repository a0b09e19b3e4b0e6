//! Puts the parts together.

use crate::{
    api::{self, Api},
    chain::{Chain, ChainError, Snapshot},
    config::Config,
    error::Error,
    metrics,
    node::NodeChain,
    peers::HttpPeers,
    ports::{Clock, SystemClock, SystemEntropy},
    round::RoundRunner,
    service::{Parts, Validator},
    status::Status,
    store::{Owner, Store},
    task::{built_in, Task, TaskFolder},
    weights::{Honest, WeightPolicy},
};
use assay_chain_client::{ChainClient, ChainConfig};
use assay_protocol::keys::{KeyError, Keypair};
use assay_telemetry::{install_recorder, Shutdown};
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::OnceCell};

/// Checks configuration, key and task folder, without looking at the chain.
pub fn check(config: &Config) -> Result<(Keypair, TaskFolder, Arc<dyn Task>), Error> {
    config.check()?;
    let key = config.hotkey.load()?;
    let folder = TaskFolder::load(&config.task)?;
    let task = built_in(&folder)?;
    Ok((key, folder, task))
}

/// Runs a validator with the node and the subnet of its configuration, until `shutdown` is tripped.
pub async fn run(config: Config, shutdown: Shutdown) -> Result<(), Error> {
    run_with_policy(config, Arc::new(Honest), shutdown).await
}

/// [`run`], with weights chosen by `policy`.
pub async fn run_with_policy(
    config: Config,
    policy: Arc<dyn WeightPolicy>,
    shutdown: Shutdown,
) -> Result<(), Error> {
    let key = config.hotkey.load()?;
    let signer = key.as_sr25519().cloned().ok_or_else(|| {
        KeyError::Unusable("weight calls are signed with sr25519, this key is ed25519".into())
    })?;
    let client = ChainClient::new(ChainConfig {
        genesis: config.chain.genesis,
        ..ChainConfig::new(&config.chain.url)
    });
    let chain = Arc::new(NodeChain::new(client, signer, config.chain.netuid));
    run_with(config, chain, policy, shutdown).await
}

/// Runs a validator on `chain` with weights chosen by `policy`, until `shutdown` is tripped.
pub async fn run_with(
    config: Config,
    chain: Arc<dyn Chain>,
    policy: Arc<dyn WeightPolicy>,
    shutdown: Shutdown,
) -> Result<(), Error> {
    let (key, folder, task) = check(&config)?;
    let hotkey = key.hotkey().0;
    let recorder = install_recorder()?;
    metrics::describe();
    let address = config.listen;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| Error::Listen { address, source })?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, hotkey = %key.hotkey(), "serving health, metrics and scores");
    }
    let status = Arc::new(Status::default());
    let store_cell = Arc::new(OnceCell::new());
    let api = Api {
        status: status.clone(),
        store: store_cell.clone(),
        hotkey,
        rules: folder.score,
        chance: task.chance(),
        metrics: recorder,
    };
    let serving = tokio::spawn(api::serve(listener, api, shutdown.clone()));

    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let peers = HttpPeers::new(key, clock.clone(), config.probes()).map_err(Error::Transport)?;
    let runner = Arc::new(RoundRunner {
        task,
        name: folder.name.clone(),
        queries: folder.queries,
        deadline: Duration::from_millis(folder.limits.deadline_ms.into()),
        peers: Arc::new(peers),
        clock: clock.clone(),
        miners_at_once: config.miners_at_once,
        requests_at_once: config.requests_at_once,
    });
    let outcome =
        match first_look(&config, chain.as_ref(), clock.as_ref(), &status, &shutdown).await {
            None => Ok(()),
            Some(snapshot) => {
                let owner = Owner {
                    genesis: snapshot.genesis,
                    netuid: config.chain.netuid,
                    hotkey,
                };
                let store = Store::open(&config.state, owner).await?;
                // The cell is filled here alone.
                let _ = store_cell.set(store.clone());
                let entropy = Arc::new(SystemEntropy);
                let parts = Parts {
                    config,
                    folder,
                    hotkey,
                    chain,
                    store,
                    policy,
                    runner,
                    entropy,
                    clock,
                    status,
                };
                Validator::new(parts).run(shutdown.clone()).await
            }
        };
    shutdown.trip();
    if let Ok(Err(error)) = serving.await {
        tracing::warn!(%error, "the HTTP server ended with an error");
    }
    outcome
}

/// The first snapshot, for which we wait as long as it takes. `None` when told to end.
async fn first_look(
    config: &Config,
    chain: &dyn Chain,
    clock: &dyn Clock,
    status: &Status,
    shutdown: &Shutdown,
) -> Option<Snapshot> {
    let pause = Duration::from_millis(config.poll_ms);
    let mut said = None;
    loop {
        let looked: Result<Snapshot, ChainError> = tokio::select! {
            () = shutdown.tripped() => return None,
            looked = chain.snapshot() => looked,
        };
        match looked {
            Ok(snapshot) => return Some(snapshot),
            Err(error) => {
                status.problem(&error.to_string());
                // Once for each reason: it may take hours.
                if said.as_ref() != Some(&error) {
                    tracing::warn!(node = config.chain.url, %error, "waiting for the chain");
                    said = Some(error);
                }
            }
        }
        tokio::select! {
            () = shutdown.tripped() => return None,
            () = clock.sleep(pause) => {}
        }
    }
}
