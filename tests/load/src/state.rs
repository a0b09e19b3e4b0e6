//! What a chain looks like after days of use, written with the runtime's own types: subnets whose
//! neurons are registered, whose validators have stake, permits, weights and bonds.
//!
//! As the calls and epochs would leave it. Amounts come out of one purse that genesis filled, so the
//! books balance from the first block on.

use anyhow::{anyhow, Result};
use assay_pallet_traits::Stakes;
use assay_primitives::{
    commit_hash, Artifact, Balance, Benchmark, BlockNumber, CommitPayload, DataType, Digest,
    EpochIndex, Evidence, Generation, Hyperparameter, Hyperparameters, Interface, NetUid, Salt,
    Scoring, Serial, TaskSpec, TaskVersion, TensorSpec, Uid, ASY, CAP,
};
use assay_runtime::{AccountId, Runtime, RuntimeOrigin, Stake, Subnets, System};
use codec::Encode;
use frame_support::{traits::Get, BoundedVec};
use pallet_epoch::{Bits, BondRow, EpochState};
use pallet_subnets::{HotkeyInfo, Neuron};
use pallet_weights::{Commit, Row, RowInfo, RowTotals};
use sp_core::{sr25519, Pair};
use sp_crypto_hashing::blake2_256;

/// The epoch that is open.
const OPEN: EpochIndex = EpochIndex(1);
/// The epoch in which what is revealed was committed.
pub const COMMITTED: EpochIndex = EpochIndex(0);
/// What each validator is staked.
const STAKE: Balance = 100 * ASY;
/// What kept the commits from being guessed.
pub const SALT: Salt = [7; 32];

/// How much there is of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub subnets: u16,
    /// Of each subnet.
    pub neurons: u16,
    /// Among the neurons.
    pub validators: u16,
}

/// Who has all the money at first.
pub fn purse() -> sr25519::Pair {
    sr25519::Pair::from_string("//Alice", None).expect("a well-known secret; qed")
}

pub fn account(pair: &sr25519::Pair) -> AccountId {
    AccountId::new(pair.public().0)
}

/// A validator's key. One that never signs has no more than an account.
pub fn hotkey(netuid: NetUid, uid: u16) -> sr25519::Pair {
    sr25519::Pair::from_seed(&(b"hotkey", netuid, uid).using_encoded(blake2_256))
}

fn text<Bound: Get<u32>>(text: &str) -> BoundedVec<u8, Bound> {
    BoundedVec::truncate_from(text.as_bytes().to_vec())
}

fn task() -> TaskSpec {
    let tensors = || {
        BoundedVec::truncate_from(vec![TensorSpec {
            name: text("t"),
            datatype: DataType::Fp32,
            shape: BoundedVec::truncate_from(vec![-1, 64]),
        }])
    };
    TaskSpec {
        name: text("load"),
        interface: Interface {
            inputs: tensors(),
            outputs: tensors(),
        },
        scoring: Scoring::Similarity,
        benchmark: Benchmark::Set(Artifact {
            sha256: Digest([1; 32]),
            size: 1,
            uri: text("https://example.org/set"),
        }),
        reference_model: None,
        deadline_ms: 500,
        max_batch: 32,
    }
}

/// Writes all subnets. Their open epochs fall due in block `due_at`, all of them.
pub fn write(size: Size, tempo: BlockNumber, due_at: BlockNumber) -> Result<()> {
    let netuids = (0..size.subnets)
        .map(|_| subnet(size, tempo))
        .collect::<Result<Vec<_>>>()?;
    let scheduled: Vec<_> = pallet_epoch::Agenda::<Runtime>::drain().collect();
    drop(scheduled);
    for &netuid in &netuids {
        let state = EpochState {
            epoch: OPEN,
            due_at,
            last_ran_at: 0,
        };
        pallet_epoch::States::<Runtime>::insert(netuid, state);
    }
    pallet_epoch::Agenda::<Runtime>::insert(due_at, BoundedVec::truncate_from(netuids));
    Ok(())
}

fn subnet(size: Size, tempo: BlockNumber) -> Result<NetUid> {
    use Hyperparameter as H;
    let owner = account(&purse());
    // Each at the floor's price.
    pallet_subnets::SubnetPrice::<Runtime>::kill();
    let netuid = NetUid(pallet_subnets::Netuids::<Runtime>::get().len() as u16);
    Subnets::register_subnet(RuntimeOrigin::signed(owner), Box::new(task()), CAP)
        .map_err(|error| anyhow!("subnet {netuid}: {error:?}"))?;
    let settings = [
        H::MaxNeurons(size.neurons),
        H::MaxValidators(size.validators),
    ]
    .into_iter()
    .try_fold(Hyperparameters::new(tempo), |settings, change| {
        settings.with(change)
    })
    .map_err(|error| anyhow!("settings: {error:?}"))?;
    pallet_subnets::HyperparametersOf::<Runtime>::insert(netuid, settings);
    for uid in 0..size.neurons {
        neuron(netuid, uid, uid < size.validators);
    }
    pallet_subnets::NeuronCount::<Runtime>::insert(netuid, size.neurons);
    let standings = vec![0; usize::from(size.neurons)];
    pallet_epoch::StandingsOf::<Runtime>::insert(netuid, BoundedVec::truncate_from(standings));
    let permits = Bits::from_bools(&vec![true; usize::from(size.validators)]);
    pallet_epoch::PermitBits::<Runtime>::insert(netuid, permits);
    stake(netuid, size.validators)?;
    Ok(netuid)
}

