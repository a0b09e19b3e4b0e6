//! Bad input: configurations, task folders and state files.

use crate::common::digits;
use assay_primitives::{Digest, NetUid};
use assay_protocol::keys::KeySource;
use assay_validator::{
    store::{Owner, Store, StoreError},
    task::{built_in, TaskError, TaskFolder},
    Config, ConfigError, Flags,
};
use clap::Parser as _;
use std::{fs, path::Path};
use tempfile::TempDir;

fn flags(arguments: &[&str]) -> Flags {
    Flags::parse_from(std::iter::once(&"assay-validator").chain(arguments))
}

const NEEDED: [&str; 6] = ["--netuid", "3", "--task", "t", "--hotkey-file", "hotkey"];

#[test]
fn load_takes_flags_over_the_file_over_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("validator.toml");
    fs::write(&file, "round_every = 7\nprobes = [\"a:1\"]\n[chain]\nnetuid = 9\n[hotkey]\nscheme = \"sr25519\"\n").unwrap();
    let mut arguments = NEEDED.to_vec();
    let path = file.display().to_string();
    arguments.extend(["--config", &path]);
    let config = Config::load(&flags(&arguments)).unwrap();
    assert_eq!((config.chain.netuid, config.round_every), (NetUid(3), 7));
    assert_eq!(config.chain.url, "ws://127.0.0.1:9944");
    assert_eq!(config.probes(), ["a:1"]);
    assert_eq!(config.hotkey.file.as_deref(), Some(Path::new("hotkey")));
}

#[test]
fn load_takes_what_the_unit_and_its_settings_say() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    let unit = fs::read_to_string(deploy.join("assay-validator.service")).unwrap();
    let started = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="));
    let started = Flags::try_parse_from(started.unwrap().split(' ')).unwrap();
    assert_eq!(started.config, Some("/etc/assay/validator.toml".into()));
    let settings = deploy.join("validator.toml").display().to_string();
    let config = Config::load(&flags(&["--config", &settings])).unwrap();
    // Where the unit lets it write.
    assert!(unit.contains("StateDirectory=assay-validator\n"));
    assert!(config.state.starts_with("/var/lib/assay-validator"));
}

#[test]
fn load_fails_when_a_field_is_unknown_or_missing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("validator.toml");
    fs::write(&file, "[chain]\nnettuid = 9\n").unwrap();
    let mut arguments = NEEDED.to_vec();
    let path = file.display().to_string();
    arguments.extend(["--config", &path]);
    let error = Config::load(&flags(&arguments)).unwrap_err().to_string();
    assert!(error.contains("nettuid"), "{error}");

    let error = Config::load(&flags(&["--task", "t"]))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("chain") || error.contains("hotkey"),
        "{error}"
    );

    let missing = Config::load(&flags(&["--config", "/nowhere.toml"])).unwrap_err();
    assert!(matches!(missing, ConfigError::NoFile(_)), "{missing}");
}

#[test]
fn load_fails_when_a_value_is_out_of_range() {
    for (flag, value, field) in [
        ("--chain-url", "http://x", "chain.url"),
        ("--round-every", "0", "round_every"),
    ] {
        let mut arguments = NEEDED.to_vec();
        arguments.extend([flag, value]);
        let error = Config::load(&flags(&arguments)).unwrap_err();
        assert!(
            matches!(error, ConfigError::Invalid { name: named, .. } if named == field),
            "{error}"
        );
    }
}

#[test]
fn print_config_shows_no_secret() {
    let mut config = Config::load(&flags(&NEEDED)).unwrap();
    config.hotkey = KeySource::suri("//Alice");
    let printed = config.to_toml().unwrap();
    assert!(!printed.contains("Alice"), "{printed}");
    assert!(printed.contains("redacted"), "{printed}");
}

#[test]
fn probes_fall_back_to_the_node() {
    let mut config = Config::load(&flags(&NEEDED)).unwrap();
    for (node, probe) in [
        ("ws://127.0.0.1:9944", "127.0.0.1:9944"),
        ("wss://node.example/path", "node.example:443"),
        ("ws://node.example", "node.example:80"),
    ] {
        config.chain.url = node.into();
        assert_eq!(config.probes(), [probe]);
    }
}

/// A copy of the digits task whose `task.toml` was changed.
fn folder(change: impl FnOnce(String) -> String) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("benchmark")).unwrap();
    let benchmark = "benchmark/heldout.csv";
    fs::copy(digits().join(benchmark), copy.path().join(benchmark)).unwrap();
    let text = fs::read_to_string(digits().join("task.toml")).unwrap();
    fs::write(copy.path().join("task.toml"), change(text)).unwrap();
    copy
}

fn load(folder: &Path) -> Result<(), TaskError> {
    built_in(&TaskFolder::load(folder)?).map(drop)
}

