//! A live network whose runtime is replaced.

use assay_chain_client::{calls, ChainClient, ChainConfig};
use assay_primitives::{BlockNumber, Digest, EpochIndex, NetUid, ASY, MIN_TEMPO};
use assay_tests::{digits, key, program, Authors, NextRuntime, Pace, Peer, Person};
use assay_validator::task::TaskFolder;
use serde_json::{json, Value};
use std::{fs, process::Command, time::Duration};

/// Long enough for three authors on one busy machine to make every block in its time.
const SLOT: Duration = Duration::from_secs(2);
/// Who has all the say and the money.
const ROOT: &str = "//Alice";
/// The most that the subnet may cost.
const PRICE: u128 = 1_000 * ASY;
/// Blocks looked at before the upgrade and after it, at least an epoch of each runtime among them.
const AROUND: BlockNumber = MIN_TEMPO;
/// The key under which every chain stores its runtime: `:code`.
const CODE: &str = "0x3a636f6465";

#[tokio::test]
async fn live_network_misses_no_block_and_no_epoch_when_its_runtime_is_replaced() {
    let pace = Pace {
        slot: SLOT,
        tempo: MIN_TEMPO,
    };
    let network = Authors::at_pace(3, pace).await;
    let chain = ChainClient::new(ChainConfig::new(network.nodes[0].url()));
    let spec = TaskFolder::load(&digits()).unwrap().spec().unwrap();
    let register = calls::register_subnet(&spec, PRICE);
    let receipt = chain.submit(&key(ROOT), &register).await.unwrap();
    let netuid = calls::registered_subnet(&receipt).expect("a subnet is registered");

    // Whoever runs a node knows what is coming and has it compiled, as the guide says.
    let next = next_runtime(&network.nodes[0]).await;
    let file = network.folder().join("next.wasm");
    fs::write(&file, &next.code).unwrap();
    let mut compile = Command::new(program("assay-node"));
    let compiled = compile.arg("compile-runtime").arg(&file).status().unwrap();
    assert!(compiled.success());

    let first = chain.at_finalized().await.unwrap().block().number;
    let upgrade = calls::sudo_set_code(next.code);
    let receipt = chain.submit(&key(ROOT), &upgrade).await.unwrap();
    assert!(!calls::sudo_failed(&receipt), "root may not set the code");
    let last = receipt.block.number + AROUND;
    for node in &network.nodes {
        node.finalizes(last.into()).await;
        assert_eq!(version(node).await, next.version, "{}", node.name);
    }

    let mut facts = Vec::new();
    for number in first..=last {
        facts.push(Facts::read(&network.nodes[0], &chain, number, netuid).await);
    }
    assert!(facts[0].version < facts[facts.len() - 1].version);
    assert!(facts[0].epoch < facts[facts.len() - 1].epoch);
    for (parent, block) in facts.iter().zip(&facts[1..]) {
        let number = block.number;
        assert_eq!(block.slot, parent.slot + 1, "block {number}: {facts:#?}");
        let due = u32::from(parent.next_epoch_at == number);
        let epoch = EpochIndex(parent.epoch.0 + due);
        assert_eq!(block.epoch, epoch, "block {number}: {facts:#?}");
    }

    // A client that was there before goes on: what it signs is for the runtime that is in force.
    let friend = Person::named("friend");
    let gift = calls::transfer(&friend.account(), ASY);
    chain.submit(&key(ROOT), &gift).await.unwrap();
    let at = chain.at_finalized().await.unwrap();
    assert_eq!(at.balance(&friend.account()).await.unwrap(), ASY);
}

/// What a block shows of the chain's course.
#[derive(Debug)]
struct Facts {
    number: BlockNumber,
    /// Slots since 1970, by its time.
    slot: u64,
    version: u32,
    /// The subnet's open epoch.
    epoch: EpochIndex,
    next_epoch_at: BlockNumber,
}

impl Facts {
    async fn read(node: &Peer, chain: &ChainClient, number: BlockNumber, netuid: NetUid) -> Self {
        let hash = node.block_hash(number.into()).await.unwrap();
        let version = node.ask("state_getRuntimeVersion", json!([hash])).await;
        let at = chain
            .at_block(Digest(bytes(&hash).try_into().unwrap()))
            .await;
        let at = at.unwrap();
        let subnet = at.subnet(netuid).await.unwrap().summary;
        Self {
            number,
            slot: at.time_ms().await.unwrap() / SLOT.as_millis() as u64,
            version: spec_version(&version.unwrap()),
            epoch: subnet.epoch,
            next_epoch_at: subnet.next_epoch_at,
        }
    }
}

/// What comes after the runtime of a node's chain.
async fn next_runtime(node: &Peer) -> NextRuntime {
    let code = node.ask("state_getStorage", json!([CODE])).await.unwrap();
    NextRuntime::after(&bytes(&code), version(node).await)
}

async fn version(node: &Peer) -> u32 {
    let version = node.ask("state_getRuntimeVersion", json!([])).await;
    spec_version(&version.unwrap())
}

fn spec_version(version: &Value) -> u32 {
    let version = version["specVersion"].as_u64().unwrap();
    version.try_into().unwrap()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().and_then(|text| text.strip_prefix("0x"));
    hex::decode(hex.expect("hexadecimal text")).unwrap()
}
