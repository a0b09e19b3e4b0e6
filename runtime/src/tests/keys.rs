//! Keys that change, on a whole chain: everything moves, nothing is left, and no money leaves a
//! coldkey that is being changed.

use assay_pallet_traits::{HotkeyProof, Stakes as _};
use assay_primitives::{
    Balance, ColdkeyChangeStage, ColdkeyStake, NeuronView, Ratio16, SwapProofPayload, Uid,
};
use assay_runtime_api::runtime_decl_for_assay_api::AssayApiV1;
use frame_system_rpc_runtime_api::runtime_decl_for_account_nonce_api::AccountNonceApiV1;
use pallet_emission::PayoutTarget;
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, BobStash, Charlie, DaveStash, Eve, One, Two};
use sp_runtime::{
    traits::Dispatchable,
    transaction_validity::{InvalidTransaction, TransactionValidityError},
    ApplyExtrinsicResult, MultiAddress, MultiSignature,
};

use super::{
    always::Watched,
    mortal, network,
    subnet::{add_stake, commit, open_epoch, register, reveal, NETUID},
};
use crate::{
    genesis, AccountId, Balances, OriginCaller, Runtime, RuntimeCall, RuntimeOrigin, Stake, System,
    ASY,
};

/// A chain in the middle of everything: paid epochs, weights and bonds in force, a commit pending,
/// and behind Bob's validator stake that enters, unbonds and moves.
pub(super) fn busy() -> Watched {
    let mut chain = Watched::default();
    chain.found_subnet();
    chain.run_to_permits();
    chain.weigh();
    chain.run_epoch();
    let to_bond = RuntimeCall::Emission(pallet_emission::Call::set_payout {
        netuid: NETUID,
        hotkey: Two.to_account_id(),
        target: PayoutTarget::OwnBond,
    });
    chain.succeed(vec![(Charlie, to_bond)]);
    chain.weigh();
    chain.run_epoch();
    chain.weigh();
    chain.succeed(vec![
        (Bob, add_stake(One, ASY)),
        (Bob, remove_stake(One, 2 * ASY)),
        (Alice, move_stake(One, Two, 3 * ASY)),
        (Bob, set_take(One)),
        (Charlie, add_stake(One, 5 * ASY)),
    ]);
    chain
}

fn remove_stake(hotkey: Sr25519Keyring, amount: Balance) -> RuntimeCall {
    RuntimeCall::Stake(pallet_stake::Call::remove_stake {
        netuid: NETUID,
        hotkey: hotkey.to_account_id(),
        amount: Some(amount),
    })
}

fn move_stake(from: Sr25519Keyring, to: Sr25519Keyring, amount: Balance) -> RuntimeCall {
    RuntimeCall::Stake(pallet_stake::Call::move_stake {
        netuid: NETUID,
        hotkey: from.to_account_id(),
        to_netuid: NETUID,
        to_hotkey: to.to_account_id(),
        amount: Some(amount),
    })
}

fn set_take(hotkey: Sr25519Keyring) -> RuntimeCall {
    RuntimeCall::Stake(pallet_stake::Call::set_take {
        netuid: NETUID,
        hotkey: hotkey.to_account_id(),
        take: Ratio16(7_000),
    })
}

pub(super) fn swap_hotkey(
    owner: Sr25519Keyring,
    old: Sr25519Keyring,
    new: Sr25519Keyring,
) -> RuntimeCall {
    let payload = SwapProofPayload {
        genesis: System::block_hash(0).into(),
        coldkey: owner.to_account_id().into(),
        old_hotkey: old.to_account_id().into(),
        expires_at: System::block_number() + 10,
    };
    RuntimeCall::Keys(pallet_keys::Call::swap_hotkey {
        old: old.to_account_id(),
        new: new.to_account_id(),
        proof: HotkeyProof {
            expires_at: payload.expires_at,
            signature: MultiSignature::Sr25519(new.sign(&payload.to_bytes())),
        },
    })
}

pub(super) fn announce(new: Sr25519Keyring) -> RuntimeCall {
    RuntimeCall::Keys(pallet_keys::Call::announce_coldkey_change {
        new: new.to_account_id(),
    })
}

pub(super) fn dispute() -> RuntimeCall {
    RuntimeCall::Keys(pallet_keys::Call::dispute_coldkey_change {})
}

pub(super) fn take_over(old: Sr25519Keyring) -> RuntimeCall {
    RuntimeCall::Keys(pallet_keys::Call::take_over_coldkey {
        old: old.to_account_id(),
        limit: 1,
    })
}

/// Root decides that a disputed change goes on.
pub(super) fn uphold(old: Sr25519Keyring) {
    let old = old.to_account_id();
    let decide = pallet_keys::Call::decide_coldkey_change { old, uphold: true };
    RuntimeCall::Keys(decide)
        .dispatch(RuntimeOrigin::root())
        .unwrap();
}

