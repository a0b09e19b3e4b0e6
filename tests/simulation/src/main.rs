//! Runs the simulation from a seed: `assay-simulation --seed 7 --blocks 200000`.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{ensure, Result};
use assay_simulation::{world::run_seed, Scenario};
use clap::Parser;

/// A simulation of the economy over the real runtime, checked after every block
#[derive(Parser)]
struct Args {
    /// Replays this run; a new one is drawn and printed if none is given
    #[arg(long)]
    seed: Option<u64>,
    /// Blocks to make
    #[arg(long, default_value_t = 200_000)]
    blocks: u64,
    /// The small world of the tests instead of the large one
    #[arg(long)]
    short: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let seed = match args.seed {
        Some(seed) => seed,
        None => SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
    };
    let (scenario, size) = if args.short {
        (Scenario::SHORT, " --short")
    } else {
        (Scenario::LONG, "")
    };
    println!(
        "seed {seed}; `cargo xtask soak simulation --seed {seed} --blocks {}{size}` replays it",
        args.blocks
    );
    let report = run_seed(scenario, seed, args.blocks)?;
    print!("{report}");
    // So long a run in which something never came about did not test it.
    let never = report.never_done();
    ensure!(
        args.blocks < 50_000 || never.is_empty(),
        "nobody ever managed to: {}",
        never.into_iter().collect::<Vec<_>>().join(", ")
    );
    println!("all that must hold held");
    Ok(())
}
