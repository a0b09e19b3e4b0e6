//! Tests of the whole runtime, through its own blocks.

mod accounts;
mod admission;
mod always;
mod corruption;
mod dissolution;
mod economy;
mod flood;
mod keys;
mod keys_of_the_ended;
mod lifecycle;
mod presets;
mod proxies;
mod subnet;
mod upgrade;
mod views;

use codec::Encode;
use frame_system_rpc_runtime_api::runtime_decl_for_account_nonce_api::AccountNonceApiV1;
use pallet_weights::AdmitWeights;
use serde_json::Value;
use sp_consensus_aura::{Slot, AURA_ENGINE_ID};
use sp_genesis_builder::PresetId;
use sp_io::TestExternalities;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{
    generic::Era, ApplyExtrinsicResult, BuildStorage, Digest, DigestItem, DispatchOutcome,
    MultiAddress,
};

use crate::{
    genesis, Aura, Executive, Hash, Header, Nonce, Runtime, RuntimeCall, RuntimeGenesisConfig,
    SignedPayload, System, TxExtension, UncheckedExtrinsic,
};

/// A network at its genesis.
pub fn network(name: &str) -> TestExternalities {
    preset(name).build_storage().unwrap().into()
}

/// The same with something else in its genesis.
pub fn network_with(name: &str, change: impl FnOnce(&mut Value)) -> TestExternalities {
    preset_with(name, change).build_storage().unwrap().into()
}

/// A preset's genesis, made as a node makes it: a patch upon the default.
pub fn preset(name: &str) -> RuntimeGenesisConfig {
    preset_with(name, |_| ())
}

fn preset_with(name: &str, change: impl FnOnce(&mut Value)) -> RuntimeGenesisConfig {
    let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
    let patch = genesis::preset(&PresetId::from(name)).unwrap();
    let patch: Value = serde_json::from_slice(&patch).unwrap();
    for (pallet, fields) in patch.as_object().unwrap() {
        for (field, value) in fields.as_object().unwrap() {
            config[pallet][field] = value.clone();
        }
    }
    change(&mut config);
    serde_json::from_value(config).unwrap()
}

/// Makes the next block with these transactions, and says how each of them went.
pub fn next_block(transactions: Vec<UncheckedExtrinsic>) -> Vec<ApplyExtrinsicResult> {
    begin_block();
    let outcomes = transactions
        .into_iter()
        .map(Executive::apply_extrinsic)
        .collect();
    Executive::finalize_block();
    outcomes
}

/// Begins the next block and sets its time.
pub fn begin_block() {
    let number = System::block_number() + 1;
    let slot = Slot::from(u64::from(number));
    // Signatures cover the genesis hash, which block 1 must not change.
    let parent_hash = match number {
        1 => System::block_hash(0),
        _ => Hash::repeat_byte(number as u8),
    };
    let digest = Digest {
        logs: vec![DigestItem::PreRuntime(AURA_ENGINE_ID, slot.encode())],
    };
    Executive::initialize_block(&Header {
        parent_hash,
        number,
        state_root: Default::default(),
        extrinsics_root: Default::default(),
        digest,
    });
    let time = RuntimeCall::Timestamp(pallet_timestamp::Call::set {
        now: u64::from(number) * Aura::slot_duration(),
    });
    Executive::apply_extrinsic(UncheckedExtrinsic::new_bare(time))
        .unwrap()
        .unwrap();
}

/// Makes empty blocks up to this one.
pub fn run_to(number: u32) {
    while System::block_number() < number {
        next_block(Vec::new());
    }
}

/// Makes the next block with this call alone, and says how its transaction went.
pub fn try_send(signer: Sr25519Keyring, call: RuntimeCall) -> ApplyExtrinsicResult {
    let nonce = Runtime::account_nonce(signer.to_account_id());
    next_block(vec![mortal(signer, nonce, call)])[0]
}

/// Makes the next block with this call alone, whose transaction must be valid, and says how the
/// call went.
pub fn send(signer: Sr25519Keyring, call: RuntimeCall) -> DispatchOutcome {
    try_send(signer, call).unwrap()
}

/// A transaction without tip that never expires.
pub fn signed(
    signer: Sr25519Keyring,
    nonce: Nonce,
    call: impl Into<RuntimeCall>,
) -> UncheckedExtrinsic {
    signed_for(signer, Era::Immortal, nonce, call.into())
}

/// A transaction without tip that counts for the next blocks only, as weight calls must.
pub fn mortal(signer: Sr25519Keyring, nonce: Nonce, call: RuntimeCall) -> UncheckedExtrinsic {
    // The last block's hash is known only when the next one starts.
    let birth = System::block_number().saturating_sub(1);
    let era = Era::mortal(64, birth.into());
    signed_for(signer, era, nonce, call)
}

fn signed_for(
    signer: Sr25519Keyring,
    era: Era,
    nonce: Nonce,
    call: RuntimeCall,
) -> UncheckedExtrinsic {
    let extension: TxExtension = (
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        AdmitWeights::new(era, nonce.into()),
        frame_system::CheckWeight::new(),
        pallet_transaction_payment::ChargeTransactionPayment::<Runtime>::from(0),
        frame_system::WeightReclaim::new(),
    );
    let payload = SignedPayload::new(call, extension).unwrap();
    let signature = payload.using_encoded(|bytes| signer.sign(bytes));
    let (call, extension, _) = payload.deconstruct();
    UncheckedExtrinsic::new_signed(
        call,
        MultiAddress::Id(signer.to_account_id()),
        signature.into(),
        extension,
    )
}
