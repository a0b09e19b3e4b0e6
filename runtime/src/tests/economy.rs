//! A subnet's life through real blocks, with every pallet in its place and every unit accounted for
//! after each block.

use assay_pallet_traits::Stakes as _;
use pallet_emission::PayoutTarget;
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, Dave, One, Two};

use super::{
    always::Watched,
    network,
    subnet::{due_at, open_epoch, MINER_UIDS, NETUID, STAKES},
};
use crate::{
    genesis, Balance, Balances, Emission, Epoch, Runtime, RuntimeCall, RuntimeEvent, Stake, System,
    Weights, ASY,
};

/// What an epoch's events say about its money.
#[derive(Debug, Default, PartialEq)]
struct Payout {
    due: Balance,
    to_miners: Balance,
    to_owner: Balance,
    to_validators: Balance,
    unearned: Balance,
}

impl Payout {
    fn of_this_block() -> Self {
        let mut payout = Self::default();
        for record in System::events() {
            match record.event {
                RuntimeEvent::Epoch(pallet_epoch::Event::EpochRan {
                    due,
                    to_miners,
                    to_owner,
                    to_validators,
                    ..
                }) => {
                    payout = Self {
                        due,
                        to_miners,
                        to_owner,
                        to_validators,
                        ..payout
                    }
                }
                RuntimeEvent::Emission(pallet_emission::Event::Settled { unearned, .. }) => {
                    payout.unearned = unearned
                }
                RuntimeEvent::Epoch(
                    event @ (pallet_epoch::Event::EpochFailed { .. }
                    | pallet_epoch::Event::PaymentFailed { .. }),
                ) => panic!("{event:?}"),
                _ => {}
            }
        }
        payout
    }

    fn paid(&self) -> Balance {
        self.to_miners + self.to_owner + self.to_validators
    }
}

fn free(key: Sr25519Keyring) -> Balance {
    Balances::free_balance(key.to_account_id())
}

fn stake_of(key: Sr25519Keyring) -> Balance {
    let stake = Stake::stake_of(&key.to_account_id());
    stake.positions.iter().map(|position| position.staked).sum()
}

/// A chain on which both validators' first weights will be in force when the open epoch runs.
fn judged() -> Watched {
    let mut chain = Watched::default();
    chain.found_subnet();
    chain.run_to_permits();
    chain.weigh();
    chain.run_epoch();
    chain.weigh();
    chain
}

#[test]
fn epoch_pays_miners_owner_and_stakers_when_weights_were_revealed() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = judged();
        chain.run_to(due_at() - 1);
        let before = [Charlie, Alice].map(free);
        let staked = [Bob, Dave, Alice].map(stake_of);
        let total = Stake::total(NETUID);
        chain.run_epoch();

        let payout = Payout::of_this_block();
        assert!(payout.due > 10 * ASY, "{payout:?}");
        assert_eq!(payout.unearned, 0);
        assert_eq!(payout.paid(), payout.due);
        assert_eq!(free(Charlie) - before[0], payout.to_miners);
        assert_eq!(free(Alice) - before[1], payout.to_owner);
        assert_eq!(Stake::total(NETUID) - total, payout.to_validators);
        // Delegated stake earns, and less of it than the same amount of own bond: the take.
        let [bob, dave, alice] = [Bob, Dave, Alice].map(stake_of);
        assert!(bob > staked[0] && dave > staked[1] && alice > staked[2]);
        assert!((alice - staked[2]) * 100 < (bob - staked[0]) * 30);

        let outcome = Epoch::outcome(NETUID);
        let [first, second] = MINER_UIDS.map(|uid| outcome.incentive[usize::from(uid.0)]);
        assert!(first.abs_diff(3 * second) < 8, "{first} is thrice {second}");
        assert_eq!(Emission::subnet(NETUID).unwrap().share, u32::MAX);
    });
}

#[test]
fn epoch_pays_into_the_bond_when_a_miner_asks_for_it() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = judged();
        chain.succeed(vec![(
            Charlie,
            RuntimeCall::Emission(pallet_emission::Call::set_payout {
                netuid: NETUID,
                hotkey: Two.to_account_id(),
                target: PayoutTarget::OwnBond,
            }),
        )]);
        chain.run_to(due_at() - 1);
        let before = free(Charlie);
        chain.run_epoch();
        let [first, second] =
            MINER_UIDS.map(|uid| Epoch::outcome(NETUID).emission[usize::from(uid.0)]);
        assert_eq!(free(Charlie) - before, second);
        assert_eq!(stake_of(Charlie), first);
    });
}

#[test]
fn epoch_pays_nobody_when_every_validator_left_its_commit_unrevealed() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = judged();
        chain.run_epoch();
        let issued = Emission::issued();
        // The commit of the epoch before is left to expire.
        let epoch = open_epoch();
        chain.run_epoch();
        let payout = Payout::of_this_block();
        assert_eq!((payout.paid(), payout.unearned), (0, payout.due));
        assert_eq!(
            Emission::issued(),
            issued,
            "what nobody earned is issued later"
        );
        assert_eq!(open_epoch(), epoch.next());
        assert!(Weights::commits_of(NETUID, &One.to_account_id()).is_empty());
    });
}

#[test]
fn withdraw_returns_stake_and_dividends_when_the_eras_have_passed() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = judged();
        chain.run_epoch();
        let worth = [Bob, Dave, Alice].map(stake_of);
        let calls = STAKES.map(|(staker, hotkey, _)| {
            let call = pallet_stake::Call::remove_stake {
                netuid: NETUID,
                hotkey: hotkey.to_account_id(),
                amount: None,
            };
            (staker, RuntimeCall::Stake(call))
        });
        chain.succeed(calls.to_vec());
        assert_eq!(Stake::total(NETUID), 0);
        let leaving = Stake::stake_of(&Bob.to_account_id()).unbonding;
        assert_eq!(leaving[0].amount, worth[0]);

        chain.run_to(leaving[0].withdrawable_at - 1);
        let before = [Bob, Dave, Alice].map(free);
        let calls = STAKES.map(|(staker, hotkey, _)| {
            let call = pallet_stake::Call::withdraw {
                netuid: NETUID,
                hotkey: hotkey.to_account_id(),
            };
            (staker, RuntimeCall::Stake(call))
        });
        chain.succeed(calls.to_vec());
        for ((after, before), worth) in [Bob, Dave, Alice]
            .map(free)
            .into_iter()
            .zip(before)
            .zip(worth)
        {
            let fee = before + worth - after;
            assert!(fee < ASY / 100, "withdrawing cost {fee}");
        }
        let stored = pallet_stake::PoolsOf::<Runtime>::iter().count();
        assert_eq!(stored, 0, "pools that nobody has a part of are gone");
    });
}

#[test]
fn nothing_is_issued_when_no_stake_is_active() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = Watched::default();
        chain.found_subnet();
        chain.run_epoch();
        let genesis = pallet_emission::Supplied::<Runtime>::get().genesis;
        assert_eq!(Emission::issued(), genesis);
        chain.run_to(due_at() - 1);
        assert!(Emission::issued() > genesis);
    });
}
