//! Puts the parts together: one HTTP server, and a validator for each subnet.

use crate::{
    api::{self, Api, Password},
    chain::{Chain, ChainError, Snapshot},
    config::Config,
    error::Error,
    metrics::{self, Metrics},
    node::NodeChain,
    peers::HttpPeers,
    ports::{Clock, SystemClock, SystemEntropy},
    round::RoundRunner,
    scoring::Rules,
    service::{Parts, Validator},
    status::{Status, Trouble},
    store::{Owner, Store},
    task::{artifact::fetch, built_in, probes::Memory, Task, TaskError, TaskFolder},
    weights::{Honest, WeightPolicy},
};
use assay_chain_client::{ChainClient, ChainConfig};
use assay_protocol::{
    keys::{KeyError, Keypair},
    ReplayGuard,
};
use assay_telemetry::{install_recorder, tell_ready, Shutdown};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    sync::OnceCell,
    task::{JoinHandle, JoinSet},
};

/// Signed requests that are remembered until they expire, of all miners and of one.
const SEEN: (usize, usize) = (100_000, 1_000);

/// Checks configuration, key and the first subnet's task folder, without looking at the chain.
pub fn check(config: &Config) -> Result<(Keypair, TaskFolder, Arc<Task>), Error> {
    config.check()?;
    let key = config.hotkey.load()?;
    let folder = TaskFolder::load(&config.task)?;
    let task = built_in(&folder)?;
    Ok((key, folder, task))
}

/// Runs a validator with the node and the subnets of its configuration, until `shutdown` is tripped.
pub async fn run(config: Config, shutdown: Shutdown) -> Result<(), Error> {
    run_with_policy(config, Arc::new(Honest), shutdown).await
}

/// [`run`], with weights chosen by `policy`.
pub async fn run_with_policy(
    config: Config,
    policy: Arc<dyn WeightPolicy>,
    shutdown: Shutdown,
) -> Result<(), Error> {
    let chains = connect(&config)?;
    run_with(config, chains, policy, shutdown).await
}

/// One chain for each subnet, over one connection and with one count of nonces.
pub(crate) fn connect(config: &Config) -> Result<Vec<Arc<dyn Chain>>, Error> {
    let key = config.hotkey.load()?;
    let signer = key.as_sr25519().cloned().ok_or_else(|| {
        KeyError::Unusable("weight calls are signed with sr25519, this key is ed25519".into())
    })?;
    let client = ChainClient::new(ChainConfig {
        genesis: config.chain.genesis,
        ..ChainConfig::new(&config.chain.url)
    });
    let subnets = config.validated();
    let chains = subnets.iter().map(|subnet| {
        let chain = NodeChain::new(client.clone(), signer.clone(), subnet.netuid);
        Arc::new(chain) as Arc<dyn Chain>
    });
    Ok(chains.collect())
}

/// Runs a validator on `chains`, one for each of the configuration's subnets, with weights chosen by
/// `policy`, until `shutdown` is tripped. One subnet's end does not end the others; the first error
/// is returned when the last has ended.
pub async fn run_with(
    config: Config,
    chains: Vec<Arc<dyn Chain>>,
    policy: Arc<dyn WeightPolicy>,
    shutdown: Shutdown,
) -> Result<(), Error> {
    for subnet in config.validated().iter() {
        let folder = TaskFolder::load(&subnet.task)?;
        fetch(&folder).await.map_err(TaskError::from)?;
    }
    let subnets: Vec<Subnet> = config
        .validated()
        .iter()
        .zip(chains)
        .map(|(subnet, chain)| Subnet::new(config.only(subnet), chain))
        .collect::<Result<_, _>>()?;
    let pages = subnets.iter().map(Subnet::api).collect();
    let doors = open_doors(&config, pages, &shutdown).await?;
    tell_ready();

    let mut running = JoinSet::new();
    for subnet in subnets {
        running.spawn(subnet.run(policy.clone(), shutdown.clone()));
    }
    let mut outcome = Ok(());
    while let Some(ended) = running.join_next().await {
        let ended = ended.unwrap_or_else(|error| Err(Error::Transport(error.to_string())));
        if let Err(error) = ended {
            tracing::error!(%error, left = running.len(), "a subnet's validator has ended");
            outcome = outcome.and(Err(error));
        }
    }
    shutdown.trip();
    for door in doors {
        if let Ok(Err(error)) = door.await {
            tracing::warn!(%error, "an HTTP server ended with an error");
        }
    }
    outcome
}

type Door = JoinHandle<std::io::Result<()>>;

