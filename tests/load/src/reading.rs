//! What a neuron takes of the database, and what reading a whole subnet takes: in one call, and key
//! by key.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{ensure, Context, Result};
use assay_primitives::NetUid;
use assay_runtime::Runtime;
use codec::Encode;
use frame_support::storage::storage_prefix;
use serde_json::{json, Value};

use crate::{
    node::Node,
    rpc::{self, hex, Rpc},
    seed,
    state::{self, Size},
};

/// A subnet as most are.
const USUAL: Size = Size {
    subnets: 1,
    neurons: 256,
    validators: 64,
};
/// The largest subnet.
const LARGEST: Size = Size {
    subnets: 1,
    neurons: 4_096,
    validators: 256,
};
/// Far off: no epoch runs while things are read.
const NEVER: u32 = 100_000;
const SLOT_MILLIS: u64 = 1_000;
/// The same question is asked so many times; the median counts.
const TIMES: usize = 5;
/// Keys that are asked for with one request where requests hold several.
const PAGE: usize = 1_000;
/// Pallets with facts about neurons.
const PALLETS: [&str; 4] = ["Subnets", "Epoch", "Weights", "Stake"];

/// Bytes per neuron, by storage item.
pub fn bytes(program: &Path) -> Result<String> {
    let specification = seed::specification(program, SLOT_MILLIS, || {
        state::write(USUAL, NEVER, NEVER)?;
        state::weigh_densely(USUAL);
        state::commit(USUAL, 64);
        Ok(())
    })?;
    let specification: Value = serde_json::from_slice(&specification)?;
    let top = specification["genesis"]["raw"]["top"].as_object();
    let mut sizes = BTreeMap::<String, (usize, usize)>::new();
    let names = names();
    for (key, value) in top.context("the specification is raw")? {
        let (key, value) = (rpc::bytes(&json!(key))?, rpc::bytes(value)?);
        let name = key.get(..32).and_then(|prefix| names.get(prefix));
        if let Some(name) = name {
            let (items, bytes) = sizes.entry(name.clone()).or_default();
            *items += 1;
            *bytes += key.len() + value.len();
        }
    }
    let neurons = usize::from(USUAL.neurons);
    let total: usize = sizes.values().map(|(_, bytes)| bytes).sum();
    let mut text = format!(
        "**Bytes in storage.** A subnet of {} neurons, of which {} validate, with a full row of weights and \
         of bonds each and a commit pending; keys and values, without the trie's inner nodes: \
         {:.0} bytes a neuron in all.\n\n| item | entries | bytes | bytes a neuron |\n| --- | ---: | ---: | ---: |\n",
        USUAL.neurons,
        USUAL.validators,
        total as f64 / neurons as f64
    );
    let mut sizes: Vec<_> = sizes.into_iter().collect();
    sizes.sort_by_key(|(_, (_, bytes))| std::cmp::Reverse(*bytes));
    for (name, (items, bytes)) in sizes {
        let each = bytes as f64 / neurons as f64;
        writeln!(text, "| `{name}` | {items} | {bytes} | {each:.1} |")
            .expect("text can be written to");
    }
    text.push('\n');
    Ok(text)
}

/// The items of our pallets by the start of their keys.
fn names() -> BTreeMap<Vec<u8>, String> {
    use frame_support::traits::{PalletInfoAccess, StorageInfoTrait};
    let infos = <(
        pallet_subnets::Pallet<Runtime>,
        pallet_epoch::Pallet<Runtime>,
        pallet_weights::Pallet<Runtime>,
        assay_runtime::Stake,
    ) as StorageInfoTrait>::storage_info();
    debug_assert_eq!(pallet_subnets::Pallet::<Runtime>::name(), PALLETS[0]);
    infos
        .into_iter()
        .map(|info| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let name = format!("{}.{}", text(&info.pallet_name), text(&info.storage_name));
            (info.prefix, name)
        })
        .collect()
}

/// What one way of reading took.
struct Reading {
    name: &'static str,
    requests: usize,
    bytes: usize,
    took: Duration,
}

