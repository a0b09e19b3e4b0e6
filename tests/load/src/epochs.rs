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
use frame_support::{dispatch::PerDispatchClass, storage::storage_prefix, weights::Weight};
use serde_json::json;

use crate::{
    node::Node,
    rpc::{self, hex, Rpc},
    seed,
    state::{self, Size},
    throughput::{events, wait_for_hash},
    transactions::made,
};

const SLOT: Duration = Duration::from_secs(6);
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

pub fn measure(program: &Path, size: Size) -> Result<String> {
    let specification = seed::specification(program, SLOT.as_millis() as u64, || {
        state::write(size, TEMPO, DUE_AT)?;
        state::weigh_densely(size);
        Ok(())
    })?;
    let node = Node::start(program, &specification)?;
    let mut rpc = node.rpc()?;
    let deadline = Instant::now() + PATIENCE;
    let (mut blocks, mut ran, mut last) = (Vec::<Block>::new(), 0, None);
    let mut time = 0;
    for number in 1.. {
        while made(&node.log()?)
            .last()
            .is_none_or(|block| block.number < number)
        {
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
    judge(&blocks)?;
    Ok(table(size, &blocks, &making, last.unwrap_or_default()))
}

fn look(rpc: &mut Rpc, number: u64, time: &mut u64) -> Result<Block> {
    let hash = wait_for_hash(rpc, number)?;
    let mut stored = |pallet: &str, item: &str| {
        let key = hex(&storage_prefix(pallet.as_bytes(), item.as_bytes()));
        rpc::bytes(&rpc.ask("state_getStorage", json!([key, hash]))?)
    };
    let now = u64::decode(&mut &stored("Timestamp", "Now")?[..])?;
    let weight = PerDispatchClass::<Weight>::decode(&mut &stored("System", "BlockWeight")?[..])?;
    let happened = events(rpc, &hash)?;
    let count = |wanted: fn(&pallet_epoch::Event<Runtime>) -> bool| {
        let epochs = happened.iter().filter_map(|event| match event {
            RuntimeEvent::Epoch(event) => Some(event),
            _ => None,
        });
        epochs.filter(|event| wanted(event)).count()
    };
    let since_parent = now.saturating_sub(std::mem::replace(time, now));
    Ok(Block {
        number,
        since_parent: if number == 1 {
            SLOT.as_millis() as u64
        } else {
            since_parent
        },
        epochs: count(|event| matches!(event, pallet_epoch::Event::EpochRan { .. })),
        failed: count(|event| matches!(event, pallet_epoch::Event::EpochFailed { .. })),
        weight: weight.total(),
    })
}

/// What must hold on any machine.
fn judge(blocks: &[Block]) -> Result<()> {
    let most = <Runtime as frame_system::Config>::BlockWeights::get().max_block;
    for block in blocks {
        ensure!(
            block.failed == 0,
            "an epoch failed in block {}",
            block.number
        );
        ensure!(
            block.weight.ref_time() <= most.ref_time(),
            "block {} weighs {:?}, more than a block may",
            block.number,
            block.weight
        );
    }
    Ok(())
}

fn table(size: Size, blocks: &[Block], making: &BTreeMap<u64, u64>, last: u64) -> String {
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
        SLOT.as_secs(),
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
