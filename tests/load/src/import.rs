//! How long a node takes to import blocks that others made.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{ensure, Result};
use serde_json::json;

use crate::{
    node::Node,
    seed,
    state::{self, Size},
    transactions::number,
};

/// The shortest slots there are: making the blocks takes 200 ms each, whatever the machine.
const SLOT_MILLIS: u64 = 200;
/// Subnets whose epochs run in these blocks.
const SIZE: Size = Size {
    subnets: 8,
    neurons: 256,
    validators: 64,
};
/// Blocks from one epoch of a subnet to the next.
const TEMPO: u32 = 360;
/// In vain from here on: no author is so slow.
const PATIENCE_PER_BLOCK: Duration = Duration::from_secs(2);

pub fn measure(program: &Path, blocks: u32) -> Result<String> {
    let specification = seed::specification(program, SLOT_MILLIS, || {
        state::write(SIZE, TEMPO, TEMPO)?;
        state::weigh_densely(SIZE);
        Ok(())
    })?;
    let mut node = Node::start(program, &specification)?;
    let mut rpc = node.rpc()?;
    let deadline = Instant::now() + PATIENCE_PER_BLOCK * blocks;
    eprintln!(
        "import: making {blocks} blocks takes {} s",
        u64::from(blocks) * SLOT_MILLIS / 1_000
    );
    loop {
        let hash = rpc.ask("chain_getFinalizedHead", json!([]))?;
        if number(&rpc.ask("chain_getHeader", json!([hash]))?["number"])? >= u64::from(blocks) {
            break;
        }
        ensure!(Instant::now() < deadline, "the author is too slow");
        thread::sleep(Duration::from_millis(500));
    }
    let file = node.folder().join("blocks");
    let file = file.to_string_lossy().into_owned();
    let last = blocks.to_string();
    node.then(
        "export-blocks",
        &["--binary", "--from=1", "--to", &last, &file],
    )?;
    let size = std::fs::metadata(&file)?.len();
    let start = Instant::now();
    node.afresh("import-blocks", &["--binary", &file])?;
    let took = start.elapsed().as_secs_f64();
    Ok(format!(
        "**Importing {blocks} blocks** by `assay-node import-blocks`, of which every {TEMPO}th runs the epochs of {} \
         subnets with {} neurons and {} validators each: {took:.1} s, {:.0} blocks per second ({} MB of blocks).\n\n",
        SIZE.subnets,
        SIZE.neurons,
        SIZE.validators,
        f64::from(blocks) / took,
        size / 1_000_000,
    ))
}
