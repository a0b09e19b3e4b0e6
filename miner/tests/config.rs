//! From flags, environment and file to `Config`. Each test runs in a process of its own under
//! nextest; under plain `cargo test` a lock keeps their environments apart.

use assay_miner::{config::AdmissionMode, config::ProviderChoice, Config, Flags};
use clap::Parser as _;
use std::{env, path::PathBuf, sync::Mutex};

static ENVIRONMENT: Mutex<()> = Mutex::new(());

fn load(toml: &str, variables: &[(&str, &str)], flags: &[&str]) -> Result<Config, String> {
    let _alone = ENVIRONMENT
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("miner.toml");
    std::fs::write(&file, toml).unwrap();
    for (name, value) in variables {
        env::set_var(name, value);
    }
    let file = file.to_str().unwrap();
    let arguments = ["assay-miner", "--config", file]
        .into_iter()
        .chain(flags.iter().copied());
    let loaded = Flags::try_parse_from(arguments)
        .map_err(|why| why.to_string())
        .and_then(|flags| Config::load(&flags).map_err(|why| why.to_string()));
    for (name, _) in variables {
        env::remove_var(name);
    }
    loaded
}

const CHAIN: &str = "[chain]\nurl = \"ws://127.0.0.1:9944\"\nnetuid = 1\n";

#[test]
fn load_takes_flags_over_environment_over_file_over_defaults() {
    let toml =
        "models = \"file\"\n[limits]\nrequests = 3\nconnections = 4\n[inference]\nqueue = 5\n";
    let variables = [
        ("ASSAY_MINER_LIMITS__REQUESTS", "30"),
        ("ASSAY_MINER_INFERENCE__QUEUE", "50"),
        ("ASSAY_MINER_INFERENCE__PROVIDER", "cpu"),
        ("ASSAY_MINER_HOTKEY__SURI", "//Alice"),
    ];
    let flags = [
        "--models",
        "flag",
        "--admission",
        "public",
        "--provider",
        "cuda",
    ];
    let config = load(toml, &variables, &flags).unwrap();
    assert_eq!(config.models, PathBuf::from("flag"));
    assert_eq!(config.admission, AdmissionMode::Public);
    assert_eq!(config.inference.provider, ProviderChoice::Cuda);
    assert_eq!(config.limits.requests, 30);
    assert_eq!(config.limits.connections, 4);
    assert_eq!(config.inference.queue, 50);
    assert_eq!(config.limits.body_bytes, 16 * 1024 * 1024);
    assert!(config.hotkey.load().is_ok());
}

#[test]
fn load_takes_texts_of_the_environment_as_they_are() {
    let variables = [
        ("ASSAY_MINER_CHAIN__URL", "ws://127.0.0.1:9944"),
        ("ASSAY_MINER_CHAIN__NETUID", "1"),
        ("ASSAY_MINER_CHAIN__MODEL", "7"),
        ("ASSAY_MINER_CHAIN__MAX_PRICE", "2.50"),
        ("ASSAY_MINER_CHAIN__COLDKEY__SURI", "1234567"),
        ("ASSAY_MINER_MINIMUM_STAKE", "5"),
        ("ASSAY_MINER_MODELS", "2026"),
        ("ASSAY_MINER_ALLOW", "[]"),
    ];
    let config = load("", &variables, &[]).unwrap();
    let chain = config.chain.as_ref().unwrap();
    assert_eq!(chain.netuid, assay_primitives::NetUid(1));
    assert_eq!(chain.model.as_deref(), Some("7"));
    assert_eq!(chain.max_price().unwrap(), Some(2_500_000_000_000));
    assert_eq!(config.minimum_stake().unwrap(), 5_000_000_000_000);
    assert_eq!(config.models, PathBuf::from("2026"));
    let flags = ["--models", "flag"];
    let config = load("", &variables, &flags).unwrap();
    assert_eq!(config.models, PathBuf::from("flag"));
}

#[test]
fn load_names_the_field_when_it_is_unknown() {
    for (toml, name) in [
        ("modles = \"x\"", "modles"),
        ("[limits]\nrequest = 3", "request"),
        ("[inference]\ncuda = true", "cuda"),
        ("[log]\nlevel = \"info\"", "level"),
        ("[hotkey]\nseed = \"0x\"", "seed"),
        ("[chain]\nurl = \"ws://x\"\nnetuid = 1\nprice = 2", "price"),
    ] {
        let error = load(toml, &[], &[]).unwrap_err();
        assert!(
            error.contains(name) && error.contains("unknown"),
            "{toml}: {error}"
        );
    }
    let error = load("", &[("ASSAY_MINER_MODLES", "x")], &[]).unwrap_err();
    assert!(error.contains("modles"), "{error}");
}