fn neuron(netuid: NetUid, uid: u16, signs: bool) {
    let hotkey = if signs {
        account(&hotkey(netuid, uid))
    } else {
        AccountId::new((b"miner", netuid, uid).using_encoded(blake2_256))
    };
    let coldkey = AccountId::new((b"coldkey", netuid, uid).using_encoded(blake2_256));
    System::inc_sufficients(&hotkey);
    pallet_subnets::OwnedHotkeys::<Runtime>::insert(&coldkey, &hotkey, ());
    let info = HotkeyInfo {
        coldkey,
        registrations: 1,
    };
    pallet_subnets::Hotkeys::<Runtime>::insert(&hotkey, info);
    pallet_subnets::Uids::<Runtime>::insert(netuid, &hotkey, Uid(uid));
    let serial = pallet_subnets::NextSerial::<Runtime>::get();
    pallet_subnets::NextSerial::<Runtime>::put(Serial(serial.0 + 1));
    let neuron = Neuron {
        hotkey,
        serial,
        registered_at: 0,
    };
    pallet_subnets::Neurons::<Runtime>::insert(netuid, Uid(uid), neuron);
}

fn stake(netuid: NetUid, validators: u16) -> Result<()> {
    let staker = account(&purse());
    for uid in 0..validators {
        let hotkey = account(&hotkey(netuid, uid));
        Stake::add_stake(RuntimeOrigin::signed(staker.clone()), netuid, hotkey, STAKE)
            .map_err(|error| anyhow!("stake in {netuid}: {error:?}"))?;
    }
    <Stake as Stakes<AccountId>>::after_payout(netuid);
    Ok(())
}

/// A validator's row upon the last `len` neurons. Rows differ, as those of people do.
pub fn row(neurons: u16, len: u16, uid: u16) -> Row {
    let targets: Vec<u16> = (neurons.saturating_sub(len)..neurons).collect();
    let value = |target: &u16| (target % 251) * 200 + (uid % 61) * 16 + 1;
    Row {
        values: BoundedVec::truncate_from(targets.iter().map(value).collect()),
        targets: BoundedVec::truncate_from(targets),
    }
}

/// Every validator has weights on everybody in force, and bonds with everybody.
pub fn weigh_densely(size: Size) {
    for netuid in (0..size.subnets).map(NetUid) {
        for uid in 0..size.validators {
            let row = row(size.neurons, size.neurons, uid);
            let bonds = BondRow {
                values: BoundedVec::truncate_from(vec![u32::MAX / 2; row.targets.len()]),
                targets: row.targets.clone(),
            };
            let info = RowInfo {
                len: row.len(),
                last_update: 0,
                epoch: COMMITTED,
                task_version: TaskVersion(0),
            };
            pallet_weights::Rows::<Runtime>::insert(netuid, Uid(uid), row);
            pallet_weights::RowInfos::<Runtime>::insert(netuid, Uid(uid), info);
            pallet_epoch::Bonds::<Runtime>::insert(netuid, Uid(uid), bonds);
        }
        let weights = u32::from(size.validators) * u32::from(size.neurons);
        let totals = RowTotals {
            rows: size.validators.into(),
            weights,
        };
        pallet_weights::Totals::<Runtime>::insert(netuid, totals);
        pallet_epoch::BondCounts::<Runtime>::insert(netuid, weights);
    }
}

/// Every validator has committed to a row of `len` weights, to be revealed in the open epoch.
pub fn commit(size: Size, len: u16) {
    for netuid in (0..size.subnets).map(NetUid) {
        for uid in 0..size.validators {
            let hotkey: [u8; 32] = hotkey(netuid, uid).public().0;
            let row = row(size.neurons, len, uid);
            let hash = commit_hash(&CommitPayload {
                hotkey,
                netuid,
                generation: Generation(0),
                epoch: COMMITTED,
                task_version: TaskVersion(0),
                targets: &row.targets,
                values: &row.values,
                salt: SALT,
                evidence: Evidence::none(),
            });
            let commit = Commit {
                epoch: COMMITTED,
                reveal_in: OPEN,
                hash,
                hotkey,
                next_seed: Digest([2; 32]),
                at: 0,
                serial: pallet_subnets::Neurons::<Runtime>::get(netuid, Uid(uid))
                    .map_or(Serial(0), |neuron| neuron.serial),
                task_version: TaskVersion(0),
            };
            let pending = BoundedVec::truncate_from(vec![commit]);
            pallet_weights::Commits::<Runtime>::insert(netuid, Uid(uid), pending);
        }
    }
}
