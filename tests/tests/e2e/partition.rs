//! A network that falls into two halves and comes together again.

use assay_tests::{until, Authors};
use std::time::Duration;

/// Blocks that show that something goes on, or that it does not.
const SOME: u64 = 5;
/// Blocks that may still become final when the votes for them are under way.
const UNDER_WAY: u64 = 2;
/// How long it may take until two halves that were cut know of each other again.
const HEALING: Duration = Duration::from_secs(300);

#[tokio::test]
#[ignore = "needs root, for network namespaces: `cargo xtask soak network` runs it"]
async fn chain_waits_while_the_network_is_cut_in_two_and_goes_on_as_one_when_it_is_healed() {
    let network = Authors::start_apart(4).await;
    for node in &network.nodes {
        node.finalizes(SOME).await;
    }

    // Two of four on either side: blocks are made on both, and none becomes final on any.
    network.cut(2);
    let mut known = 0;
    for node in &network.nodes {
        known = known.max(node.finalized().await.unwrap());
    }
    let stopped = known + UNDER_WAY;
    for node in &network.nodes {
        node.reaches(stopped + SOME).await;
    }
    for node in &network.nodes {
        let finalized = node.finalized().await.unwrap();
        assert!(
            finalized <= stopped,
            "{finalized} became final for {}, by two of four",
            node.name
        );
    }
    let at = stopped + SOME;
    let sides = [&network.nodes[0], &network.nodes[2]];
    let [left, right] = sides.map(|node| node.block_hash(at));
    let (left, right) = (left.await, right.await);
    assert!(left.is_some() && left != right, "the halves were not apart");

    // Healed, all of them agree, and beyond what either side had made.
    network.heal();
    let mut best = 0;
    for node in &network.nodes {
        best = best.max(node.best().await.unwrap());
    }
    for node in &network.nodes {
        let what = format!("{} to know block {best} as final", node.name);
        until(&what, HEALING, async || {
            (node.finalized().await? >= best).then_some(())
        })
        .await;
    }
    let agreed = network.nodes[0].block_hash(best).await;
    for node in &network.nodes[1..] {
        let hash = node.block_hash(best).await;
        assert_eq!(hash, agreed, "{} is on another chain", node.name);
    }
}
