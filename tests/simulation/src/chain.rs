//! Blocks of the real runtime: its hooks, its extensions, its calls.
//!
//! The one thing left out is the signature of a transaction, which says who sent it and changes
//! nothing else. All that comes after it is what a node runs: nonce, era, admission of weight calls,
//! weight, fee, call, refund.

use assay_runtime::{
    AccountId, Aura, Balance, Executive, Hash, Header, Runtime, RuntimeCall, System, TxExtension,
    UncheckedExtrinsic,
};
use codec::Encode;
use frame_support::{
    dispatch::GetDispatchInfo,
    storage::{with_transaction, TransactionOutcome},
};
use pallet_weights::AdmitWeights;
use sp_consensus_aura::{Slot, AURA_ENGINE_ID};
use sp_runtime::{
    generic::{CheckedExtrinsic, Era, ExtrinsicFormat},
    traits::Applyable,
    transaction_validity::TransactionValidityError,
    Digest, DigestItem, DispatchError, DispatchResult,
};

/// Bytes of a transaction around its call: signature, address, extension.
const ENVELOPE: usize = 110;

/// Blocks for which a transaction counts.
const MORTALITY: u64 = 64;

/// What somebody does in a block.
#[derive(Debug)]
pub enum Move {
    /// Sends a transaction.
    Signed {
        /// Who.
        signer: AccountId,
        /// What.
        call: Box<RuntimeCall>,
    },
    /// What no transaction can do yet but the runtime provides for.
    Slash {
        /// In which subnet.
        netuid: assay_primitives::NetUid,
        /// Which hotkey.
        hotkey: AccountId,
        /// How much of it.
        part: assay_primitives::Ratio16,
        /// Of which generation, where the subnet was dissolved.
        dissolved: Option<assay_primitives::Generation>,
    },
}

impl Move {
    /// A transaction.
    pub fn signed(signer: &AccountId, call: impl Into<RuntimeCall>) -> Option<Self> {
        Some(Self::Signed {
            signer: signer.clone(),
            call: Box::new(call.into()),
        })
    }
}

/// How a move went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it was meant.
    Done,
    /// The call failed; its fee was paid.
    Failed(DispatchError),
    /// No block would include the transaction.
    Refused(TransactionValidityError),
}

/// Starts the next block: what is due happens.
pub fn open_block() {
    let number = System::block_number() + 1;
    let slot = Slot::from(u64::from(number));
    let parent_hash = match number {
        // The hash of genesis is what proofs of registration bind.
        1 => System::block_hash(0),
        _ => Hash::from_low_u64_be(u64::from(number)),
    };
    Executive::initialize_block(&Header {
        parent_hash,
        number,
        state_root: Hash::default(),
        extrinsics_root: Hash::default(),
        digest: Digest {
            logs: vec![DigestItem::PreRuntime(AURA_ENGINE_ID, slot.encode())],
        },
    });
    let time = RuntimeCall::Timestamp(pallet_timestamp::Call::set {
        now: u64::from(number) * Aura::slot_duration(),
    });
    Executive::apply_extrinsic(UncheckedExtrinsic::new_bare(time))
        .expect("an inherent with the right time is valid; qed")
        .expect("an inherent with the right time succeeds; qed");
}

/// Ends the block.
pub fn close_block() {
    Executive::finalize_block();
}

/// Makes a move in the open block. A refused transaction leaves nothing behind.
pub fn apply(what: Move) -> Outcome {
    match what {
        Move::Signed { signer, call } => match include(signer, *call) {
            Ok(Ok(())) => Outcome::Done,
            Ok(Err(error)) => Outcome::Failed(error),
            Err(refusal) => Outcome::Refused(refusal),
        },
        Move::Slash {
            netuid,
            hotkey,
            part,
            dissolved,
        } => {
            use assay_pallet_traits::Slash as _;
            match dissolved {
                None => assay_runtime::Stake::slash(netuid, &hotkey, part),
                Some(generation) => {
                    assay_runtime::Stake::slash_dissolved(netuid, generation, &hotkey, part)
                }
            };
            Outcome::Done
        }
    }
}

fn include(
    signer: AccountId,
    call: RuntimeCall,
) -> Result<DispatchResult, TransactionValidityError> {
    let encoded = call.encode();
    let len = encoded.len() + ENVELOPE;
    let transaction = CheckedExtrinsic::<_, RuntimeCall, TxExtension> {
        format: ExtrinsicFormat::Signed(signer.clone(), extension(&signer)),
        function: call,
    };
    let info = transaction.get_dispatch_info();
    let applied = with_transaction(|| {
        System::note_extrinsic(encoded);
        match Applyable::apply::<Runtime>(transaction, &info, len) {
            Ok(outcome) => {
                System::note_applied_extrinsic(&outcome, info);
                let outcome = outcome.map(|_| ()).map_err(|failed| failed.error);
                TransactionOutcome::Commit(Ok::<_, DispatchError>(Ok(outcome)))
            }
            Err(refusal) => TransactionOutcome::Rollback(Ok(Err(refusal))),
        }
    });
    applied.expect("transactions of storage are not nested too deep here; qed")
}

fn extension(signer: &AccountId) -> TxExtension {
    // The hash of the last block is known, that of this one isn't.
    let birth = System::block_number() - 1;
    let nonce = frame_system::Account::<Runtime>::get(signer).nonce;
    (
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        AdmitWeights::new(Era::mortal(MORTALITY, birth.into()), nonce),
        frame_system::CheckWeight::new(),
        pallet_transaction_payment::ChargeTransactionPayment::<Runtime>::from(Balance::default()),
        frame_system::WeightReclaim::new(),
    )
}
