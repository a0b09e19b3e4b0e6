//! What a validator shows of an epoch, checked on the command line beside the chain. Part of a test that
//! has a network with a few epochs behind it: another one would take a minute to get there.

use assay_primitives::EpochIndex;
use assay_tests::{digits, until, Network, Process, Validator};
use serde_json::{json, Value};
use std::{fs, path::Path, time::Duration};

/// How long an epoch may take, and how long a command.
const EPOCH: Duration = Duration::from_secs(90);
const COMMAND: Duration = Duration::from_secs(60);

/// Fails unless the second epoch that a validator revealed holds, and what is changed in it does not.
pub async fn is_checked(network: &Network, validator: &Validator) {
    let epoch = second_revealed(network, validator).await;
    let folder = tempfile::tempdir().unwrap();
    let (url, node) = (validator.url(), network.node.url());
    let number = epoch.0.to_string();
    let netuid = network.netuid.to_string();
    let asked = [
        "--validator",
        &url,
        "--netuid",
        &netuid,
        "--epoch",
        &number,
        "--node",
        &node,
    ];
    let (success, said) = check("honest", &asked, folder.path()).await;
    let redone: Value = serde_json::from_str(&said).unwrap();
    assert!(success && redone["problems"] == json!([]), "{said}");
    assert!(redone["leaves"].as_u64() > Some(0), "{said}");
    let lines = |list: &str| -> Vec<String> {
        let lines = redone[list].as_array().unwrap().iter();
        lines
            .map(|line| line.as_str().unwrap().to_owned())
            .collect()
    };
    for held in [
        "the commit is the one on chain",
        "the roots over leaves and scores are those that were revealed on chain",
        "the commitment to the next secret is the one on chain",
        "with the secret that stood committed there",
        "by the hotkey that held the place on chain",
    ] {
        assert!(
            lines("holds").iter().any(|line| line.contains(held)),
            "{held}: {said}"
        );
    }
    // Rounds of the first epoch, after its commit: nothing was committed before it.
    let first = format!("the secret of epoch {}", epoch.0 - 1);
    for line in lines("unchecked") {
        assert!(line.contains(&first), "{said}");
    }

    // The page agrees with itself: only the chain knows that another secret was committed to.
    let mut page = validator.page(&format!("/epochs/{epoch}")).await.unwrap();
    page["next_seed"] = json!("77".repeat(32));
    let file = folder.path().join("page.json");
    fs::write(&file, page.to_string()).unwrap();
    let kept = ["--file", file.to_str().unwrap(), "--node", &node];
    let (success, said) = check("changed", &kept, folder.path()).await;
    let problem = "the commitment to the next secret is the one on chain";
    let found = said
        .split("\"problems\"")
        .nth(1)
        .is_some_and(|said| said.contains(problem));
    assert!(!success && found, "{said}");
}

/// Fails unless a miner's score is explained, with its receipts.
pub async fn is_explained(validator: &Validator, uid: usize) {
    let folder = tempfile::tempdir().unwrap();
    let (url, uid) = (validator.url(), uid.to_string());
    let receipts = folder.path().join("receipts.jsonl");
    let command = [
        "score",
        "explain",
        "--validator",
        &url,
        "--uid",
        &uid,
        "--receipts",
    ];
    let command = command.iter().copied().chain([receipts.to_str().unwrap()]);
    let mut process = Process::start("explain", "assay", command, folder.path());
    let status = process.ended(COMMAND).await;
    let said = process.log();
    assert!(
        status.success() && said.contains("How that became a score"),
        "{said}"
    );
    let receipts = fs::read_to_string(&receipts).unwrap();
    assert!(receipts.lines().count() > 0, "{said}");
}

/// The second of two epochs in a row that a validator revealed.
async fn second_revealed(network: &Network, validator: &Validator) -> EpochIndex {
    until("two revealed epochs", EPOCH, async || {
        let open = network.graph().await.epoch;
        let mut before = false;
        for epoch in (0..open.0).map(EpochIndex) {
            let state = validator.submission(epoch).await;
            let revealed = state.as_deref() == Some("revealed");
            if revealed && before {
                return Some(epoch);
            }
            before = revealed;
        }
        None
    })
    .await
}

/// What `assay evidence check` says, and whether all holds.
async fn check(name: &str, arguments: &[&str], folder: &Path) -> (bool, String) {
    let task = digits();
    let command = [
        "evidence",
        "check",
        "--json",
        "--task",
        task.to_str().unwrap(),
    ];
    let command = command.iter().chain(arguments);
    let mut process = Process::start(name, "assay", command, folder);
    let status = process.ended(COMMAND).await;
    (status.success(), process.log())
}
