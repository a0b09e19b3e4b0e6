//! How long a node takes to import blocks that others made.

use std::{path::Path, time::Instant};

use anyhow::{Context, Result};

use crate::{
    forge::Forge,
    node::Folder,
    seed,
    state::{self, Size},
};

/// As on a real network.
const SLOT_MILLIS: u64 = 6_000;
/// Subnets whose epochs run in these blocks.
const SIZE: Size = Size {
    subnets: 8,
    neurons: 256,
    validators: 64,
};
/// Blocks from one epoch of a subnet to the next.
const TEMPO: u32 = 360;

pub fn measure(program: &Path, blocks: u32) -> Result<String> {
    let specification = seed::specification(program, SLOT_MILLIS, || {
        state::write(SIZE, TEMPO, TEMPO)?;
        state::weigh_densely(SIZE);
        Ok(())
    })?;
    let start = Instant::now();
    let state = seed::storage(&specification)?;
    let folder = Folder::new(program, &specification)?;
    let file = folder.path().join("blocks");
    Forge::new(state, state::purse(), SLOT_MILLIS, blocks)?.write(blocks, &file)?;
    eprintln!(
        "import: making {blocks} blocks took {:.1} s",
        start.elapsed().as_secs_f64()
    );
    let size = std::fs::metadata(&file)?.len();
    let file = file
        .to_str()
        .context("the temporary folder's path is text")?;
    // The first start compiles the runtime, which is no part of an import.
    let genesis = folder.path().join("genesis");
    let genesis = genesis
        .to_str()
        .context("the temporary folder's path is text")?;
    folder.run("export-blocks", &["--from=0", "--to=0", genesis])?;
    let start = Instant::now();
    folder.run("import-blocks", &["--binary", file])?;
    let took = start.elapsed().as_secs_f64();
    Ok(format!(
        "**Importing {blocks} blocks** by `assay-node import-blocks`, of which every {TEMPO}th runs the epochs of {} \
         subnets with {} neurons and {} validators each: {took:.1} s, {:.0} blocks per second ({:.1} MB of blocks).\n\n",
        SIZE.subnets,
        SIZE.neurons,
        SIZE.validators,
        f64::from(blocks) / took,
        size as f64 / 1e6,
    ))
}
