//! What must not stand in the sources of the chain, though it compiles.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{bail, Context, Result};

use crate::workspace::Workspace;

/// Where the chain's own code lies.
const ROOTS: &[&str] = &["pallets", "runtime/src"];

/// A word, where it may stand, and why nowhere else.
struct Rule {
    word: &'static str,
    allowed: fn(&Path) -> bool,
    reason: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        word: "Weight::from_parts",
        allowed: |path| is_named(path, "weights.rs") || is_of_tests(path),
        reason: "weights are measured: write a benchmark and run `cargo xtask weights`",
    },
    Rule {
        word: "without_storage_info",
        allowed: |_| false,
        reason: "everything stored is bounded: derive `MaxEncodedLen`",
    },
];

fn is_named(path: &Path, name: &str) -> bool {
    path.file_name().is_some_and(|file| file == name)
}

/// Whether only tests are compiled from there.
fn is_of_tests(path: &Path) -> bool {
    let of_tests = |part: &std::ffi::OsStr| part == "tests" || part == "tests.rs";
    is_named(path, "mock.rs") || path.iter().any(of_tests)
}

/// Fails with every line of the chain's sources that breaks a rule.
pub fn check(workspace: &Workspace) -> Result<()> {
    let mut faults = Vec::new();
    let mut files = Vec::new();
    for root in ROOTS {
        collect(&workspace.root().join(root), &mut files)?;
    }
    for path in &files {
        let text = fs::read_to_string(path)
            .with_context(|| format!("{} can't be read", path.display()))?;
        let shown = path.strip_prefix(workspace.root()).unwrap_or(path);
        faults.extend(broken(shown, &text));
    }
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    eprintln!("sources: {} files, all as they should", files.len());
    Ok(())
}

/// The lines of a file that break a rule.
fn broken(path: &Path, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for rule in RULES.iter().filter(|rule| !(rule.allowed)(path)) {
        // A file's own tests stand at its end.
        let lines = text.lines().take_while(|line| *line != "mod tests {");
        for (index, line) in lines.enumerate() {
            let is_comment = line.trim_start().starts_with("//");
            if line.contains(rule.word) && !is_comment {
                let (word, reason) = (rule.word, rule.reason);
                faults.push(format!(
                    "{}:{}: `{word}`: {reason}",
                    path.display(),
                    index + 1
                ));
            }
        }
    }
    faults
}

/// Every Rust file below a folder.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("{} can't be read", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HAND_MADE: &str = "let cost = Weight::from_parts(1, 0);";

    #[test]
    fn broken_names_the_line_when_a_weight_is_made_by_hand() {
        let faults = broken(Path::new("pallets/a/src/lib.rs"), &format!("\n{HAND_MADE}"));
        assert_eq!(faults.len(), 1);
        assert!(
            faults[0].starts_with("pallets/a/src/lib.rs:2: "),
            "{faults:?}"
        );
    }

    #[test]
    fn broken_is_empty_when_the_file_is_written_by_benchmarks_or_for_tests() {
        for path in [
            "pallets/a/src/weights.rs",
            "pallets/a/src/mock.rs",
            "pallets/a/src/tests/calls.rs",
            "runtime/src/governance/tests.rs",
        ] {
            assert!(broken(Path::new(path), HAND_MADE).is_empty(), "{path}");
        }
        let tested = format!("#[cfg(test)]\nmod tests {{\n{HAND_MADE}\n}}");
        assert!(broken(Path::new("pallets/a/src/types.rs"), &tested).is_empty());
    }

    #[test]
    fn check_succeeds_when_run_on_this_workspace() {
        check(&Workspace::locate().unwrap()).unwrap();
    }
}
