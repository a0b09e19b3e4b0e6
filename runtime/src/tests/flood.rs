//! Floods of weight calls that nobody pays for, against transactions that somebody does.
//!
//! Blocks are made as an author makes them: whatever the pool lets in, ordered as the pool orders
//! it, until the block is full. What is measured is what stands in them afterwards.

use std::collections::BTreeSet;

use assay_primitives::{Hyperparameter, Refusal};
use codec::Encode;
use frame_support::storage::with_transaction_unchecked;
use frame_system_rpc_runtime_api::runtime_decl_for_account_nonce_api::AccountNonceApiV1;
use sp_keyring::Sr25519Keyring::{
    self, Alice, AliceStash, Bob, BobStash, Charlie, CharlieStash, Dave, Eve, Ferdie, One, Two,
};
use sp_runtime::{
    transaction_validity::{
        InvalidTransaction, TransactionSource, TransactionValidityError, UnknownTransaction,
        ValidTransaction,
    },
    MultiAddress, TransactionOutcome,
};

use super::{
    always::{assert_always, Watched},
    begin_block, mortal, network, signed,
    subnet::{commit, open_epoch, register, NETUID},
};
use crate::{genesis, Executive, Hash, Runtime, RuntimeCall, System, UncheckedExtrinsic, Weights};

/// Bytes of a paid transaction: ten of them are more than a block holds.
const LARGE: usize = 500_000;

/// A transaction in the pool.
struct Ready {
    valid: ValidTransaction,
    transaction: UncheckedExtrinsic,
}

/// Transactions that the runtime called valid, in the order of their arrival.
#[derive(Default)]
struct Pool {
    ready: Vec<Ready>,
    refused: Vec<TransactionValidityError>,
}

impl Pool {
    fn of(transactions: impl IntoIterator<Item = UncheckedExtrinsic>) -> Self {
        let mut pool = Self::default();
        for transaction in transactions {
            pool.submit(transaction);
        }
        pool
    }

    /// Asks the runtime, which forgets about it, and keeps what is valid. Of two that provide the
    /// same, the first stays.
    fn submit(&mut self, transaction: UncheckedExtrinsic) {
        let outcome = with_transaction_unchecked(|| {
            TransactionOutcome::Rollback(Executive::validate_transaction(
                TransactionSource::External,
                transaction.clone(),
                Hash::default(),
            ))
        });
        match outcome {
            Ok(valid) => {
                let provided = |one: &Ready| {
                    one.valid
                        .provides
                        .iter()
                        .any(|tag| valid.provides.contains(tag))
                };
                if !self.ready.iter().any(provided) {
                    self.ready.push(Ready { valid, transaction });
                }
            }
            Err(error) => self.refused.push(error),
        }
    }

    /// In the order in which an author is given them: of those for which nothing is missing, the
    /// one with the highest priority, the oldest first.
    fn best(mut self) -> Vec<UncheckedExtrinsic> {
        let mut provided = BTreeSet::<Vec<u8>>::new();
        let mut best = Vec::new();
        loop {
            let next = self
                .ready
                .iter()
                .enumerate()
                .filter(|(_, one)| one.valid.requires.iter().all(|tag| provided.contains(tag)))
                .max_by_key(|(age, one)| (one.valid.priority, std::cmp::Reverse(*age)))
                .map(|(index, _)| index);
            let Some(index) = next else {
                return best;
            };
            let Ready { valid, transaction } = self.ready.remove(index);
            provided.extend(valid.provides);
            best.push(transaction);
        }
    }
}

/// What stands in a block.
#[derive(Debug, Default, PartialEq)]
struct Contents {
    /// Transactions that were paid for, by their hash.
    paid: BTreeSet<Hash>,
    /// How many were not.
    free: usize,
    /// Those for which there was no room.
    left: usize,
}

/// Makes the next block out of a pool, as an author does: what does not fit is passed over.
fn author(pool: Pool) -> Contents {
    begin_block();
    let mut contents = Contents::default();
    for transaction in pool.best() {
        let hash = Hash::from(sp_io::hashing::blake2_256(&transaction.encode()));
        let is_free = matches!(transaction.function, RuntimeCall::Weights(_));
        let outcome = with_transaction_unchecked(|| {
            let outcome = Executive::apply_extrinsic(transaction);
            match outcome {
                Ok(_) => TransactionOutcome::Commit(outcome),
                Err(_) => TransactionOutcome::Rollback(outcome),
            }
        });
        match outcome {
            Ok(_) if is_free => contents.free += 1,
            Ok(_) => {
                contents.paid.insert(hash);
            }
            Err(TransactionValidityError::Invalid(InvalidTransaction::ExhaustsResources)) => {
                contents.left += 1;
            }
            Err(_) => {}
        }
    }
    Executive::finalize_block();
    contents
}

