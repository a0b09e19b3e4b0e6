//! What a machine needs besides Rust and git, and how it gets there.
//!
//! Each need knows how to see whether it is met, by trying rather than by asking a package manager,
//! and how to meet it. So a second run does nothing, and a machine on which somebody installed
//! things by other means is left alone. Nothing is installed without saying what and why.

mod apt;
mod gpu;
mod onnx;
mod packages;
mod rust;
mod wasm;

pub use wasm::{cargo as wasm_cargo, TARGET as WASM_TARGET};

use anyhow::{bail, ensure, Result};
use clap::ValueEnum;

use crate::workspace::Workspace;

/// What a machine will be used for. Each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Scope {
    /// Build and run the programs
    Run,
    /// Run the tests as well
    Test,
    /// Run every check as well
    Ci,
}

/// Something that a machine must have.
trait Need {
    /// What is installed, in a few words.
    fn name(&self) -> String;

    /// What it is for, in a few words.
    fn purpose(&self) -> &'static str;

    /// Whether it works already.
    fn is_met(&self) -> bool;

    /// Installs it.
    fn meet(&self) -> Result<()>;

    /// What to do by hand if installing it fails, as an imperative sentence.
    fn remedy(&self) -> String;
}

fn needs(workspace: &Workspace, scope: Scope) -> Vec<Box<dyn Need>> {
    let mut needs: Vec<Box<dyn Need>> = Vec::new();
    for package in packages::PACKAGES {
        needs.push(Box::new(package));
    }
    needs.push(Box::new(wasm::WasmTarget));
    needs.push(Box::new(onnx::OnnxRuntime::new(workspace)));
    if scope >= Scope::Test {
        needs.push(Box::new(rust::Nextest));
    }
    if scope >= Scope::Ci {
        needs.push(Box::new(rust::Component::RUSTFMT));
        needs.push(Box::new(rust::Component::CLIPPY));
    }
    needs
}

/// Installs what is missing, one thing after another.
pub fn run(workspace: &Workspace, scope: Scope) -> Result<()> {
    meet_all(&needs(workspace, scope))
}

/// Goes on after a failure, so that one run tells all that is left to do by hand.
fn meet_all(needs: &[Box<dyn Need>]) -> Result<()> {
    let mut failures = Vec::new();
    for need in needs.iter().filter(|need| !need.is_met()) {
        eprintln!("setup: installing {}: {}", need.name(), need.purpose());
        let outcome = need.meet().and_then(|()| {
            ensure!(need.is_met(), "it is installed and yet doesn't work");
            Ok(())
        });
        if let Err(error) = outcome {
            failures.push(format!(
                "can't install {}: {error:#}\n  What to do: {}",
                need.name(),
                need.remedy()
            ));
        }
    }
    ensure!(failures.is_empty(), failures.join("\nerror: "));
    Ok(())
}

/// Installs what clients that others wrote take, besides what tests do.
pub fn clients(workspace: &Workspace) -> Result<()> {
    let mut needs = needs(workspace, Scope::Test);
    for package in packages::CLIENTS {
        needs.push(Box::new(package));
    }
    meet_all(&needs)
}

/// Installs what running models on an NVIDIA GPU takes, besides what running them at all does.
pub fn gpu(workspace: &Workspace, check: bool) -> Result<()> {
    let mut needs = needs(workspace, Scope::Run);
    needs.push(Box::new(gpu::GpuRuntime::new(workspace)));
    if check {
        check_all(&needs, "cargo xtask setup --gpu")
    } else {
        meet_all(&needs)
    }
}

/// Says what is missing, and fails if anything is.
pub fn check(workspace: &Workspace, scope: Scope) -> Result<()> {
    check_all(&needs(workspace, scope), "cargo xtask setup")
}

/// `setup` is what installs all of the `needs`.
fn check_all(needs: &[Box<dyn Need>], setup: &str) -> Result<()> {
    let mut missing = 0;
    for need in needs {
        let is_met = need.is_met();
        let state = if is_met { "ok     " } else { "missing" };
        println!("{state}  {}: {}", need.name(), need.purpose());
        missing += usize::from(!is_met);
    }
    if missing > 0 {
        bail!("{missing} of {} missing: run `{setup}`", needs.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
