//! What must pass before a change is merged.
//!
//! Everything is compiled in two ways and no more: *checked*, which clippy and rustdoc share, and
//! *built*, which the tests and the programs that they start share. So no step may set flags or
//! variables that another one doesn't, `SKIP_WASM_BUILD` least of all.

use std::{
    fmt,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::{
    process, setup,
    timings::{self, Unit},
    workspace::Workspace,
};

/// How many units `--timings` names.
const SLOWEST: usize = 10;

/// The tests that compare the committed metadata, and the page made of it, with the runtime's, as
/// nextest selects them.
const METADATA_TEST: &str = "package(assay-runtime) & binary(metadata)";

/// With this variable set, those tests write the files instead of comparing them.
const WRITE_METADATA: &str = "ASSAY_WRITE_METADATA";

/// In the order in which they run: what is quick comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Step {
    /// Dependencies point the right way, and the chain's sources keep to its rules
    Arrows,
    /// The code is formatted
    Fmt,
    /// Clippy has nothing to say
    Clippy,
    /// Rustdoc has nothing to say
    Doc,
    /// Programs and tests compile
    Build,
    /// The committed metadata, and docs/chain.md, are the runtime's
    Metadata,
    /// All tests pass, those over real processes too
    Test,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}").to_lowercase())
    }
}

impl Step {
    /// Adds what it compiles to `units`, if they are wanted.
    fn run(self, workspace: &Workspace, units: &mut Option<Vec<Unit>>) -> Result<()> {
        match self {
            Self::Arrows => crate::check_rules(workspace),
            Self::Fmt => process::run(&mut workspace.cargo(["fmt", "--all", "--check"]))
                .context("run `cargo fmt --all`"),
            Self::Clippy => {
                let clippy = workspace.cargo(["clippy", "--workspace", "--all-targets"]);
                compile(workspace, clippy, &["--", "-D", "warnings"], units)
            }
            Self::Doc => {
                let mut doc = workspace.cargo(["doc", "--workspace", "--no-deps"]);
                doc.env("RUSTDOCFLAGS", "-D warnings");
                compile(workspace, doc, &[], units)
            }
            Self::Build => {
                compile(workspace, build_all(workspace), &[], units)?;
                compile(workspace, nextest(workspace), &["--no-run"], units)
            }
            Self::Metadata => check_metadata(workspace),
            Self::Test => test(workspace, &[]),
        }
    }
}

fn compile(
    workspace: &Workspace,
    mut command: Command,
    last_args: &[&str],
    units: &mut Option<Vec<Unit>>,
) -> Result<()> {
    if units.is_some() {
        command.arg("--timings");
    }
    process::run(command.args(last_args))?;
    if let Some(units) = units {
        units.extend(timings::read(workspace.target())?);
    }
    Ok(())
}

/// Builds every program, all at once: cargo unites the features of what is built together, so to
/// build some of them would compile half the dependencies a second time.
pub fn build_programs(workspace: &Workspace) -> Command {
    workspace.cargo(["build", "--workspace", "--bins"])
}

/// Builds every program and every test. What tests ask of dependencies counts for the programs,
/// too, so that all is compiled once.
fn build_all(workspace: &Workspace) -> Command {
    workspace.cargo(["build", "--workspace", "--all-targets"])
}

/// Runs tests, though it does not build the programs that some of them start.
fn nextest(workspace: &Workspace) -> Command {
    workspace.cargo(["nextest", "run", "--workspace", "--all-targets"])
}

/// Runs the steps, or all of them if none is named, until one fails; says how long each took.
pub fn run(workspace: &Workspace, steps: &[Step], timed: bool) -> Result<()> {
    let steps = if steps.is_empty() {
        Step::value_variants()
    } else {
        steps
    };
    let mut took: Vec<(Step, Duration)> = Vec::new();
    let mut units = timed.then(Vec::new);
    let mut outcome = Ok(());
    for &step in steps {
        eprintln!("\n== {step}");
        let start = Instant::now();
        outcome = step
            .run(workspace, &mut units)
            .with_context(|| format!("step `{step}` failed; repeat it by `cargo xtask ci {step}`"));
        took.push((step, start.elapsed()));
        if outcome.is_err() {
            break;
        }
    }
    report(&took, units.unwrap_or_default());
    outcome
}

