//! What `assay doctor` finds. Part of a test that has a network with a miner that is paid: another
//! one would take a minute to get there.

use assay_tests::{Network, Person, Process};
use std::time::Duration;

/// How long a command may take.
const COMMAND: Duration = Duration::from_secs(60);

/// Fails unless a miner at work is well, one without a place is told of, and so is a node that is
/// not there.
pub async fn tells_good_from_bad(network: &Network, miner: &Person) {
    let (url, netuid) = (network.node.url(), network.netuid.to_string());
    let of = |person: &Person| {
        let hotkey = person.hotkey_account().to_string();
        ["--node", &url, "--netuid", &netuid, "--hotkey", &hotkey].map(String::from)
    };
    let (success, said) = doctor("miner", &of(miner)).await;
    assert!(success, "{said}");
    let bad = said.contains(r#""verdict": "bad""#);
    for held in ["of the network", "s old", "earned so far", "as announced"] {
        assert!(!bad && said.contains(held), "{held}: {said}");
    }
    let (success, said) = doctor("stranger", &of(&Person::named("stranger"))).await;
    assert!(!success && said.contains("has no place"), "{said}");
    // Nothing listens at port 1.
    let nowhere = ["--node", "ws://127.0.0.1:1"].map(String::from);
    let (success, said) = doctor("nowhere", &nowhere).await;
    assert!(!success && said.contains("can't be reached"), "{said}");
}

async fn doctor(name: &str, arguments: &[String]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let command = ["doctor", "--json"].map(String::from);
    let command = command.iter().chain(arguments);
    let mut process = Process::start(name, "assay", command, folder.path());
    let status = process.ended(COMMAND).await;
    (status.success(), process.log())
}
