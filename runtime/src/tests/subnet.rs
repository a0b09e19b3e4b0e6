//! A subnet with people in it, for the tests that need one.
//!
//! Bob and Dave own a validator each, Charlie owns two miners, Alice owns the subnet and stakes on
//! Bob's validator. Hotkeys [`One`] and [`Two`] have no balance, as hotkeys need none.

use assay_primitives::{
    commit_hash, Artifact, Benchmark, CommitPayload, DataType, Digest, EpochIndex, Evidence,
    Generation, Interface, NetUid, RegistrationProofPayload, Scoring, TaskSpec, TaskVersion,
    TensorSpec, Uid,
};
use frame_system_rpc_runtime_api::runtime_decl_for_account_nonce_api::AccountNonceApiV1;
use pallet_subnets::RegistrationProof;
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, CharlieStash, Dave, Ferdie, One, Two};
use sp_runtime::{ApplyExtrinsicResult, MultiSignature};

use super::{always::Watched, mortal};
use crate::{AccountId, Balance, Epoch, Runtime, RuntimeCall, System, ASY};

/// The subnet.
pub const NETUID: NetUid = NetUid(0);
/// Bob's validator and Dave's.
pub const VALIDATORS: [Sr25519Keyring; 2] = [One, Ferdie];
/// Charlie's miners.
pub const MINERS: [Sr25519Keyring; 2] = [Two, CharlieStash];
/// The miners' places.
pub const MINER_UIDS: [Uid; 2] = [Uid(2), Uid(3)];
/// How both validators judge the miners.
pub const JUDGEMENT: [u16; 2] = [300, 100];

/// What Bob, Dave and Alice stake.
pub const STAKES: [(Sr25519Keyring, Sr25519Keyring, Balance); 3] = [
    (Bob, One, 100 * ASY),
    (Dave, Ferdie, 50 * ASY),
    (Alice, One, 30 * ASY),
];

/// A call and who signs it.
pub type Signed = (Sr25519Keyring, RuntimeCall);

impl Watched {
    /// Makes a block of these calls, all of which must succeed.
    pub fn succeed(&mut self, calls: Vec<Signed>) {
        for outcome in self.attempt(calls) {
            outcome.unwrap().unwrap();
        }
    }

    /// Makes a block of these calls and says how each of them went.
    pub fn attempt(&mut self, calls: Vec<Signed>) -> Vec<ApplyExtrinsicResult> {
        let mut sent = Vec::<Sr25519Keyring>::new();
        let transactions = calls
            .into_iter()
            .map(|(signer, call)| {
                let before = sent.iter().filter(|other| **other == signer).count();
                sent.push(signer);
                let nonce = Runtime::account_nonce(signer.to_account_id()) + before as u32;
                mortal(signer, nonce, call)
            })
            .collect();
        self.block(transactions)
    }

    /// Registers the subnet and its neurons, and stakes.
    pub fn found_subnet(&mut self) {
        self.succeed(vec![(Alice, register_subnet())]);
        let owners = [Bob, Dave, Charlie, Charlie];
        let hotkeys = VALIDATORS.into_iter().chain(MINERS);
        let registrations = owners.into_iter().zip(hotkeys);
        self.succeed(
            registrations
                .map(|(owner, hotkey)| (owner, register(owner, hotkey)))
                .collect(),
        );
        self.succeed(
            STAKES
                .map(|(staker, hotkey, amount)| (staker, add_stake(hotkey, amount)))
                .to_vec(),
        );
    }

    /// Runs the open epoch.
    pub fn run_epoch(&mut self) {
        self.run_to(due_at());
    }

    /// Runs epochs until validators hold permits: in the first their stake enters, after the second
    /// it is counted.
    pub fn run_to_permits(&mut self) {
        self.run_epoch();
        self.run_epoch();
        assert_eq!(Epoch::permits(NETUID), [true, true, false, false]);
    }

    /// Both validators open what they committed to in the last epoch, if anything, and commit again.
    pub fn weigh(&mut self) {
        let EpochIndex(epoch) = open_epoch();
        let mut calls = Vec::new();
        for validator in VALIDATORS {
            let pending =
                !crate::Weights::commits_of(NETUID, &validator.to_account_id()).is_empty();
            if pending {
                calls.push((validator, reveal(EpochIndex(epoch - 1))));
            }
            calls.push((validator, commit(validator, EpochIndex(epoch))));
        }
        self.succeed(calls);
    }
}

/// The open epoch.
pub fn open_epoch() -> EpochIndex {
    Epoch::state(NETUID).unwrap().epoch
}

/// The block in which it runs.
pub fn due_at() -> u32 {
    Epoch::state(NETUID).unwrap().due_at
}

