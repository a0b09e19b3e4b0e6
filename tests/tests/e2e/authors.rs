//! Several authors: what the chain stands when some of them die, and how a newcomer gets it.

use crate::kills::{assert_whole, kill_at_random};
use assay_chain_client::{calls, ChainClient, ChainConfig};
use assay_primitives::ASY;
use assay_tests::{key, until, Authors, Person};
use std::time::Duration;

/// Blocks that show that something goes on, or that it does not.
const SOME: u64 = 5;
/// Blocks that may still become final when the votes for them are under way.
const UNDER_WAY: u64 = 2;
/// How often a node is killed at a random moment. Each takes some seconds.
const KILLS: u32 = 2;
/// How long a few blocks may take, on a busy machine.
const FEW_BLOCKS: Duration = Duration::from_secs(120);

#[tokio::test]
async fn chain_stands_one_of_four_authors_killed_and_waits_when_two_are() {
    let mut network = Authors::start(4).await;
    network.nodes[0].finalizes(SOME).await;

    // Three of four are enough to make blocks and to make them final.
    network.nodes[3].kill();
    let start = network.nodes[0].best().await.unwrap();
    network.nodes[0].finalizes(start + SOME).await;
    let friend = Person::named("friend");
    let chain = ChainClient::new(ChainConfig::new(network.nodes[0].url()));
    let gift = calls::transfer(&friend.account(), ASY);
    chain.submit(&key("//Alice"), &gift).await.unwrap();

    // Two are not: blocks are still made, none of them becomes final.
    network.nodes[2].kill();
    let stopped = network.nodes[0].finalized().await.unwrap() + UNDER_WAY;
    let best = network.nodes[0].best().await.unwrap();
    network.nodes[0].reaches(best + SOME).await;
    let finalized = network.nodes[0].finalized().await.unwrap();
    assert!(
        finalized <= stopped,
        "{finalized} became final by two of four"
    );

    // With everybody back it resumes, on the blocks that were made meanwhile.
    let waiting = network.nodes[0].best().await.unwrap();
    for node in &mut network.nodes[2..] {
        node.launch();
        node.serves().await;
    }
    network.nodes[3].finalizes(waiting + SOME).await;
    let at = chain.at_finalized().await.unwrap();
    assert_eq!(at.balance(&friend.account()).await.unwrap(), ASY);

    // A newcomer gets the same chain, block by block or from a proof of what is final.
    let known = network.nodes[0].finalized().await.unwrap();
    for (name, sync) in [("full", "--sync=full"), ("warp", "--sync=warp")] {
        let newcomer = network.join(name, &[sync]).await;
        newcomer.finalizes(known).await;
        let same = until("the block's hash", FEW_BLOCKS, async || {
            newcomer.block_hash(known).await
        });
        assert_eq!(Some(same.await), network.nodes[0].block_hash(known).await);
    }

    // The short form of what `cargo xtask soak network` does for minutes.
    kill_at_random(&mut network, KILLS).await;
    assert_whole(&mut network).await;
}
