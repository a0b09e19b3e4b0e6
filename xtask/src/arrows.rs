//! Which of our crates may depend on which.
//!
//! ```text
//! primitives <- yuma <- pallets <- runtime <- node
//! primitives <- protocol, chain-client, telemetry <- miner, validator <- localnet <- cli
//! ```
//!
//! `X <- Y` means that Y may use X, and all that X may use. The validator and the command line may
//! use yuma as well. Only `tests` sees everything. Dependencies of every kind count, those of tests
//! and build scripts too: a test that needs both sides of an arrow belongs in `tests`.

use std::path::{Path, PathBuf};

use anyhow::{bail, Context, Result};
use serde::Deserialize;

use crate::{process, workspace::Workspace};

/// The part of the system to which a crate belongs, told by its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Primitives,
    Yuma,
    PalletTraits,
    Pallet,
    RuntimeApi,
    Runtime,
    Node,
    Protocol,
    ChainClient,
    Telemetry,
    Onnx,
    Miner,
    Validator,
    Localnet,
    Cli,
    Tests,
    /// Needed before, or beside, everything else; knows nothing of it.
    Tool,
}

impl Part {
    fn at(folder: &Path) -> Option<Self> {
        Some(match folder.to_str()? {
            "crates/primitives" => Self::Primitives,
            "crates/yuma" => Self::Yuma,
            "pallets/traits" => Self::PalletTraits,
            "pallets/runtime-api" => Self::RuntimeApi,
            "runtime" => Self::Runtime,
            "node" => Self::Node,
            "crates/protocol" => Self::Protocol,
            "crates/chain-client" => Self::ChainClient,
            "crates/telemetry" => Self::Telemetry,
            "crates/onnx" => Self::Onnx,
            "miner" => Self::Miner,
            "validator" => Self::Validator,
            "localnet" => Self::Localnet,
            "cli" => Self::Cli,
            "tests" | "tests/load" | "tests/simulation" => Self::Tests,
            "crates/wasm-opt" | "xtask" => Self::Tool,
            other if other.starts_with("pallets/") => Self::Pallet,
            _ => return None,
        })
    }

    fn may_use(self, other: Self) -> bool {
        use Part::*;
        let allowed: &[Part] = match self {
            Primitives | Tool => &[],
            Yuma | Protocol | ChainClient | Telemetry => &[Primitives],
            // Pallets meet in their traits, never each other.
            PalletTraits | RuntimeApi => &[Primitives, Yuma],
            Pallet => &[Primitives, Yuma, PalletTraits, RuntimeApi],
            Runtime => &[Primitives, Yuma, PalletTraits, Pallet, RuntimeApi],
            Node => &[Primitives, RuntimeApi, Runtime],
            Onnx => &[Primitives, Protocol],
            Miner => &[Primitives, Protocol, ChainClient, Telemetry, Onnx],
            Validator => &[Primitives, Yuma, Protocol, ChainClient, Telemetry, Onnx],
            // It writes the configurations that miners and validators read.
            Localnet => &[
                Primitives,
                Protocol,
                ChainClient,
                Telemetry,
                Miner,
                Validator,
            ],
            // Task folders are the validator's; creators check and register them by hand.
            Cli => &[
                Primitives,
                Yuma,
                Protocol,
                ChainClient,
                Telemetry,
                Onnx,
                Validator,
                Localnet,
            ],
            Tests => return true,
        };
        allowed.contains(&other)
    }
}

/// Crates from outside that only one part may use, and why.
const RESERVED: &[(&str, Part, &str)] = &[(
    "subxt",
    Part::ChainClient,
    "all talk with a node goes through crates/chain-client",
)];

/// What `cargo metadata` says, as far as it matters here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Set for dependencies inside the checkout only.
    path: Option<PathBuf>,
}

