//! Case files: what they may say, and what they are told when it is wrong.

use assay_yuma::case::{Case, Report};
use serde_json::{json, Value};

/// A well-formed case of two neurons and one epoch.
fn case() -> Value {
    json!({
        "name": "one of each",
        "params": {
            "kappa": 32768, "bonds_penalty": 65535, "bonds_alpha": 6554,
            "bond_rule": "relative", "liquid_alpha": null,
            "block": 1000, "last_epoch_block": 900, "activity_cutoff": 5000,
            "min_stake": "0", "max_validators": 64
        },
        "neurons": [
            { "stake": "1000", "permit": true, "last_update": 950, "registered_at": 1 },
            { "stake": "0", "permit": false, "last_update": 950, "registered_at": 1 }
        ],
        "epochs": [{ "weights": [[0, 1, 65535]] }]
    })
}

fn run(case: &Value) -> Result<Report, String> {
    let text = serde_json::to_string_pretty(case).expect("a value is written");
    let case = Case::from_json(&text).map_err(|error| error.to_string())?;
    case.run().map_err(|error| error.to_string())
}

/// The error of a case that was changed at `pointer`.
fn error(pointer: &str, value: Value) -> String {
    let mut case = case();
    *case
        .pointer_mut(pointer)
        .expect("the pointer leads somewhere") = value;
    run(&case).expect_err("the case must be refused")
}

#[test]
fn run_reports_every_key_of_the_vectors_as_numbers() {
    let report = run(&case()).expect("the case is well-formed");
    let json = serde_json::to_value(&report).expect("a report is written");
    let epoch = &json["epochs"][0];
    assert_eq!(epoch["stake"], json!([1.0, 0.0]));
    assert_eq!(epoch["active"], json!([true, false]));
    assert_eq!(epoch["new_permit"], json!([true, false]));
    for key in [
        "consensus",
        "validator_trust",
        "trust",
        "rank",
        "incentive",
        "dividends",
    ] {
        let column = epoch[key].as_array().expect("a column is a list");
        assert!(
            column.len() == 2 && column.iter().all(Value::is_number),
            "{key}"
        );
    }
    assert_eq!(epoch["bonds"][0][0], 0);
    assert_eq!(epoch["bonds"][0][1], 1);
    assert!(epoch["bonds"][0][2].is_f64());
    assert_eq!(epoch["active_stake"], "1000");
}

#[test]
fn run_carries_bonds_and_permits_when_epochs_follow() {
    let mut case = case();
    case["params"]["max_validators"] = json!(0);
    case["epochs"] = json!([
        { "weights": [[0, 1, 1]] },
        { "params": { "block": 1100, "last_epoch_block": 1000 },
          "neurons": { "0": { "last_update": 1050 } }, "weights": [[0, 1, 1]] }
    ]);
    let report = run(&case).expect("the case is well-formed");
    assert_eq!(report.epochs[0].incentive, [0.0, 1.0]);
    // Nobody has a permit in the second epoch, so the bond decays.
    assert_eq!(report.epochs[1].incentive, [0.0, 0.0]);
    assert!(report.epochs[1].bonds[0].2 < report.epochs[0].bonds[0].2);
}

#[test]
fn run_accepts_weights_in_any_order_and_first_bonds() {
    let mut case = case();
    case["neurons"]
        .as_array_mut()
        .expect("a list")
        .push(case_neuron());
    case["bonds"] = json!([[0, 2, 65535], [0, 1, 32768]]);
    case["epochs"] = json!([{ "weights": [[0, 2, 7], [0, 1, 7]] }]);
    let report = run(&case).expect("the case is well-formed");
    let consensus = &report.epochs[0].consensus;
    assert!(consensus
        .iter()
        .zip([0.0, 0.5, 0.5])
        .all(|(c, half)| (c - half).abs() < 1e-9));
    let bonds: Vec<f64> = report.epochs[0].bonds.iter().map(|bond| bond.2).collect();
    assert!(
        (bonds[1] - 0.95).abs() < 1e-4 && (bonds[0] - 0.5).abs() < 1e-4,
        "{bonds:?}"
    );
}

fn case_neuron() -> Value {
    json!({ "stake": "0", "permit": false, "last_update": 950, "registered_at": 1 })
}

#[test]
fn run_sets_and_clears_liquid_alpha_when_an_epoch_changes_it() {
    let mut case = case();
    case["params"]["liquid_alpha"] = json!({ "low": 65535, "high": 65535, "steepness": 10.5 });
    case["epochs"] = json!([
        { "weights": [[0, 1, 1]] },
        { "weights": [], "params": { "liquid_alpha": null, "bonds_alpha": 0 } }
    ]);
    let report = run(&case).expect("the case is well-formed");
    assert_eq!(report.epochs[0].bonds, [(0, 1, 1.0)]);
    assert_eq!(report.epochs[1].bonds, [(0, 1, 1.0)]);
}

#[test]
fn reading_names_line_and_column_when_the_json_is_broken() {
    let error = Case::from_json("{\n  \"params\": oops")
        .expect_err("not JSON")
        .to_string();
    assert!(error.contains("line 2 column"), "{error}");
}

#[test]
fn reading_names_the_field_when_it_is_missing_or_unknown() {
    let missing = Case::from_json("{}")
        .expect_err("nothing in it")
        .to_string();
    assert!(missing.contains("missing field `params`"), "{missing}");
    let unknown = error("/epochs/0", json!({ "weights": [], "wieghts": [] }));
    assert!(unknown.contains("unknown field `wieghts`"), "{unknown}");
}

#[test]
fn reading_says_what_is_wanted_when_a_number_does_not_fit() {
    assert!(error("/params/kappa", json!(65536)).contains("65536"));
    assert!(error("/params/bond_rule", json!("modern")).contains("`relative`"));
    for stake in [json!("-1"), json!("1e3"), json!(""), json!(-1), json!(1.5)] {
        let error = error("/neurons/0/stake", stake);
        assert!(error.contains("decimal string"), "{error}");
    }
    let liquid = json!({ "low": 0, "high": 0, "steepness": -1.0 });
    assert!(error("/params/liquid_alpha", liquid).contains("steepness -1"));
}

#[test]
fn run_names_the_epoch_when_something_in_it_cannot_be() {
    let twice = error("/epochs/0/weights", json!([[0, 1, 5], [0, 1, 6]]));
    assert_eq!(
        twice,
        "epochs[0].weights names the pair [0, 1] more than once"
    );
    let target = error("/epochs/0/weights", json!([[0, 7, 5]]));
    assert!(target.starts_with("epochs[0]: weights"), "{target}");
    let neuron = error(
        "/epochs/0",
        json!({ "weights": [], "neurons": { "9": {} } }),
    );
    assert_eq!(
        neuron,
        "epochs[0].neurons changes uid 9, which no neuron has"
    );
}
