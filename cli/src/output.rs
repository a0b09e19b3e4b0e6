//! Tables for people, one JSON document for programs.

use anyhow::{Context, Result};
pub use assay_primitives::{format_asy as asy, parse_asy};
use comfy_table::{presets::UTF8_FULL_CONDENSED, Table};
use serde::Serialize;
use std::io::Write;

/// Whether to print JSON.
#[derive(clap::Args, Clone, Copy)]
pub struct Format {
    /// Print one JSON document instead of a table
    #[arg(long)]
    json: bool,
}

impl Format {
    /// Prints `value` as JSON, or what `people` makes of it.
    pub fn print<T: Serialize>(self, value: &T, people: impl FnOnce(&T) -> String) -> Result<()> {
        let text = match self.json {
            true => serde_json::to_string_pretty(value)?,
            false => people(value),
        };
        print(&text)
    }
}

/// Prints a text and a line break. A reader that has gone away is no error.
pub fn print(text: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("can't write to standard output")
        }
        _ => Ok(()),
    }
}

/// A table with a header.
pub fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_header(header);
    table
}

/// A share of the chain in [0, 1].
pub fn share(share: u32) -> f64 {
    f64::from(share) / 4_294_967_296.0
}