/// Fails with every arrow of the workspace that points the wrong way.
pub fn check_workspace(workspace: &Workspace) -> Result<()> {
    let json =
        process::read(&mut workspace.cargo(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Metadata =
        serde_json::from_str(&json).context("cargo's metadata is not what it used to be")?;
    let faults = faults(&metadata);
    if !faults.is_empty() {
        bail!(
            "{}\nThe arrows stand in xtask/src/arrows.rs: move the code, or put the test in tests/",
            faults.join("\n")
        );
    }
    eprintln!(
        "arrows: {} crates, all as they should",
        metadata.packages.len()
    );
    Ok(())
}

fn faults(metadata: &Metadata) -> Vec<String> {
    let mut faults = Vec::new();
    for package in &metadata.packages {
        let folder = package.manifest_path.parent();
        let Some(part) = folder.and_then(|folder| part_of(metadata, folder)) else {
            faults.push(format!(
                "{}: {} has no place in the tree: give it one in xtask/src/arrows.rs",
                package.name,
                package.manifest_path.display()
            ));
            continue;
        };
        for dependency in &package.dependencies {
            // A crate's tests may name the crate itself, to turn on one of its features.
            if dependency.path.as_deref() == folder {
                continue;
            }
            if let Some(reason) = fault(metadata, part, dependency) {
                let arrow = format!("{} -> {}: {reason}", package.name, dependency.name);
                // The same crate may be named for tests and for the build as well.
                if !faults.contains(&arrow) {
                    faults.push(arrow);
                }
            }
        }
    }
    faults
}

fn fault(metadata: &Metadata, part: Part, dependency: &Dependency) -> Option<String> {
    let Some(path) = &dependency.path else {
        let (_, owner, reason) = RESERVED
            .iter()
            .find(|(name, ..)| *name == dependency.name)?;
        let allowed = part == *owner || part == Part::Tests;
        return (!allowed).then(|| (*reason).to_owned());
    };
    match part_of(metadata, path) {
        Some(other) if part.may_use(other) => None,
        Some(other) => Some(format!("{part:?} may not use {other:?}")),
        None => Some(format!("{} is outside the tree", path.display())),
    }
}

fn part_of(metadata: &Metadata, folder: &Path) -> Option<Part> {
    Part::at(folder.strip_prefix(&metadata.workspace_root).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace of the given crates: folder, and the folders or names that it depends on.
    fn metadata(crates: &[(&str, &[&str])]) -> Metadata {
        let root = PathBuf::from("/w");
        let packages = crates.iter().map(|(folder, dependencies)| Package {
            name: folder.replace('/', "-"),
            manifest_path: root.join(folder).join("Cargo.toml"),
            dependencies: dependencies
                .iter()
                .map(|name| Dependency {
                    name: name.replace('/', "-"),
                    path: Part::at(Path::new(name)).map(|_| root.join(name)),
                })
                .collect(),
        });
        Metadata {
            packages: packages.collect(),
            workspace_root: root.clone(),
        }
    }

    #[track_caller]
    fn assert_faults(crates: &[(&str, &[&str])], expected: &[&str]) {
        assert_eq!(faults(&metadata(crates)), expected);
    }

    #[test]
    fn faults_are_none_when_arrows_point_down() {
        assert_faults(
            &[
                ("crates/primitives", &["serde"]),
                ("crates/yuma", &["crates/primitives"]),
                ("pallets/epoch", &["crates/yuma", "pallets/traits"]),
                ("runtime", &["pallets/epoch", "pallets/runtime-api"]),
                ("node", &["runtime", "pallets/runtime-api"]),
                ("crates/chain-client", &["crates/primitives", "subxt"]),
                ("validator", &["crates/yuma", "crates/chain-client"]),
                ("tests", &["runtime", "miner", "validator", "subxt"]),
            ],
            &[],
        );
    }

    #[test]
    fn faults_are_none_when_a_crate_names_itself() {
        assert_faults(&[("crates/yuma", &["crates/yuma"])], &[]);
    }

    #[test]
    fn faults_name_the_edge_when_a_client_uses_the_runtime() {
        assert_faults(
            &[("miner", &["crates/protocol", "runtime"])],
            &["miner -> runtime: Miner may not use Runtime"],
        );
    }

    #[test]
    fn faults_name_the_edge_when_a_pallet_uses_another() {
        assert_faults(
            &[("pallets/stake", &["pallets/emission"])],
            &["pallets-stake -> pallets-emission: Pallet may not use Pallet"],
        );
    }

    #[test]
    fn faults_name_the_edge_when_yuma_points_upwards() {
        assert_faults(
            &[("crates/yuma", &["pallets/traits"])],
            &["crates-yuma -> pallets-traits: Yuma may not use PalletTraits"],
        );
    }

    #[test]
    fn faults_name_the_edge_when_the_miner_uses_yuma() {
        assert_faults(
            &[("miner", &["crates/yuma"])],
            &["miner -> crates-yuma: Miner may not use Yuma"],
        );
    }

    #[test]
    fn faults_name_the_edge_once_when_it_is_declared_twice() {
        assert_faults(
            &[("node", &["pallets/stake", "pallets/stake"])],
            &["node -> pallets-stake: Node may not use Pallet"],
        );
    }

    #[test]
    fn faults_name_the_crate_when_a_reserved_one_is_used_elsewhere() {
        assert_faults(
            &[("validator", &["subxt"])],
            &["validator -> subxt: all talk with a node goes through crates/chain-client"],
        );
    }

    #[test]
    fn faults_name_the_crate_when_it_has_no_place() {
        assert_faults(
            &[("crates/misc", &[])],
            &[
                "crates-misc: /w/crates/misc/Cargo.toml has no place in the tree: \
                 give it one in xtask/src/arrows.rs",
            ],
        );
    }

    #[test]
    fn check_succeeds_when_run_on_this_workspace() {
        check_workspace(&Workspace::locate().unwrap()).unwrap();
    }
}
