//! Whether whole epochs take as long as is declared.
//!
//! The benchmark `epoch::whole` puts a subnet in place, says what its epoch costs by declaration
//! and runs it. The declaration is a sum of parts that were measured one by one, with the database's
//! accesses at their listed price; this compares it with the time of the whole, to which the
//! accesses are added at that price as well, since the benchmarks' database lies in memory.

use std::sync::Mutex;

use anyhow::{anyhow, ensure, Context, Result};
use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::{measure, subject::Subject};

/// The most by which a declaration may exceed what is measured, and the least that it may be of it:
/// times vary by so much from one run to the next.
const MOST: f64 = 3.0;
const LEAST: f64 = 0.9;
/// What the runtime's database is taken to cost, in picoseconds: `ParityDbWeight`.
const READ: u64 = 8_000_000;
const WRITE: u64 = 50_000_000;

/// What the runtime printed.
static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Listener;

impl Log for Listener {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.target() == "runtime"
    }

    fn log(&self, record: &Record) {
        let text = record.args().to_string();
        if record.level() <= Level::Warn {
            eprintln!("{}: {text}", record.target());
        } else if self.enabled(record.metadata()) {
            if let Ok(mut told) = TOLD.lock() {
                told.push(text);
            }
        }
    }

    fn flush(&self) {}
}

/// Starts to listen to what the runtime prints.
pub fn listen() -> Result<()> {
    log::set_logger(&Listener).map_err(|error| anyhow!("somebody listens already: {error}"))?;
    log::set_max_level(LevelFilter::Debug);
    Ok(())
}

/// Prints a table of declared and measured times, and fails where the former are too far off.
pub fn report(subject: &Subject, repeats: u32) -> Result<()> {
    let lists = subject.benchmarks(true)?;
    let (list, whole) = lists
        .iter()
        .find_map(|list| {
            let of_epochs = list.pallet == b"pallet_epoch";
            let whole = list.benchmarks.iter().find(|one| one.name == b"whole")?;
            of_epochs.then_some((list, whole))
        })
        .context("the runtime has no benchmark of whole epochs")?;
    let (component, low, high) = whole.components[0];
    println!(
        "| neurons | validators | weights | declared | measured | of that computing | factor |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let (mut worst, mut least) = (f64::MIN, f64::MAX);
    for size in low..=high {
        TOLD.lock().expect("nobody panics while listening").clear();
        let results = measure::at_point(subject, list, whole, vec![(component, size)], repeats)?;
        let told = TOLD.lock().expect("nobody panics while listening").clone();
        let told = told
            .last()
            .context("the benchmark did not say what it declares")?;
        let number = |name: &str| -> Result<u64> {
            let mut words = told.split_whitespace();
            words.find(|word| *word == name);
            let number = words
                .next()
                .with_context(|| format!("no {name} in `{told}`"))?;
            number
                .parse()
                .with_context(|| format!("{name} in `{told}`"))
        };
        let mut times: Vec<u128> = results.iter().map(|one| one.extrinsic_time).collect();
        times.sort_unstable();
        let computing = times[times.len() / 2] as u64 * 1_000;
        let accesses = u64::from(results[0].reads) * READ + u64::from(results[0].writes) * WRITE;
        let declared = number("declared")?;
        let factor = declared as f64 / (computing + accesses) as f64;
        worst = worst.max(factor);
        least = least.min(factor);
        println!(
            "| {} | {} | {} | {:.1} ms | {:.1} ms | {:.1} ms | {factor:.2} |",
            number("neurons")?,
            number("validators")?,
            number("weights")?,
            declared as f64 / 1e9,
            (computing + accesses) as f64 / 1e9,
            computing as f64 / 1e9,
        );
    }
    ensure!(
        worst < MOST,
        "an epoch is declared at {worst:.2} times what it takes; at most {MOST} is allowed"
    );
    ensure!(
        least > LEAST,
        "an epoch is declared at {least:.2} times what it takes; blocks would take longer than \
         they say, so at least {LEAST} is asked for"
    );
    Ok(())
}
