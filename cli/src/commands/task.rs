//! `assay task`: folders that state a task.

use crate::output::{print, table, Format};
use anyhow::{bail, Context, Result};
use assay_validator::task::{
    artifact,
    trial::{Questions, Trial},
    Model, Task as Built, TaskFolder,
};
use serde::Serialize;
use std::{
    fs,
    path::{Path, PathBuf},
};

#[derive(clap::Subcommand)]
pub enum Task {
    /// Write a new task folder that works, to change into one's own
    New(super::task_new::New),
    /// Try a task out: its files, its items, its rule, and models on this machine
    Check(Check),
    /// Fetch what a task names and is not in its folder
    Fetch(Fetch),
    /// State the present digests and sizes of a folder's files in its task.toml
    Pin(Pin),
}

/// Try a task out: its files, its items, its rule, and models on this machine
#[derive(clap::Args)]
pub struct Check {
    /// The task's folder, with task.toml
    folder: PathBuf,
    /// A model to try; without any, those in the folder's models/
    #[arg(long = "model", value_name = "FILE")]
    models: Vec<PathBuf>,
    /// How many rounds to ask
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    #[command(flatten)]
    format: Format,
}

/// Fetch what a task names and is not in its folder
#[derive(clap::Args)]
pub struct Fetch {
    /// The task's folder, with task.toml
    folder: PathBuf,
}

/// State the present digests and sizes of a folder's files in its task.toml
#[derive(clap::Args)]
pub struct Pin {
    /// The task's folder, with task.toml
    folder: PathBuf,
}

impl Task {
    pub async fn run(self) -> Result<()> {
        match self {
            Self::New(new) => new.run(),
            Self::Check(check) => check.run().await,
            Self::Fetch(fetch) => fetch.run().await,
            Self::Pin(pin) => pin.run(),
        }
    }
}

impl Fetch {
    async fn run(self) -> Result<()> {
        let folder = TaskFolder::load(&self.folder)?;
        let count = artifact::fetch(&folder).await?;
        print(&format!(
            "{count} of {} files fetched",
            folder.artifacts().len()
        ))
    }
}

impl Pin {
    fn run(self) -> Result<()> {
        let path = self.folder.join("task.toml");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} can't be read", path.display()))?;
        let pinned = pin(&self.folder, &text)?;
        if pinned != text {
            fs::write(&path, &pinned)
                .with_context(|| format!("{} can't be written", path.display()))?;
        }
        TaskFolder::load(&self.folder)?;
        print(&format!("{} states the present files", path.display()))
    }
}

/// Rewrites each `sha256` and `size` that follow a `path`, and leaves everything else as it is.
pub(super) fn pin(folder: &Path, text: &str) -> Result<String> {
    let mut present: Option<(String, u64)> = None;
    let mut pinned = String::with_capacity(text.len());
    for line in text.lines() {
        let trimmed = line.trim_start();
        let key = trimmed.split(['=', ' ']).next().unwrap_or_default();
        let value = trimmed.split_once('=').map(|(_, value)| value.trim());
        if let ("path", Some(value)) = (key, value) {
            let name = value.trim_matches('"');
            let file = folder.join(name);
            // What is not here is what the creator fetched from elsewhere: its digest stands.
            present = fs::read(&file)
                .ok()
                .map(|bytes| (hex(&assay_protocol::sha256(&bytes)), bytes.len() as u64));
        }
        match (key, &present) {
            ("sha256", Some((digest, _))) => pinned.push_str(&format!("sha256 = \"{digest}\"")),
            ("size", Some((_, size))) => pinned.push_str(&format!("size = {size}")),
            _ => pinned.push_str(line),
        }
        pinned.push('\n');
    }
    Ok(pinned)
}

fn hex(bytes: &[u8; 32]) -> String {
    assay_primitives::Digest(*bytes).to_string()
}

/// What a check found.
#[derive(Serialize)]
struct Report {
    name: String,
    rounds: u32,
    items_per_round: u32,
    items: usize,
    different_items: usize,
    microseconds_per_item: u128,
    chance: f64,
    /// What the best answer earns that looks at nothing.
    best_guess: Option<f64>,
    models: Vec<Line>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Line {
    model: String,
    score: f64,
    skill: f64,
    spread_between_rounds: f64,
    milliseconds_per_request: f64,
}

impl Check {
    async fn run(self) -> Result<()> {
        let folder = TaskFolder::load(&self.folder)?;
        artifact::fetch(&folder).await?;
        let format = self.format;
        let report = tokio::task::spawn_blocking(move || self.report(&folder)).await??;
        format.print(&report, people)
    }

    fn report(&self, folder: &TaskFolder) -> Result<Report> {
        let task = Built::load(folder)?;
        let questions = Questions::draw(folder, &task, self.rounds.max(1))?;
        let mut tried: Vec<(String, Trial)> = Vec::new();
        for (name, path) in self.models()? {
            let bytes =
                fs::read(&path).with_context(|| format!("{} can't be read", path.display()))?;
            let model = Model::from_bytes(&bytes)
                .with_context(|| format!("{} can't be run", path.display()))?;
            let trial = questions.ask(&task, &model);
            tried.push((name.clone(), trial.with_context(|| name)?));
        }
        tried.sort_by(|(_, a), (_, b)| a.mean().total_cmp(&b.mean()));
        let (items, different_items) = questions.variety();
        let chance = task.chance();
        let best_guess = questions.best_guess(folder, &task);
        let mut warnings = warnings(folder, &task, &tried, (items, different_items));
        warnings.extend(best_guess.and_then(|earned| pays_guesses(chance, earned, items)));
        let models = tried.iter().map(|(name, trial)| Line {
            model: name.clone(),
            score: trial.mean(),
            skill: ((trial.mean() - chance) / (1.0 - chance)).max(0.0),
            spread_between_rounds: trial.spread(),
            milliseconds_per_request: trial.per_request().as_secs_f64() * 1e3,
        });
        Ok(Report {
            name: folder.name.clone(),
            rounds: self.rounds,
            items_per_round: folder.queries.items_per_round,
            items,
            different_items,
            microseconds_per_item: questions.per_item.as_micros(),
            chance,
            best_guess,
            models: models.collect(),
            warnings,
        })
    }

