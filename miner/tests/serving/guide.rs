//! What `docs/mining.md` says of settings and metrics is what the program has.

use assay_miner::{
    admin::AdminSettings,
    config::{ChainSettings, Inference, TlsSettings},
    Config,
};
use assay_primitives::{Digest, NetUid};
use assay_protocol::keys::KeySource;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    num::NonZeroUsize,
    path::Path,
};

fn guide() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/mining.md");
    fs::read_to_string(path).unwrap()
}

/// The cells of a table's rows, by its head.
fn table<'a>(guide: &'a str, head: &str) -> Vec<Vec<&'a str>> {
    let (_, rows) = guide.split_once(head).expect("the table is there");
    let rows = rows.lines().skip(2).take_while(|row| row.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect()
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Everything set, so that every setting has a name: what is left out here does not compile. The
/// engine behind the miner has a section of its own in the guide.
fn all() -> Config {
    let key = KeySource::suri("//Alice");
    let Config {
        backend,
        models,
        folder,
        state,
        listen,
        admission,
        allow,
        deny,
        limits,
        rates,
        inference,
        batching,
        upstream,
        log,
        ..
    } = Config::default();
    Config {
        backend,
        models,
        folder,
        admin: Some(AdminSettings {
            listen,
            token_file: Some("token".into()),
        }),
        state,
        listen,
        metrics: Some(listen),
        admission,
        allow,
        deny,
        minimum_stake: Some("1".into()),
        hotkey: key.clone(),
        limits,
        rates,
        inference: Inference {
            onnxruntime: Some("libonnxruntime.so".into()),
            provider: inference.provider,
            cuda_device: inference.cuda_device,
            workers: Some(NonZeroUsize::MIN),
            queue: inference.queue,
            threads: Some(NonZeroUsize::MIN),
        },
        batching,
        upstream,
        tls: Some(TlsSettings::default()),
        log,
        chain: Some(ChainSettings {
            url: "ws://127.0.0.1:9944".into(),
            netuid: NetUid(1),
            genesis: Some(Digest([0; 32])),
            endpoint: Some("miner.example:8080".into()),
            model: Some("digits".into()),
            max_price: Some("1".into()),
            register_again: false,
            coldkey: Some(key),
        }),
    }
}

/// Settings by their whole names. Keys are named as a whole: their parts are said in words.
fn named(settings: &toml::Table, before: &str, found: &mut BTreeMap<String, String>) {
    for (name, value) in settings {
        let name = format!("{before}{name}");
        match value {
            toml::Value::Table(inner) if !name.ends_with("key") => {
                named(inner, &format!("{name}."), found);
            }
            value => {
                found.insert(name, value.to_string());
            }
        }
    }
}

fn settings(config: &Config) -> BTreeMap<String, String> {
    let table: toml::Table = toml::from_str(&config.to_toml().unwrap()).unwrap();
    let mut found = BTreeMap::new();
    named(&table, "", &mut found);
    found
}

/// A default as the table writes it, in TOML.
fn in_toml(written: &str, is_text: bool) -> String {
    let written = written.trim_matches('`');
    if let Some(mebibytes) = written.strip_suffix(" MiB") {
        return (mebibytes.parse::<u64>().unwrap() * 1024 * 1024).to_string();
    }
    if is_text {
        return format!("\"{}\"", written.trim_matches('"'));
    }
    written.replace(',', "")
}

#[test]
fn guide_names_every_setting_with_its_default() {
    let guide = guide();
    let (all, defaults) = (settings(&all()), settings(&Config::default()));
    let mut told = BTreeSet::new();
    for row in table(&guide, "| setting | default | what it does |") {
        let (names, default) = (quoted(row[0]), row[1]);
        let section = names[0].rsplit_once('.').map(|(section, _)| section);
        let whole = |name: &&str| match section {
            Some(section) if !name.contains('.') => format!("{section}.{name}"),
            _ => (*name).to_owned(),
        };
        let names: Vec<String> = names.iter().map(whole).collect();
        // `"info,ort=warn"` holds a comma, and no space behind it.
        let values: Vec<&str> = default.split(", ").collect();
        for (index, name) in names.iter().enumerate() {
            let known = all.get(name);
            let known = known.unwrap_or_else(|| panic!("there is no setting `{name}`"));
            let value = values.get(index).copied().unwrap_or(values[0]);
            // TLS has defaults, and is off unless its section is there; no key has one.
            let real = defaults.get(name).or_else(|| {
                let section = name.starts_with("tls.") || name == "chain.register_again";
                section.then_some(known)
            });
            if value.starts_with('`') || value.starts_with(|first: char| first.is_ascii_digit()) {
                let real = real.unwrap_or_else(|| panic!("`{name}` has no default"));
                assert_eq!(&in_toml(value, real.starts_with('"')), real, "`{name}`");
            } else {
                let unset = real.is_none() || name == "hotkey";
                assert!(unset, "the default of `{name}` is not `{value}`");
            }
            told.insert(name.clone());
        }
    }
    let untold: Vec<_> = all.keys().filter(|name| !told.contains(*name)).collect();
    assert!(untold.is_empty(), "docs/mining.md leaves out {untold:?}");
}

#[test]
fn guide_names_every_metric() {
    let names = |text: &str| -> BTreeSet<String> {
        let parts = text.split("assay_miner_").skip(1);
        let name = |part: &str| {
            let end = part.find(|it: char| !it.is_ascii_lowercase() && it != '_');
            part[..end.unwrap_or(part.len())].to_owned()
        };
        parts.map(name).collect()
    };
    let metrics = names(include_str!("../../src/metrics.rs"));
    assert!(metrics.contains("answers_total"));
    assert_eq!(names(&guide()), metrics);
}
