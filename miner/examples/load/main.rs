//! The client of `cargo xtask bench miner`: asks one server as fast as it answers, over a number of
//! connections, and prints what that came to as one line of JSON. Or it runs the model itself, in a
//! loop, which is the limit.
//!
//! It speaks HTTP/1.1 by hand: on a machine of few cores whatever the client takes is missing to the
//! server, and every server gets the same bytes.

mod ask;
mod axon;
mod bare;
#[path = "../wire/mod.rs"]
mod wire;

use anyhow::{ensure, Context as _};
use assay_protocol::Hotkey;
use clap::Parser;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

#[derive(Clone, Parser)]
struct Flags {
    /// File with the query's body as JSON
    #[arg(long)]
    body: PathBuf,
    /// Connections, or threads
    #[arg(long)]
    concurrency: usize,
    /// Seconds that count, after one in five of them has passed
    #[arg(long)]
    seconds: f64,
    /// Run this model instead of asking a server
    #[arg(long)]
    model: Option<PathBuf>,
    /// The server
    #[arg(long, default_value = "127.0.0.1:8080")]
    address: String,
    /// Where to post to
    #[arg(long, default_value = "/v2/models/model/infer")]
    path: String,
    /// Sign, for the miner with this hotkey
    #[arg(long)]
    sign_for: Option<Hotkey>,
    /// Sign as Bittensor's clients do, for the axon with this hotkey
    #[arg(long, conflicts_with = "sign_for")]
    axon: Option<Hotkey>,
}

fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let body = std::fs::read(&flags.body).context("the query's body")?;
    let measured = match &flags.model {
        Some(model) => bare::run(&flags, model, &body)?,
        None => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(ask::run(flags.clone(), body))?,
    };
    let Measured {
        mut took,
        runs,
        processor,
        client,
    } = measured;
    ensure!(runs > 0, "nothing was answered");
    took.sort_unstable();
    // Where all that was answered took longer than what counts, there are no times.
    let at = |share: f64| {
        let index = (took.len() as f64 * share) as usize;
        let it = took.get(index.min(took.len().saturating_sub(1)));
        it.copied().map_or(0.0, milliseconds)
    };
    println!(
        r#"{{"per_second":{:.1},"median_ms":{:.4},"p99_ms":{:.4},"runs":{runs},"processor_ms":{:.1},"client_ms":{:.1}}}"#,
        took.len() as f64 / flags.seconds,
        at(0.5),
        at(0.99),
        milliseconds(processor),
        milliseconds(client)
    );
    Ok(())
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

#[derive(Default)]
struct Measured {
    /// Times of those that count.
    took: Vec<Duration>,
    /// All that there were.
    runs: usize,
    /// What running the model took of the processor for all of them; of a server, nothing is known
    /// here.
    processor: Duration,
    /// What asking took of it.
    client: Duration,
}

impl Measured {
    fn add(&mut self, other: Self) {
        self.took.extend(other.took);
        self.runs += other.runs;
        self.processor += other.processor;
        self.client += other.client;
    }
}

/// What counts and what goes before.
#[derive(Clone, Copy)]
struct Clocked {
    from: Instant,
    to: Instant,
}

impl Clocked {
    fn new(seconds: f64) -> Self {
        let from = Instant::now() + Duration::from_secs_f64(seconds / 5.0);
        Self {
            from,
            to: from + Duration::from_secs_f64(seconds),
        }
    }

    /// Repeats until the time is over.
    fn goes_on(self) -> bool {
        Instant::now() < self.to
    }

    /// Counts what ends in the time that counts, whenever it began: to leave out what began before
    /// would take from those whose answers take long.
    fn note(self, started: Instant, took: &mut Vec<Duration>) {
        let ended = Instant::now();
        if ended >= self.from && ended <= self.to {
            took.push(ended - started);
        }
    }
}

/// What this thread took of the processor so far.
fn processor_time() -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let first = text.split(' ').next().unwrap_or_default();
    Ok(Duration::from_nanos(first.parse()?))
}
