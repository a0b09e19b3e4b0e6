//! `assay localnet up` as a person starts it, and what is left when it ends.

use assay_tests::{digits, until, Process};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::{fs, time::Duration};
use tempfile::TempDir;

/// Three authors, four validators, eight miners.
const PROCESSES: usize = 15;
/// How long a network may take until all its processes run.
const START: Duration = Duration::from_secs(180);
/// How long it may take for three epochs of 20 s after that.
const RUN: Duration = Duration::from_secs(240);
/// How long its processes may take to end.
const END: Duration = Duration::from_secs(40);

/// A running `assay localnet up`.
struct Localnet {
    process: Process,
    home: TempDir,
}

impl Localnet {
    fn up(arguments: &[&str]) -> Self {
        let home = tempfile::Builder::new().prefix("assay-localnet-").tempdir();
        let home = home.unwrap();
        let network = home.path().join("network");
        let (task, network) = (digits(), network.to_str().unwrap());
        let task = task.to_str().unwrap();
        let command = ["localnet", "up", "--task", task, "--folder", network];
        let arguments = command.iter().chain(arguments);
        let process = Process::start("assay", "assay", arguments, home.path());
        Self { process, home }
    }

    /// The command lines of the network's processes: each names the network's folder. What has
    /// ended has none, even before its parent takes note.
    fn processes(&self) -> Vec<String> {
        let network = self.home.path().join("network/");
        let network = network.to_str().unwrap();
        let running = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let command = fs::read(entry.ok()?.path().join("cmdline")).ok()?;
            Some(String::from_utf8_lossy(&command).replace('\0', " "))
        });
        running
            .filter(|command| command.contains(network))
            .collect()
    }

    async fn all_run(&mut self) {
        until("all processes of the network", START, async || {
            self.process.assert_running();
            (self.processes().len() >= PROCESSES).then_some(())
        })
        .await;
    }

    async fn none_is_left(&self) {
        until("the end of the network's processes", END, async || {
            self.processes().is_empty().then_some(())
        })
        .await;
    }
}

fn column(rows: &Value, name: &str) -> Vec<Value> {
    let rows = rows.as_array().expect("a list");
    rows.iter().map(|row| row[name].clone()).collect()
}

/// Fails unless each row has these keys. It may have others.
fn assert_keys(rows: &Value, keys: &[&str]) {
    for row in rows.as_array().expect("a list") {
        for key in keys {
            assert!(row.get(key).is_some(), "{key} is missing in {row}");
        }
    }
}

#[tokio::test]
async fn localnet_up_reports_and_leaves_nothing_when_its_epochs_ran() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.json");
    let mut localnet = Localnet::up(&["--epochs", "3", "--json", out.to_str().unwrap()]);
    localnet.all_run().await;
    let status = localnet.process.ended(RUN).await;
    assert!(status.success(), "{status}: {}", localnet.process.log());
    assert_eq!(localnet.processes(), Vec::<String>::new());

    let report: Value = serde_json::from_slice(&fs::read(&out).unwrap()).unwrap();
    assert_eq!(report["epochs"], 3);
    assert!(report["issued"].as_f64().unwrap() > 0.0, "{report}");
    let (miners, validators) = (&report["miners"], &report["validators"]);
    let of_miner = [
        "uid",
        "role",
        "model",
        "heldout_accuracy",
        "score",
        "incentive",
        "emission",
    ];
    assert_keys(miners, &of_miner);
    let of_validator = [
        "uid",
        "role",
        "stake",
        "validator_trust",
        "dividends",
        "emission",
    ];
    assert_keys(validators, &of_validator);
    let roles = |rows| {
        let mut roles = column(rows, "role");
        roles.sort_by_key(ToString::to_string);
        roles
    };
    let miners_play = [
        "honest", "honest", "honest", "honest", "honest", "late", "random", "relay",
    ];
    assert_eq!(roles(miners), miners_play);
    assert_eq!(roles(validators), ["copier", "honest", "honest", "selfish"]);
    for miner in miners.as_array().unwrap() {
        let honest = miner["role"] == "honest";
        assert!(!honest || miner["score"].as_f64() > Some(0.0), "{miner}");
    }
}

#[tokio::test]
async fn localnet_up_leaves_nothing_when_it_is_interrupted() {
    let mut localnet = Localnet::up(&[]);
    localnet.all_run().await;
    localnet.process.signal(Signal::SIGINT);
    let status = localnet.process.ended(END).await;
    assert!(status.success(), "{status}: {}", localnet.process.log());
    assert_eq!(localnet.processes(), Vec::<String>::new());
    let log = localnet.process.log();
    assert!(log.contains("ended on request"), "{log}");
}

#[tokio::test]
async fn localnet_up_leaves_nothing_when_it_is_killed() {
    let mut localnet = Localnet::up(&[]);
    localnet.all_run().await;
    localnet.process.kill();
    localnet.none_is_left().await;
}

#[tokio::test]
async fn localnet_up_says_what_is_missing_when_the_task_is_not_whole() {
    let home = tempfile::tempdir().unwrap();
    let task = home.path().join("task");
    fs::create_dir(&task).unwrap();
    let source = digits().join("task.toml");
    fs::copy(source, task.join("task.toml")).unwrap();
    let command = ["localnet", "up", "--task", task.to_str().unwrap()];
    let mut process = Process::start("assay", "assay", command, home.path());
    let status = process.ended(END).await;
    let log = process.log();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("heldout"), "{log}");
}