fn transfer(to: Sr25519Keyring, value: Balance) -> RuntimeCall {
    RuntimeCall::Balances(pallet_balances::Call::transfer_allow_death {
        dest: MultiAddress::Id(to.to_account_id()),
        value,
    })
}

/// What the pool and the block say to a transaction of this key.
pub(super) fn sent(
    chain: &mut Watched,
    signer: Sr25519Keyring,
    call: RuntimeCall,
) -> ApplyExtrinsicResult {
    let nonce = Runtime::account_nonce(signer.to_account_id());
    chain.block(vec![mortal(signer, nonce, call)])[0]
}

/// The items of these pallets that name an account, in a key or in a value.
pub(super) fn items_that_name(who: Sr25519Keyring, pallets: &[&str]) -> Vec<String> {
    let id = who.to_account_id();
    let id: &[u8] = id.as_ref();
    let names = |bytes: &[u8]| bytes.windows(id.len()).any(|window| window == id);
    let mut found = Vec::new();
    for pallet in pallets {
        let prefix = sp_io::hashing::twox_128(pallet.as_bytes());
        let mut key = prefix.to_vec();
        while let Some(next) = sp_io::storage::next_key(&key).filter(|k| k.starts_with(&prefix)) {
            let value = sp_io::storage::get(&next).unwrap_or_default();
            if names(&next) || names(&value) {
                found.push(format!("{pallet} {:02x?}", &next[16..32]));
            }
            key = next;
        }
    }
    found
}

pub(super) const PALLETS: [&str; 6] = ["Subnets", "Stake", "Weights", "Emission", "Epoch", "Keys"];

fn item(pallet: &str, name: &str) -> String {
    let hash = sp_io::hashing::twox_128(name.as_bytes());
    format!("{pallet} {hash:02x?}")
}

#[test]
fn swap_hotkey_moves_everything_when_a_validator_is_in_the_middle_of_everything() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = busy();
        let before = Runtime::neuron(NETUID, Uid(0)).unwrap();
        let stake = Runtime::stake_of(Bob.to_account_id());
        assert!(!before.commits.is_empty() && !before.bonds.is_empty());
        assert!(!before.weights.is_empty() && !stake.unbonding.is_empty());

        chain.succeed(vec![(Bob, swap_hotkey(Bob, One, Eve))]);

        let after = Runtime::neuron(NETUID, before.uid).unwrap();
        let expected = NeuronView {
            hotkey: Eve.to_account_id(),
            // Told from the block in which one asks, once it has lapsed.
            immune_until: after.immune_until,
            ..before
        };
        assert_eq!(after, expected);
        let moved = Runtime::stake_of(Bob.to_account_id());
        assert_eq!(moved.positions.len(), stake.positions.len());
        for (was, is) in stake.positions.iter().zip(&moved.positions) {
            assert_eq!((was.staked, was.entering), (is.staked, is.entering));
            assert_eq!(
                (is.hotkey.clone(), is.take),
                (Eve.to_account_id(), was.take)
            );
        }
        // All that still names the old key: that it is spent, and the commits that it made.
        let expected = [
            item("Subnets", "Successors"),
            item("Weights", "Commits"),
            item("Weights", "Reveals"),
        ];
        let mut named = items_that_name(One, &PALLETS);
        named.sort();
        named.dedup();
        let mut sorted = expected.to_vec();
        sorted.sort();
        assert_eq!(named, sorted);
    });
}

#[test]
fn swapped_validator_reveals_is_paid_and_commits_again() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = busy();
        chain.succeed(vec![(Bob, swap_hotkey(Bob, One, Eve))]);
        // What the old key committed to in this epoch is opened by the new one in the next.
        let epoch = open_epoch();
        chain.run_epoch();
        chain.succeed(vec![(Eve, reveal(epoch))]);
        let earned = |chain: &mut Watched| {
            let had = Stake::stake(NETUID, &Eve.to_account_id());
            chain.run_epoch();
            Stake::stake(NETUID, &Eve.to_account_id()) - had
        };
        assert!(earned(&mut chain) > 0);
        assert_eq!(Stake::stake(NETUID, &One.to_account_id()), 0);
        chain.succeed(vec![(Eve, commit(Eve, open_epoch()))]);
    });
}

