//! Cargo's own subcommands.

use std::process::Command;

use anyhow::Result;

use super::Need;
use crate::process;

/// The test runner.
pub struct Nextest;

impl Need for Nextest {
    fn name(&self) -> String {
        "cargo-nextest".to_owned()
    }

    fn purpose(&self) -> &'static str {
        "runs the tests; it is compiled here, which takes some minutes, once"
    }

    fn is_met(&self) -> bool {
        process::succeeds(Command::new("cargo").args(["nextest", "--version"]))
    }

    fn meet(&self) -> Result<()> {
        // Optimising a program that only starts others takes longer than it can ever save.
        let mut install = Command::new("cargo");
        install
            .args(["install", "--locked", "cargo-nextest"])
            .env_remove("CARGO_TARGET_DIR")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        process::run(&mut install)
    }

    fn remedy(&self) -> String {
        "get it as https://nexte.st says, so that `cargo nextest --version` works".to_owned()
    }
}

/// A component of the Rust toolchain that minimal installations leave out.
pub struct Component {
    name: &'static str,
    subcommand: &'static str,
    purpose: &'static str,
}

impl Component {
    pub const RUSTFMT: Self = Self {
        name: "rustfmt",
        subcommand: "fmt",
        purpose: "checks the code's format",
    };

    pub const CLIPPY: Self = Self {
        name: "clippy",
        subcommand: "clippy",
        purpose: "finds common mistakes",
    };
}

impl Need for Component {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn purpose(&self) -> &'static str {
        self.purpose
    }

    fn is_met(&self) -> bool {
        process::succeeds(Command::new("cargo").args([self.subcommand, "--version"]))
    }

    fn meet(&self) -> Result<()> {
        process::run(Command::new("rustup").args(["component", "add", self.name]))
    }

    fn remedy(&self) -> String {
        format!(
            "install {} so that `cargo {} --version` works",
            self.name, self.subcommand
        )
    }
}
