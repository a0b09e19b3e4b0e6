//! A chain with one subnet, and those who take part in it.

use crate::{
    digits, key,
    participants::{Miner, Place, Validator},
    until, Node, Person,
};
use assay_chain_client::{calls, AccountId32, ChainClient, ChainConfig, ChainError};
use assay_primitives::{Balance, BlockNumber, CommitView, EpochIndex, Metagraph, NetUid, ASY};
use assay_validator::task::TaskFolder;
use std::{path::PathBuf, time::Duration};
use tempfile::TempDir;

/// The account that the development chain endows best: it pays for everybody.
const PAYER: &str = "//Alice";
/// What each coldkey starts with.
const ENDOWMENT: Balance = 600 * ASY;
/// The most that a registration may cost; prices are far below.
const MAX_PRICE: Balance = 50 * ASY;
/// The number that a chain gives its first subnet.
const FIRST: NetUid = NetUid(0);
/// How long a node may take until it serves its RPC, on a busy machine.
const START: Duration = Duration::from_secs(180);
/// How long anything may take that needs a few blocks, on a busy machine.
const FEW_BLOCKS: Duration = Duration::from_secs(60);
/// How long anything may take that needs an epoch or two.
const FEW_EPOCHS: Duration = Duration::from_secs(120);

/// A running chain with a subnet for the digits task.
pub struct Network {
    /// The node.
    pub node: Node,
    /// The way to it.
    pub chain: ChainClient,
    /// The subnet.
    pub netuid: NetUid,
    /// Who registered the subnet.
    pub owner: Person,
    task: PathBuf,
    // Last, so that it is deleted when nobody writes to it any more.
    folder: TempDir,
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

impl Network {
    /// A network whose node is not running yet.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("assay-tests-").tempdir();
        let folder = folder.expect("a temporary folder");
        let node = Node::new(folder.path());
        Self {
            chain: ChainClient::new(ChainConfig::new(node.url())),
            node,
            netuid: FIRST,
            owner: Person::named("owner"),
            task: digits().canonicalize().expect("the task's folder"),
            folder,
        }
    }

    /// A network whose node runs and whose subnet is there.
    pub async fn start(people: &[&Person]) -> Self {
        let mut network = Self::new();
        network.node.launch();
        network.found(people).await;
        network
    }

    /// Gives everybody's coldkey money and registers the subnet.
    pub async fn found(&mut self, people: &[&Person]) {
        until("the node's RPC server", START, async || {
            self.node.assert_running();
            unless_away(self.chain.genesis_hash().await)
        })
        .await;
        let everybody = people.iter().copied().chain([&self.owner]);
        let payments: Vec<_> = everybody
            .map(|person| (person.account(), ENDOWMENT))
            .collect();
        let endow = calls::transfer_all(&payments);
        self.chain.submit(&key(PAYER), &endow).await.unwrap();
        let spec = TaskFolder::load(&self.task).unwrap().spec().unwrap();
        let register = calls::register_subnet(&spec, MAX_PRICE);
        let owner = self.owner.coldkey();
        let receipt = self.chain.submit(&owner, &register).await.unwrap();
        assert_eq!(calls::registered_subnet(&receipt), Some(self.netuid));
    }

    fn place(&self) -> Place<'_> {
        Place {
            folder: self.folder.path(),
            task: &self.task,
            url: self.node.url(),
            netuid: self.netuid,
        }
    }

    /// Registers somebody's hotkey and stakes on it.
    pub async fn register_validator(&self, person: &Person, stake: Balance) {
        let (coldkey, hotkey) = (person.coldkey(), person.hotkey());
        let registered = self
            .chain
            .register(&coldkey, &hotkey, self.netuid, MAX_PRICE);
        registered.await.unwrap();
        let add = calls::add_stake(self.netuid, &person.hotkey_account(), stake);
        self.chain.submit(&coldkey, &add).await.unwrap();
    }

    /// Starts a miner, which registers itself.
    pub fn start_miner(&self, person: &Person, model: &str) -> Miner {
        Miner::start(&self.place(), person, model)
    }

    /// Starts a validator, which must be registered.
    pub fn start_validator(&self, person: &Person) -> Validator {
        Validator::start(&self.place(), person)
    }

    /// The subnet at the newest finalized block.
    pub async fn graph(&self) -> Metagraph<AccountId32> {
        until("the node's answer", FEW_BLOCKS, async || {
            let at = unless_away(self.chain.at_finalized().await)?;
            unless_away(at.metagraph(self.netuid).await)
        })
        .await
    }

    /// The uid of somebody's hotkey.
    pub fn uid_in(graph: &Metagraph<AccountId32>, person: &Person) -> Option<usize> {
        let hotkey = person.hotkey_account();
        graph.hotkeys.iter().position(|held| *held == hotkey)
    }

    /// Waits until the chain knows where each miner listens and what it serves.
    pub async fn all_announced(&self, miners: &[&Miner]) {
        until("the miners' announcements", FEW_BLOCKS, async || {
            let graph = self.graph().await;
            let announced = |miner: &&Miner| {
                let uid = Self::uid_in(&graph, &miner.person);
                uid.is_some_and(|uid| graph.endpoints[uid].is_some() && graph.models[uid].is_some())
            };
            miners.iter().all(announced).then_some(())
        })
        .await;
    }

    /// Waits until somebody may validate. Returns the epoch that is open then.
    pub async fn permitted(&self, person: &Person) -> EpochIndex {
        until("a permit", FEW_EPOCHS, async || {
            let graph = self.graph().await;
            let uid = Self::uid_in(&graph, person)?;
            graph.permits[uid].then_some(graph.epoch)
        })
        .await
    }

    /// Waits until `epoch` is open.
    pub async fn opened(&self, epoch: EpochIndex) {
        until("the next epoch", FEW_EPOCHS, async || {
            (self.graph().await.epoch >= epoch).then_some(())
        })
        .await;
    }

    /// Waits until `block` is finalized.
    pub async fn finalized(&self, block: BlockNumber) {
        until("a finalized block", FEW_BLOCKS, async || {
            (self.graph().await.block >= block).then_some(())
        })
        .await;
    }

    /// Waits for somebody's commit in `epoch` or later.
    pub async fn committed(&self, person: &Person, epoch: EpochIndex) -> CommitView {
        let hotkey = person.hotkey_account();
        until("a commit", FEW_EPOCHS, async || {
            let at = unless_away(self.chain.at_finalized().await)?;
            let commits = unless_away(at.commits(self.netuid, &hotkey).await)?;
            commits.into_iter().find(|commit| commit.epoch >= epoch)
        })
        .await
    }

    /// Waits until a commit's weights are in force. Returns the epoch that is open then.
    pub async fn revealed(&self, person: &Person, commit: &CommitView) -> EpochIndex {
        until("a reveal", FEW_EPOCHS, async || {
            let graph = self.graph().await;
            let uid = Self::uid_in(&graph, person)?;
            (graph.last_update[uid] == Some(commit.at)).then_some(graph.epoch)
        })
        .await
    }
}

/// What was read; nothing while the node is away or busy. Whatever else goes wrong fails the test.
fn unless_away<T>(read: Result<T, ChainError>) -> Option<T> {
    match read {
        Err(error) if error.is_transient() => None,
        read => Some(read.unwrap()),
    }
}
