//! A validator that dies between commit and reveal.

use assay_chain_client::ChainClient;
use assay_primitives::{CommitView, EpochIndex, NetUid, ASY};
use assay_tests::{until, Network, Person};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::task::JoinHandle;

const LOOK_EVERY: Duration = Duration::from_millis(200);
const PAGE: Duration = Duration::from_secs(30);

/// Every commit of a hotkey that a finalized block ever showed, by epoch. Ends when aborted.
struct Seen(JoinHandle<()>, tokio::sync::watch::Receiver<Commits>);

type Commits = BTreeMap<EpochIndex, BTreeSet<(u32, String)>>;

impl Seen {
    fn watch(chain: ChainClient, netuid: NetUid, person: &Person) -> Self {
        let hotkey = person.hotkey_account();
        let (sender, receiver) = tokio::sync::watch::channel(Commits::new());
        let watching = tokio::spawn(async move {
            let mut blocks = chain.finalized_blocks(LOOK_EVERY);
            loop {
                let block = blocks.next().await.unwrap();
                let at = chain.at_block(block.hash).await.unwrap();
                let commits = at.commits(netuid, &hotkey).await.unwrap();
                sender.send_modify(|seen| {
                    for CommitView {
                        epoch, at, hash, ..
                    } in commits
                    {
                        let of_epoch = seen.entry(epoch).or_default();
                        of_epoch.insert((at, hash.to_string()));
                    }
                });
            }
        });
        Self(watching, receiver)
    }

    /// What was seen until a commit of `epoch` was.
    async fn up_to(self, epoch: EpochIndex) -> Commits {
        let seen = until("a look at every block", PAGE, async || {
            assert!(!self.0.is_finished(), "the chain could not be followed");
            let seen = self.1.borrow();
            seen.contains_key(&epoch).then(|| seen.clone())
        })
        .await;
        self.0.abort();
        seen
    }
}

#[tokio::test]
async fn validator_reveals_in_time_when_it_was_killed_after_its_commit() {
    let [miner, person] = ["svc", "validator"].map(Person::named);
    let network = Network::start(&[&miner, &person]).await;
    network.register_validator(&person, 400 * ASY).await;
    let _miner = network.start_miner(&miner, "svc");
    let mut validator = network.start_validator(&person);
    let seen = Seen::watch(network.chain.clone(), network.netuid, &person);

    let commit = network.committed(&person, EpochIndex(0)).await;
    assert_eq!(commit.reveal_in, commit.epoch.next());
    let asked = validator.asked().await;
    validator.kill();
    assert!(asked > 0, "weights without a question");

    // Dead until its reveal is due.
    network.opened(commit.reveal_in).await;
    validator.restart();
    let open = network.revealed(&person, &commit).await;
    assert_eq!(open, commit.reveal_in, "the reveal missed its window");

    // Nothing is lost: it goes on from what it knew, and with the next epoch's weights.
    assert!(validator.asked().await >= asked, "evidence was lost");
    let next = network.committed(&person, commit.reveal_in).await;
    assert_eq!(next.epoch, commit.reveal_in);
    until("the end of the submission", PAGE, async || {
        let state = validator.submission(commit.epoch).await?;
        (state == "revealed").then_some(())
    })
    .await;
    validator.assert_running();

    // Nothing is repeated: neither on chain nor by the validator.
    let commits = seen.up_to(next.epoch).await;
    assert!(commits.contains_key(&commit.epoch), "{commits:?}");
    for (epoch, commits) in commits {
        assert_eq!(commits.len(), 1, "epoch {epoch}: {commits:?}");
    }
    for state in ["commit_sent", "reveal_sent", "revealed"] {
        let times = validator.times_in_state(commit.epoch, state);
        assert_eq!(times, 1, "{state}");
    }
}
