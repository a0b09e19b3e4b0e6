//! The short form of the simulation, and the fuzz target's inputs: what CI runs of both.
//!
//! The long form is `cargo xtask soak simulation`; the fuzzer itself runs by `cargo fuzz`.

use std::path::Path;

use assay_simulation::{run_bytes, run_seed, Scenario};

/// Blocks of the short form.
const BLOCKS: u64 = 1_000;
/// Its seed. A failure names it, with the command that replays it.
const SEED: u64 = 1;

#[test]
fn books_balance_after_every_block_when_people_do_as_they_please() {
    let report = run_seed(Scenario::SHORT, SEED, BLOCKS).unwrap();
    println!("{report}");
    assert!(report.epochs > BLOCKS / 25);
    assert!(report.neurons > 20);
    for habit in [
        "weigh",
        "reveal",
        "register neuron",
        "add stake",
        "withdraw",
        "update task",
        "accept subnet",
        "withdraw what departed",
    ] {
        assert!(report.habits[habit].done > 0, "{habit} was never done");
    }
}

#[test]
fn run_replays_when_the_seed_is_the_same() {
    let counts = |seed| {
        let report = run_seed(Scenario::FUZZ, seed, 100).unwrap();
        format!("{:?} {}", report.habits, report.keys)
    };
    assert_eq!(counts(5), counts(5));
    assert_ne!(counts(5), counts(6));
}

#[test]
fn books_balance_when_a_fuzzer_chooses() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/economy");
    let mut inputs = 0;
    for entry in std::fs::read_dir(&corpus).expect("the corpus lies beside the fuzz targets") {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        run_bytes(&std::fs::read(&path).unwrap());
        inputs += 1;
    }
    assert!(inputs > 0, "no input in {}", corpus.display());
}
