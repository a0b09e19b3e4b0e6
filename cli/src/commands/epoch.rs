//! `assay epoch`: one case of the incentive maths, offline.

use crate::output::print;
use anyhow::{Context, Result};
use assay_yuma::case::Case;
use std::{io::Read, path::PathBuf};

/// Largest case that is read, so that a wrong path does not fill the memory.
const MAX_CASE_BYTES: u64 = 256 * 1024 * 1024;

/// Run a case and print what every epoch computes, as JSON
#[derive(clap::Args)]
pub struct Epoch {
    /// The case, as in crates/yuma/tests/vectors; `-` for standard input
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
}

impl Epoch {
    pub fn run(self) -> Result<()> {
        let json = self.read()?;
        let report = Case::from_json(&json)?.run()?;
        print(&serde_json::to_string(&report)?)
    }

    fn read(&self) -> Result<String> {
        let mut json = String::new();
        let name = self.input.display();
        let bytes = if self.input.as_os_str() == "-" {
            std::io::stdin()
                .lock()
                .take(MAX_CASE_BYTES + 1)
                .read_to_string(&mut json)
        } else {
            let file = std::fs::File::open(&self.input)
                .with_context(|| format!("{name} can't be opened"))?;
            file.take(MAX_CASE_BYTES + 1).read_to_string(&mut json)
        }
        .with_context(|| format!("{name} can't be read as text"))?;
        anyhow::ensure!(
            bytes as u64 <= MAX_CASE_BYTES,
            "{name} is larger than the {MAX_CASE_BYTES} bytes that a case may have"
        );
        Ok(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_names_the_file_when_it_is_missing() {
        let missing = Epoch {
            input: "no/such/case.json".into(),
        }
        .run()
        .unwrap_err();
        assert!(format!("{missing:#}").contains("no/such/case.json"));
    }
}
