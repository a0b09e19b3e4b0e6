//! Signed transactions, and what an author's log tells of the making of blocks.

use anyhow::{Context, Result};
use assay_runtime::{
    Hash, Nonce, Runtime, RuntimeCall, Signature, SignedPayload, TxExtension, UncheckedExtrinsic,
    VERSION,
};
use codec::Encode;
use pallet_weights::AdmitWeights;
use serde_json::{json, Value};
use sp_core::{sr25519, Pair};
use sp_runtime::{generic::Era, MultiAddress};

use crate::{
    rpc::{self, hex, Rpc},
    state::account,
};

/// Blocks for which a transaction counts: longer than any measurement.
const MORTALITY: u64 = 1_024;
/// Transactions handed in with one request.
const BATCH: usize = 1_000;

/// What the signatures of one chain cover.
#[derive(Clone, Copy)]
pub struct Signer {
    genesis: Hash,
    birth: (u64, Hash),
}

impl Signer {
    /// Transactions that count from the best block on.
    pub fn at_best(rpc: &mut Rpc) -> Result<Self> {
        let head = rpc.ask("chain_getHeader", json!([]))?;
        let number = number(&head["number"])?;
        let mut hash = |number: u64| -> Result<Hash> {
            let hash = rpc.ask("chain_getBlockHash", json!([number]))?;
            Ok(Hash::from_slice(&rpc::bytes(&hash)?))
        };
        Ok(Self {
            genesis: hash(0)?,
            birth: (number, hash(number)?),
        })
    }

    /// A transaction as it travels.
    pub fn sign(&self, pair: &sr25519::Pair, nonce: Nonce, call: RuntimeCall) -> Vec<u8> {
        let (number, hash) = self.birth;
        let extension: TxExtension = (
            frame_system::CheckNonZeroSender::new(),
            frame_system::CheckSpecVersion::new(),
            frame_system::CheckTxVersion::new(),
            frame_system::CheckGenesis::new(),
            AdmitWeights::new(Era::mortal(MORTALITY, number), nonce.into()),
            frame_system::CheckWeight::new(),
            pallet_transaction_payment::ChargeTransactionPayment::<Runtime>::from(0),
            frame_system::WeightReclaim::new(),
        );
        let implicit = (
            (),
            VERSION.spec_version,
            VERSION.transaction_version,
            self.genesis,
            (hash, ()),
            (),
            (),
            (),
        );
        let payload = SignedPayload::from_raw(call, extension, implicit);
        let signature = payload.using_encoded(|bytes| pair.sign(bytes));
        let (call, extension, _) = payload.deconstruct();
        UncheckedExtrinsic::new_signed(
            call,
            MultiAddress::Id(account(pair)),
            Signature::Sr25519(signature),
            extension,
        )
        .encode()
    }
}

/// Hands transactions in; says how many the pool took, and why it refused the first that it did.
pub fn hand_in(rpc: &mut Rpc, transactions: &[Vec<u8>]) -> Result<(usize, Option<String>)> {
    let (mut taken, mut refused) = (0, None);
    for batch in transactions.chunks(BATCH) {
        let params: Vec<Value> = batch.iter().map(|bytes| json!([hex(bytes)])).collect();
        for answer in rpc.ask_all("author_submitExtrinsic", &params)? {
            match answer {
                Ok(_) => taken += 1,
                Err(error) => refused = refused.or(Some(error.to_string())),
            }
        }
    }
    Ok((taken, refused))
}

/// A block's number in a header.
pub fn number(value: &Value) -> Result<u64> {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    Ok(u64::from_str_radix(
        digits.context("a header has a number")?,
        16,
    )?)
}

/// The making of a block, as its author tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub number: u64,
    /// By which it is found in the chain.
    pub hash: String,
    /// What making it took.
    pub millis: u64,
    /// Why no more transactions went into it.
    pub end: String,
}

/// The makings that an author's log tells of. One that took longer than there was time for is thrown
/// away and not sealed; its transactions go into another.
pub fn made(log: &str) -> Vec<Made> {
    let (mut blocks, mut prepared) = (Vec::new(), None);
    for line in log.lines() {
        if let Some(block) = made_line(line) {
            prepared = Some(block);
        } else if let Some((_, sealed)) = line.split_once("Hash now ") {
            let hash = sealed.split([',', '.', ' ']).next().unwrap_or_default();
            blocks.extend(prepared.take().map(|block| Made {
                hash: hash.to_owned(),
                ..block
            }));
        }
    }
    blocks
}

fn made_line(line: &str) -> Option<Made> {
    let (_, rest) = line.split_once("Prepared block for proposing at ")?;
    let (number, rest) = rest.split_once(" (")?;
    let (millis, rest) = rest.split_once(" ms)")?;
    let (_, rest) = rest.split_once("end: ")?;
    let (end, _) = rest.split_once(';')?;
    Some(Made {
        number: number.parse().ok()?,
        hash: String::new(),
        millis: millis.parse().ok()?,
        end: end.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_reads_what_an_author_logs() {
        let log = "2026-01-01 00:00:00 🙌 Starting consensus session on top of parent 0x00\n\
                   2026-01-01 00:00:00 🎁 Prepared block for proposing at 29 (3 ms) hash: 0xaa; \
                   parent_hash: 0x0e; end: NoMoreTransactions; extrinsics_count: 7    \n\
                   2026-01-01 00:00:00 🔖 Pre-sealed block for proposal at 29. Hash now 0xbb, previously \
                   0xaa.\n\
                   2026-01-01 00:00:01 🎁 Prepared block for proposing at 30 (9000 ms) hash: 0xcc; \
                   parent_hash: 0xbb; end: HitDeadline; extrinsics_count: 9    \n";
        let expected = Made {
            number: 29,
            hash: "0xbb".into(),
            millis: 3,
            end: "NoMoreTransactions".into(),
        };
        assert_eq!(made(log), [expected]);
    }
}
