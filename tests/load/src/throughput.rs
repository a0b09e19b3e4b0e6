//! How many transactions one author takes: remarks that do nothing, as the ceiling; transfers; and
//! reveals of weights, which are free and so have a quarter of a block to themselves.

use std::{
    fmt::Write as _,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{anyhow, ensure, Context, Result};
use assay_primitives::{Balance, Evidence, NetUid, TaskVersion, ASY};
use assay_runtime::{Balances, Hash, Runtime, RuntimeCall, RuntimeEvent, RuntimeOrigin};
use codec::{Decode, Encode};
use frame_support::{
    dispatch::{DispatchClass, GetDispatchInfo},
    storage::storage_prefix,
};
use frame_system::EventRecord;
use serde_json::json;
use sp_core::{sr25519, Pair};
use sp_crypto_hashing::blake2_256;
use sp_runtime::MultiAddress;

use crate::{
    node::Node,
    rpc::{self, hex},
    seed,
    state::{self, Size},
    transactions::{hand_in, made, Made, Signer},
};

/// The length of a slot, as on a real network.
const SLOT: Duration = Duration::from_secs(6);
/// Who sends remarks and transfers.
const SENDERS: u32 = 4_000;
/// How many of each kind everyone sends.
const EACH: u32 = 6;
/// What everyone has.
const ENDOWMENT: Balance = 10 * ASY;
/// Weights that a reveal holds.
const WEIGHTS: u16 = 64;
/// Who reveals: each of 64 validators in each of 64 subnets.
const REVEALERS: Size = Size {
    subnets: 64,
    neurons: 64,
    validators: 64,
};
/// Far off: no epoch runs while transactions are counted.
const NEVER: u32 = 100_000;
/// How long anything may wait for its block.
const PATIENCE: Duration = Duration::from_secs(300);

/// One kind of transaction and what came of it.
struct Kind {
    name: &'static str,
    /// What one of them is declared to take of a block's time, in microseconds.
    declared: u64,
    taken: usize,
    blocks: Vec<Made>,
    /// From the first one handed in until the last one was in a block.
    took: Duration,
}

pub fn measure(program: &Path) -> Result<String> {
    let specification = seed::specification(program, SLOT.as_millis() as u64, || {
        state::write(REVEALERS, NEVER, NEVER)?;
        state::commit(REVEALERS, WEIGHTS);
        endow()
    })?;
    let node = Node::start(program, &specification)?;
    let mut rpc = node.rpc()?;
    let signer = Signer::at_best(&mut rpc)?;
    let friend = MultiAddress::Id(state::account(&sender(0)));
    let remark = RuntimeCall::System(frame_system::Call::remark {
        remark: vec![0; 32],
    });
    let transfer = RuntimeCall::Balances(pallet_balances::Call::transfer_keep_alive {
        dest: friend,
        value: ASY / 1_000,
    });
    let kinds = [
        run(
            &node,
            "`system.remark` of 32 bytes",
            &remark,
            many(&signer, &remark, 0),
        )?,
        run(
            &node,
            "`balances.transfer_keep_alive`",
            &transfer,
            many(&signer, &transfer, EACH),
        )?,
        run(
            &node,
            "`weights.reveal_weights` of 64",
            &reveal(NetUid(0), 0),
            reveals(&signer),
        )?,
    ];
    Ok(table(&kinds))
}

fn sender(number: u32) -> sr25519::Pair {
    sr25519::Pair::from_seed(&(b"sender", number).using_encoded(blake2_256))
}

fn endow() -> Result<()> {
    let purse = state::account(&state::purse());
    for number in 0..SENDERS {
        let to = MultiAddress::Id(state::account(&sender(number)));
        Balances::transfer_keep_alive(RuntimeOrigin::signed(purse.clone()), to, ENDOWMENT)
            .map_err(|error| anyhow!("the purse can't pay everyone: {error:?}"))?;
    }
    Ok(())
}

/// The same call from everyone, several times.
fn many(signer: &Signer, call: &RuntimeCall, first_nonce: u32) -> Vec<Vec<u8>> {
    let pairs: Vec<_> = (0..SENDERS).map(sender).collect();
    (first_nonce..first_nonce + EACH)
        .flat_map(|nonce| pairs.iter().map(move |pair| (nonce, pair)))
        .map(|(nonce, pair)| signer.sign(pair, nonce, call.clone()))
        .collect()
}

fn reveal(netuid: NetUid, uid: u16) -> RuntimeCall {
    let row = state::row(REVEALERS.neurons, WEIGHTS, uid);
    RuntimeCall::Weights(pallet_weights::Call::reveal_weights {
        netuid,
        epoch: state::COMMITTED,
        targets: row.targets,
        values: row.values,
        salt: state::SALT,
        task_version: TaskVersion(0),
        evidence: Evidence::none(),
    })
}

fn reveals(signer: &Signer) -> Vec<Vec<u8>> {
    let everyone = (0..REVEALERS.subnets)
        .map(NetUid)
        .flat_map(|netuid| (0..REVEALERS.validators).map(move |uid| (netuid, uid)));
    everyone
        .map(|(netuid, uid)| signer.sign(&state::hotkey(netuid, uid), 0, reveal(netuid, uid)))
        .collect()
}

/// Hands everything in and waits until it is in blocks.
fn run(node: &Node, name: &'static str, call: &RuntimeCall, all: Vec<Vec<u8>>) -> Result<Kind> {
    let mut rpc = node.rpc()?;
    let before = made(&node.log()?).len();
    let start = Instant::now();
    let (taken, refused) = hand_in(&mut rpc, &all)?;
    ensure!(
        taken > 0,
        "{name}: none was taken: {}",
        refused.unwrap_or_default()
    );
    eprintln!(
        "{name}: {taken} of {} handed in after {:.1} s",
        all.len(),
        start.elapsed().as_secs_f64()
    );
    if let Some(reason) = refused {
        eprintln!("{name}: the others were refused: {reason}");
    }
    let blocks = loop {
        let blocks = made(&node.log()?).split_off(before);
        let included: usize = blocks.iter().map(|block| block.transactions).sum();
        if included >= taken {
            break blocks;
        }
        ensure!(
            start.elapsed() < PATIENCE,
            "{name}: {included} of {taken} are in blocks, and no more"
        );
        thread::sleep(Duration::from_millis(200));
    };
    let took = start.elapsed();
    let blocks: Vec<_> = blocks
        .into_iter()
        .filter(|block| block.transactions > 0)
        .collect();
    let fullest = fullest(&blocks).context("a transaction was included")?;
    ensure_they_succeeded(&mut rpc, fullest, name)?;
    let weight = call.get_dispatch_info().total_weight();
    let base = <Runtime as frame_system::Config>::BlockWeights::get()
        .get(DispatchClass::Normal)
        .base_extrinsic;
    Ok(Kind {
        name,
        declared: weight.saturating_add(base).ref_time() / 1_000_000,
        taken,
        blocks,
        took,
    })
}

fn fullest(blocks: &[Made]) -> Option<&Made> {
    blocks.iter().max_by_key(|block| block.transactions)
}

/// What failed was no work.
fn ensure_they_succeeded(rpc: &mut rpc::Rpc, block: &Made, name: &str) -> Result<()> {
    let hash = wait_for_hash(rpc, block.number)?;
    let failed = events(rpc, &hash)?
        .into_iter()
        .filter(|event| {
            matches!(
                event,
                RuntimeEvent::System(frame_system::Event::ExtrinsicFailed { .. })
            )
        })
        .count();
    ensure!(
        failed == 0,
        "{name}: {failed} of {} failed in block {}",
        block.transactions,
        block.number
    );
    Ok(())
}

/// The hash of a block, which its author tells of a moment before it is stored.
pub fn wait_for_hash(rpc: &mut rpc::Rpc, number: u64) -> Result<serde_json::Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let hash = rpc.ask("chain_getBlockHash", json!([number]))?;
        if !hash.is_null() {
            return Ok(hash);
        }
        ensure!(
            Instant::now() < deadline,
            "block {number} was made and never stored"
        );
        thread::sleep(Duration::from_millis(100));
    }
}

