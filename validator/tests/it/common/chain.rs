//! A chain of one subnet that keeps the rules of commit and reveal, and fails on demand.

use super::OWN;
use assay_primitives::{
    commit_hash, Announced, BlockNumber, CommitPayload, CommitView, Digest, Endpoint,
    EndpointProtocol, EpochIndex, Generation, Hyperparameters, Metagraph, ModelAnnouncement,
    NetUid, Refusal, Serial, TaskSpec, TaskVersion,
};
use assay_validator::chain::{Chain, ChainError, Commit, Reveal, Snapshot};
use async_trait::async_trait;
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
};

/// What happens to a call or a read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// The node is away: nothing is read, no call arrives.
    Away,
    /// A call arrives, and the answer is lost.
    AnswerLost,
    /// A call does not arrive, and never returns.
    HangsBefore,
    /// A call arrives, and never returns.
    HangsAfter,
}

/// What the chain took.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// Commits, by epoch and in order.
    pub commits: Vec<(EpochIndex, Commit)>,
    /// Reveals, in order.
    pub reveals: Vec<Reveal>,
    /// Epochs whose commit expired.
    pub expired: Vec<EpochIndex>,
}

struct Inner {
    now: Snapshot,
    history: VecDeque<Snapshot>,
    reads: usize,
    lag: usize,
    own: [u8; 32],
    spec: TaskSpec,
    fault: Fault,
    fork: u8,
    taken: Taken,
}

/// Blocks that can be taken back.
const HISTORY: usize = 40;

pub struct FakeChain(Mutex<Inner>);

impl Inner {
    fn finalized(&self) -> Result<&Snapshot, ChainError> {
        if self.fault == Fault::Away {
            return Err(ChainError::Unavailable("away".into()));
        }
        let behind = match self.lag {
            0 => None,
            lag => self.history.len().checked_sub(lag),
        };
        Ok(behind
            .and_then(|at| self.history.get(at))
            .unwrap_or(&self.now))
    }
}

