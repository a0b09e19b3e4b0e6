//! `assay task new`: a task folder that works from the start.

use super::task::pin;
use crate::output::print;
use anyhow::{bail, Context, Result};
use assay_validator::task::TaskFolder;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const TASK: &str = include_str!("../../templates/task.toml");
const GENERATOR: &str = include_str!("../../templates/generate.py");
const JUDGE: &str = include_str!("../../templates/judge.py");
/// Numbers in an item of the generator that is written.
const WIDTH: usize = 8;

/// Write a new task folder that works, to change into one's own
#[derive(clap::Args)]
pub struct New {
    /// The folder, whose name becomes the task's
    folder: PathBuf,
    /// How answers are judged
    #[arg(long, value_enum, default_value_t = Rule::Classification)]
    rule: Rule,
    /// Items to ask: a CSV file whose last column is `label` or `target`; without it, a generator
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// The model that answers must agree with
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Rule {
    /// The answer names a class
    Classification,
    /// The answer is a number
    Regression,
    /// The answer is a vector
    Similarity,
    /// The answer is that of a reference model
    Agreement,
    /// A program judges
    External,
}

/// What is told of the items that there are.
struct Data {
    width: usize,
    classes: usize,
}

impl New {
    pub fn run(self) -> Result<()> {
        if self.folder.join("task.toml").exists() {
            bail!("{} holds a task already", self.folder.display());
        }
        if self.rule == Rule::Agreement && self.reference.is_none() {
            bail!("agreement needs a model to agree with: name it with --reference");
        }
        if self.data.is_some() && matches!(self.rule, Rule::Similarity | Rule::External) {
            bail!("a CSV file holds classes or numbers: write JSON lines for this rule, or a generator");
        }
        let name = self
            .folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            bail!("`{name}` can't be a task's name: letters, digits, `.`, `_` and `-` can");
        }
        let data = match &self.data {
            Some(path) => self.copy_data(path)?,
            None => {
                let (truth, what) = self.rule.truth();
                let program = GENERATOR.replace("{truth}", truth).replace("{what}", what);
                self.write("generate.py", program.as_bytes())?;
                let classes = WIDTH;
                Data {
                    width: WIDTH,
                    classes,
                }
            }
        };
        if self.rule == Rule::External {
            self.write("judge.py", JUDGE.as_bytes())?;
        }
        if let Some(model) = &self.reference {
            let bytes =
                fs::read(model).with_context(|| format!("{} can't be read", model.display()))?;
            self.write("reference.onnx", &bytes)?;
        }
        let text = self.task(&name, &data);
        self.write("task.toml", pin(&self.folder, &text)?.as_bytes())?;
        TaskFolder::load(&self.folder)?;
        print(&format!(
            "{folder} is a task that works: make it yours, then `assay task pin {folder}` and \
             `assay task check {folder} --model FILE`",
            folder = self.folder.display()
        ))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        fs::create_dir_all(&self.folder)
            .and_then(|()| fs::write(&path, bytes))
            .with_context(|| format!("{} can't be written", path.display()))
    }

    fn copy_data(&self, path: &Path) -> Result<Data> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("{} can't be read", path.display()))?;
        let data = look_at(&text, self.rule).with_context(|| path.display().to_string())?;
        self.write("benchmark.csv", text.as_bytes())?;
        Ok(data)
    }

    fn task(&self, name: &str, data: &Data) -> String {
        let source = match self.data {
            Some(_) => file("benchmark", "benchmark.csv"),
            None => program("generator.program", "generate.py"),
        };
        let (output, scoring, told_by) = self.rule.lines(data);
        let probes = match told_by {
            None => String::new(),
            Some(output) => format!(
                "\n# Miners whose answers to the shared items are the same are one model, and the \
                 slower one earns nothing.\n[probes]\noutputs = [\"{output}\"]\n\
                 same_within = 0.0001\n"
            ),
        };
        let reference = match self.reference {
            Some(_) => file("reference", "reference.onnx"),
            None => String::new(),
        };
        TASK.replace("{name}", name)
            .replace("{description}", "Say what is asked, in a sentence.")
            .replace("{width}", &data.width.to_string())
            .replace("{output}", output)
            .replace("{scoring}", &scoring)
            .replace("{source}", &format!("{source}{reference}"))
            .replace("{probes}", &probes)
    }
}

impl Rule {
    /// The truth that the generator states, in Python, and in words.
    fn truth(self) -> (&'static str, &'static str) {
        match self {
            Self::Classification => ("x.index(max(x))", "which number is the largest."),
            Self::Regression => ("sum(x) / WIDTH", "their mean."),
            Self::Similarity => (
                "[number - sum(x) / WIDTH for number in x]",
                "by how much each is above the mean.",
            ),
            Self::Agreement => ("None", "nothing; the reference model knows it."),
            Self::External => ("max(x)", "whatever the judge makes of it."),
        }
    }

