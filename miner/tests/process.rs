//! The program itself: what it prints, and how it ends.

mod common;

use assay_telemetry::NEEDS_MENDING;
use common::{caller, digits, miner, Client, PATIENCE};
use nix::{
    sys::signal::{kill, Signal},
    unistd::Pid,
};
use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::{SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, ChildStderr, Command, Output, Stdio},
    time::{Duration, Instant},
};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay-miner"));
    command
        .args(arguments)
        .env("ASSAY_MINER_HOTKEY__SURI", "//Bob")
        .env("ASSAY_MINER_STATE", "");
    command
}

fn output(arguments: &[&str]) -> Output {
    program(arguments).output().unwrap()
}

/// A miner that is killed if the test does not end it.
struct Running {
    child: Child,
    log: BufReader<ChildStderr>,
    client: Client,
}

/// A miner and its log.
fn spawned(arguments: &[&str]) -> (Child, BufReader<ChildStderr>) {
    let mut command = program(&["--listen", "127.0.0.1:0", "--log-format", "json"]);
    let mut child = command
        .args(arguments)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    (child, log)
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let (child, mut log) = spawned(arguments);
        let address = loop {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "the miner ended");
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            if line["message"] == "serving" {
                break line["address"].as_str().unwrap().parse().unwrap();
            }
        };
        Self::of(child, log, address)
    }

    fn of(child: Child, log: BufReader<ChildStderr>, address: SocketAddr) -> Self {
        let client = Client {
            address,
            key: caller(),
            miner: miner().hotkey(),
        };
        Self { child, log, client }
    }

    /// Waits for a line of the log that holds this.
    fn said(&mut self, what: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.log.read_line(&mut line).unwrap();
            assert_ne!(read, 0, "the miner ended, and did not say: {what}");
            if line.contains(what) {
                return line;
            }
        }
    }

    /// Waits until a model's first queries are run: a thread of this name looks at their time.
    fn until_first_queries(&self) {
        let deadline = Instant::now() + PATIENCE;
        let tasks = format!("/proc/{}/task", self.child.id());
        let times = |task: std::io::Result<std::fs::DirEntry>| {
            let name = task.and_then(|task| std::fs::read_to_string(task.path().join("comm")));
            name.is_ok_and(|name| name.trim() == "deadline")
        };
        while !std::fs::read_dir(&tasks).unwrap().any(times) {
            assert!(Instant::now() < deadline, "no model is being loaded");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn signal(&self, signal: Signal) {
        kill(
            Pid::from_raw(i32::try_from(self.child.id()).unwrap()),
            signal,
        )
        .unwrap();
    }

    fn ended(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "the miner does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn models() -> String {
    digits().to_str().unwrap().to_owned()
}

#[tokio::test]
async fn program_serves_and_ends_well_when_told_to() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut miner = Running::start(&["--models", &models()]);
        let query = common::blank(1);
        let how = assay_protocol::oip::Encoding::Binary;
        assert_eq!(
            miner.client.infer("logistic", &query, how).await.status,
            200
        );
        miner.signal(signal);
        assert_eq!(miner.ended(), Some(0));
        let mut rest = String::new();
        miner.log.read_to_string(&mut rest).unwrap();
        assert!(rest.contains("\"ended\""), "{rest}");
    }
}

#[test]
fn program_ends_when_told_to_while_a_model_is_loaded_at_its_start() {
    let stuck = common::folder(&[("m/1", &common::fixture("forever.onnx"))]);
    let (child, log) = spawned(&["--models", stuck.path().to_str().unwrap()]);
    let address = ([127, 0, 0, 1], 1).into();
    let mut miner = Running::of(child, log, address);
    miner.said("ONNX Runtime loaded");
    miner.until_first_queries();
    miner.signal(Signal::SIGTERM);
    assert_eq!(miner.ended(), Some(0));
}

#[test]
fn program_ends_when_told_to_while_another_model_is_loaded() {
    let folder = common::folder(&[("svc/1", &digits().join("svc/1/model.onnx"))]);
    let mut miner = Running::start(&["--models", folder.path().to_str().unwrap()]);
    let version = folder.path().join("stuck/1");
    std::fs::create_dir_all(&version).unwrap();
    std::fs::copy(common::fixture("forever.onnx"), version.join("model.onnx")).unwrap();
    miner.signal(Signal::SIGHUP);
    miner.said("SIGHUP");
    miner.until_first_queries();
    miner.signal(Signal::SIGTERM);
    assert_eq!(miner.ended(), Some(0));
}