fn report(took: &[(Step, Duration)], units: Vec<Unit>) {
    let slowest = timings::slowest(units, SLOWEST);
    if !slowest.is_empty() {
        eprintln!("\nSlowest units of compilation:");
    }
    for unit in slowest {
        eprintln!("{unit}");
    }
    eprintln!("\nTime per step:");
    for (step, duration) in took {
        eprintln!("{step:>9}{:8.1} s", duration.as_secs_f64());
    }
    let total: Duration = took.iter().map(|(_, duration)| *duration).sum();
    eprintln!("{:>9}{:8.1} s", "total", total.as_secs_f64());
}

/// Runs the tests; `args` narrow them down as nextest's own arguments do.
///
/// The whole workspace is compiled even so: a part of it alone would have other features.
pub fn test(workspace: &Workspace, args: &[String]) -> Result<()> {
    process::run(&mut build_all(workspace))?;
    process::run(nextest(workspace).args(args))
}

/// Compares the committed metadata with the runtime's.
pub fn check_metadata(workspace: &Workspace) -> Result<()> {
    process::run(nextest(workspace).args(["-E", METADATA_TEST])).context(
        "if the runtime was meant to change, run `cargo xtask metadata` and commit the file",
    )
}

/// Writes the runtime's metadata to where clients are compiled against it, and the page that lists
/// it.
///
/// That is a test's work, because it needs the runtime, which is not for this crate to link. And it
/// is the runtime's test, compiled alone: clients don't compile while their metadata is outdated.
pub fn write_metadata(workspace: &Workspace) -> Result<()> {
    let mut command = workspace.cargo(["nextest", "run", "-p", "assay-runtime"]);
    process::run(
        command
            .args(["--test", "metadata"])
            .env(WRITE_METADATA, "1"),
    )
    .context("the runtime must compile, and nothing else of ours")
}

/// Runs the benchmarks of the incentive maths: native, then as Wasm in a node's executor.
pub fn bench(workspace: &Workspace, args: &[String]) -> Result<()> {
    process::run(
        workspace
            .cargo(["bench", "-p", "assay-yuma", "--benches", "--"])
            .args(args),
    )?;
    let guest = build_guest(workspace)?;
    // What is timed is the executor's own code, so the profile does not matter; the profile and the
    // features with which everything is built already save compiling the executor again.
    let bench = ["bench", "--workspace", "--profile", "dev"];
    process::run(
        workspace
            .cargo(bench)
            .args(["--bench", "epoch_in_wasm", "--"])
            .args(args)
            .env("ASSAY_YUMA_GUEST", guest),
    )
}

/// Builds the incentive maths as a Wasm module and says where it is.
fn build_guest(workspace: &Workspace) -> Result<PathBuf> {
    let target = workspace.target().join("wasm-guest");
    let mut cargo = setup::wasm_cargo();
    cargo
        .current_dir(workspace.root().join("crates/yuma/wasm-guest"))
        .args(["build", "--release", "--locked"])
        .args(["--target", setup::WASM_TARGET, "--target-dir"])
        .arg(&target);
    process::run(&mut cargo).context("`cargo xtask setup` installs what the Wasm needs")?;
    let folder = target.join(setup::WASM_TARGET).join("release");
    Ok(folder.join("assay_yuma_wasm_guest.wasm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_named_as_on_the_command_line() {
        for step in Step::value_variants() {
            let value = step.to_possible_value().expect("no step is hidden");
            assert_eq!(step.to_string(), value.get_name());
        }
    }
}
