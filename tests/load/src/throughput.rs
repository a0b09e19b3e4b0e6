//! How many transactions one author takes: remarks that do nothing, as the ceiling; transfers; and
//! reveals of weights, which are free and so have a quarter of a block to themselves.
//!
//! What counts is in the finalized chain ([`blocks`]): a block that an author made and threw away
//! holds nothing, and a transaction that failed was no work.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{anyhow, ensure, Context, Result};
use assay_primitives::{Balance, Evidence, NetUid, TaskVersion, ASY};
use assay_runtime::{Balances, Runtime, RuntimeCall, RuntimeOrigin};
use codec::Encode;
use frame_support::weights::Weight;
use sp_core::{sr25519, Pair};
use sp_crypto_hashing::blake2_256;
use sp_runtime::MultiAddress;

use crate::{
    blocks::{self, Block},
    node::Node,
    rpc::Rpc,
    seed,
    state::{self, Size},
    transactions::{hand_in, made, Made, Signer},
};

/// The length of a slot, as on a real network.
const SLOT: Duration = Duration::from_secs(6);
/// Who sends remarks and transfers.
const SENDERS: u32 = 4_000;
/// How many of each kind everyone sends.
const EACH: u32 = 4;
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
/// How long all of one kind may take to come into finalized blocks.
const PATIENCE: Duration = Duration::from_secs(600);

/// Blocks without any of them after which those that are missing are given up.
const IDLE: usize = 10;

/// One kind of transaction and what came of it.
struct Kind {
    name: &'static str,
    /// That the pool took.
    taken: usize,
    /// By the chain's clock, when the first of them could have been in a block.
    since: u64,
    /// Those that hold any of them, and how they were made.
    blocks: Vec<(Block, Option<Made>)>,
}

