//! The slowest units of compilation, out of the reports of `cargo --timings`.

use std::{fmt, fs, path::Path};

use anyhow::{Context, Result};
use serde::Deserialize;

/// One crate, or one run of a build script, in one compile mode.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Unit {
    name: String,
    version: String,
    /// What of the crate, if not its library: ` build script (run)`, say.
    target: String,
    /// Seconds, while other units may have been compiling beside it.
    duration: f64,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            version,
            target,
            duration,
        } = self;
        write!(f, "{duration:7.1} s  {name} {version}{target}")
    }
}

/// Reads the newest report below the target directory.
///
/// Cargo writes the report as a page; its data is a JSON array in the page's script.
pub fn read(target: &Path) -> Result<Vec<Unit>> {
    let path = target.join("cargo-timings").join("cargo-timing.html");
    let page = fs::read_to_string(&path)
        .with_context(|| format!("can't read cargo's timing report {}", path.display()))?;
    parse(&page).with_context(|| format!("can't understand {}", path.display()))
}

fn parse(page: &str) -> Result<Vec<Unit>> {
    const START: &str = "const UNIT_DATA = ";
    let start = page.find(START).context("it has no UNIT_DATA")? + START.len();
    // The script goes on after the array, so read one value and no more.
    serde_json::Deserializer::from_str(&page[start..])
        .into_iter()
        .next()
        .context("UNIT_DATA is empty")?
        .context("UNIT_DATA is not what it used to be")
}

/// The `count` units that took longest, the slowest first.
pub fn slowest(mut units: Vec<Unit>, count: usize) -> Vec<Unit> {
    units.sort_by(|a, b| b.duration.total_cmp(&a.duration));
    units.truncate(count);
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<script>
        const UNIT_DATA = [
          {"i": 0, "name": "itoa", "version": "1.0.18", "mode": "todo", "target": "",
           "features": [], "start": 0.1, "duration": 0.5, "sections": [["codegen", {"end": 1}]]},
          {"i": 1, "name": "ring", "version": "0.17.14", "mode": "run-custom-build",
           "target": " build script (run)", "duration": 12.25}
        ];
        const CONCURRENCY_DATA = [{"t": 0}];
    </script>"#;

    #[test]
    fn parse_reads_units_when_the_script_goes_on() {
        let units = parse(PAGE).unwrap();
        assert_eq!(units.len(), 2);
        assert_eq!(units[0].to_string(), "    0.5 s  itoa 1.0.18");
        assert_eq!(
            units[1].to_string(),
            "   12.2 s  ring 0.17.14 build script (run)"
        );
    }

    #[test]
    fn parse_fails_when_the_page_has_no_data() {
        let error = parse("<html></html>").expect_err("there is nothing to read");
        assert!(error.to_string().contains("UNIT_DATA"), "{error}");
    }

    #[test]
    fn slowest_keeps_the_longest_when_there_are_more() {
        let units = slowest(parse(PAGE).unwrap(), 1);
        assert_eq!(units.len(), 1);
        assert_eq!(units[0].name, "ring");
    }
}
