//! A network of nodes under what happens to machines: processes that are killed, cables that break.

use std::process::{Command, Stdio};

use anyhow::{bail, Context, Result};
use clap::Parser;

use crate::{process, workspace::Workspace};

/// Nodes that are killed at random moments, and a network that is cut in two.
const KILLS: &str = "package(assay-tests) & test(kills::)";
const PARTITION: &str = "package(assay-tests) & test(partition::)";

/// Four authors as processes: killed at random moments, then cut in two and healed
#[derive(Debug, Parser, PartialEq, Eq)]
#[command(name = "cargo xtask soak network", no_binary_name = true)]
struct Args {
    /// How often a node is killed
    #[arg(long, default_value_t = 50)]
    kills: u32,
    /// Replays the moments of another run
    #[arg(long)]
    seed: Option<u64>,
}

/// Runs both. Where namespaces can't be made, the second is left out and the reason said.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    let args = Args::try_parse_from(args)?;
    let mut kills = test(workspace, KILLS);
    kills.env("ASSAY_KILLS", args.kills.to_string());
    if let Some(seed) = args.seed {
        kills.env("ASSAY_SEED", seed.to_string());
    }
    process::run(&mut kills)?;
    match try_namespace() {
        Ok(()) => process::run(&mut test(workspace, PARTITION)),
        Err(reason) => {
            eprintln!(
                "\nNOT TRIED: a network that is cut in two. It takes Linux, root and the program \
                 `ip` of iproute2: {reason:#}"
            );
            Ok(())
        }
    }
}

/// The tests that continuous integration leaves out, compiled as it compiles them.
fn test(workspace: &Workspace, filter: &str) -> Command {
    let mut test = workspace.cargo(["nextest", "run", "--workspace", "--test", "e2e"]);
    test.args(["--run-ignored", "only", "--no-capture", "-E", filter]);
    test
}

/// Whether network namespaces can be made.
fn try_namespace() -> Result<()> {
    let name = format!("assay-probe-{}", std::process::id());
    let ip = |verb: &str| -> Result<()> {
        let mut ip = Command::new("ip");
        let output = ip
            .args(["netns", verb, &name])
            .stdin(Stdio::null())
            .output()
            .context("`ip` can't be started")?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    };
    ip("add")?;
    ip("delete")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn args_are_fifty_kills_unless_more_is_said() {
        let parse = |words: &[&str]| Args::try_parse_from(words).unwrap();
        let (kills, seed) = (50, None);
        assert_eq!(parse(&[]), Args { kills, seed });
        let (kills, seed) = (7, Some(9));
        assert_eq!(parse(&["--kills", "7", "--seed=9"]), Args { kills, seed });
    }
}
