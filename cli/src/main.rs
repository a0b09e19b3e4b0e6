//! The `assay` program: see the library for what it does.

use std::process::ExitCode;

fn main() -> ExitCode {
    assay_cli::main()
}
