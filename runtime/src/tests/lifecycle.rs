//! A subnet that changes: another task, other settings, another owner, each at the worst moment.

use std::collections::{BTreeMap, BTreeSet};

use assay_pallet_traits::{Epochs as _, Subnets as _};
use assay_primitives::{EpochIndex, Hyperparameter, TaskSpec, TaskVersion};
use codec::Encode;
use frame_support::traits::fungible::InspectHold;
use frame_system_rpc_runtime_api::runtime_decl_for_account_nonce_api::AccountNonceApiV1;
use pallet_subnets::UpcomingTasks;
use sp_keyring::Sr25519Keyring::{Alice, Eve};

use super::{
    always::{assert_always, Watched},
    mortal, network, next_block,
    subnet::{
        commit, commit_by, due_at, open_epoch, reveal, reveal_by, task, Signed, NETUID, VALIDATORS,
    },
};
use crate::{
    genesis, AccountId, Balance, Balances, Epoch, Runtime, RuntimeCall, RuntimeEvent, Subnets,
    System, Weights, ASY,
};

fn update_task(task: TaskSpec) -> RuntimeCall {
    RuntimeCall::Subnets(pallet_subnets::Call::update_task {
        netuid: NETUID,
        task: Box::new(task),
    })
}

fn patch(change: Hyperparameter) -> RuntimeCall {
    RuntimeCall::Subnets(pallet_subnets::Call::patch_hyperparameters {
        netuid: NETUID,
        changes: vec![change].try_into().unwrap(),
    })
}

fn other_task(deadline_ms: u32) -> TaskSpec {
    TaskSpec {
        deadline_ms,
        ..task()
    }
}

/// The epoch of each validator's last reveal.
fn revealed() -> Vec<EpochIndex> {
    VALIDATORS
        .iter()
        .zip(0..)
        .map(|(_, uid)| {
            let reveal =
                pallet_weights::Reveals::<Runtime>::get(NETUID, assay_primitives::Uid(uid));
            reveal.unwrap().commit.epoch
        })
        .collect()
}

#[test]
fn update_task_voids_nobodys_commit_when_it_comes_into_force_between_commit_and_reveal() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = Watched::default();
        chain.found_subnet();
        chain.run_to_permits();
        let EpochIndex(announced) = open_epoch();
        chain.succeed(vec![(Alice, update_task(other_task(700)))]);
        // The rest of this epoch, two more, and the reveal window.
        let first = announced + 4;
        let upcoming = UpcomingTasks::<Runtime>::get(NETUID).unwrap();
        assert_eq!(upcoming.from_epoch, EpochIndex(first));

        let mut pending: Option<TaskVersion> = None;
        while open_epoch() <= EpochIndex(first + 1) {
            let EpochIndex(epoch) = open_epoch();
            let version = Subnets::task_version(NETUID).unwrap();
            assert_eq!(version, TaskVersion(u32::from(epoch >= first)));
            let deadline = pallet_subnets::Tasks::<Runtime>::get(NETUID)
                .unwrap()
                .deadline_ms;
            assert_eq!(deadline, if epoch >= first { 700 } else { 500 });

            if let Some(version) = pending {
                let last = EpochIndex(epoch - 1);
                let reveals = VALIDATORS.map(|validator| (validator, reveal_by(version, last)));
                chain.succeed(reveals.to_vec());
                assert_eq!(revealed(), [last, last]);
            }
            // In the last block before the epoch runs, and the owner interferes in the same block
            // where that can change nothing any more.
            chain.run_to(due_at() - 2);
            let epoch = EpochIndex(epoch);
            let mut calls: Vec<_> = VALIDATORS
                .map(|validator| (validator, commit_by(version, validator, epoch)))
                .to_vec();
            if epoch == EpochIndex(first) {
                calls.push((Alice, update_task(other_task(900))));
            }
            chain.succeed(calls);
            pending = Some(version);
            chain.run_epoch();
        }
        assert_eq!(Subnets::task_version(NETUID), Some(TaskVersion(1)));
    });
}

#[test]
fn update_task_waits_anew_when_it_replaces_one_that_still_waits() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = Watched::default();
        chain.found_subnet();
        chain.succeed(vec![(Alice, update_task(other_task(700)))]);
        for _ in 0..3 {
            chain.run_epoch();
        }
        // One epoch before it would come into force, the owner has another idea.
        chain.succeed(vec![(Alice, update_task(other_task(900)))]);
        chain.run_epoch();
        assert_eq!(Subnets::task_version(NETUID), Some(TaskVersion(0)));
        for _ in 0..3 {
            chain.run_epoch();
        }
        assert_eq!(Subnets::task_version(NETUID), Some(TaskVersion(1)));
        let task = pallet_subnets::Tasks::<Runtime>::get(NETUID).unwrap();
        assert_eq!(task.deadline_ms, 900);
    });
}