/// What happened in a block.
pub fn events(rpc: &mut rpc::Rpc, hash: &serde_json::Value) -> Result<Vec<RuntimeEvent>> {
    let key = storage_prefix(b"System", b"Events");
    let events = rpc::bytes(&rpc.ask("state_getStorage", json!([hex(&key), hash]))?)?;
    let events = Vec::<EventRecord<RuntimeEvent, Hash>>::decode(&mut &events[..])?;
    Ok(events.into_iter().map(|record| record.event).collect())
}

fn table(kinds: &[Kind]) -> String {
    let mut text = format!(
        "**Transactions per second, one author, {} s slots.** Handed in over HTTP, so the pool's checks \
         run on the same cores.\n\n\
         | | declared | in blocks | per second, checks at the pool included | fullest block | made in | \
         it ended because | per second of making | beside remarks |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: |\n",
        SLOT.as_secs()
    );
    let ceiling = kinds.first().map_or(0.0, rate_of_making);
    for kind in kinds {
        let Some(fullest) = fullest(&kind.blocks) else {
            continue;
        };
        let rate = rate_of_making(kind);
        writeln!(
            text,
            "| {} | {} µs | {} | {:.0} | {} | {} ms | {} | {rate:.0} | {:.2} |",
            kind.name,
            kind.declared,
            kind.taken,
            kind.taken as f64 / kind.took.as_secs_f64(),
            fullest.transactions,
            fullest.millis,
            fullest.end,
            rate / ceiling,
        )
        .expect("text can be written to");
    }
    text.push('\n');
    text
}

/// Transactions that blocks took in a second of making them, over all blocks.
fn rate_of_making(kind: &Kind) -> f64 {
    let millis: u64 = kind.blocks.iter().map(|block| block.millis).sum();
    let count: usize = kind.blocks.iter().map(|block| block.transactions).sum();
    count as f64 * 1_000.0 / millis.max(1) as f64
}
