//! What is benchmarked, and the state that benchmarks start from.
//!
//! Compiled with the feature `runtime-benchmarks` alone, which nothing but `cargo xtask weights`
//! turns on.

use alloc::{boxed::Box, string::String, vec, vec::Vec};

use assay_pallet_traits::{BenchmarkHelper, Stakes};
use assay_primitives::{
    Artifact, Balance, Benchmark, DataType, Digest, EpochIndex, Hyperparameter, Hyperparameters,
    Interface, NetUid, Ratio16, Scoring, Serial, TaskSpec, TaskVersion, TensorSpec, Uid, ASY, CAP,
    MAX_NEURONS, MAX_VALIDATORS,
};
use frame_benchmarking::{account, BenchmarkBatch, BenchmarkConfig, BenchmarkList};
use frame_support::{
    traits::{fungible::Mutate, Get, StorageInfo, StorageInfoTrait, WhitelistedStorageKeys},
    BoundedVec,
};
use pallet_subnets::{HotkeyInfo, Neuron, Succession};

use crate::{
    AccountId, AllPalletsWithSystem, Authors, Balances, Emission, Epoch, Governance, Keys, Runtime,
    RuntimeOrigin, Stake, Subnets, System, Weights,
};

frame_benchmarking::define_benchmarks!(
    [crate::authors, Authors]
    [crate::governance, Governance]
    [pallet_emission, Emission]
    [pallet_epoch, Epoch]
    [pallet_keys, Keys]
    [pallet_stake, Stake]
    [pallet_subnets, Subnets]
    [pallet_weights, Weights]
);

/// What there is to measure.
pub fn metadata(extra: bool) -> (Vec<BenchmarkList>, Vec<StorageInfo>) {
    let mut list = Vec::<BenchmarkList>::new();
    list_benchmarks!(list, extra);
    (list, AllPalletsWithSystem::storage_info())
}

/// Measures one of them.
pub fn dispatch(config: BenchmarkConfig) -> Result<Vec<BenchmarkBatch>, String> {
    // Read and written in every block in any case.
    let whitelist = AllPalletsWithSystem::whitelisted_storage_keys();
    let mut batches = Vec::<BenchmarkBatch>::new();
    let params = (&config, &whitelist);
    add_benchmarks!(params, batches);
    Ok(batches)
}

/// What each of a hotkey's two stakers stakes.
const STAKE: Balance = 1_000 * ASY;
/// When everybody registered and last submitted weights.
const REGISTERED_AT: u32 = 1;
const UPDATED_AT: u32 = 900;

/// Writes the state of all pallets as their calls would leave it.
pub struct Setup;

fn text<Bound: Get<u32>>(text: &str) -> BoundedVec<u8, Bound> {
    BoundedVec::truncate_from(text.as_bytes().to_vec())
}

fn task() -> TaskSpec {
    let tensors = || {
        let tensor = TensorSpec {
            name: text("t"),
            datatype: DataType::Fp32,
            shape: BoundedVec::truncate_from(vec![-1, 64]),
        };
        BoundedVec::truncate_from(vec![tensor])
    };
    TaskSpec {
        name: text("benchmark"),
        interface: Interface {
            inputs: tensors(),
            outputs: tensors(),
        },
        scoring: Scoring::Similarity,
        benchmark: Benchmark::Set(Artifact {
            sha256: Digest([1; 32]),
            size: 1,
            uri: text("file:set"),
        }),
        reference_model: None,
        deadline_ms: 500,
        max_batch: 32,
    }
}

/// The widest settings: whatever is benchmarked fits them.
fn widest() -> Hyperparameters {
    use Hyperparameter as H;
    [
        H::MaxNeurons(MAX_NEURONS),
        H::MaxValidators(MAX_VALIDATORS),
        H::PlainWeights(true),
        H::RevealPeriod(8),
        H::ImmunityPeriod(100),
        H::MinersPart(Ratio16(32_768)),
    ]
    .into_iter()
    .fold(Hyperparameters::new(360), |settings, change| {
        settings.with(change).expect("the value is within bounds")
    })
}

fn hotkey(netuid: NetUid, uid: u16) -> AccountId {
    account("hotkey", uid.into(), netuid.0.into())
}

fn coldkey(netuid: NetUid, uid: u16) -> AccountId {
    account("coldkey", uid.into(), netuid.0.into())
}

fn endow(account: &AccountId, amount: Balance) {
    Balances::mint_into(account, amount).expect("that much can be minted");
}