/// Makes a block and takes it back.
fn would_author(pool: Pool) -> Contents {
    with_transaction_unchecked(|| TransactionOutcome::Rollback(author(pool)))
}

fn nonce(key: Sr25519Keyring) -> u32 {
    Runtime::account_nonce(key.to_account_id())
}

/// Paid transactions of so many bytes, `count` by each of five accounts.
fn paid(count: u32, bytes: usize) -> Vec<UncheckedExtrinsic> {
    [Alice, Bob, Dave, Eve, AliceStash]
        .into_iter()
        .flat_map(|key| {
            let first = nonce(key);
            (first..first + count).map(move |nonce| {
                let remark = vec![nonce as u8; bytes];
                signed(key, nonce, frame_system::Call::remark { remark })
            })
        })
        .collect()
}

/// A subnet with two permitted validators. CharlieStash was registered, was pruned, and its account
/// is gone.
fn scene() -> Watched {
    let mut chain = Watched::default();
    chain.found_subnet();
    chain.run_to_permits();
    let sudo = RuntimeCall::Sudo(pallet_sudo::Call::sudo {
        call: Box::new(RuntimeCall::Subnets(
            pallet_subnets::Call::patch_hyperparameters {
                netuid: NETUID,
                changes: vec![
                    Hyperparameter::MaxNeurons(4),
                    Hyperparameter::ImmunityPeriod(0),
                ]
                .try_into()
                .unwrap(),
            },
        )),
    });
    let everything = RuntimeCall::Balances(pallet_balances::Call::transfer_all {
        dest: MultiAddress::Id(Charlie.to_account_id()),
        keep_alive: false,
    });
    chain.succeed(vec![(Alice, sudo), (CharlieStash, everything)]);
    for _ in 0..3 {
        chain.weigh();
        chain.run_epoch();
    }
    chain.succeed(vec![(Charlie, register(Charlie, BobStash))]);
    assert!(!System::account_exists(&CharlieStash.to_account_id()));
    chain
}

/// Weight calls of every kind that must not get in, several of each.
fn refused_flood() -> Vec<UncheckedExtrinsic> {
    let epoch = open_epoch();
    let wrapped = |call: RuntimeCall| {
        let one = pallet_utility::Call::batch { calls: vec![call] };
        RuntimeCall::Utility(one)
    };
    let proxied = |call: RuntimeCall| {
        RuntimeCall::Proxy(pallet_proxy::Call::proxy {
            real: MultiAddress::Id(One.to_account_id()),
            force_proxy_type: None,
            call: Box::new(call),
        })
    };
    let mut flood = Vec::new();
    for later in 0..4 {
        // Registered but not permitted, never registered, and reaped.
        for key in [Two, BobStash, Eve, CharlieStash] {
            flood.push(mortal(key, nonce(key) + later, commit(key, epoch)));
        }
        for key in [One, Ferdie] {
            let call = commit(key, epoch);
            flood.push(signed(key, nonce(key) + later, call.clone()));
            flood.push(UncheckedExtrinsic::new_bare(call.clone()));
            flood.push(mortal(Bob, nonce(Bob) + later, wrapped(call.clone())));
            flood.push(mortal(Bob, nonce(Bob) + later, proxied(call)));
        }
    }
    flood
}

/// The calls that the two validators may make, over and over.
fn admitted_flood() -> Vec<UncheckedExtrinsic> {
    let epoch = open_epoch();
    let many = |key: Sr25519Keyring| {
        (0..10).map(move |later| mortal(key, nonce(key) + later, commit(key, epoch)))
    };
    many(One).chain(many(Ferdie)).collect()
}

#[test]
fn flood_displaces_no_paid_transaction_when_the_block_is_full() {
    network(genesis::DEV).execute_with(|| {
        scene();
        let paid = paid(2, LARGE);
        let without = would_author(Pool::of(paid.clone()));
        assert!((6..10).contains(&without.paid.len()), "{without:?}");
        assert!(without.left > 0, "{without:?}");

        // The flood comes first.
        let mut transactions = refused_flood();
        transactions.extend(admitted_flood());
        transactions.extend(paid);
        let with = author(Pool::of(transactions));
        assert_eq!(with.paid, without.paid);
        assert_always();
    });
}

