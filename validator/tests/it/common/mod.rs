//! Doubles of what a validator talks to, and ways to put one together.

mod chain;
mod peers;

pub use chain::{FakeChain, Fault};
pub use peers::{Conduct, FakePeers};

use assay_primitives::{Digest, NetUid};
use assay_protocol::keys::KeySource;
use assay_validator::{
    chain::Chain,
    config::{ChainSettings, Config, Log},
    metrics::Metrics,
    ports::{Clock, Entropy, SystemEntropy},
    round::RoundRunner,
    service::{Parts, Validator},
    status::Status,
    store::{Owner, Store},
    task::{built_in, probes::Memory, TaskFolder},
    weights::Honest,
};
use async_trait::async_trait;
use std::{
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicU64, Ordering},
        Arc,
    },
    time::Duration,
};

/// The validator's hotkey in tests.
pub const OWN: [u8; 32] = [200; 32];

/// The fake chain's first block.
pub const GENESIS: Digest = Digest([0xee; 32]);

/// The repository's own task.
pub fn digits() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tasks/digits")
}

/// Where the time stands still.
pub const NOW_MS: u64 = 1_700_000_000_000;

/// Time that stands still.
pub struct FakeClock;

#[async_trait]
impl Clock for FakeClock {
    fn now_ms(&self) -> u64 {
        NOW_MS
    }

    async fn sleep(&self, _: Duration) {
        tokio::task::yield_now().await;
    }
}

/// Secrets that anybody can guess: 1, 2, 3 …
#[derive(Default)]
pub struct FakeEntropy(pub AtomicU64);

impl Entropy for FakeEntropy {
    fn secret(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        bytes[..8].copy_from_slice(&count.to_le_bytes());
        bytes
    }
}

pub fn config(state: &Path) -> Config {
    Config {
        task: digits(),
        hotkey: KeySource::suri("//Alice"),
        state: state.to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        operator_password_file: None,
        public_listen: None,
        dry_run: false,
        take_over: false,
        subnets: Vec::new(),
        round_every: 5,
        commit_before: Some(10),
        settle_blocks: 0,
        poll_ms: 50,
        miners_at_once: 8,
        requests_at_once: 4,
        probes: Vec::new(),
        keep_rounds: 5000,
        chain: ChainSettings {
            url: "ws://127.0.0.1:1".into(),
            netuid: NetUid(1),
            genesis: None,
        },
        log: Log::default(),
    }
}

pub fn runner(folder: &TaskFolder, peers: Arc<FakePeers>) -> RoundRunner {
    RoundRunner {
        task: built_in(folder).unwrap(),
        name: folder.name.clone(),
        queries: folder.queries,
        deadline: Duration::from_millis(folder.limits.deadline_ms.into()),
        peers,
        clock: Arc::new(FakeClock),
        miners_at_once: 8,
        requests_at_once: 4,
        memory: Memory::default(),
    }
}

/// A validator on a fake chain with its state in `state`. Made again with the same file it is the
/// validator after a crash.
pub async fn validator(
    state: &Path,
    folder: TaskFolder,
    chain: Arc<FakeChain>,
    peers: Arc<FakePeers>,
    entropy: Arc<FakeEntropy>,
) -> (Validator, Store) {
    let genesis = chain.genesis();
    validator_on(state, folder, chain, genesis, peers, entropy).await
}

/// A validator on any chain.
pub async fn validator_on(
    state: &Path,
    folder: TaskFolder,
    chain: Arc<dyn Chain>,
    genesis: Digest,
    peers: Arc<FakePeers>,
    entropy: Arc<dyn Entropy>,
) -> (Validator, Store) {
    put_together(config(state), folder, chain, genesis, peers, entropy).await
}

/// A validator with settings of its own, and secrets that nobody guesses.
pub async fn validator_with(
    config: Config,
    folder: TaskFolder,
    chain: Arc<FakeChain>,
    peers: Arc<FakePeers>,
) -> (Validator, Store) {
    let entropy = Arc::new(SystemEntropy);
    let genesis = chain.genesis();
    put_together(config, folder, chain, genesis, peers, entropy).await
}

async fn put_together(
    config: Config,
    folder: TaskFolder,
    chain: Arc<dyn Chain>,
    genesis: Digest,
    peers: Arc<FakePeers>,
    entropy: Arc<dyn Entropy>,
) -> (Validator, Store) {
    let owner = Owner {
        genesis,
        netuid: NetUid(1),
        hotkey: OWN,
    };
    let store = Store::open(&config.state, owner).await.unwrap();
    let parts = Parts {
        config,
        runner: Arc::new(runner(&folder, peers)),
        folder,
        hotkey: OWN,
        chain,
        store: store.clone(),
        policy: Arc::new(Honest),
        entropy,
        clock: Arc::new(FakeClock),
        status: Arc::new(Status::default()),
        metrics: Metrics::new(NetUid(1)),
    };
    (Validator::new(parts), store)
}
