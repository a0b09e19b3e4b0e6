//! The table of settings as documentation: `docs/hyperparameters.md`.

use super::{Authority, Hyperparameter, Hyperparameters, Setting};
use std::fmt::Write;

/// The tempo that the documented defaults are for: that of a network with 6 s blocks.
const TEMPO: u32 = 360;

const HEAD: &str = "\
# A subnet's settings

Written from the table in `crates/primitives/src/hyperparameters/mod.rs`, which the chain checks every change against: edit that, not this file. A test says when
the two differ, and how to write this file anew.

A setting is changed with `patch_hyperparameters`, or `assay subnet set NETUID name=value …`. A patch holds from the subnet's next epoch on, never in the middle
of one, and a later patch adds to one that still waits. The *owner's* settings may be changed by the subnet's owner or by root, *root's* by root alone. A fraction
is written as so many 65535ths.
";

/// The file's text.
pub fn hyperparameters_markdown() -> String {
    let mut text = String::from(HEAD);
    let defaults = Hyperparameters::new(TEMPO).show();
    for (authority, title) in [
        (Authority::Owner, "The owner's"),
        (Authority::Root, "Root's"),
    ] {
        let _ = write!(
            text,
            "\n## {title}\n\n\
             | setting | what it is | value | bounds | of a new subnet |\n\
             | --- | --- | --- | --- | --- |\n"
        );
        for (setting, default) in Hyperparameter::SETTINGS.iter().zip(&defaults) {
            if setting.authority == authority {
                let _ = writeln!(text, "{}", row(setting, default));
            }
        }
    }
    let _ = write!(
        text,
        "\nWhat a new subnet starts with is given for a network whose default tempo is {TEMPO} blocks; `tempo` is that default and `immunity_period` twelve of it.\n\
         An owner may not choose a `tempo` below the network's default; root may, down to the bound given here.\n"
    );
    text
}

fn row(setting: &Setting, default: &str) -> String {
    let bounds = setting.bounds.map_or_else(
        || "any".to_owned(),
        |(least, most)| format!("{least} to {most}"),
    );
    let Setting {
        name,
        meaning,
        kind,
        ..
    } = setting;
    let meaning = meaning.trim();
    format!("| `{name}` | {meaning} | {kind} | {bounds} | {default} |")
}

#[cfg(test)]
mod tests {
    use super::hyperparameters_markdown;
    use std::{env, fs, path::Path};

    /// Set to write the file instead of comparing it.
    const WRITE: &str = "ASSAY_WRITE_DOCS";

    #[test]
    fn documentation_is_the_tables() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/hyperparameters.md");
        let text = hyperparameters_markdown();
        if env::var_os(WRITE).is_some() {
            fs::write(&path, text).expect("docs/hyperparameters.md can be written");
            return;
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == text,
            "docs/hyperparameters.md is not what the table of settings says: run \
             `{WRITE}=1 cargo test -p assay-primitives documentation_is_the_tables` and commit the \
             file"
        );
    }
}