#[test]
fn flood_displaces_no_paid_transaction_when_the_keys_had_their_turn() {
    network(genesis::DEV).execute_with(|| {
        scene();
        let epoch = open_epoch();
        let commits =
            |later| [One, Ferdie].map(|key| mortal(key, nonce(key) + later, commit(key, epoch)));
        // Let in by the pool while the keys had a turn, and asked for when they have not.
        let mut late = Pool::of(commits(1)).ready;
        assert_eq!(late.len(), 2);
        assert_eq!(author(Pool::of(commits(0))).free, 2);
        for one in &mut late {
            one.valid.requires.clear();
        }

        let paid = paid(2, LARGE);
        let without = would_author(Pool::of(paid.clone()));
        assert!(without.left > 0, "{without:?}");
        let mut pool = Pool {
            ready: late,
            refused: Vec::new(),
        };
        let flood = refused_flood().into_iter().chain(admitted_flood());
        for transaction in flood.chain(paid) {
            pool.submit(transaction);
        }
        let with = author(pool);
        assert_eq!((with.paid, with.free), (without.paid, 0));
        assert_always();
    });
}

#[test]
fn flood_takes_one_place_for_each_validator_when_there_is_room() {
    network(genesis::DEV).execute_with(|| {
        scene();
        let mut transactions = refused_flood();
        transactions.extend(admitted_flood());
        transactions.extend(paid(2, 1_000));
        let contents = author(Pool::of(transactions));
        assert_eq!(contents.paid.len(), 10);
        assert_eq!(contents.free, 2);

        // What they may do in this epoch is done.
        let again = Pool::of(admitted_flood());
        let too_fast = InvalidTransaction::Custom(Refusal::TooFast.code()).into();
        assert!(again.ready.is_empty());
        assert!(again.refused.iter().all(|error| *error == too_fast));
        assert_eq!(author(again).free, 0);
        assert_always();
    });
}

#[test]
fn flood_is_refused_at_the_pool_when_nothing_in_it_is_admitted() {
    network(genesis::DEV).execute_with(|| {
        scene();
        let flood = refused_flood();
        let count = flood.len();
        let pool = Pool::of(flood);
        assert!(pool.ready.is_empty());
        let reasons: BTreeSet<String> = pool
            .refused
            .iter()
            .map(|error| format!("{error:?}"))
            .collect();
        assert_eq!(pool.refused.len(), count);
        let coded = |refusal: Refusal| InvalidTransaction::Custom(refusal.code()).into();
        let expected: [TransactionValidityError; 6] = [
            coded(Refusal::NotPermitted),
            coded(Refusal::NotRegistered),
            coded(Refusal::Immortal),
            coded(Refusal::Nested),
            // Without a signature, and of an account that is gone.
            UnknownTransaction::NoUnsignedValidator.into(),
            InvalidTransaction::Payment.into(),
        ];
        let expected = expected.map(|error| format!("{error:?}"));
        assert_eq!(reasons, BTreeSet::from(expected));
    });
}

#[test]
fn free_calls_wait_when_their_quarter_of_the_block_is_taken() {
    network(genesis::DEV).execute_with(|| {
        scene();
        let mut transactions = admitted_flood();
        transactions.extend(paid(2, 1_000));
        let pool = Pool::of(transactions);
        let one = with_transaction_unchecked(|| {
            begin_block();
            let call = mortal(One, nonce(One), commit(One, open_epoch()));
            Executive::apply_extrinsic(call).unwrap().unwrap();
            TransactionOutcome::Rollback(Weights::used().weight)
        });

        begin_block();
        // As if hundreds of validators of other subnets had been here: there is room for one more.
        let quarter = <Runtime as frame_system::Config>::BlockWeights::get().max_block / 4;
        pallet_weights::Used::<Runtime>::put(pallet_weights::Usage {
            weight: quarter.saturating_sub(one + one / 2),
            length: 0,
        });
        let outcomes: Vec<_> = pool
            .best()
            .into_iter()
            .map(Executive::apply_extrinsic)
            .collect();
        let exhausted = Err(InvalidTransaction::ExhaustsResources.into());
        let included = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        let waiting = outcomes
            .iter()
            .filter(|outcome| **outcome == exhausted)
            .count();
        // The ten that were paid for, one of the two free ones, and the other is told to wait.
        assert_eq!((included, waiting), (11, 1));
        Executive::finalize_block();
        assert!(Weights::used().is_empty());
    });
}
