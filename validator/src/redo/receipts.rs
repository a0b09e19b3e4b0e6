//! The receipts behind an epoch's leaves: what was signed, by whom.
//!
//! A leaf holds two signatures and the digests of what was asked and answered. The receipt holds the
//! rest of what was signed, so that anybody can verify both. That a miner did not answer leaves no
//! trace here, and nothing may be concluded from it.

use super::{EpochPage, Leaf, Redone};
use crate::chain::Hotkey as Key;
use assay_primitives::{Digest, Serial};
use assay_protocol::{Hotkey, Receipt};
use serde::Deserialize;
use std::collections::HashMap;

/// Problems that are named one by one; of more, only the number is.
const NAMED: usize = 20;

/// A receipt as it is shown.
#[derive(Clone, Debug, Deserialize)]
pub struct ReceiptLine {
    /// The round.
    pub round: u64,
    /// The index of the request's first item.
    pub item: u32,
    /// The miner's serial.
    pub serial: Serial,
    /// What was signed.
    pub receipt: Receipt,
}

/// Who held a place when a round started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its hotkey.
    pub hotkey: Key,
    /// The model that it had announced.
    pub artifact: Option<Digest>,
}

/// Verifies the receipt of every leaf. `holder` says who held a serial when a round started, where
/// that is known.
pub fn check_receipts(
    page: &EpochPage,
    lines: &[ReceiptLine],
    holder: impl Fn(u64, Serial) -> Option<Holder>,
    redone: &mut Redone,
) {
    let by_place: HashMap<_, _> = lines
        .iter()
        .map(|line| ((line.round, line.item, line.serial), &line.receipt))
        .collect();
    let (mut signed, mut held) = (0, 0);
    let mut problems = Vec::new();
    for leaf in &page.leaves {
        let place = (leaf.round, leaf.item, leaf.serial);
        let holder = holder(leaf.round, leaf.serial);
        let found = match by_place.get(&place) {
            None => Err("its receipt is not shown".to_owned()),
            Some(receipt) => check(page, leaf, receipt, holder),
        };
        match found {
            Ok(()) => {
                signed += 1;
                held += usize::from(holder.is_some());
            }
            Err(why) => problems.push(format!(
                "round {}, serial {}, item {}: {why}",
                leaf.round, leaf.serial, leaf.item
            )),
        }
    }
    let all = page.leaves.len();
    if signed > 0 {
        redone.holds.push(format!(
            "{signed} of {all} leaves have a receipt with both signatures; {held} by the hotkey that \
             held the place on chain, for the model announced there"
        ));
    }
    let more = problems.len().saturating_sub(NAMED);
    redone.problems.extend(problems.into_iter().take(NAMED));
    if more > 0 {
        let what = format!("{more} more leaves whose receipts do not hold");
        redone.problems.push(what);
    }
}

fn check(
    page: &EpochPage,
    leaf: &Leaf,
    receipt: &Receipt,
    holder: Option<Holder>,
) -> Result<(), String> {
    let facts = receipt
        .verify()
        .map_err(|error| format!("its receipt does not hold: {error}"))?;
    if page.hotkey.is_some_and(|own| own.0 != facts.caller.0) {
        return Err(format!(
            "its receipt is of a request by {}, not by this validator",
            facts.caller
        ));
    }
    let digests = (leaf.request_digest.0, leaf.response_digest.0);
    if digests != (facts.request_digest, facts.response_digest) {
        return Err("its receipt is of another request or another answer".into());
    }
    let signatures = leaf
        .decoded()
        .map(|leaf| (leaf.request_signature, leaf.response_signature));
    if signatures != Some((facts.request_signature, facts.response_signature)) {
        return Err("its signatures are not those of the receipt".into());
    }
    let Some(holder) = holder else {
        return Ok(());
    };
    if holder.hotkey != facts.miner.0 {
        return Err(format!(
            "{} signed the answer, but {} held the place on chain",
            facts.miner,
            Hotkey(holder.hotkey)
        ));
    }
    if holder.artifact.unwrap_or_default() != leaf.artifact {
        return Err("the model that it names is not the one that was announced on chain".into());
    }
    Ok(())
}