/// The largest metagraph, whole and key by key.
pub fn metagraph(program: &Path) -> Result<String> {
    let specification = seed::specification(program, SLOT_MILLIS, || {
        state::write(LARGEST, NEVER, NEVER)?;
        state::weigh_densely(LARGEST);
        Ok(())
    })?;
    let node = Node::start(program, &specification)?;
    let mut rpc = node.rpc()?;
    // All of them read the same block.
    let at = rpc.ask("chain_getBlockHash", json!([0]))?;
    let netuid = hex(&NetUid(0).encode());
    let readings = [
        whole(
            &mut rpc,
            "`state_call AssayApi_metagraph`",
            "state_call",
            json!(["AssayApi_metagraph", netuid, at]),
        )?,
        whole(
            &mut rpc,
            "`assay_metagraph`",
            "assay_metagraph",
            json!([0, at]),
        )?,
        by_key(
            &mut rpc,
            "`state_getStorage`, a thousand keys to a request",
            &at,
            PAGE,
        )?,
        by_key(&mut rpc, "`state_getStorage`, a key to a request", &at, 1)?,
    ];
    let mut text = format!(
        "**Reading a subnet of {} neurons** over HTTP on the same machine, medians of {TIMES}; key by key are \
         the items that the same facts stand in.\n\n| | requests | bytes | time |\n| --- | ---: | ---: | ---: |\n",
        LARGEST.neurons
    );
    for it in readings {
        writeln!(
            text,
            "| {} | {} | {} | {:.1} ms |",
            it.name,
            it.requests,
            it.bytes,
            it.took.as_secs_f64() * 1_000.0
        )
        .expect("text can be written to");
    }
    text.push('\n');
    Ok(text)
}

fn whole(rpc: &mut Rpc, name: &'static str, method: &str, params: Value) -> Result<Reading> {
    let mut took = Vec::new();
    let mut bytes = 0;
    for _ in 0..TIMES {
        let answer = rpc.ask_timed(method, params.clone())?;
        ensure!(!answer.value.is_null(), "{name}: the subnet is not there");
        bytes = answer.bytes;
        took.push(answer.took);
    }
    took.sort();
    Ok(Reading {
        name,
        requests: 1,
        bytes,
        took: took[TIMES / 2],
    })
}

/// Reads what a metagraph is made of as a client does that knows storage only: it lists the keys of
/// each map of the subnet, and gets what is under them.
fn by_key(rpc: &mut Rpc, name: &'static str, at: &Value, page: usize) -> Result<Reading> {
    const MAPS: [(&str, &str); 9] = [
        ("Subnets", "Neurons"),
        ("Subnets", "Uids"),
        ("Subnets", "Endpoints"),
        ("Subnets", "Models"),
        ("Epoch", "Outcomes"),
        ("Epoch", "PermitBits"),
        ("Epoch", "Earned"),
        ("Weights", "RowInfos"),
        ("Stake", "PoolsOf"),
    ];
    let start = Instant::now();
    let (mut requests, mut bytes) = (0, 0);
    for (pallet, item) in MAPS {
        let mut keys = Vec::<Value>::new();
        loop {
            let prefix = hex(&storage_prefix(pallet.as_bytes(), item.as_bytes()));
            let params = json!([prefix, 1_000, keys.last(), at]);
            let answer = rpc.ask_timed("state_getKeysPaged", params)?;
            (requests, bytes) = (requests + 1, bytes + answer.bytes);
            let Value::Array(more) = answer.value else {
                break;
            };
            let done = more.len() < 1_000;
            keys.extend(more);
            if done {
                break;
            }
        }
        for keys in keys.chunks(page) {
            if let [key] = keys {
                bytes += rpc.ask_timed("state_getStorage", json!([key, at]))?.bytes;
            } else {
                let params: Vec<_> = keys.iter().map(|key| json!([key, at])).collect();
                for value in rpc.ask_all("state_getStorage", &params)? {
                    bytes += value?.as_str().map_or(0, str::len);
                }
            }
            requests += 1;
        }
    }
    Ok(Reading {
        name,
        requests,
        bytes,
        took: start.elapsed(),
    })
}
