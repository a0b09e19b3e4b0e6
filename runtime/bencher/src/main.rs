//! Measures what the runtime's calls and hooks cost, in the executor that a node runs it in, and
//! writes the pallets' `weights.rs`.
//!
//! The SDK's own command line does the same for any chain, and brings a second database and nine
//! hundred crates along; this one knows our runtime and our template, and nothing else. `cargo xtask
//! weights` builds the runtime with its benchmarks and starts it.
//!
//! It must never write a weight for a benchmark that fails its own verification.

mod factor;
mod measure;
mod subject;
mod template;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{bail, Context, Result};
use clap::Parser;
use frame_benchmarking::BenchmarkList;

use crate::{measure::Measured, subject::Subject};

#[derive(Parser)]
#[command(about = "Measures the runtime's calls and hooks and writes their weights")]
struct Args {
    /// The runtime's Wasm, built with its benchmarks
    #[arg(long)]
    wasm: PathBuf,
    /// The checkout in which `weights.rs` files are written
    #[arg(long)]
    checkout: PathBuf,
    /// Points along each component
    #[arg(long, default_value_t = 10)]
    steps: u32,
    /// Measurements at each point
    #[arg(long, default_value_t = 5)]
    repeats: u32,
    /// Only run every benchmark's verification; write nothing
    #[arg(long)]
    verify: bool,
    /// Compare declared with measured time of whole epochs instead; write nothing
    #[arg(long)]
    factor: bool,
    /// Only these pallets, as their folders are called: `stake`, `epoch`
    pallets: Vec<String>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    factor::listen()?;
    let wasm = fs::read(&args.wasm)
        .with_context(|| format!("the runtime {} can't be read", args.wasm.display()))?;
    let subject = Subject::new(wasm)?;
    if args.factor {
        return factor::report(&subject, args.repeats);
    }
    let mut written = 0;
    for (pallet, benchmarks) in chosen(&subject, &args.pallets)? {
        let mut measured = Vec::new();
        for benchmark in &benchmarks.benchmarks {
            let name = String::from_utf8_lossy(&benchmark.name);
            measure::verify(&subject, &benchmarks, benchmark)
                .with_context(|| format!("{pallet}::{name} does not do what it should"))?;
            if args.verify {
                eprintln!("{pallet}::{name}: verified");
                continue;
            }
            let outcome = measure::run(&subject, &benchmarks, benchmark, args.steps, args.repeats)
                .with_context(|| format!("{pallet}::{name} can't be measured"))?;
            eprintln!("{pallet}::{name}: {outcome}");
            measured.push(outcome);
        }
        if !args.verify {
            write(&args.checkout, &pallet, &args, &measured)?;
            written += 1;
        }
    }
    eprintln!("weights: {written} files written");
    Ok(())
}

/// The pallets to measure, by the name of their folder.
fn chosen(subject: &Subject, names: &[String]) -> Result<BTreeMap<String, BenchmarkList>> {
    let mut all: BTreeMap<String, BenchmarkList> = subject
        .benchmarks(false)?
        .into_iter()
        .map(|list| (folder(&list), list))
        .collect();
    if names.is_empty() {
        return Ok(all);
    }
    let known = all.keys().cloned().collect::<Vec<_>>().join(", ");
    let mut chosen = BTreeMap::new();
    for name in names {
        match all.remove(name) {
            Some(list) => chosen.insert(name.clone(), list),
            None => bail!("the runtime has no benchmarks of `{name}`, only of {known}"),
        };
    }
    Ok(chosen)
}

/// `pallet_stake` lives in `stake`, `crate::authors` in `authors`.
fn folder(list: &BenchmarkList) -> String {
    let name = String::from_utf8_lossy(&list.pallet);
    let name = name.rsplit("::").next().unwrap_or_default();
    name.strip_prefix("pallet_").unwrap_or(name).to_owned()
}

fn write(checkout: &Path, pallet: &str, args: &Args, measured: &[Measured]) -> Result<()> {
    let path = ["pallets", "runtime/src"]
        .into_iter()
        .map(|parent| {
            let folder = checkout.join(parent).join(pallet);
            match parent {
                "pallets" => folder.join("src/weights.rs"),
                _ => folder.join("weights.rs"),
            }
        })
        .find(|path| path.parent().is_some_and(Path::is_dir))
        .with_context(|| format!("no folder in the checkout is that of `{pallet}`"))?;
    let present = fs::read_to_string(&path).unwrap_or_default();
    let missing = template::unmeasured(&present, measured);
    if !missing.is_empty() {
        bail!(
            "{} declares what no benchmark measures: {}. Write benchmarks for what is used, and \
             take away what is not",
            path.display(),
            missing.join(", ")
        );
    }
    let text = template::file(pallet, args.steps, args.repeats, measured);
    fs::write(&path, text).with_context(|| format!("{} can't be written", path.display()))
}
