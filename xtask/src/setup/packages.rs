//! The system packages without which our dependencies don't compile.
//!
//! A C compiler is not among them: Rust links with it, so where this runs there is one.

use std::process::Command;

use anyhow::Result;

use super::{apt, Need};
use crate::process;

/// One of Debian's packages, and how to see that it isn't needed any more.
pub struct Package {
    name: &'static str,
    purpose: &'static str,
    /// A command that succeeds where the package, or the same by other means, is installed.
    probe: &'static [&'static str],
}

pub const PACKAGES: &[Package] = &[
    Package {
        name: "pkg-config",
        purpose: "finds the system's OpenSSL",
        probe: &["pkg-config", "--version"],
    },
    Package {
        name: "libssl-dev",
        purpose: "OpenSSL, which the node's networking links and would take minutes to build",
        probe: &["pkg-config", "--exists", "openssl"],
    },
    Package {
        name: "protobuf-compiler",
        purpose: "compiles the messages of the node's networking",
        probe: &["protoc", "--version"],
    },
];

/// What clients that others wrote run on.
pub const CLIENTS: &[Package] = &[
    Package {
        name: "python3-venv",
        purpose: "environments for clients written in Python",
        probe: &["python3", "-c", "import ensurepip, venv"],
    },
    Package {
        name: "nodejs",
        purpose: "runs clients written in JavaScript, of which some need version 20",
        probe: &[
            "node",
            "--eval",
            "process.exit(Number(parseInt(process.versions.node) < 20))",
        ],
    },
    Package {
        name: "npm",
        purpose: "installs clients written in JavaScript",
        probe: &["npm", "--version"],
    },
];

impl Need for &'static Package {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn purpose(&self) -> &'static str {
        self.purpose
    }

    fn is_met(&self) -> bool {
        let (program, args) = match self.probe {
            [program, args @ ..] => (program, args),
            [] => return false,
        };
        process::succeeds(Command::new(program).args(args))
    }

    fn meet(&self) -> Result<()> {
        apt::install(&[self.name])
    }

    fn remedy(&self) -> String {
        format!(
            "install what Debian calls `{}` (`{}` must succeed), then run this again",
            self.name,
            self.probe.join(" ")
        )
    }
}
