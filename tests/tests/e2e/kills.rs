//! Nodes killed at random moments: whatever they were writing, they come back, the chain goes on
//! becoming final, and no database is any the worse for it.
//!
//! `ASSAY_KILLS` says how often (`cargo xtask soak network`: fifty times), `ASSAY_SEED` when.

use assay_tests::{until, Authors, Peer};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{json, Deserializer, Value};
use std::{fs, time::Duration};

/// Blocks that show that the chain goes on.
const SOME: u64 = 2;
/// One in so many is killed again while it starts.
const AT_THE_START: u32 = 4;
/// The longest that a node runs until one is killed, and that it is away.
const LONGEST: Duration = Duration::from_secs(3);
/// How long a node may take until it answers, on a busy machine.
const START: Duration = Duration::from_secs(180);

#[tokio::test]
#[ignore = "takes minutes: `cargo xtask soak network` runs it"]
async fn databases_stay_whole_when_nodes_are_killed_at_random_moments() {
    let kills = setting("ASSAY_KILLS", 50) as u32;
    let mut network = Authors::start(4).await;
    network.nodes[0].finalizes(SOME).await;
    kill_at_random(&mut network, kills).await;
    let known = assert_whole(&mut network).await;
    println!("killed {kills} times: {known} blocks are final, the same on every node");
    // The newest final state, to the last key.
    let number = known.to_string();
    let state = |node: &Peer| node.run("export-state", &[&number]);
    let first = state(&network.nodes[0]);
    for node in &network.nodes[1..] {
        assert!(state(node) == first, "{} holds another state", node.name);
    }
}

/// Kills one node after the other and starts it again; after each the chain must go on.
pub async fn kill_at_random(network: &mut Authors, kills: u32) {
    let seed = setting("ASSAY_SEED", u64::from(std::process::id()));
    println!("ASSAY_SEED={seed} replays the moments");
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let authors = network.nodes.len();
    for number in 1..=kills {
        let victim = dice.random_range(0..authors);
        pause(&mut dice).await;
        network.nodes[victim].kill();
        let best = best(&network.nodes[(victim + 1) % authors]).await;
        pause(&mut dice).await;
        network.nodes[victim].launch();
        let name = &network.nodes[victim].name;
        println!("{number} of {kills}: {name}, while block {best} was the best");
        if dice.random_ratio(1, AT_THE_START) {
            pause(&mut dice).await;
            network.nodes[victim].kill();
            network.nodes[victim].launch();
        }
        network.nodes[victim].serves().await;
        network.nodes[victim].finalizes(best + SOME).await;
    }
}

/// Ends all nodes and reads their chains from the first block to the newest that all know to be
/// final, whose number it returns.
pub async fn assert_whole(network: &mut Authors) -> u64 {
    let mut known = u64::MAX;
    for node in &network.nodes {
        let what = format!("what is final for {}", node.name);
        known = known.min(until(&what, START, async || node.finalized().await).await);
    }
    for node in &mut network.nodes {
        node.kill();
    }
    let first = blocks(network, 0, known);
    assert_eq!(first.len() as u64, known, "blocks are missing");
    for number in 1..network.nodes.len() {
        let name = &network.nodes[number].name;
        assert!(blocks(network, number, known) == first, "{name} differs");
    }
    known
}

/// A node's blocks, read from its database.
fn blocks(network: &Authors, node: usize, to: u64) -> Vec<Value> {
    let node = &network.nodes[node];
    let file = network.folder().join(format!("{}.blocks", node.name));
    let path = file.to_str().expect("a temporary folder's path is text");
    node.run(
        "export-blocks",
        &["--from=1", "--to", &to.to_string(), path],
    );
    let text = fs::read(&file).expect("the blocks were written");
    let values = Deserializer::from_slice(&text).into_iter::<Value>();
    // Beside a block stands who proved it final, which each node may have from others.
    let block = |signed: Value| json!({ "block": signed["block"] });
    values
        .map(|signed| block(signed.expect("what the node writes is JSON")))
        .collect()
}

async fn best(node: &Peer) -> u64 {
    let what = format!("the best block of {}", node.name);
    until(&what, START, async || node.best().await).await
}

/// A moment of any length: it is what the test is about.
async fn pause(dice: &mut ChaCha8Rng) {
    tokio::time::sleep(LONGEST.mul_f64(dice.random::<f64>())).await;
}

fn setting(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(default, |text| text.parse().expect("a number"))
}
