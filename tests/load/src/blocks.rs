//! Blocks as the chain has them, and what became of one kind of call in each.
//!
//! A transaction counts where it succeeded in a finalized block. What an author's log says of a
//! block tells how long making it took and why it ended; it never tells what is in the chain.

use anyhow::{ensure, Context, Result};
use assay_runtime::{Hash, RuntimeCall, RuntimeEvent, UncheckedExtrinsic};
use codec::Decode;
use frame_support::{
    dispatch::{GetDispatchInfo, PerDispatchClass},
    storage::storage_prefix,
    traits::GetCallMetadata,
    weights::Weight,
};
use frame_system::{EventRecord, Phase};
use serde_json::{json, Value};

use crate::{
    rpc::{self, hex, Rpc},
    transactions::number,
};

/// A block, and the calls of one kind in it.
#[derive(Clone, Debug)]
pub struct Block {
    pub number: u64,
    pub hash: String,
    /// By the chain's own clock, in milliseconds.
    pub time: u64,
    /// Calls of that kind that succeeded.
    pub succeeded: usize,
    /// Calls of that kind that were included and failed.
    pub failed: usize,
    /// What those that succeeded were declared to weigh before they ran.
    pub declared: Weight,
    /// What they weighed once they had run, by their own account.
    pub used: Weight,
    /// Everything in the block, hooks included, as the chain counted it.
    pub weight: Weight,
}

/// The newest block that is final.
pub fn finalized(rpc: &mut Rpc) -> Result<u64> {
    let hash = rpc.ask("chain_getFinalizedHead", json!([]))?;
    number(&rpc.ask("chain_getHeader", json!([hash]))?["number"])
}

/// Block `number`, which must be final, with what became of calls like `wanted`.
pub fn look(rpc: &mut Rpc, number: u64, wanted: &RuntimeCall) -> Result<Block> {
    let hash = rpc.ask("chain_getBlockHash", json!([number]))?;
    let body = rpc.ask("chain_getBlock", json!([hash]))?;
    let extrinsics = body["block"]["extrinsics"]
        .as_array()
        .with_context(|| format!("block {number} has no body"))?;
    let mut block = Block {
        number,
        hash: hash.as_str().unwrap_or_default().to_owned(),
        time: u64::decode(&mut &stored(rpc, &hash, "Timestamp", "Now")?[..])?,
        succeeded: 0,
        failed: 0,
        declared: Weight::zero(),
        used: Weight::zero(),
        weight: weight(rpc, &hash)?,
    };
    let declared = extrinsics
        .iter()
        .map(|extrinsic| declared(extrinsic, wanted))
        .collect::<Result<Vec<_>>>()?;
    block.count(&declared, events(rpc, &hash)?)?;
    Ok(block)
}

impl Block {
    /// Counts what became of the calls for which `declared` holds a weight.
    fn count(
        &mut self,
        declared: &[Option<Weight>],
        events: Vec<EventRecord<RuntimeEvent, Hash>>,
    ) -> Result<()> {
        for record in events {
            let (Phase::ApplyExtrinsic(index), RuntimeEvent::System(event)) =
                (record.phase, record.event)
            else {
                continue;
            };
            let weight = declared
                .get(index as usize)
                .context("an event of a transaction that is not in the block")?;
            let Some(weight) = weight else { continue };
            match event {
                frame_system::Event::ExtrinsicSuccess { dispatch_info } => {
                    self.succeeded += 1;
                    self.declared = self.declared.saturating_add(*weight);
                    self.used = self.used.saturating_add(dispatch_info.weight);
                }
                frame_system::Event::ExtrinsicFailed { .. } => self.failed += 1,
                _ => {}
            }
        }
        let included = declared.iter().flatten().count();
        ensure!(
            included == self.succeeded + self.failed,
            "block {}: {included} calls were included, and the outcome is told of {}",
            self.number,
            self.succeeded + self.failed
        );
        Ok(())
    }
}