    /// The output, [scoring], and the output that tells models apart.
    fn lines(self, data: &Data) -> (&'static str, String, Option<&'static str>) {
        const NUMBER: &str = "{ name = \"y\", datatype = \"FP32\", shape = [-1, 1] }";
        const VECTOR: &str = "{ name = \"y\", datatype = \"FP32\", shape = [-1, -1] }";
        let scoring = |rule: &str, rest: &str| format!("[scoring]\nrule = \"{rule}\"\n{rest}\n");
        match self {
            Self::Classification => (
                VECTOR,
                scoring(
                    "classification",
                    &format!(
                        "# INT64 or INT32: the class; FP32: a score for each class.\n\
                         output = \"y\"\nclasses = {}",
                        data.classes
                    ),
                ),
                Some("y"),
            ),
            Self::Regression => (
                NUMBER,
                scoring(
                    "regression",
                    "output = \"y\"\n# An error of this size halves the score.\ntolerance = 0.05",
                ),
                Some("y"),
            ),
            Self::Similarity => (VECTOR, scoring("similarity", "output = \"y\""), Some("y")),
            // All are meant to serve one model.
            Self::Agreement => (
                VECTOR,
                scoring(
                    "agreement",
                    "outputs = [\"y\"]\n# The largest difference that still agrees.\n\
                     tolerance = 0.001",
                ),
                None,
            ),
            Self::External => (
                VECTOR,
                format!(
                    "{}\n{}",
                    scoring("external", "outputs = [\"y\"]"),
                    program("scoring.program", "judge.py")
                ),
                Some("y"),
            ),
        }
    }
}

/// A table that names a file; the digest and the size are pinned afterwards.
fn file(table: &str, path: &str) -> String {
    let zeros = "0".repeat(64);
    format!(
        "# Relative to this file. `uri` may say where others fetch what has this digest.\n[{table}]\n\
         path = \"{path}\"\nsha256 = \"{zeros}\"\nsize = 1\n\n"
    )
}

/// Tables that name a program.
fn program(table: &str, path: &str) -> String {
    let named = file(&format!("{table}.file"), path);
    format!(
        "# Kept running: a line of JSON in, a line of JSON out.\n[{table}]\n\
         command = [\"python3\", \"{{file}}\"]\ntimeout_ms = 10000\nmemory_mib = 512\n\n{named}"
    )
}

/// Counts columns and classes of a CSV file.
fn look_at(text: &str, rule: Rule) -> Result<Data> {
    let mut lines = text.lines();
    let header = lines.next().context("the file is empty")?;
    let columns: Vec<&str> = header.split(',').collect();
    let due = match rule {
        Rule::Classification => Some("label"),
        Rule::Regression => Some("target"),
        _ => None,
    };
    if due.is_some_and(|due| columns.last() != Some(&due)) {
        bail!("the last column must be `{}`", due.unwrap_or_default());
    }
    let labels: BTreeSet<u32> = lines
        .filter_map(|line| line.rsplit(',').next()?.trim().parse().ok())
        .collect();
    let largest = labels.last().copied().unwrap_or_default();
    Ok(Data {
        width: columns.len() - usize::from(due.is_some()),
        classes: largest as usize + 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_validator::task::{trial::Questions, Task};

    fn new(folder: PathBuf, rule: Rule) -> New {
        New {
            folder,
            rule,
            data: None,
            reference: None,
        }
    }

    #[test]
    fn new_writes_tasks_that_make_items() {
        let parent = tempfile::tempdir().unwrap();
        for rule in [
            Rule::Classification,
            Rule::Regression,
            Rule::Similarity,
            Rule::External,
        ] {
            let folder = parent.path().join(format!("{rule:?}").to_lowercase());
            new(folder.clone(), rule).run().unwrap();
            let task = TaskFolder::load(&folder).unwrap();
            let built = Task::load(&task).unwrap();
            let (items, different) = Questions::draw(&task, &built, 2).unwrap().variety();
            assert_eq!((items, different), (128, 128 - 4), "{rule:?}");
        }
    }

    #[test]
    fn new_takes_rows_and_counts_their_classes() {
        let parent = tempfile::tempdir().unwrap();
        let data = parent.path().join("rows.csv");
        fs::write(&data, "a,b,label\n1,2,0\n3,4,2\n").unwrap();
        let folder = parent.path().join("rows");
        New {
            data: Some(data),
            ..new(folder.clone(), Rule::Classification)
        }
        .run()
        .unwrap();
        let text = fs::read_to_string(folder.join("task.toml")).unwrap();
        assert!(
            text.contains("classes = 3") && text.contains("shape = [-1, 2]"),
            "{text}"
        );
        let again = new(folder, Rule::Classification).run().unwrap_err();
        assert!(again.to_string().contains("already"), "{again}");
    }

    #[test]
    fn new_says_what_is_missing() {
        let parent = tempfile::tempdir().unwrap();
        let error = new(parent.path().join("a"), Rule::Agreement)
            .run()
            .unwrap_err();
        assert!(error.to_string().contains("--reference"), "{error}");
        let error = new(parent.path().join("a b"), Rule::Regression)
            .run()
            .unwrap_err();
        assert!(error.to_string().contains("name"), "{error}");
    }
}