impl FakeChain {
    /// A subnet of `miners` miners with uids from 0, and our validator behind them.
    pub fn new(miners: u16, tempo: BlockNumber, spec: TaskSpec) -> Self {
        let neurons = usize::from(miners) + 1;
        let mut hotkeys: Vec<[u8; 32]> = (0..miners).map(|uid| [uid as u8 + 1; 32]).collect();
        hotkeys.push(OWN);
        let metagraph = Metagraph {
            netuid: NetUid(1),
            generation: Generation(0),
            block: 0,
            epoch: EpochIndex(0),
            last_epoch_at: 0,
            next_epoch_at: tempo,
            task_version: TaskVersion(0),
            hyperparameters: Hyperparameters::new(tempo),
            coldkeys: hotkeys.clone(),
            hotkeys,
            serials: (0..neurons as u64)
                .map(|serial| Serial(100 + serial))
                .collect(),
            registered_at: vec![0; neurons],
            immune: vec![false; neurons],
            stake: vec![0; neurons],
            permits: (0..neurons).map(|uid| uid == neurons - 1).collect(),
            active: vec![false; neurons],
            last_update: vec![None; neurons],
            consensus: vec![0; neurons],
            trust: vec![0; neurons],
            validator_trust: vec![0; neurons],
            incentive: vec![0; neurons],
            dividends: vec![0; neurons],
            emission: vec![0; neurons],
            earned: vec![0; neurons],
            endpoints: (0..neurons)
                .map(|uid| (uid < neurons - 1).then(|| endpoint(uid)))
                .collect(),
            models: (0..neurons)
                .map(|uid| (uid < neurons - 1).then(|| model(uid)))
                .collect(),
        };
        let genesis = super::GENESIS;
        let now = Snapshot {
            genesis,
            block_hash: hash_of(0, 0),
            time_ms: None,
            metagraph,
            own_commits: Vec::new(),
        };
        Self(Mutex::new(Inner {
            history: VecDeque::new(),
            reads: 0,
            now,
            lag: 0,
            own: OWN,
            spec,
            fault: Fault::None,
            fork: 0,
            taken: Taken::default(),
        }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub fn genesis(&self) -> Digest {
        self.inner().now.genesis
    }

    /// Gives the validator's place to another hotkey.
    pub fn set_own(&self, hotkey: [u8; 32]) {
        let mut inner = self.inner();
        inner.own = hotkey;
        if let Some(last) = inner.now.metagraph.hotkeys.last_mut() {
            *last = hotkey;
        }
    }

    /// Blocks that finality is behind.
    pub fn set_lag(&self, lag: usize) {
        self.inner().lag = lag;
    }

    pub fn set_fault(&self, fault: Fault) {
        self.inner().fault = fault;
    }

    pub fn taken(&self) -> Taken {
        self.inner().taken.clone()
    }

    /// Changes the subnet's state behind the validator's back.
    pub fn change(&self, change: impl FnOnce(&mut Metagraph<[u8; 32]>)) {
        change(&mut self.inner().now.metagraph);
    }

    pub fn set_spec(&self, spec: TaskSpec) {
        self.inner().spec = spec;
    }

    /// The newest block.
    pub fn block(&self) -> BlockNumber {
        self.inner().now.block()
    }

    /// How often the whole subnet was read.
    pub fn reads(&self) -> usize {
        self.inner().reads
    }

    /// Says when blocks were made.
    pub fn set_time_ms(&self, time_ms: u64) {
        self.inner().now.time_ms = Some(time_ms);
    }

    /// Takes back the last `blocks` blocks with all that happened in them, as no final chain should.
    pub fn go_back(&self, blocks: usize) {
        let mut inner = self.inner();
        for _ in 0..blocks {
            if let Some(before) = inner.history.pop_back() {
                inner.now = before;
            }
        }
        let epoch = inner.now.metagraph.epoch;
        let pending: Vec<EpochIndex> = inner.now.own_commits.iter().map(|it| it.epoch).collect();
        inner
            .taken
            .commits
            .retain(|(it, _)| *it < epoch || pending.contains(it));
        inner
            .taken
            .reveals
            .retain(|it| !pending.contains(&it.epoch));
        // The blocks that follow are others.
        inner.fork += 1;
        let (block, fork) = (inner.now.metagraph.block, inner.fork);
        inner.now.block_hash = hash_of(block, fork);
    }

    /// Another validator with our key commits.
    pub fn commit_elsewhere(&self) {
        let mut inner = self.inner();
        let graph = &inner.now.metagraph;
        let commit = CommitView {
            epoch: graph.epoch,
            hash: Digest([0x5e; 32]),
            next_seed: Digest([0x5e; 32]),
            at: graph.block,
            reveal_in: graph.epoch.next(),
        };
        inner.now.own_commits.push(commit);
    }

    /// Makes a block, and runs the epoch that falls due in it.
    pub fn advance(&self) {
        let mut inner = self.inner();
        let before = inner.now.clone();
        inner.history.push_back(before);
        if inner.history.len() > HISTORY {
            inner.history.pop_front();
        }
        let Inner {
            now, taken, fork, ..
        } = &mut *inner;
        let graph = &mut now.metagraph;
        graph.block += 1;
        now.block_hash = hash_of(graph.block, *fork);
        if graph.block == graph.next_epoch_at {
            let closing = graph.epoch;
            now.own_commits.retain(|commit| {
                if commit.reveal_in == closing {
                    taken.expired.push(commit.epoch);
                }
                commit.reveal_in != closing
            });
            graph.epoch = closing.next();
            graph.last_epoch_at = graph.block;
            graph.next_epoch_at += graph.hyperparameters.tempo;
        }
    }

    /// Fails or hangs as the present fault wants; `true` where a call arrives.
    fn arrives(&self) -> bool {
        !matches!(self.inner().fault, Fault::Away | Fault::HangsBefore)
    }

    async fn answer(&self, outcome: Result<(), ChainError>) -> Result<(), ChainError> {
        let fault = self.inner().fault;
        match fault {
            Fault::None => outcome,
            Fault::Away | Fault::AnswerLost => Err(ChainError::Unavailable("no answer".into())),
            Fault::HangsBefore | Fault::HangsAfter => std::future::pending().await,
        }
    }

    fn take_commit(&self, commit: &Commit) -> Result<(), ChainError> {
        let mut inner = self.inner();
        let Inner { now, taken, .. } = &mut *inner;
        let graph = &now.metagraph;
        if commit.epoch != graph.epoch {
            return Err(ChainError::Failed("another epoch is open".into()));
        }
        if taken.commits.iter().any(|(epoch, _)| *epoch == graph.epoch) {
            return Err(ChainError::Refused(Refusal::TooFast));
        }
        taken.commits.push((graph.epoch, commit.clone()));
        now.own_commits.push(CommitView {
            epoch: graph.epoch,
            hash: commit.hash,
            next_seed: commit.next_seed,
            at: graph.block,
            reveal_in: EpochIndex(graph.epoch.0 + 1),
        });
        Ok(())
    }

    fn take_reveal(&self, reveal: &Reveal) -> Result<(), ChainError> {
        let mut inner = self.inner();
        let Inner {
            now, taken, own, ..
        } = &mut *inner;
        let open = now.metagraph.epoch;
        let commit = now
            .own_commits
            .iter()
            .find(|commit| commit.epoch == reveal.epoch)
            .copied();
        let commit = commit.ok_or(ChainError::Refused(Refusal::NoSuchCommit))?;
        if open < commit.reveal_in {
            return Err(ChainError::Refused(Refusal::RevealTooEarly));
        }
        let hash = commit_hash(&CommitPayload {
            hotkey: *own,
            netuid: reveal.netuid,
            generation: now.metagraph.generation,
            epoch: reveal.epoch,
            task_version: reveal.task_version,
            targets: &reveal.targets,
            values: &reveal.values,
            salt: reveal.salt,
            evidence: reveal.evidence,
        });
        if hash != commit.hash {
            return Err(ChainError::Refused(Refusal::RevealMismatch));
        }
        now.own_commits
            .retain(|pending| pending.epoch != reveal.epoch);
        if let Some(update) = now.metagraph.last_update.last_mut() {
            *update = Some(commit.at);
        }
        taken.reveals.push(reveal.clone());
        Ok(())
    }
}

#[async_trait]
impl Chain for FakeChain {
    async fn finalized(&self) -> Result<BlockNumber, ChainError> {
        self.inner().finalized().map(|snapshot| snapshot.block())
    }

    async fn snapshot(&self) -> Result<Snapshot, ChainError> {
        let mut inner = self.inner();
        inner.reads += 1;
        inner.finalized().cloned()
    }

    async fn task(&self) -> Result<(Generation, TaskVersion, TaskSpec), ChainError> {
        let inner = self.inner();
        let graph = &inner.now.metagraph;
        Ok((graph.generation, graph.task_version, inner.spec.clone()))
    }

    async fn commit_weights(&self, commit: &Commit) -> Result<(), ChainError> {
        let outcome = if self.arrives() {
            self.take_commit(commit)
        } else {
            Ok(())
        };
        self.answer(outcome).await
    }

    async fn reveal_weights(&self, reveal: &Reveal) -> Result<(), ChainError> {
        let outcome = if self.arrives() {
            self.take_reveal(reveal)
        } else {
            Ok(())
        };
        self.answer(outcome).await
    }
}

fn hash_of(block: BlockNumber, fork: u8) -> Digest {
    let mut hash = [0xab; 32];
    hash[31] = fork;
    hash[..4].copy_from_slice(&block.to_le_bytes());
    Digest(hash)
}

fn endpoint(uid: usize) -> Announced<Endpoint> {
    let host = format!("miner{uid}.example")
        .into_bytes()
        .try_into()
        .unwrap();
    let protocol = EndpointProtocol::Http;
    Announced {
        what: Endpoint {
            host,
            port: 80,
            protocol,
            certificate: None,
        },
        at: 0,
    }
}

fn model(uid: usize) -> Announced<ModelAnnouncement> {
    Announced {
        what: ModelAnnouncement {
            sha256: Digest([uid as u8 + 1; 32]),
            size: 1,
        },
        at: 0,
    }
}
