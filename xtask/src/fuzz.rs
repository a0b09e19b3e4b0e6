//! `cargo xtask soak fuzz`: libFuzzer on what strangers send to a miner, and miners to validators.
//!
//! It needs no nightly compiler: counting which branches are taken is a pass of LLVM that every
//! compiler has. What a nightly one would add is a sanitizer, and there is next to no unsafe code
//! here; overflows and broken assertions are found without. `cargo fuzz` works on the same targets.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{bail, ensure, Context, Result};

use crate::{process, workspace::Workspace};

/// The targets, each with a corpus and a dictionary of its name in `fuzz`. (`economy` is what
/// `cargo xtask soak simulation` does by chance, and takes the whole runtime.)
const TARGETS: [&str; 3] = ["query", "signature", "receipt"];

/// How long each is fuzzed unless the command line says otherwise.
const SECONDS: u64 = 600;

/// Longest input: more than heads and small queries take, little enough to be quick.
const MAX_LENGTH: usize = 4096;

/// What `cargo fuzz` compiles with, less the sanitizer.
const FLAGS: [&str; 8] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cdebug-assertions",
    "-Ccodegen-units=1",
];

/// Fuzzes each target for so many seconds. `args`: the seconds.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    let seconds = match args {
        [] => SECONDS,
        [seconds] => seconds
            .parse()
            .with_context(|| format!("`{seconds}` is no number of seconds"))?,
        _ => bail!("more than a number of seconds was given"),
    };
    let programs = build(workspace)?;
    let mut found = Vec::new();
    for target in TARGETS {
        match fuzz(workspace, &programs.join(target), target, seconds) {
            Ok(outcome) => eprintln!("{target}: {outcome}"),
            Err(why) => {
                eprintln!("{target}: {why:#}");
                found.push(target);
            }
        }
    }
    ensure!(found.is_empty(), "{} found something", found.join(", "));
    Ok(())
}

/// Builds the targets and returns the folder in which they are.
fn build(workspace: &Workspace) -> Result<PathBuf> {
    let about = process::read(Command::new("rustc").arg("-vV"))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc does not say for which machine it compiles")?;
    let mut cargo = workspace.cargo(["build", "--release", "--bins"]);
    // Named as if it were another machine, so that build scripts are compiled without the flags.
    cargo
        .args(["--target", host, "--manifest-path"])
        .arg(workspace.root().join("fuzz").join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", workspace.fuzz_target())
        .env("RUSTFLAGS", FLAGS.join(" "));
    process::run(&mut cargo)?;
    Ok(workspace.fuzz_target().join(host).join("release"))
}

/// Runs one target. Inputs that reached something new are kept for the next time, outside the
/// checkout; its own corpus is where it starts from.
fn fuzz(workspace: &Workspace, program: &Path, target: &str, seconds: u64) -> Result<Outcome> {
    let ours = workspace.root().join("fuzz");
    let kept = workspace.fuzz_target().join("corpus").join(target);
    let broken = workspace.fuzz_target().join("found");
    fs::create_dir_all(&kept)?;
    fs::create_dir_all(&broken)?;
    let log = workspace.fuzz_target().join(format!("{target}.log"));
    eprintln!("fuzzing {target} for {seconds} s: see {}", log.display());
    let status = Command::new(program)
        .arg(&kept)
        .arg(ours.join("corpus").join(target))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={MAX_LENGTH}"))
        .arg("-timeout=10")
        .arg("-print_final_stats=1")
        .arg(format!(
            "-dict={}",
            ours.join(format!("{target}.dict")).display()
        ))
        .arg(format!("-artifact_prefix={}/{target}-", broken.display()))
        .stdin(Stdio::null())
        .stderr(fs::File::create(&log)?)
        .status()
        .with_context(|| format!("can't start {}", program.display()))?;
    let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    if !status.success() {
        let last = said.lines().rev().take(20).collect::<Vec<_>>();
        bail!(
            "{}\nthe input is in {}: `{} INPUT` runs it alone. Give it to fuzz/corpus/{target} \
             under a name that says what it broke",
            last.into_iter().rev().collect::<Vec<_>>().join("\n"),
            broken.display(),
            program.display()
        );
    }
    Outcome::read(&said).context("libFuzzer did not say what it did")
}

/// What libFuzzer says at the end.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    executions: u64,
    reached: u64,
    of: u64,
    corpus: u64,
}

impl Outcome {
    fn read(said: &str) -> Option<Self> {
        let executions = said
            .lines()
            .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))?;
        let counters = said.lines().find_map(|line| {
            let (before, _) = line.split_once(" inline 8-bit counters)")?;
            before.rsplit_once('(').map(|(_, number)| number)
        })?;
        let last = said.lines().rfind(|line| line.contains(" cov: "))?;
        let after = |name: &str| {
            let (_, rest) = last.split_once(name)?;
            let number = rest.split([' ', '/']).next()?;
            number.parse().ok()
        };
        Some(Self {
            executions: executions.trim().parse().ok()?,
            reached: after(" cov: ")?,
            of: counters.parse().ok()?,
            corpus: after(" corp: ")?,
        })
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} inputs broke nothing; {} of {} branches compiled in were taken; {} inputs kept",
            self.executions, self.reached, self.of, self.corpus
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcome_is_read_from_what_libfuzzer_says() {
        let said = "INFO: Loaded 1 modules   (31415 inline 8-bit counters): 31415 [0x1, 0x2), \n\
                    #2\tINITED cov: 7 ft: 8 corp: 1/1b exec/s: 0 rss: 40Mb\n\
                    #900\tDONE   cov: 271 ft: 828 corp: 18/2845b lim: 45 exec/s: 90 rss: 45Mb\n\
                    stat::number_of_executed_units: 900\n";
        let outcome = Outcome::read(said).expect("it says all that is needed");
        let expected = Outcome {
            executions: 900,
            reached: 271,
            of: 31415,
            corpus: 18,
        };
        assert_eq!(outcome, expected);
        assert_eq!(Outcome::read("ended early"), None);
    }

    #[test]
    fn targets_have_a_corpus_and_a_dictionary() {
        let workspace = Workspace::locate().expect("this is run in the checkout");
        for target in TARGETS {
            let ours = workspace.root().join("fuzz");
            assert!(ours.join("corpus").join(target).is_dir(), "{target}");
            assert!(ours.join(format!("{target}.dict")).is_file(), "{target}");
        }
    }
}