    /// The models to try, with the names to show them under.
    fn models(&self) -> Result<Vec<(String, PathBuf)>> {
        if !self.models.is_empty() {
            let named = self.models.iter().map(|path| {
                if !path.is_file() {
                    bail!("{} is no file", path.display());
                }
                Ok((path.display().to_string(), path.clone()))
            });
            return named.collect();
        }
        let Ok(entries) = fs::read_dir(self.folder.join("models")) else {
            return Ok(Vec::new());
        };
        let found = entries.flatten().filter_map(|entry| {
            let path = entry.path().join("1/model.onnx");
            let name = entry.file_name().to_string_lossy().into_owned();
            path.is_file().then_some((name, path))
        });
        let mut found: Vec<_> = found.collect();
        found.sort();
        Ok(found)
    }
}

/// Warns of a `chance` below what a guess earns, by more than these items may err.
fn pays_guesses(chance: f64, earned: f64, items: usize) -> Option<String> {
    let error = (earned * (1.0 - earned) / items.max(1) as f64).sqrt();
    (earned > chance + 3.0 * error).then(|| {
        format!(
            "an answer that looks at nothing earns {earned:.3}: say `chance = {earned:.3}` in \
             [scoring], or guesses are paid"
        )
    })
}

/// What a creator should know before anybody is paid by this task.
fn warnings(
    folder: &TaskFolder,
    task: &Built,
    tried: &[(String, Trial)],
    (items, different): (usize, usize),
) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(size) = task.set_size() {
        warnings.push(format!(
            "the {size} items are a set that miners can get hold of: whoever finds the nearest of \
             them answers as well as any model; a generator makes items that nobody has seen"
        ));
    } else if different < items * 9 / 10 {
        warnings.push(format!(
            "of {items} items only {different} differ: the generator's variety is too small"
        ));
    }
    if tried.is_empty() {
        warnings.push("no model was tried: name one with --model".into());
    }
    // What the score remembers: a geometric series of rounds that forgets half in a half-life.
    let kept = 1.0 / (1.0 - (-1.0 / folder.score.half_life_rounds).exp2());
    let remembered = kept * f64::from(folder.queries.items_per_round);
    for pair in tried.windows(2) {
        let [(a, first), (b, second)] = pair else {
            continue;
        };
        let Some(needed) = second.items_to_tell_from(first) else {
            warnings.push(format!(
                "{a} and {b} score the same in these rounds: more of them (--rounds) may tell"
            ));
            continue;
        };
        if let Some(size) = task.set_size().filter(|&size| needed > size as f64) {
            warnings.push(format!(
                "the set is too small to tell {a} from {b}: that takes {needed:.0} different \
                 items, and there are {size}"
            ));
        } else if needed > remembered {
            warnings.push(format!(
                "{a} and {b} will not be told apart: that takes {needed:.0} items, and a score \
                 remembers {remembered:.0}; raise items_per_round or half_life_rounds"
            ));
        }
    }
    for (name, trial) in tried {
        if trial.mean() <= task.chance() {
            warnings.push(format!(
                "{name} is no better than guessing and would earn nothing"
            ));
        }
        let slow = trial.per_request().as_millis() as f64;
        if slow > f64::from(folder.limits.deadline_ms) / 2.0 {
            warnings.push(format!(
                "{name} takes {slow:.0} ms a request on this machine, the deadline is {} ms",
                folder.limits.deadline_ms
            ));
        }
    }
    warnings
}

fn people(report: &Report) -> String {
    let mut text = format!(
        "{}: {} rounds of {} items, {} different; {} µs to make one; guessing earns {:.3}\n",
        report.name,
        report.rounds,
        report.items_per_round,
        report.different_items,
        report.microseconds_per_item,
        report.chance
    );
    if !report.models.is_empty() {
        let mut rows = table([
            "model",
            "score",
            "skill",
            "± between rounds",
            "ms a request",
        ]);
        for line in &report.models {
            rows.add_row([
                line.model.clone(),
                format!("{:.4}", line.score),
                format!("{:.4}", line.skill),
                format!("{:.4}", line.spread_between_rounds),
                format!("{:.2}", line.milliseconds_per_request),
            ]);
        }
        text.push_str(&format!("{rows}\n"));
    }
    for warning in &report.warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pin_changes_digests_of_files_that_are_there_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.csv"), "abc").unwrap();
        let text = "# kept\n[benchmark]\npath = \"a.csv\"\nsha256 = \"00\"\nsize = 1 # old\n\
                    [reference]\npath = \"b.onnx\"\nsha256 = \"11\"\nsize = 2\n";
        let pinned = pin(folder.path(), text).unwrap();
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            pinned,
            format!(
                "# kept\n[benchmark]\npath = \"a.csv\"\nsha256 = \"{digest}\"\nsize = 3\n\
                 [reference]\npath = \"b.onnx\"\nsha256 = \"11\"\nsize = 2\n"
            )
        );
    }
}