#[tokio::test]
async fn program_lives_on_when_it_is_hung_up_on() {
    let mut miner = Running::start(&["--models", &models()]);
    miner.signal(Signal::SIGHUP);
    let query = common::blank(1);
    let how = assay_protocol::oip::Encoding::Binary;
    assert_eq!(miner.client.infer("svc", &query, how).await.status, 200);
    miner.signal(Signal::SIGTERM);
    assert_eq!(miner.ended(), Some(0));
}

#[test]
fn program_says_why_it_ends_in_its_log_when_it_has_one() {
    let refused = output(&["--models", "/nowhere", "--log-format", "json"]);
    let printed = String::from_utf8(refused.stderr).unwrap();
    let last: serde_json::Value = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
    assert_eq!(last["level"], "ERROR");
    assert!(
        last["message"].as_str().unwrap().contains("/nowhere"),
        "{printed}"
    );
    let silenced = output(&["--models", "/nowhere", "--log-filter", "off"]);
    let printed = String::from_utf8(silenced.stderr).unwrap();
    assert!(printed.starts_with("error: "), "{printed}");
}

#[tokio::test]
async fn program_serves_when_the_node_is_away_at_the_start() {
    let chain = ["--chain-url", "ws://127.0.0.1:1", "--netuid", "1"];
    let one = common::folder(&[("svc/1", &digits().join("svc/1/model.onnx"))]);
    let folder = one.path().to_str().unwrap().to_owned();
    let mut miner = Running::start(&[&["--models", &folder], &chain[..]].concat());
    let query = common::blank(1);
    let how = assay_protocol::oip::Encoding::Json;
    assert_eq!(miner.client.infer("svc", &query, how).await.status, 200);
    let line = miner.said("ws://127.0.0.1:1");
    assert!(line.contains("is it running"), "{line}");
    miner.signal(Signal::SIGTERM);
    assert_eq!(miner.ended(), Some(0));
}

#[test]
fn program_warns_when_it_would_not_start_again_with_the_models_that_it_serves() {
    let svc = digits().join("svc/1/model.onnx");
    let folder = common::folder(&[("svc/1", &svc)]);
    let models = folder.path().to_str().unwrap().to_owned();
    let mut miner = Running::start(&[
        "--models",
        &models,
        "--chain-url",
        "ws://127.0.0.1:1",
        "--netuid",
        "1",
    ]);
    std::fs::create_dir_all(folder.path().join("other/1")).unwrap();
    std::fs::copy(svc, folder.path().join("other/1/model.onnx")).unwrap();
    miner.signal(Signal::SIGHUP);
    let warned = miner.said("chain.model");
    assert!(
        warned.contains("WARN") && warned.contains("not start again"),
        "{warned}"
    );
    miner.signal(Signal::SIGTERM);
    assert_eq!(miner.ended(), Some(0));
}

#[test]
fn program_checks_models_without_serving() {
    let checked = output(&["--models", &models(), "--check", "--provider", "cpu"]);
    assert!(checked.status.success(), "{checked:?}");
    let printed = String::from_utf8(checked.stdout).unwrap();
    assert!(
        printed.contains("svc 1 on CPUExecutionProvider: ok"),
        "{printed}"
    );
}

#[test]
fn program_lets_onnx_runtime_keep_no_name_to_report_under() {
    let cache = tempfile::tempdir().unwrap();
    let checked = program(&["--models", &models(), "--check", "--provider", "cpu"])
        .env("XDG_CACHE_HOME", cache.path())
        // With either it reports nothing by itself.
        .env_remove("ORT_DISABLE_TELEMETRY")
        .env_remove("CI")
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
    assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0);
}

#[test]
fn program_checks_addresses_folders_and_the_admins_token() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "short").unwrap();
    let below = file.join("state").to_str().unwrap().to_owned();
    let token = file.to_str().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let check = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = program(&["--models", &models(), "--check", "--provider", "cpu"]);
        command.args(arguments).envs(variables.iter().copied());
        command.output().unwrap()
    };
    // Most likely the miner that listens there is the one that is checked.
    let running = check(&["--listen", &taken, "--metrics", &taken], &[]);
    assert!(running.status.success(), "{running:?}");
    let printed = String::from_utf8(running.stdout).unwrap();
    assert_eq!(printed.matches("in use now").count(), 2, "{printed}");
    for (arguments, variables, says) in [
        // An address for examples, which no machine has.
        (
            &["--listen", "192.0.2.1:8080"][..],
            &[][..],
            "no such address",
        ),
        (&["--metrics", "192.0.2.1:9100"], &[], "192.0.2.1:9100"),
        (
            &[],
            &[("ASSAY_MINER_STATE", below.as_str())],
            "name one in `state`",
        ),
        (
            &[],
            &[
                ("ASSAY_MINER_TLS__CERTIFICATE", below.as_str()),
                ("ASSAY_MINER_TLS__KEY", below.as_str()),
            ],
            "TLS: ",
        ),
        (
            &[],
            &[
                ("ASSAY_MINER_ADMIN__LISTEN", "127.0.0.1:0"),
                ("ASSAY_MINER_ADMIN__TOKEN_FILE", token),
            ],
            "fewer than 16 characters",
        ),
    ] {
        let refused = check(arguments, variables);
        assert!(!refused.status.success(), "{says}");
        let printed = String::from_utf8(refused.stderr).unwrap();
        assert!(printed.contains(says), "{printed}");
    }
}

