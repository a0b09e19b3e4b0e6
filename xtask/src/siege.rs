//! `cargo xtask soak miner`: attacks on a miner, and how long honest callers wait beside each.
//!
//! The attacks are in `miner/examples/siege`. What they come to is written into the page of figures;
//! a caller who is not answered, or a miner that ends, is a failure.

use std::process::{Command, Stdio};

use anyhow::{bail, Context, Result};
use serde::Deserialize;

use crate::{
    page, process,
    workspace::{Workspace, ORT_DYLIB_PATH},
};

/// What the callers saw beside one attack.
#[derive(Debug, Deserialize)]
struct Outcome {
    attack: String,
    asked: usize,
    unanswered: usize,
    median_ms: f64,
    p99_ms: f64,
    worst_ms: f64,
    memory_mib: u64,
}

/// Builds the miner as users run it, and attacks it. `args` go to the siege.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    let release = ["build", "--release", "-p", "assay-miner", "--bins"];
    process::run(
        workspace
            .cargo(release)
            .args(["--example", "siege"])
            .env("SKIP_WASM_BUILD", "1"),
    )?;
    let before = page::load();
    let mut siege = Command::new(workspace.release("examples/siege"));
    siege
        .arg("--miner")
        .arg(workspace.release("assay-miner"))
        .arg("--model")
        .arg(
            workspace
                .root()
                .join("tasks/digits/models/mlp-64/1/model.onnx"),
        )
        .arg("--endless")
        .arg(workspace.root().join("miner/tests/fixtures/endless.onnx"))
        .args(args)
        .env(ORT_DYLIB_PATH, workspace.onnx_runtime())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    let ended = siege.output().context("can't start the siege")?;
    let printed = String::from_utf8_lossy(&ended.stdout);
    print!("{printed}");
    if !ended.status.success() {
        bail!(
            "the siege failed ({}); what is said above says why",
            ended.status
        );
    }
    if !args.is_empty() {
        // Part of it, or a shorter one: nothing for the page.
        return Ok(());
    }
    let about = format!(
        "Measured by `cargo xtask soak miner` on {}, all on the same machine, whose load before it \
         began was {before:.1}.\n\n",
        page::machine()?
    );
    page::write_down(workspace, "soak miner", &(about + &table(&printed)?))
}

fn table(printed: &str) -> Result<String> {
    let mut text = String::from(
        "| attack | asked | unanswered | median | p99 | worst | memory |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for line in printed.lines().filter(|line| line.contains("\"attack\"")) {
        let it: Outcome =
            serde_json::from_str(line).with_context(|| format!("the siege printed `{line}`"))?;
        text.push_str(&format!(
            "| {} | {} | {} | {:.1} ms | {:.1} ms | {:.1} ms | {} MiB |\n",
            it.attack, it.asked, it.unanswered, it.median_ms, it.p99_ms, it.worst_ms, it.memory_mib
        ));
    }
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_has_a_line_for_each_attack() {
        let printed = "{\"attack\":\"none\",\"asked\":9,\"unanswered\":0,\"median_ms\":1.0,\"p99_ms\":2.0,\
                       \"worst_ms\":3.0,\"memory_mib\":40}\n{\"replay_across_restart\":\"refused\"}\n";
        let table = table(printed).expect("it is what the siege prints");
        assert!(table.ends_with("| none | 9 | 0 | 1.0 ms | 2.0 ms | 3.0 ms | 40 MiB |\n\n"));
        assert_eq!(table.lines().filter(|line| !line.is_empty()).count(), 3);
    }
}
