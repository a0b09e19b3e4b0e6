//! Where figures go.

use std::{fs, path::Path, thread};

use anyhow::{bail, Context, Result};

/// On what was measured.
pub fn about() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = info.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == "model name").then(|| value.trim())
    });
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    format!(
        "On {cores} cores of {}, of which other work kept {load} busy when it began. The node's own \
         crates are compiled without optimisation (the `dev` profile, in which only cryptography, \
         database, trie and Wasm executor are optimised), the runtime's Wasm with it.\n\n",
        processor.unwrap_or("an unnamed processor")
    )
}

/// Prints the figures, and puts them between the marks of a page.
pub fn finish(page: Option<&Path>, mark: &str, figures: &str) -> Result<()> {
    println!("{figures}");
    let Some(path) = page else { return Ok(()) };
    let text =
        fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
    let Some(text) = between(&text, mark, figures) else {
        bail!(
            "{} has no `<!-- {mark} -->` … `<!-- /{mark} -->`",
            path.display()
        );
    };
    fs::write(path, text)?;
    Ok(())
}

fn between(page: &str, mark: &str, figures: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {mark} -->"), format!("<!-- /{mark} -->"));
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
        let again = between(page, "x", "new\n").expect("the marks are there");
        assert_eq!(again, "a\n<!-- x -->\n\nnew\n<!-- /x -->\nb");
        assert!(between("no marks", "x", "new").is_none());
    }
}
