//! Many epochs due in one block: whether the queue holds block times, and how far it lags.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{ensure, Result};
use assay_runtime::{Runtime, RuntimeEvent};
use codec::Decode;
use frame_support::weights::Weight;
use serde_json::json;

use crate::{
    blocks,
    node::Node,
    rpc::Rpc,
    seed,
    state::{self, Size},
    transactions::made,
};

/// The block in which all fall due. Before it, blocks show what they take without epochs.
const DUE_AT: u32 = 4;
/// Longer than the measurement: every subnet's epoch runs once.
const TEMPO: u32 = 360;
/// Blocks that are looked at after the last epoch ran.
const AFTERWARDS: u64 = 3;
/// The queue must be empty by then.
const PATIENCE: Duration = Duration::from_secs(1_800);

/// A block while epochs run.
struct Block {
    number: u64,
    /// Milliseconds since its parent, by the chain's own clock.
    since_parent: u64,
    epochs: usize,
    failed: usize,
    /// Declared for its hooks and transactions.
    weight: Weight,
}

pub fn measure(program: &Path, size: Size, slot_millis: u64) -> Result<String> {
    let specification = seed::specification(program, slot_millis, || {
        state::write(size, TEMPO, DUE_AT)?;
        state::weigh_densely(size);
        Ok(())
    })?;
    let node = Node::start(program, &specification)?;
    let mut rpc = node.rpc()?;
    let deadline = Instant::now() + PATIENCE;
    let (mut blocks, mut ran, mut last) = (Vec::<Block>::new(), 0, None);
    // Nobody counts the time from before the first block.
    let mut time = None;
    for number in 1.. {
        while blocks::finalized(&mut rpc)? < number {
            ensure!(
                Instant::now() < deadline,
                "{ran} of {} epochs ran in {PATIENCE:?}",
                size.subnets
            );
            thread::sleep(Duration::from_millis(200));
        }
        let block = look(&mut rpc, number, &mut time)?;
        ran += block.epochs + block.failed;
        if block.epochs > 0 {
            last = Some(number);
        }
        eprintln!(
            "block {number}: {} epochs, {} of {} so far",
            block.epochs, ran, size.subnets
        );
        blocks.push(block);
        let done = ran >= usize::from(size.subnets);
        if done && last.is_some_and(|last| number >= last + AFTERWARDS) {
            break;
        }
    }
    let making: BTreeMap<_, _> = made(&node.log()?)
        .into_iter()
        .map(|block| (block.number, block.millis))
        .collect();
    judge(&blocks, size)?;
    let last = last.unwrap_or_default();
    Ok(table(size, slot_millis, &blocks, &making, last))
}

fn look(rpc: &mut Rpc, number: u64, time: &mut Option<u64>) -> Result<Block> {
    let hash = rpc.ask("chain_getBlockHash", json!([number]))?;
    let now = u64::decode(&mut &blocks::stored(rpc, &hash, "Timestamp", "Now")?[..])?;
    let happened = blocks::events(rpc, &hash)?;
    let count = |wanted: fn(&pallet_epoch::Event<Runtime>) -> bool| {
        let epochs = happened.iter().filter_map(|record| match &record.event {
            RuntimeEvent::Epoch(event) => Some(event),
            _ => None,
        });
        epochs.filter(|event| wanted(event)).count()
    };
    let parent = time.replace(now).unwrap_or(now);
    Ok(Block {
        number,
        since_parent: now.saturating_sub(parent),
        epochs: count(|event| matches!(event, pallet_epoch::Event::EpochRan { .. })),
        failed: count(|event| matches!(event, pallet_epoch::Event::EpochFailed { .. })),
        weight: blocks::weight(rpc, &hash)?,
    })
}

/// What must hold on any machine.
fn judge(blocks: &[Block], size: Size) -> Result<()> {
    let most = <Runtime as frame_system::Config>::BlockWeights::get().max_block;
    let budget = <Runtime as pallet_epoch::Config>::Budget::get().ref_time();
    let mut waiting = usize::from(size.subnets);
    for block in blocks {
        let Block { number, weight, .. } = block;
        ensure!(block.failed == 0, "an epoch failed in block {number}");
        ensure!(
            weight.ref_time() <= most.ref_time(),
            "block {number} weighs {weight:?}, more than a block may"
        );
        ensure!(
            block.epochs > 0 || waiting == 0 || *number < DUE_AT.into(),
            "{waiting} epochs wait, and block {number} ran none"
        );
        waiting = waiting.saturating_sub(block.epochs);
        // All are of one size, so what one weighs follows from the block itself.
        let one = weight.ref_time() / (block.epochs.max(1) as u64);
        ensure!(
            block.epochs == 0 || waiting == 0 || weight.ref_time() + one > budget,
            "block {number} ran {} epochs and had room for another of the {waiting} that wait",
            block.epochs
        );
    }
    Ok(())
}

fn table(
    size: Size,
    slot_millis: u64,
    blocks: &[Block],
    making: &BTreeMap<u64, u64>,
    last: u64,
) -> String {
    let busy: Vec<_> = blocks.iter().filter(|block| block.epochs > 0).collect();
    let slowest = blocks
        .iter()
        .map(|block| block.since_parent)
        .max()
        .unwrap_or_default();
    let epochs: usize = busy.iter().map(|block| block.epochs).sum();
    let took = |block: &Block| making.get(&block.number).copied().unwrap_or_default();
    let longest = busy
        .iter()
        .map(|block| took(block))
        .max()
        .unwrap_or_default();
    let mut text = format!(
        "**{} subnets of {} neurons with {} validators, weights and bonds dense, all due in block {DUE_AT}** ({} s slots, \
         a running node): {epochs} epochs ran in {} blocks, {:.1} a block, the last one {} blocks after it fell due. No \
         block weighed more than a block may. The longest time between two blocks was {:.1} s, and making the \
         slowest block with epochs took {longest} ms, checking it included.\n\n\
         | block | since its parent | made in | epochs | declared weight |\n| ---: | ---: | ---: | ---: | ---: |\n",
        size.subnets,
        size.neurons,
        size.validators,
        slot_millis as f64 / 1_000.0,
        busy.len(),
        epochs as f64 / busy.len().max(1) as f64,
        last.saturating_sub(DUE_AT.into()),
        slowest as f64 / 1_000.0,
    );
    for block in blocks {
        writeln!(
            text,
            "| {} | {:.1} s | {} ms | {} | {} ms |",
            block.number,
            block.since_parent as f64 / 1_000.0,
            took(block),
            block.epochs,
            block.weight.ref_time() / 1_000_000_000,
        )
        .expect("text can be written to");
    }
    text.push('\n');
    text
}