/// Starts the HTTP servers.
async fn open_doors(
    config: &Config,
    pages: Vec<Api>,
    shutdown: &Shutdown,
) -> Result<Vec<Door>, Error> {
    let recorder = install_recorder()?;
    metrics::describe();
    let password = match &config.operator_password_file {
        None => None,
        Some(path) => Some(Password::read(path).map_err(|source| Error::PasswordFile {
            path: path.clone(),
            source,
        })?),
    };
    let listener = listen(config.listen, "health, metrics and scores").await?;
    let operator = api::serve_operator(
        listener,
        pages.clone(),
        recorder,
        password,
        shutdown.clone(),
    );
    let mut doors = vec![tokio::spawn(operator)];
    if let Some(address) = config.public_listen {
        let listener = listen(address, "miners with signed requests").await?;
        doors.push(tokio::spawn(api::serve_public(
            listener,
            pages,
            shutdown.clone(),
        )));
    }
    Ok(doors)
}

async fn listen(address: SocketAddr, what: &str) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| Error::Listen { address, source })?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "serving {what}");
    }
    Ok(listener)
}

/// One subnet's validator before it runs.
struct Subnet {
    config: Config,
    chain: Arc<dyn Chain>,
    key: Keypair,
    folder: TaskFolder,
    task: Arc<Task>,
    status: Arc<Status>,
    store: Arc<OnceCell<Store>>,
}

impl Subnet {
    fn new(config: Config, chain: Arc<dyn Chain>) -> Result<Self, Error> {
        let (key, folder, task) = check(&config)?;
        let status = Arc::new(Status::new(config.dry_run));
        Ok(Self {
            config,
            chain,
            key,
            folder,
            task,
            status,
            store: Arc::default(),
        })
    }

    fn api(&self) -> Api {
        Api {
            netuid: self.config.chain.netuid,
            status: self.status.clone(),
            store: self.store.clone(),
            hotkey: self.key.hotkey().0,
            rules: Rules {
                score: self.folder.score,
                weights: self.folder.weights,
                chance: self.task.chance(),
            },
            seen: Arc::new(ReplayGuard::new(SEEN.0, SEEN.1)),
        }
    }

    async fn run(self, policy: Arc<dyn WeightPolicy>, shutdown: Shutdown) -> Result<(), Error> {
        let status = self.status.clone();
        let netuid = self.config.chain.netuid;
        tracing::info!(%netuid, hotkey = %self.key.hotkey(), task = self.folder.name, "validating");
        let outcome = self.work(policy, shutdown).await;
        let why = outcome.as_ref().err().map(|error| error.to_string());
        status.trouble(Trouble::Ended, why);
        outcome
    }

    async fn work(self, policy: Arc<dyn WeightPolicy>, shutdown: Shutdown) -> Result<(), Error> {
        let hotkey = self.key.hotkey().0;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let probes = self.config.probes();
        let peers = HttpPeers::new(self.key.clone(), clock.clone(), probes);
        let runner = RoundRunner {
            task: self.task.clone(),
            name: self.folder.name.clone(),
            queries: self.folder.queries,
            deadline: Duration::from_millis(self.folder.limits.deadline_ms.into()),
            peers: Arc::new(peers.map_err(Error::Transport)?),
            clock: clock.clone(),
            miners_at_once: self.config.miners_at_once,
            requests_at_once: self.config.requests_at_once,
            memory: Memory::default(),
        };
        let Some(snapshot) = self.first_look(clock.as_ref(), &shutdown).await else {
            return Ok(());
        };
        let owner = Owner {
            genesis: snapshot.genesis,
            netuid: self.config.chain.netuid,
            hotkey,
        };
        let store = Store::open(&self.config.state, owner).await?;
        // The cell is filled here alone.
        let _ = self.store.set(store.clone());
        if self.config.dry_run {
            warn_of_open(&store).await?;
        }
        let parts = Parts {
            metrics: Metrics::new(self.config.chain.netuid),
            config: self.config,
            folder: self.folder,
            hotkey,
            chain: self.chain,
            store,
            policy,
            runner: Arc::new(runner),
            entropy: Arc::new(SystemEntropy),
            clock,
            status: self.status,
        };
        Validator::new(parts).run(shutdown).await
    }

    /// The first snapshot, for which we wait as long as it takes. `None` when told to end.
    async fn first_look(&self, clock: &dyn Clock, shutdown: &Shutdown) -> Option<Snapshot> {
        let pause = Duration::from_millis(self.config.poll_ms);
        let mut said = None;
        loop {
            let looked: Result<Snapshot, ChainError> = tokio::select! {
                () = shutdown.tripped() => return None,
                looked = self.chain.snapshot() => looked,
            };
            match looked {
                Ok(snapshot) => return Some(snapshot),
                Err(error) => {
                    let words = error.to_string();
                    self.status.trouble(Trouble::Chain, Some(words));
                    // Once for each reason: it may take hours.
                    if said.as_ref() != Some(&error) {
                        tracing::warn!(node = self.config.chain.url, %error, "waiting for the chain");
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
}

/// Says what a dry run leaves undone.
async fn warn_of_open(store: &Store) -> Result<(), Error> {
    let open = store.open_submissions().await?;
    if !open.is_empty() {
        let epochs: Vec<u32> = open.iter().map(|it| it.key.epoch.0).collect();
        tracing::warn!(?epochs, "dry run: what was committed to is not revealed");
    }
    Ok(())
}
