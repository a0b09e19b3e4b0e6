//! Keys that change while a subnet ends, or after it has ended: nothing stays behind with a key that
//! may be in wrong hands.

use assay_pallet_traits::{Neurons as _, Slash as _, Subnets as _};
use assay_primitives::{Balance, Generation, Ratio16};
use frame_support::traits::{
    fungible::Inspect,
    tokens::{Fortitude::Polite, Preservation::Expendable},
};
use sp_keyring::Sr25519Keyring::{self, Alice, AliceStash, Bob, BobStash, DaveStash, Eve, One};
use sp_runtime::{traits::Dispatchable, transaction_validity::InvalidTransaction};

use super::{
    dissolution::{dissolve, keys_under, withdraw_dissolved},
    keys::{
        announce, busy, dispute, items_that_name, sent, swap_hotkey, take_over, uphold, PALLETS,
    },
    network,
    subnet::NETUID,
};
use crate::{
    genesis, Balances, Keys, OriginCaller, Runtime, RuntimeCall, RuntimeOrigin, Stake, Subnets,
    System,
};

fn leaving(coldkey: Sr25519Keyring) -> Balance {
    let stake = Stake::stake_of(&coldkey.to_account_id());
    stake.unbonding.iter().map(|view| view.amount).sum()
}

/// Longer than anything unbonds in this preset: nine eras of ten blocks.
fn after_unbonding() -> u32 {
    System::block_number() + 90
}

#[test]
fn swap_hotkey_moves_places_and_stake_when_their_subnet_is_being_dissolved() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = busy();
        // The swap comes between the end of the subnet and the first step of dissolving it.
        chain.succeed(vec![(Alice, dissolve()), (Bob, swap_hotkey(Bob, One, Eve))]);
        let new = Eve.to_account_id();
        assert!(Subnets::uid_of(NETUID, &new).is_some());
        chain.run_to(System::block_number() + 2);
        assert_eq!(keys_under(NETUID), Vec::<Vec<u8>>::new());
        for hotkey in [One, Eve] {
            assert_eq!(System::sufficients(&hotkey.to_account_id()), 0);
        }

        // Whoever names the key that the fault was committed with finds the stake behind it.
        let before = leaving(Bob);
        let old = One.to_account_id();
        let half = Ratio16(32_768);
        let taken = Stake::slash_dissolved(NETUID, Generation(0), &old, half);
        assert!(taken > 0 && leaving(Bob) <= before / 2 + 2);
        chain.forget_burns();

        chain.run_to(after_unbonding());
        chain.succeed(vec![(Bob, withdraw_dissolved(Eve))]);
        assert_eq!(leaving(Bob), 0);
    });
}

#[test]
fn coldkey_change_moves_what_is_on_its_way_out_of_a_subnet_that_has_ended() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = busy();
        chain.succeed(vec![(Alice, dissolve())]);
        chain.run_to(System::block_number() + 2);
        let before = leaving(Bob);
        assert!(before > 0);
        chain.succeed(vec![(Bob, announce(DaveStash)), (Bob, dispute())]);
        uphold(Bob);
        while Keys::coldkey_change(&Bob.to_account_id()).is_some() {
            chain.succeed(vec![(DaveStash, take_over(Bob))]);
        }
        assert_eq!((leaving(Bob), leaving(DaveStash)), (0, before));
        assert_eq!(items_that_name(Bob, &PALLETS), Vec::<String>::new());
        chain.run_to(after_unbonding());
        chain.succeed(vec![(DaveStash, withdraw_dissolved(One))]);
    });
}

#[test]
fn withdraw_dissolved_lets_no_money_out_when_the_coldkey_is_frozen() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = busy();
        chain.succeed(vec![(Alice, dissolve())]);
        chain.run_to(System::block_number() + 2);
        chain.succeed(vec![(Bob, announce(BobStash))]);
        chain.run_to(after_unbonding());
        let refused = Err(InvalidTransaction::Payment.into());
        assert_eq!(sent(&mut chain, Bob, withdraw_dissolved(One)), refused);

        // A proxy may call it, as it may `withdraw`: what comes back is frozen like the rest.
        let bob = Bob.to_account_id();
        let (money, waiting) = (Balances::free_balance(&bob), leaving(Bob));
        let as_origin = frame_system::RawOrigin::Signed(bob.clone());
        let by_proxy = RuntimeCall::Utility(pallet_utility::Call::dispatch_as_fallible {
            as_origin: Box::new(OriginCaller::system(as_origin)),
            call: Box::new(withdraw_dissolved(One)),
        });
        by_proxy.dispatch(RuntimeOrigin::root()).unwrap();
        assert!(waiting > 0);
        assert_eq!(Balances::free_balance(&bob), money + waiting);
        assert_eq!(Balances::reducible_balance(&bob, Expendable, Polite), 0);
    });
}

#[test]
fn accept_subnet_is_refused_when_it_was_offered_before_its_owner_is_changed() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = busy();
        let offer = RuntimeCall::Subnets(pallet_subnets::Call::offer_subnet {
            netuid: NETUID,
            to: Some(Eve.to_account_id()),
        });
        let accept = RuntimeCall::Subnets(pallet_subnets::Call::accept_subnet { netuid: NETUID });
        chain.succeed(vec![(Alice, offer), (Alice, announce(AliceStash))]);
        let outcome = sent(&mut chain, Eve, accept.clone()).unwrap();
        let changing = pallet_subnets::Error::<Runtime>::OwnerChanging;
        assert_eq!(outcome, Err(changing.into()));

        // The new owner need not know of the offer, so it is gone when the subnet has moved.
        chain.succeed(vec![(Alice, dispute())]);
        uphold(Alice);
        while Keys::coldkey_change(&Alice.to_account_id()).is_some() {
            chain.succeed(vec![(AliceStash, take_over(Alice))]);
        }
        assert_eq!(Subnets::owner(NETUID), Some(AliceStash.to_account_id()));
        let outcome = sent(&mut chain, Eve, accept).unwrap();
        let gone = pallet_subnets::Error::<Runtime>::NotOffered;
        assert_eq!(outcome, Err(gone.into()));
    });
}