/// Registers the subnet.
pub fn register_subnet() -> RuntimeCall {
    RuntimeCall::Subnets(pallet_subnets::Call::register_subnet {
        task: Box::new(task()),
        max_price: 1_000 * ASY,
    })
}

/// What the subnet's miners must do.
pub fn task() -> TaskSpec {
    fn text<Bound: frame_support::traits::Get<u32>>(
        text: &str,
    ) -> frame_support::BoundedVec<u8, Bound> {
        text.as_bytes().to_vec().try_into().unwrap()
    }
    let tensor = |name, shape: &[i64]| TensorSpec {
        name: text(name),
        datatype: DataType::Fp32,
        shape: shape.to_vec().try_into().unwrap(),
    };
    TaskSpec {
        name: text("digits"),
        interface: Interface {
            inputs: vec![tensor("X", &[-1, 64])].try_into().unwrap(),
            outputs: vec![tensor("label", &[-1])].try_into().unwrap(),
        },
        scoring: Scoring::Classification { classes: 10 },
        benchmark: Benchmark::Set(Artifact {
            sha256: Digest([1; 32]),
            size: 1,
            uri: text("file:benchmark.csv"),
        }),
        reference_model: None,
        deadline_ms: 500,
        max_batch: 32,
    }
}

/// Registers a hotkey, with its signature.
pub fn register(coldkey: Sr25519Keyring, hotkey: Sr25519Keyring) -> RuntimeCall {
    register_in(Generation(0), coldkey, hotkey)
}

/// Registers a hotkey in this generation of the subnet, with its signature.
pub fn register_in(
    generation: Generation,
    coldkey: Sr25519Keyring,
    hotkey: Sr25519Keyring,
) -> RuntimeCall {
    let payload = RegistrationProofPayload {
        genesis: System::block_hash(0).into(),
        netuid: NETUID,
        generation,
        coldkey: coldkey.to_account_id().into(),
        expires_at: System::block_number() + 10,
    };
    RuntimeCall::Subnets(pallet_subnets::Call::register {
        netuid: NETUID,
        hotkey: hotkey.to_account_id(),
        max_price: ASY,
        proof: RegistrationProof {
            expires_at: payload.expires_at,
            signature: MultiSignature::Sr25519(hotkey.sign(&payload.to_bytes())),
        },
    })
}

/// Stakes on a hotkey.
pub fn add_stake(hotkey: Sr25519Keyring, amount: Balance) -> RuntimeCall {
    RuntimeCall::Stake(pallet_stake::Call::add_stake {
        netuid: NETUID,
        hotkey: hotkey.to_account_id(),
        amount,
    })
}

/// Commits to [`JUDGEMENT`] by the first task.
pub fn commit(validator: Sr25519Keyring, epoch: EpochIndex) -> RuntimeCall {
    commit_by(TaskVersion(0), validator, epoch)
}

/// Commits to [`JUDGEMENT`] by this version of the task.
pub fn commit_by(
    task_version: TaskVersion,
    validator: Sr25519Keyring,
    epoch: EpochIndex,
) -> RuntimeCall {
    let hash = commit_hash(&CommitPayload {
        hotkey: validator.to_account_id().into(),
        netuid: NETUID,
        generation: Generation(0),
        epoch,
        task_version,
        targets: &MINER_UIDS.map(|Uid(uid)| uid),
        values: &JUDGEMENT,
        salt: salt(epoch),
        evidence: Evidence::none(),
    });
    RuntimeCall::Weights(pallet_weights::Call::commit_weights {
        netuid: NETUID,
        epoch,
        hash,
        next_seed: Digest([7; 32]),
    })
}

/// Opens the commit made in an epoch by the first task.
pub fn reveal(epoch: EpochIndex) -> RuntimeCall {
    reveal_by(TaskVersion(0), epoch)
}

/// Opens the commit made in an epoch by this version of the task.
pub fn reveal_by(task_version: TaskVersion, epoch: EpochIndex) -> RuntimeCall {
    RuntimeCall::Weights(pallet_weights::Call::reveal_weights {
        netuid: NETUID,
        epoch,
        targets: MINER_UIDS.map(|Uid(uid)| uid).to_vec().try_into().unwrap(),
        values: JUDGEMENT.to_vec().try_into().unwrap(),
        salt: salt(epoch),
        task_version,
        evidence: Evidence::none(),
    })
}

fn salt(epoch: EpochIndex) -> [u8; 32] {
    [epoch.0 as u8; 32]
}

/// The accounts of these keys.
pub fn accounts<const N: usize>(keys: [Sr25519Keyring; N]) -> [AccountId; N] {
    keys.map(|key| key.to_account_id())
}