#[test]
fn task_loads_when_the_folder_is_whole() {
    let folder = folder(|text| text);
    load(folder.path()).unwrap();
    let task = TaskFolder::load(folder.path()).unwrap();
    task.check_against(&task.spec().unwrap()).unwrap();
}

#[test]
fn task_is_refused_when_a_file_is_missing() {
    let folder = folder(|text| text);
    fs::remove_file(folder.path().join("benchmark/heldout.csv")).unwrap();
    let error = load(folder.path()).unwrap_err();
    assert!(matches!(error, TaskError::Missing { .. }), "{error}");
    assert!(error.to_string().contains("heldout.csv"), "{error}");

    fs::remove_file(folder.path().join("task.toml")).unwrap();
    let error = load(folder.path()).unwrap_err();
    assert!(error.to_string().contains("task.toml"), "{error}");
}

#[test]
fn task_is_refused_when_the_benchmark_is_another_file() {
    let folder = folder(|text| text);
    let path = folder.path().join("benchmark/heldout.csv");
    let changed = fs::read_to_string(&path).unwrap().replacen('1', "2", 1);
    fs::write(&path, changed).unwrap();
    let error = load(folder.path()).unwrap_err();
    assert!(matches!(error, TaskError::WrongDigest { .. }), "{error}");
}

#[test]
fn task_is_refused_when_a_field_is_unknown_or_out_of_range() {
    for (from, to, reason) in [
        (
            "name = \"digits\"",
            "name = \"digits\"\ncolour = 1",
            "colour",
        ),
        ("rule = \"classification\"", "rule = \"guess\"", "guess"),
        ("classes = 10", "classes = 1", "out of range"),
        ("classes = 10", "classes = 10\ntypo = 1", "typo"),
        ("deadline_ms = 1000", "deadline_ms = 0", "deadline"),
        (
            "items_per_request = 32",
            "items_per_request = 33",
            "items_per_request",
        ),
        (
            "items_per_round = 64",
            "items_per_round = 0",
            "items_per_round",
        ),
        (
            "credible_level = 0.95",
            "credible_level = 1.0",
            "credible_level",
        ),
        (
            "half_life_rounds = 40.0",
            "half_life_rounds = 0.0",
            "half_life_rounds",
        ),
        (
            "output = \"label\"",
            "output = \"class\"",
            "`class` must be",
        ),
        (
            "output = \"label\"",
            "output = \"label\"\nchance = 1.0",
            "chance",
        ),
        ("shared_per_round = 8", "shared_per_round = 61", "fit"),
        ("same_within = 0.0001", "same_within = 0.0", "same_within"),
        (
            "[benchmark]",
            "[generator]\nbuiltin = \"friedman\"\n[benchmark]",
            "either",
        ),
        ("shape = [-1, 64]", "shape = [64]", "first dimension"),
        ("shape = [-1, 64]", "shape = [-1, 63]", "63 columns"),
    ] {
        let folder = folder(|text| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        let error = load(folder.path()).unwrap_err().to_string();
        assert!(error.contains(reason), "{from} -> {to}: {error}");
    }
}

#[tokio::test]
async fn open_is_refused_when_the_state_is_another_validator_s() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/state.sqlite");
    let owner = Owner {
        genesis: Digest([1; 32]),
        netuid: NetUid(1),
        hotkey: [2; 32],
    };
    Store::open(&path, owner).await.unwrap();
    Store::open(&path, owner).await.unwrap();
    let others = [
        (
            "genesis",
            Owner {
                genesis: Digest([9; 32]),
                ..owner
            },
        ),
        (
            "netuid",
            Owner {
                netuid: NetUid(9),
                ..owner
            },
        ),
        (
            "hotkey",
            Owner {
                hotkey: [9; 32],
                ..owner
            },
        ),
    ];
    for (differs, other) in others {
        let error = Store::open(&path, other).await.err().unwrap();
        assert!(
            matches!(&error, StoreError::OtherOwner { what, .. } if what == differs),
            "{error}"
        );
    }
}

#[tokio::test]
async fn open_is_refused_when_the_state_is_not_a_database_or_too_new() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    let owner = Owner {
        genesis: Digest([1; 32]),
        netuid: NetUid(1),
        hotkey: [2; 32],
    };
    fs::write(&path, vec![b'x'; 8192]).unwrap();
    let error = Store::open(&path, owner).await.err().unwrap();
    assert!(matches!(error, StoreError::Sqlite { .. }), "{error}");

    fs::remove_file(&path).unwrap();
    Store::open(&path, owner).await.unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 999).unwrap();
    let error = Store::open(&path, owner).await.err().unwrap();
    assert!(
        matches!(error, StoreError::TooNew { found: 999, .. }),
        "{error}"
    );
}
