//! The golden vectors of `tests/vectors`, from an independent float64 model.

use assay_yuma::case::{Case, EpochReport};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// What single epochs may differ by.
const ONE_EPOCH: f64 = 1e-6;
/// What sequences of epochs may differ by.
const MANY_EPOCHS: f64 = 1e-4;

fn vectors() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the vectors lie beside the tests")
        .map(|entry| entry.expect("the folder is readable").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    files
}

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().expect("a column is a list");
    list.iter()
        .map(|number| number.as_f64().expect("a column holds numbers"))
        .collect()
}

/// The largest difference between two columns, which must be of the same length.
fn difference(name: &str, ours: &[f64], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len(), "{name}: length");
    ours.iter()
        .zip(theirs)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

/// Bonds by pair; one that either side lacks is 0.
fn bond_difference(ours: &[(u16, u16, f64)], theirs: &Value) -> f64 {
    let mut all: std::collections::BTreeMap<(u64, u64), (f64, f64)> = Default::default();
    for (validator, target, bond) in ours {
        all.entry((u64::from(*validator), u64::from(*target)))
            .or_default()
            .0 = *bond;
    }
    for triple in theirs.as_array().expect("bonds are a list") {
        let uid = |place: usize| triple[place].as_u64().expect("a bond names uids");
        let bond = triple[2].as_f64().expect("a bond is a number");
        all.entry((uid(0), uid(1))).or_default().1 = bond;
    }
    all.values().map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// The largest difference of one epoch in all that is expected of it.
fn compare(report: &EpochReport, expect: &Value, at: &str) -> f64 {
    let mut worst: f64 = 0.0;
    for (key, value) in expect.as_object().expect("an expectation is an object") {
        let name = format!("{at} {key}");
        let column = match key.as_str() {
            "tolerance" => continue,
            "new_permit" => {
                let theirs: Vec<bool> =
                    serde_json::from_value(value.clone()).expect("permits are flags");
                assert_eq!(report.new_permit, theirs, "{name}");
                continue;
            }
            "bonds" => {
                worst = worst.max(bond_difference(&report.bonds, value));
                continue;
            }
            "stake" => &report.stake,
            "consensus" => &report.consensus,
            "validator_trust" => &report.validator_trust,
            "trust" => &report.trust,
            "rank" => &report.rank,
            "incentive" => &report.incentive,
            "dividends" => &report.dividends,
            other => panic!("{at}: nothing here is called {other}"),
        };
        worst = worst.max(difference(&name, column, &numbers(value)));
    }
    worst
}

#[test]
fn run_matches_every_vector() {
    let files = vectors();
    assert!(files.len() >= 20, "only {} vectors found", files.len());
    for file in files {
        let name = file
            .file_stem()
            .expect("a file has a name")
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&file).expect("the vector is readable");
        let json: Value = serde_json::from_str(&text).expect("the vector is JSON");
        let report = Case::from_json(&text)
            .and_then(|case| case.run())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let expect = json["expect"]
            .as_array()
            .expect("a vector expects something");
        assert_eq!(report.epochs.len(), expect.len(), "{name}: epochs");
        let default = if expect.len() == 1 {
            ONE_EPOCH
        } else {
            MANY_EPOCHS
        };
        let mut worst: f64 = 0.0;
        for (epoch, (report, expect)) in report.epochs.iter().zip(expect).enumerate() {
            let at = format!("{name} epoch {epoch}");
            let tolerance = expect["tolerance"].as_f64().unwrap_or(default);
            let difference = compare(report, expect, &at);
            assert!(
                difference <= tolerance,
                "{at}: {difference:e} exceeds {tolerance:e}"
            );
            worst = worst.max(difference);
        }
        println!("{name}: {worst:e}");
    }
}