#[test]
fn program_logs_json_to_its_last_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let ended = output(&[
        "--models",
        &models(),
        "--listen",
        &taken,
        "--log-format",
        "json",
    ]);
    assert!(!ended.status.success());
    let lines = String::from_utf8(ended.stderr).unwrap();
    let lines = lines.lines().map(serde_json::from_str);
    let lines: Vec<serde_json::Value> = lines.collect::<Result<_, _>>().unwrap();
    let last = lines.last().unwrap();
    assert_eq!(last["level"], "ERROR");
    assert!(last["message"].as_str().unwrap().contains(&taken), "{last}");
}

#[test]
fn program_keeps_its_keys_out_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let (hotkey, coldkey) = ("11".repeat(32), "22".repeat(32));
    let file = folder.path().join("hotkey");
    std::fs::write(&file, format!("0x{hotkey}")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let one = common::folder(&[("svc/1", &digits().join("svc/1/model.onnx"))]);
    let all = [
        "--log-filter",
        "trace",
        "--log-format",
        "json",
        "--listen",
        "127.0.0.1:0",
    ];
    let chain = ["--chain-url", "ws://127.0.0.1:1", "--netuid", "1"];
    let models = ["--models", one.path().to_str().unwrap()];
    let mut child = program(&[&all[..], &chain, &models].concat())
        .env_remove("ASSAY_MINER_HOTKEY__SURI")
        .env("ASSAY_MINER_HOTKEY__FILE", &file)
        .env("ASSAY_MINER_CHAIN__COLDKEY__SURI", format!("0x{coldkey}"))
        .env("ASSAY_MINER_CHAIN__MAX_PRICE", "1")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = String::new();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    // The keys were used, and for want of a node the settings were quoted, when this is said.
    while !log.contains("the chain does not know this miner") {
        assert_ne!(
            lines.read_line(&mut log).unwrap(),
            0,
            "the miner ended: {log}"
        );
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        log.contains("\"TRACE\"") || log.contains("\"DEBUG\""),
        "{log}"
    );
    for secret in [hotkey, coldkey] {
        assert!(!log.contains(&secret), "{log}");
    }
}

#[test]
fn program_prints_its_settings_without_secrets() {
    let printed = output(&["--print-config", "--listen", "0.0.0.0:9000"]);
    assert!(printed.status.success(), "{printed:?}");
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(printed.contains("listen = \"0.0.0.0:9000\""), "{printed}");
    assert!(!printed.contains("//Bob"), "{printed}");
}

#[test]
fn program_says_what_is_wrong_when_it_cannot_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("miner.toml");
    std::fs::write(&file, "modles = \"x\"\n").unwrap();
    let file = file.to_str().unwrap();
    let nowhere = Path::new("/nowhere").to_str().unwrap();
    let (helps, useless) = (Some(1), Some(i32::from(NEEDS_MENDING)));
    for (arguments, says, restart) in [
        (vec!["--config", file], "modles", useless),
        (
            vec!["--models", nowhere],
            "can't read the model folder /nowhere",
            helps,
        ),
        (
            vec!["--models", nowhere, "--log-filter", "assay=loudest"],
            "log filter",
            useless,
        ),
        (
            vec!["--hotkey-file", nowhere],
            "the key is named both",
            useless,
        ),
        (vec!["--admission", "friends"], "friends", Some(2)),
    ] {
        let refused = output(&arguments);
        assert_eq!(refused.status.code(), restart, "{arguments:?}");
        let printed = String::from_utf8(refused.stderr).unwrap();
        assert!(
            printed.contains(says) && !printed.contains("panicked"),
            "{printed}"
        );
    }
}
