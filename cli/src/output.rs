//! Tables for people, one JSON document for programs.

use anyhow::{bail, Context, Result};
use assay_primitives::{Balance, ASY, DECIMALS};
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

/// An amount for people: `12.5 ASY`.
pub fn asy(amount: Balance) -> String {
    let (whole, rest) = (amount / ASY, amount % ASY);
    let digits = format!("{rest:0width$}", width = usize::from(DECIMALS));
    match digits.trim_end_matches('0') {
        "" => format!("{whole} ASY"),
        digits => format!("{whole}.{digits} ASY"),
    }
}

/// Reads an amount in ASY: `12`, `12.5` or `0.000001`.
pub fn parse_asy(text: &str) -> Result<Balance> {
    let wrong = || format!("`{text}` is not an amount in ASY, such as 12 or 0.5");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(part) {
        bail!(wrong());
    }
    if part.len() > usize::from(DECIMALS) {
        bail!("`{text}` has more than the {DECIMALS} decimals that ASY has");
    }
    let whole: Balance = whole.parse().with_context(wrong)?;
    let padded = format!("{part:0<width$}", width = usize::from(DECIMALS));
    let part: Balance = padded.parse().with_context(wrong)?;
    let units = whole
        .checked_mul(ASY)
        .and_then(|whole| whole.checked_add(part));
    units.with_context(|| format!("{text} ASY are more than can be"))
}

/// A share of the chain in [0, 1].
pub fn share(share: u32) -> f64 {
    f64::from(share) / 4_294_967_296.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_round_trip() {
        for (text, amount) in [
            ("0", 0),
            ("1", ASY),
            ("12.5", 25 * ASY / 2),
            ("0.000000000001", 1),
            ("21000000", 21_000_000 * ASY),
        ] {
            assert_eq!(parse_asy(text).unwrap(), amount);
            assert_eq!(asy(amount), format!("{text} ASY"));
        }
    }

    #[test]
    fn parse_asy_fails_when_the_text_is_no_amount() {
        for text in ["", ".5", "1,5", "-1", "1e3", "0.0000000000001", "1.2.3"] {
            assert!(parse_asy(text).is_err(), "{text}");
        }
        let huge = "9".repeat(40);
        assert!(parse_asy(&huge).is_err());
    }
}