#[test]
fn load_names_the_setting_when_its_value_makes_no_sense() {
    for (toml, says) in [
        ("listen = \"here\"", "listen"),
        ("admission = \"friends\"", "friends"),
        ("allow = [\"5Gabc\"]", "5Gabc"),
        ("[limits]\nrequests = 0", "`limits.requests` must be at least 1"),
        ("[inference]\nworkers = 0", "inference.workers"),
        ("[inference]\nthreads = 0", "inference.threads"),
        ("[inference]\nqueue = 0", "inference.queue"),
        ("admission = \"permitted\"", "needs the settings of `chain`"),
        (
            "admission = \"public\"\nallow = [\"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY\"]",
            "means nothing with public admission",
        ),
        ("[chain]\nurl = \"ws://x\"", "netuid"),
        ("minimum_stake = \"5\"", "needs the settings of `chain`"),
        ("minimum_stake = \"much\"", "such as \"2.5\""),
        (
            "deny = [\"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY\"]\n\
             allow = [\"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY\"]",
            "`allow` does too",
        ),
        ("[rates]\nburst = 0", "burst"),
        ("backend = \"upstream\"", "needs the settings of `upstream`"),
        (
            "[upstream]\nurl = \"http://h\"\nmodels = []",
            "unless `backend` is",
        ),
        (
            "backend = \"upstream\"\n[upstream]\nurl = \"h:80\"\nmodels = []",
            "upstream.url",
        ),
        (
            "backend = \"upstream\"\n[upstream]\nurl = \"http://h\"\nmodels = []",
            "`upstream.models` must be at least 1",
        ),
        (
            "backend = \"upstream\"\n[upstream]\nurl = \"http://h\"\n\
             models = [{ name = \"a/b\", artifact = \"x\" }]",
            "name `a/b`",
        ),
    ] {
        let error = load(toml, &[], &[]).unwrap_err();
        assert!(error.contains(says), "{toml}: {error}");
    }
    for (setting, says) in [
        ("endpoint = \"example.org\"", "must be `host:port`"),
        ("endpoint = \"example.org:0\"", "port 0"),
        ("endpoint = \"a b:80\"", "host name"),
        ("max_price = \"cheap\"", "such as \"2.5\""),
        ("max_price = \"1\"", "chain.coldkey"),
    ] {
        let error = load(&format!("{CHAIN}{setting}\n"), &[], &[]).unwrap_err();
        assert!(error.contains(says), "{setting}: {error}");
    }
    let gone = Flags::parse_from(["assay-miner", "--config", "/nowhere/miner.toml"]);
    assert!(Config::load(&gone)
        .unwrap_err()
        .to_string()
        .contains("/nowhere/miner.toml"));
}

/// The settings that a unit gives in the environment, with the folder of its credentials.
fn variables(unit: &str) -> Vec<(String, String)> {
    let set = unit.lines().filter_map(|line| {
        let line = line.trim_start_matches('#');
        let (name, value) = line.strip_prefix("Environment=")?.split_once('=')?;
        Some((name.to_owned(), value.replace("%d", "/run/credentials")))
    });
    set.collect()
}

#[test]
fn load_takes_what_the_unit_and_the_container_say() {
    let deploy = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy");
    let read = |name: &str| std::fs::read_to_string(format!("{deploy}/{name}")).unwrap();
    let unit = read("assay-miner.service");
    let line = |text: &str, start: &str| {
        let found = text.lines().find_map(|line| line.strip_prefix(start));
        found.unwrap().to_owned()
    };
    let started = line(&unit, "ExecStart=");
    let flags = Flags::try_parse_from(started.split(' ')).unwrap();
    assert_eq!(flags.config, Some("/etc/assay/miner.toml".into()));
    let started: Vec<String> =
        serde_json::from_str(&line(&read("Containerfile.miner"), "ENTRYPOINT ")).unwrap();
    let flags = Flags::try_parse_from(started).unwrap();
    assert_eq!(flags.config, Some("miner.toml".into()));

    // With what is left out by default as well, so that the names mean something.
    let toml = read("miner.toml").replace("# max_price", "max_price");
    let toml = toml.replace("# coldkey", "coldkey");
    let alone = load(&toml, &[], &[]).unwrap();
    assert_eq!(alone.hotkey.file, Some("hotkey.json".into()));
    let variables = variables(&unit);
    let borrowed: Vec<_> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let served = load(&toml, &borrowed, &[]).unwrap();
    let coldkey = served.chain.unwrap().coldkey.unwrap();
    for key in [served.hotkey, coldkey] {
        for path in [key.file, key.password_file] {
            assert!(path.unwrap().starts_with("/run/credentials"));
        }
    }
}

#[test]
fn load_takes_the_settings_that_the_guide_shows() {
    let guide = include_str!("../../docs/mining.md");
    let shown = guide.split("```toml\n").skip(1);
    let whole: Vec<_> = shown
        .filter_map(|text| text.split("```").next())
        .filter(|toml| toml.contains("hotkey") || toml.contains("backend"))
        .collect();
    assert_eq!(whole.len(), 2);
    for toml in whole {
        load(toml, &[], &[]).unwrap_or_else(|why| panic!("{toml}: {why}"));
    }
}

#[test]
fn to_toml_redacts_secrets_and_can_be_read_again() {
    let toml = format!(
        "{CHAIN}endpoint = \"miner.example:8080\"\nmax_price = \"2.5\"\ncoldkey = {{ suri = \"//Ferdie\" }}\n\
         [hotkey]\nsuri = \"//Eve\"\n"
    );
    let config = load(&toml, &[], &[]).unwrap();
    let printed = config.to_toml().unwrap();
    assert!(
        !printed.contains("//Eve") && !printed.contains("//Ferdie"),
        "{printed}"
    );
    assert!(printed.contains("<redacted>"), "{printed}");
    let mut again = load(&printed, &[], &[]).unwrap();
    assert_ne!(again, config);
    again.hotkey = config.hotkey.clone();
    again.chain.as_mut().unwrap().coldkey = config.chain.as_ref().unwrap().coldkey.clone();
    assert_eq!(again, config);
    let chain = config.chain.unwrap();
    assert_eq!(chain.announced(None).unwrap().unwrap().port, 8080);
    assert_eq!(chain.max_price().unwrap(), Some(2_500_000_000_000));
}