#[test]
fn patch_moves_no_window_and_no_epoch_when_a_commit_is_pending() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = Watched::default();
        chain.found_subnet();
        chain.run_to_permits();
        let (epoch, due) = (open_epoch(), due_at());
        let mut calls: Vec<_> = VALIDATORS
            .map(|validator| (validator, commit(validator, epoch)))
            .to_vec();
        calls.push((Alice, patch(Hyperparameter::RevealPeriod(3))));
        calls.push((Alice, patch(Hyperparameter::Tempo(40))));
        chain.succeed(calls);
        assert_eq!(Epoch::due_at(NETUID), Some(due));
        let settings = || Subnets::hyperparameters(NETUID).unwrap();
        assert_eq!((settings().reveal_period, settings().tempo), (1, 20));

        chain.run_epoch();
        assert_eq!((settings().reveal_period, settings().tempo), (3, 40));
        assert_eq!(due_at(), due + 40);
        chain.succeed(
            VALIDATORS
                .map(|validator| (validator, reveal(epoch)))
                .to_vec(),
        );
        assert_eq!(revealed(), [epoch, epoch]);
    });
}

/// Something that an owner may do to the people in its subnet, as chance has it.
fn meddling(chance: &[u8; 32]) -> Option<RuntimeCall> {
    let change = match chance[0] % 8 {
        // Seldom while one waits, since a new announcement waits as long again.
        0 if chance[1] < 8 || !UpcomingTasks::<Runtime>::contains_key(NETUID) => {
            return Some(update_task(other_task(1 + u32::from(chance[1]))));
        }
        1 | 2 => Hyperparameter::RevealPeriod(1 + chance[1] % 4),
        3 => Hyperparameter::Tempo(20 + u32::from(chance[1] % 8)),
        4 => Hyperparameter::RegistrationOpen(chance[1].is_multiple_of(2)),
        _ => return None,
    };
    Some(patch(change))
}

/// Makes a block of these calls, all of which must succeed, and checks no more than that: there are
/// many. Says whether a commit expired in it.
fn quick_block(calls: Vec<Signed>) -> bool {
    let mut nonces = BTreeMap::new();
    let transactions = calls.into_iter().map(|(signer, call)| {
        let account = signer.to_account_id();
        let nonce = nonces
            .entry(account.clone())
            .or_insert_with(|| Runtime::account_nonce(account));
        *nonce += 1;
        mortal(signer, *nonce - 1, call)
    });
    for outcome in next_block(transactions.collect()) {
        outcome.unwrap().unwrap();
    }
    System::events().into_iter().any(|record| {
        let RuntimeEvent::Weights(event) = record.event else {
            return false;
        };
        matches!(event, pallet_weights::Event::CommitExpired { .. })
    })
}

/// Nine epochs in which the owner meddles in every other block, and one validator commits and
/// reveals once an epoch, in no particular block. Says by which versions of the task it committed,
/// and how many commits it opened.
fn meddle() -> (BTreeSet<TaskVersion>, usize) {
    let validator = VALIDATORS[0];
    let mut made_by = BTreeMap::<EpochIndex, TaskVersion>::new();
    let mut opened = 0;
    let last = EpochIndex(open_epoch().0 + 9);
    while open_epoch() < last {
        let (epoch, block) = (open_epoch(), System::block_number() + 1);
        let chance = sp_io::hashing::blake2_256(&block.encode());
        let mut calls: Vec<Signed> = Vec::new();
        calls.extend(meddling(&chance).map(|call| (Alice, call)));
        // The epoch's last block is the last chance; in the block in which it is due it has ended.
        if due_at() > block && (chance[2].is_multiple_of(8) || due_at() == block + 1) {
            for commit in Weights::commits_of(NETUID, &validator.to_account_id()) {
                if commit.reveal_in == epoch {
                    calls.push((validator, reveal_by(made_by[&commit.epoch], commit.epoch)));
                    opened += 1;
                }
            }
            let version = Subnets::task_version(NETUID).unwrap();
            if made_by.insert(epoch, version).is_none() {
                calls.push((validator, commit_by(version, validator, epoch)));
            }
        }
        assert!(!quick_block(calls), "a commit expired in block {block}");
    }
    (made_by.into_values().collect(), opened)
}

#[test]
fn no_commit_is_voided_whatever_the_owner_does_at_any_moment() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = Watched::default();
        chain.found_subnet();
        chain.run_to_permits();
        let (versions, opened) = meddle();
        assert!(opened > 4 && versions.len() > 1, "{opened}, {versions:?}");
        assert_always();
    });
}

#[test]
fn accept_subnet_moves_the_lock_and_the_owners_cut() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = Watched::default();
        chain.found_subnet();
        let held = |account: AccountId| -> Balance {
            Balances::balance_on_hold(&pallet_subnets::HoldReason::SubnetLock.into(), &account)
        };
        let offer = RuntimeCall::Subnets(pallet_subnets::Call::offer_subnet {
            netuid: NETUID,
            to: Some(Eve.to_account_id()),
        });
        let accept = RuntimeCall::Subnets(pallet_subnets::Call::accept_subnet { netuid: NETUID });
        chain.succeed(vec![(Alice, offer), (Eve, accept)]);
        assert_eq!(Subnets::owner(NETUID), Some(Eve.to_account_id()));
        assert_eq!(held(Eve.to_account_id()), ASY);
        assert_eq!(held(Alice.to_account_id()), 0);

        chain.run_to_permits();
        chain.weigh();
        chain.run_epoch();
        chain.weigh();
        let before = Balances::free_balance(Eve.to_account_id());
        chain.run_epoch();
        assert!(Balances::free_balance(Eve.to_account_id()) > before);
    });
}