/// Changes a coldkey for [`DaveStash`], and asserts that this one owns all of it and that nothing
/// names the old one any more.
fn assert_everything_moves(old: Sr25519Keyring) {
    network(genesis::DEV).execute_with(|| {
        let mut chain = busy();
        let new = DaveStash;
        chain.succeed(vec![(old, announce(new)), (old, dispute())]);
        uphold(old);
        let before = belongings(old);
        assert!(before.0 + before.1.positions.len() > 0);
        let money = [old, new].map(|key| Balances::free_balance(key.to_account_id()));

        let mut calls = 0;
        while Runtime::coldkey_change(old.to_account_id()).is_some() {
            chain.succeed(vec![(new, take_over(old))]);
            calls += 1;
        }

        assert!(calls > 1, "one thing moves at a time");
        assert_eq!(belongings(new), before);
        let has = Balances::free_balance(new.to_account_id());
        // But for the fees.
        assert!(has > money[0] + money[1] - ASY, "{has} of {money:?}");
        assert_eq!(Balances::free_balance(old.to_account_id()), 0);
        assert_eq!(items_that_name(old, &PALLETS), Vec::<String>::new());
        // Epochs go on, and whoever is paid is somebody else.
        chain.run_epoch();
        chain.run_epoch();
        assert_eq!(Balances::free_balance(old.to_account_id()), 0);
    });
}

/// How many hotkeys and subnets a coldkey owns, and its stake.
fn belongings(coldkey: Sr25519Keyring) -> (usize, ColdkeyStake<AccountId>) {
    let coldkey = coldkey.to_account_id();
    let subnets = Runtime::subnets().into_iter();
    let owned = subnets.filter(|subnet| subnet.owner == coldkey).count()
        + pallet_subnets::OwnedHotkeys::<Runtime>::iter_prefix(&coldkey).count();
    (owned, Runtime::stake_of(coldkey))
}

#[test]
fn coldkey_change_moves_everything_when_it_owns_a_validator() {
    assert_everything_moves(Bob);
}

#[test]
fn coldkey_change_moves_everything_when_it_owns_miners() {
    assert_everything_moves(Charlie);
}

#[test]
fn coldkey_change_moves_everything_when_it_owns_a_subnet_and_delegates() {
    assert_everything_moves(Alice);
}

#[test]
fn money_can_not_leave_by_any_way_when_a_coldkey_is_being_changed() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = busy();
        chain.succeed(vec![(Bob, announce(BobStash))]);
        let money = Balances::free_balance(Bob.to_account_id());
        // Its own transactions can't pay their fee, whatever they call, and so burn nothing either.
        let refused = Err(TransactionValidityError::Invalid(
            InvalidTransaction::Payment,
        ));
        let batch = RuntimeCall::Utility(pallet_utility::Call::batch_all {
            calls: vec![dispute(), transfer(Eve, ASY)],
        });
        for call in [
            transfer(Eve, ASY),
            batch,
            add_stake(One, ASY),
            remove_stake(One, ASY),
            swap_hotkey(Bob, One, Eve),
        ] {
            assert_eq!(sent(&mut chain, Bob, call.clone()), refused, "{call:?}");
        }
        // What others let it do, or it let them do long before, moves nothing out either: these
        // stand for every proxy, multisig and schedule.
        for call in [
            transfer(Eve, ASY),
            add_stake(Two, ASY),
            swap_hotkey(Bob, One, Eve),
            announce(Eve),
        ] {
            let as_origin = frame_system::RawOrigin::Signed(Bob.to_account_id());
            let call = RuntimeCall::Utility(pallet_utility::Call::dispatch_as_fallible {
                as_origin: Box::new(OriginCaller::system(as_origin)),
                call: Box::new(call.clone()),
            });
            let outcome = call.clone().dispatch(RuntimeOrigin::root());
            assert!(outcome.is_err(), "{call:?}");
        }
        assert_eq!(Balances::free_balance(Bob.to_account_id()), money);
    });
}

#[test]
fn dispute_is_paid_for_once_when_the_coldkey_is_frozen() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = busy();
        chain.succeed(vec![(Bob, announce(BobStash))]);
        let money = Balances::free_balance(Bob.to_account_id());
        assert_eq!(sent(&mut chain, Bob, dispute()), Ok(Ok(())));
        let fee = money - Balances::free_balance(Bob.to_account_id());
        assert!(fee > 0 && fee < ASY / 100, "a dispute costs {fee}");
        let change = Runtime::coldkey_change(Bob.to_account_id()).unwrap();
        assert_eq!(change.stage, ColdkeyChangeStage::Disputed);
        assert_eq!(
            sent(&mut chain, Bob, dispute()),
            Err(InvalidTransaction::Payment.into())
        );
    });
}

#[test]
fn hotkey_can_not_be_registered_again_when_it_was_exchanged() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = busy();
        chain.succeed(vec![(Bob, swap_hotkey(Bob, One, Eve))]);
        for owner in [Bob, Charlie] {
            let outcome = sent(&mut chain, owner, register(owner, One)).unwrap();
            let spent = pallet_subnets::Error::<Runtime>::HotkeySpent;
            assert_eq!(outcome, Err(spent.into()));
        }
    });
}