/// What a transaction is declared to weigh, if it is of the wanted kind.
fn declared(extrinsic: &Value, wanted: &RuntimeCall) -> Result<Option<Weight>> {
    let extrinsic = UncheckedExtrinsic::decode(&mut &rpc::bytes(extrinsic)?[..])?;
    let (call, wanted) = (
        extrinsic.function.get_call_metadata(),
        wanted.get_call_metadata(),
    );
    let same = call.pallet_name == wanted.pallet_name && call.function_name == wanted.function_name;
    Ok(same.then(|| {
        let info = extrinsic.get_dispatch_info();
        info.total_weight().saturating_add(base_weight(info.class))
    }))
}

/// What every transaction of a class weighs besides its call.
fn base_weight(class: frame_support::dispatch::DispatchClass) -> Weight {
    <assay_runtime::Runtime as frame_system::Config>::BlockWeights::get()
        .get(class)
        .base_extrinsic
}

/// What happened in a block, and where.
pub fn events(rpc: &mut Rpc, hash: &Value) -> Result<Vec<EventRecord<RuntimeEvent, Hash>>> {
    Ok(Decode::decode(
        &mut &stored(rpc, hash, "System", "Events")?[..],
    )?)
}

/// What the chain counted for everything in a block.
pub fn weight(rpc: &mut Rpc, hash: &Value) -> Result<Weight> {
    let weight = stored(rpc, hash, "System", "BlockWeight")?;
    Ok(PerDispatchClass::<Weight>::decode(&mut &weight[..])?.total())
}

/// One item of a block's state.
pub fn stored(rpc: &mut Rpc, hash: &Value, pallet: &str, item: &str) -> Result<Vec<u8>> {
    let key = hex(&storage_prefix(pallet.as_bytes(), item.as_bytes()));
    rpc::bytes(&rpc.ask("state_getStorage", json!([key, hash]))?)
}

#[cfg(test)]
mod tests {
    use frame_support::dispatch::{DispatchClass, Pays};
    use frame_system::DispatchEventInfo;

    use super::*;

    fn outcome(index: u32, succeeded: bool) -> EventRecord<RuntimeEvent, Hash> {
        let dispatch_info = DispatchEventInfo {
            weight: Weight::from_parts(60, 0),
            class: DispatchClass::Normal,
            pays_fee: Pays::No,
        };
        let event: frame_system::Event<assay_runtime::Runtime> = if succeeded {
            frame_system::Event::ExtrinsicSuccess { dispatch_info }
        } else {
            frame_system::Event::ExtrinsicFailed {
                dispatch_error: sp_runtime::DispatchError::BadOrigin,
                dispatch_info,
            }
        };
        EventRecord {
            phase: Phase::ApplyExtrinsic(index),
            event: event.into(),
            topics: Vec::new(),
        }
    }

    fn empty() -> Block {
        Block {
            number: 7,
            hash: String::new(),
            time: 0,
            succeeded: 0,
            failed: 0,
            declared: Weight::zero(),
            used: Weight::zero(),
            weight: Weight::zero(),
        }
    }

    #[test]
    fn count_tells_the_wanted_calls_from_the_inherent_and_from_those_that_failed() {
        let weight = Some(Weight::from_parts(100, 0));
        let declared = [None, weight, weight, weight];
        let outcomes = [true, true, false, true];
        let events = (0..).zip(outcomes).map(|(index, ok)| outcome(index, ok));
        let mut block = empty();
        block.count(&declared, events.collect()).unwrap();
        assert_eq!((block.succeeded, block.failed), (2, 1));
        assert_eq!(block.declared.ref_time(), 200);
        assert_eq!(block.used.ref_time(), 120);
    }

    #[test]
    fn count_fails_when_the_outcome_of_a_call_is_not_told() {
        let weight = Some(Weight::from_parts(100, 0));
        let error = empty().count(&[None, weight], vec![outcome(0, true)]);
        assert!(error.unwrap_err().to_string().contains("1 calls"));
    }
}