impl BenchmarkHelper<AccountId> for Setup {
    fn subnet(neurons: u16) -> NetUid {
        let owner: AccountId = account("owner", 0, 0);
        endow(&owner, 1_000 * ASY);
        // Each subnet at the floor's price.
        pallet_subnets::SubnetPrice::<Runtime>::kill();
        let netuid = NetUid(pallet_subnets::Netuids::<Runtime>::get().len() as u16);
        Subnets::register_subnet(RuntimeOrigin::signed(owner), Box::new(task()), CAP)
            .expect("there is a place and the owner can pay for it");
        pallet_subnets::HyperparametersOf::<Runtime>::insert(netuid, widest());
        pallet_subnets::Subnets::<Runtime>::mutate(netuid, |subnet| {
            if let Some(subnet) = subnet {
                subnet.admitted = true;
            }
        });
        for uid in 0..neurons {
            let (hotkey, coldkey) = (hotkey(netuid, uid), coldkey(netuid, uid));
            System::inc_sufficients(&hotkey);
            pallet_subnets::OwnedHotkeys::<Runtime>::insert(&coldkey, &hotkey, ());
            let info = HotkeyInfo {
                coldkey,
                registrations: 1,
            };
            pallet_subnets::Hotkeys::<Runtime>::insert(&hotkey, info);
            pallet_subnets::Uids::<Runtime>::insert(netuid, &hotkey, Uid(uid));
            let neuron = Neuron {
                hotkey,
                serial: Serial(uid.into()),
                registered_at: REGISTERED_AT,
            };
            pallet_subnets::Neurons::<Runtime>::insert(netuid, Uid(uid), neuron);
        }
        pallet_subnets::NeuronCount::<Runtime>::insert(netuid, neurons);
        pallet_subnets::NextSerial::<Runtime>::put(Serial(neurons.into()));
        let standings = vec![0; usize::from(neurons)];
        pallet_epoch::StandingsOf::<Runtime>::insert(netuid, BoundedVec::truncate_from(standings));
        netuid
    }

    fn stake(netuid: NetUid, hotkeys: u16) {
        let delegator: AccountId = account("delegator", 0, 0);
        endow(&delegator, STAKE * Balance::from(hotkeys) + ASY);
        for uid in 0..hotkeys {
            let coldkey = coldkey(netuid, uid);
            let own = match uid {
                0 => 2 * STAKE * Balance::from(hotkeys),
                _ => STAKE,
            };
            endow(&coldkey, own + ASY);
            for (staker, amount) in [(&coldkey, own), (&delegator, STAKE)] {
                Stake::add_stake(
                    RuntimeOrigin::signed(staker.clone()),
                    netuid,
                    hotkey(netuid, uid),
                    amount,
                )
                .expect("the staker has as much");
            }
        }
        <Stake as Stakes<AccountId>>::after_payout(netuid);
    }

    fn permit(netuid: NetUid, validators: u16) {
        let permits = vec![true; usize::from(validators)];
        let permits = pallet_epoch::Bits::from_bools(&permits);
        pallet_epoch::PermitBits::<Runtime>::insert(netuid, permits);
    }

    fn weigh(netuid: NetUid, rows: &[u16]) {
        let neurons = pallet_subnets::NeuronCount::<Runtime>::get(netuid);
        let mut totals = pallet_weights::RowTotals {
            rows: rows.len() as u32,
            weights: 0,
        };
        for (uid, targets) in (0..).map(Uid).zip(rows) {
            let targets: Vec<u16> = (neurons.saturating_sub(*targets)..neurons).collect();
            let row = pallet_weights::Row {
                values: BoundedVec::truncate_from(vec![1_000; targets.len()]),
                targets: BoundedVec::truncate_from(targets),
            };
            let info = pallet_weights::RowInfo {
                len: row.len(),
                last_update: UPDATED_AT,
                epoch: EpochIndex(0),
                task_version: TaskVersion(0),
            };
            totals.weights += u32::from(row.len());
            pallet_weights::Rows::<Runtime>::insert(netuid, uid, row);
            pallet_weights::RowInfos::<Runtime>::insert(netuid, uid, info);
        }
        pallet_weights::Totals::<Runtime>::insert(netuid, totals);
    }

    fn commit(netuid: NetUid, committers: u16, epoch: u32) {
        let neurons = pallet_subnets::NeuronCount::<Runtime>::get(netuid);
        for uid in neurons.saturating_sub(committers)..neurons {
            let commit = pallet_weights::Commit {
                hotkey: hotkey(netuid, uid).into(),
                epoch: EpochIndex(0),
                reveal_in: EpochIndex(epoch),
                hash: Digest([1; 32]),
                next_seed: Digest([2; 32]),
                at: REGISTERED_AT,
                serial: Serial(uid.into()),
                task_version: TaskVersion(0),
            };
            let pending = BoundedVec::truncate_from(vec![commit]);
            pallet_weights::Commits::<Runtime>::insert(netuid, Uid(uid), pending);
        }
    }

    fn pay_into_bonds(netuid: NetUid) {
        for uid in 0..pallet_subnets::NeuronCount::<Runtime>::get(netuid) {
            pallet_emission::PayoutTargets::<Runtime>::insert(
                netuid,
                hotkey(netuid, uid),
                pallet_emission::PayoutTarget::OwnBond,
            );
        }
    }

    fn dissolve(netuid: NetUid) {
        Subnets::dissolve_subnet(RuntimeOrigin::root(), netuid).expect("root may");
    }

    fn exchange(hotkey: &AccountId, times: u32) -> AccountId {
        let mut first = hotkey.clone();
        for number in 0..times {
            let old = account("exchanged", number, 0);
            let succession = Succession {
                hotkey: first,
                at: REGISTERED_AT,
            };
            pallet_subnets::Successors::<Runtime>::insert(&old, succession);
            first = old;
        }
        first
    }

    fn fund(netuid: NetUid, amount: Balance) {
        pallet_emission::Issuance::<Runtime>::mutate(|subnets| {
            if let Some(subnet) = subnets.iter_mut().find(|subnet| subnet.netuid == netuid) {
                subnet.pot += amount;
            }
        });
        pallet_emission::Supplied::<Runtime>::mutate(|supply| supply.issued += amount);
    }
}
