//! A node that is not there yet, that hangs, dies and comes back while others depend on it.

use assay_primitives::{EpochIndex, ASY};
use assay_tests::{until, Network, Person};
use std::time::Duration;

/// How long a miner may take to serve, on a busy machine.
const START: Duration = Duration::from_secs(180);
/// The blocks after which a node that is killed has surely stored an earlier one.
const STORED: u32 = 3;

#[tokio::test]
async fn miner_serves_and_validator_resumes_when_the_node_was_away() {
    let [person, judge] = ["svc", "validator"].map(Person::named);
    let mut network = Network::new();

    // At the start nothing listens at the node's address.
    let mut miner = network.start_miner(&person, "svc");
    let mut validator = network.start_validator(&judge);
    let problem = validator.complains().await;
    assert!(problem.contains("is it running"), "{problem}");
    until("a miner without a chain", START, async || {
        miner.assert_running();
        miner.ask().await.ok()
    })
    .await;
    network.node.launch();
    network.found(&[&person, &judge]).await;
    network.register_validator(&judge, 400 * ASY).await;
    network.all_announced(&[&miner]).await;
    let commit = network.committed(&judge, EpochIndex(0)).await;
    network.finalized(commit.at + STORED).await;

    // In the middle first the half-open socket: the node holds it and says nothing.
    network.node.freeze();
    let problem = validator.complains().await;
    assert!(problem.contains("the node does not answer"), "{problem}");
    miner.ask().await.unwrap();
    miner.assert_running();
    validator.assert_running();

    // Then a closed one, and the same chain again. The commit is revealed and the next one made.
    network.node.kill();
    network.node.launch();
    let open = network.revealed(&judge, &commit).await;
    assert_eq!(open, commit.reveal_in, "the reveal missed its window");
    let next = network.committed(&judge, commit.reveal_in).await;
    assert_eq!(next.epoch, commit.reveal_in, "an epoch went by unused");
    let health = validator.page("/health").await.unwrap();
    assert_eq!(health["ok"], true, "{health}");
    miner.ask().await.unwrap();
    miner.assert_running();
    validator.assert_running();
}