pub fn measure(program: &Path) -> Result<String> {
    let specification = seed::specification(program, SLOT.as_millis() as u64, || {
        state::write(REVEALERS, NEVER, NEVER)?;
        state::commit(REVEALERS, WEIGHTS);
        endow()
    })?;
    let node = Node::start(program, &specification)?;
    let mut rpc = node.rpc()?;
    // The time of the first block is what everything after it is counted from.
    let deadline = Instant::now() + PATIENCE;
    while blocks::finalized(&mut rpc)? == 0 {
        ensure!(
            Instant::now() < deadline,
            "no block is final after {PATIENCE:?}"
        );
        thread::sleep(Duration::from_millis(200));
    }
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

/// Hands everything in and follows the finalized chain until all of it is in blocks.
fn run(node: &Node, name: &'static str, call: &RuntimeCall, all: Vec<Vec<u8>>) -> Result<Kind> {
    let mut rpc = node.rpc()?;
    let before = blocks::finalized(&mut rpc)?;
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
    let seen = follow(&mut rpc, before, call, taken)?;
    let failed: usize = seen.iter().map(|block| block.failed).sum();
    ensure!(failed == 0, "{name}: {failed} of {taken} failed");
    let first = seen.iter().position(|block| block.succeeded > 0);
    let first = first.with_context(|| format!("{name}: none came into a block"))?;
    let since = match first.checked_sub(1) {
        Some(parent) => seen[parent].time,
        None => blocks::look(&mut rpc, before, call)?.time,
    };
    let mut makings: BTreeMap<_, _> = made(&node.log()?)
        .into_iter()
        .map(|made| (made.hash.clone(), made))
        .collect();
    let full = seen.into_iter().filter(|block| block.succeeded > 0);
    Ok(Kind {
        name,
        taken,
        since,
        blocks: full
            .map(|block| {
                let making = makings.remove(&block.hash);
                (block, making)
            })
            .collect(),
    })
}

/// The finalized blocks after `before`, until `expected` calls of one kind were in them, or until
/// no more of them come.
fn follow(rpc: &mut Rpc, before: u64, call: &RuntimeCall, expected: usize) -> Result<Vec<Block>> {
    let deadline = Instant::now() + PATIENCE;
    let (mut seen, mut included, mut idle) = (Vec::new(), 0, 0);
    while included < expected && idle < IDLE {
        let next = before + 1 + seen.len() as u64;
        ensure!(
            Instant::now() < deadline,
            "{included} of {expected} are in final blocks after {PATIENCE:?}"
        );
        if blocks::finalized(rpc)? < next {
            thread::sleep(Duration::from_millis(200));
            continue;
        }
        let block = blocks::look(rpc, next, call)?;
        let here = block.succeeded + block.failed;
        included += here;
        idle = if here > 0 || included == 0 {
            0
        } else {
            idle + 1
        };
        seen.push(block);
    }
    Ok(seen)
}

impl Kind {
    fn succeeded(&self) -> usize {
        self.blocks.iter().map(|(block, _)| block.succeeded).sum()
    }

    fn fullest(&self) -> Option<&(Block, Option<Made>)> {
        self.blocks.iter().max_by_key(|(block, _)| block.succeeded)
    }

    /// In a second of the chain's time, from the parent of the first block with any of them to the
    /// last one.
    fn a_second(&self) -> f64 {
        let last = self
            .blocks
            .last()
            .map_or(self.since, |(block, _)| block.time);
        self.succeeded() as f64 * 1_000.0 / last.saturating_sub(self.since).max(1) as f64
    }

    /// In a second of making blocks, over those whose making the author's log tells of.
    fn a_second_of_making(&self) -> f64 {
        let told = || {
            let told = self.blocks.iter();
            told.filter_map(|(block, made)| Some((block.succeeded, made.as_ref()?.millis)))
        };
        let count: usize = told().map(|(count, _)| count).sum();
        let millis: u64 = told().map(|(_, millis)| millis).sum();
        count as f64 * 1_000.0 / millis.max(1) as f64
    }

    /// Microseconds of weight that one of them has, of a sum over its blocks.
    fn one(&self, weight: impl Fn(&Block) -> Weight) -> f64 {
        let sum: u64 = self
            .blocks
            .iter()
            .map(|(block, _)| weight(block).ref_time())
            .sum();
        sum as f64 / 1e6 / self.succeeded().max(1) as f64
    }
}

fn table(kinds: &[Kind]) -> String {
    let mut text = format!(
        "**Transactions of one author, {} s slots.** Counted where they succeeded in finalized blocks. Handed in over \
         HTTP while blocks are made, so the pool's checks run on the same cores. *Declared* is what one of them is said \
         to take before it runs, *used* what it says afterwards, *made* the time that making its blocks took, shared \
         among them.\n\n\
         | | succeeded | in blocks | a second | declared | used | made | fullest block | of its weight | made in | \
         it ended because | beside remarks |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: |\n",
        SLOT.as_secs()
    );
    let most = <Runtime as frame_system::Config>::BlockWeights::get().max_block;
    let ceiling = kinds.first().map_or(0.0, Kind::a_second_of_making);
    for kind in kinds {
        let Some((fullest, making)) = kind.fullest() else {
            continue;
        };
        let rate = kind.a_second_of_making();
        let (millis, end) = making
            .as_ref()
            .map_or((0, "unknown"), |made| (made.millis, made.end.as_str()));
        writeln!(
            text,
            "| {} | {} of {} | {} | {:.0} | {:.0} µs | {:.0} µs | {:.0} µs | {} | {:.0} % | {millis} ms | {end} | {:.2} |",
            kind.name,
            kind.succeeded(),
            kind.taken,
            kind.blocks.len(),
            kind.a_second(),
            kind.one(|block| block.declared),
            kind.one(|block| block.used),
            1e6 / rate,
            fullest.succeeded,
            100.0 * fullest.weight.ref_time() as f64 / most.ref_time() as f64,
            rate / ceiling,
        )
        .expect("text can be written to");
    }
    text.push('\n');
    text
}
