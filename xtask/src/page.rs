//! The page of figures, in which commands replace what they measured before.

use std::fs;

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// Where the figures go.
const PAGE: &str = "docs/performance.md";

/// Replaces what stands between the marks `<!-- NAME -->` and `<!-- /NAME -->`.
pub fn write_down(workspace: &Workspace, name: &str, figures: &str) -> Result<()> {
    let path = workspace.root().join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("can't read {PAGE}"))?;
    let page = replace_between(&page, name, figures)
        .with_context(|| format!("{PAGE} has no `<!-- {name} -->` … `<!-- /{name} -->`"))?;
    fs::write(&path, page)?;
    eprintln!("written into {PAGE}");
    Ok(())
}

/// The machine, for figures that mean nothing without it.
pub fn machine() -> Result<String> {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == "model name").then(|| value.trim())
    });
    let model = model.unwrap_or("an unnamed processor");
    let cores = std::thread::available_parallelism()?;
    Ok(format!("{cores} cores of {model}"))
}

/// How busy the machine was in the last minute, ourselves included: programs that wanted to run.
pub fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split(' ').next().and_then(|load| load.parse().ok());
    first.unwrap_or(f64::NAN)
}

fn replace_between(page: &str, name: &str, figures: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n\n{figures}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_replace_those_of_before_and_nothing_else() {
        let page = "a\n<!-- x -->\nold\n<!-- /x -->\nb";
        let again = replace_between(page, "x", "new\n").expect("the marks are there");
        assert_eq!(again, "a\n<!-- x -->\n\nnew\n<!-- /x -->\nb");
        assert!(replace_between(page, "y", "new").is_none());
    }
}
