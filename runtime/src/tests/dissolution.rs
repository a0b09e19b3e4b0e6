//! The end of a subnet, with every pallet in its place: what goes, what comes back to whom, what
//! outlives it, and what the next one under its number finds.

use std::collections::BTreeSet;

use assay_pallet_traits::{Neurons as _, Slash as _, Stakes as _, Subnets as _};
use assay_primitives::{
    Endpoint, EndpointProtocol, EpochIndex, Generation, Hyperparameter, ModelAnnouncement, NetUid,
    Ratio16, Refusal, Serial, TaskVersion,
};
use codec::Encode;
use frame_support::{
    storage::StoragePrefixedMap,
    traits::{fungible::Mutate, tokens::Preservation::Preserve, Hooks},
};
use pallet_emission::PayoutTarget;
use sp_io::hashing::twox_64;
use sp_keyring::Sr25519Keyring::{
    self, Alice, Bob, Charlie, CharlieStash, Dave, Eve, Ferdie, One, Two,
};
use sp_runtime::{
    transaction_validity::{InvalidTransaction, TransactionValidityError},
    DispatchError,
};

use super::{
    always::Watched,
    network, network_with,
    subnet::{
        add_stake, commit, open_epoch, register, register_subnet, reveal, task, NETUID, STAKES,
    },
};
use crate::{
    genesis, AccountId, Balance, Balances, Emission, Epoch, Runtime, RuntimeCall, RuntimeEvent,
    RuntimeOrigin, Stake, Subnets, System, ASY, EXISTENTIAL_DEPOSIT,
};

type SubnetsCall = pallet_subnets::Call<Runtime>;
type StakeCall = pallet_stake::Call<Runtime>;

/// Every key of the state under a netuid, in whatever pallet, but for the count of generations.
pub(super) fn keys_under(netuid: NetUid) -> Vec<Vec<u8>> {
    let tail = [twox_64(&netuid.encode()).to_vec(), netuid.encode()].concat();
    let generations = pallet_subnets::Generations::<Runtime>::final_prefix();
    let mut found = Vec::new();
    let mut key = Vec::new();
    while let Some(next) = sp_io::storage::next_key(&key) {
        let under = next.get(32..32 + tail.len()) == Some(&tail[..]);
        if under && !next.starts_with(&generations) {
            found.push(next.clone());
        }
        key = next;
    }
    found
}

fn by_root(call: SubnetsCall) -> RuntimeCall {
    RuntimeCall::Sudo(pallet_sudo::Call::sudo {
        call: Box::new(call.into()),
    })
}

pub(super) fn dissolve() -> RuntimeCall {
    by_root(SubnetsCall::dissolve_subnet { netuid: NETUID })
}

pub(super) fn withdraw_dissolved(hotkey: Sr25519Keyring) -> RuntimeCall {
    RuntimeCall::Stake(StakeCall::withdraw_dissolved {
        netuid: NETUID,
        generation: Generation(0),
        hotkey: hotkey.to_account_id(),
    })
}

fn announcements() -> [RuntimeCall; 2] {
    [
        RuntimeCall::Subnets(SubnetsCall::announce {
            netuid: NETUID,
            hotkey: Two.to_account_id(),
            endpoint: Endpoint {
                host: b"miner.example".to_vec().try_into().unwrap(),
                port: 80,
                protocol: EndpointProtocol::Http,
                certificate: None,
            },
        }),
        RuntimeCall::Subnets(SubnetsCall::announce_model {
            netuid: NETUID,
            hotkey: Two.to_account_id(),
            model: ModelAnnouncement {
                sha256: Default::default(),
                size: 1,
            },
        }),
    ]
}

/// A subnet in which everything that can be kept for one is kept.
fn full_life(chain: &mut Watched) {
    chain.found_subnet();
    chain.run_to_permits();
    chain.weigh();
    chain.run_epoch();
    chain.weigh();
    let [endpoint, model] = announcements();
    chain.succeed(vec![
        (Charlie, endpoint),
        (Charlie, model),
        (
            Charlie,
            RuntimeCall::Emission(pallet_emission::Call::set_payout {
                netuid: NETUID,
                hotkey: Two.to_account_id(),
                target: PayoutTarget::OwnBond,
            }),
        ),
        (
            Bob,
            RuntimeCall::Stake(StakeCall::set_take {
                netuid: NETUID,
                hotkey: One.to_account_id(),
                take: Ratio16(7_000),
            }),
        ),
        (
            Alice,
            RuntimeCall::Subnets(SubnetsCall::update_task {
                netuid: NETUID,
                task: Box::new(task()),
            }),
        ),
        (
            Alice,
            RuntimeCall::Subnets(SubnetsCall::offer_subnet {
                netuid: NETUID,
                to: Some(Eve.to_account_id()),
            }),
        ),
    ]);
    chain.run_epoch();
    chain.weigh();
    // Something active, something entering, something on its way out already; settings that wait.
    chain.succeed(vec![
        (Alice, add_stake(One, 7 * ASY + 3)),
        (Eve, add_stake(Two, 5 * ASY + 1)),
        (
            Dave,
            RuntimeCall::Stake(StakeCall::remove_stake {
                netuid: NETUID,
                hotkey: Ferdie.to_account_id(),
                amount: Some(ASY + 7),
            }),
        ),
        (
            Alice,
            RuntimeCall::Subnets(SubnetsCall::patch_hyperparameters {
                netuid: NETUID,
                changes: vec![Hyperparameter::ImmunityPeriod(3)].try_into().unwrap(),
            }),
        ),
    ]);
}

/// What is staked, entering or on its way out, of everybody.
fn staked() -> Balance {
    Balances::free_balance(Stake::holding_account()) - EXISTENTIAL_DEPOSIT
}

fn error_of(error: pallet_subnets::Error<Runtime>) -> Result<(), DispatchError> {
    Err(error.into())
}

fn dissolved() -> bool {
    System::events().iter().any(|record| {
        matches!(
            record.event,
            RuntimeEvent::Subnets(pallet_subnets::Event::SubnetDissolved { .. })
        )
    })
}

#[test]
fn dissolve_subnet_leaves_no_key_and_returns_everything_to_the_unit() {
    let mut chain = Watched::default();
    let mut network = network(genesis::DEV);
    network.execute_with(|| full_life(&mut chain));
    // Keys of earlier blocks lie in the database, where a bounded clear counts them.
    network.commit_all().unwrap();
    network.execute_with(|| {
        let places: BTreeSet<Vec<u8>> = keys_under(NETUID)
            .into_iter()
            .map(|key| key[..32].to_vec())
            .collect();
        assert!(places.len() >= 26, "only {} places are used", places.len());
        let before = staked();
        let serial = pallet_subnets::NextSerial::<Runtime>::get();

        chain.succeed(vec![(Alice, dissolve())]);
        assert!(!Subnets::exists(NETUID));
        assert_eq!(Subnets::dissolving(NETUID), Some(Generation(0)));
        assert_eq!(Balances::reserved_balance(Alice.to_account_id()), 0);
        while !dissolved() {
            chain.run_to(System::block_number() + 1);
        }
        assert_eq!(keys_under(NETUID), Vec::<Vec<u8>>::new());
        assert_eq!(staked(), before);
        assert_eq!(Emission::subnet(NETUID), None);
        assert_eq!(Epoch::waiting(), []);

        // Hotkeys are kept alive by nothing any more; who owns them is remembered.
        for hotkey in [One, Two, Ferdie, CharlieStash] {
            assert_eq!(System::sufficients(&hotkey.to_account_id()), 0);
        }
        assert!(!System::account_exists(&One.to_account_id()));
        assert_eq!(
            Subnets::coldkey_of(&One.to_account_id()),
            Some(Bob.to_account_id())
        );
        // No serial is given out twice.
        assert_eq!(pallet_subnets::NextSerial::<Runtime>::get(), serial);

        let stakers = [
            (Bob, One),
            (Dave, Ferdie),
            (Alice, One),
            (Eve, Two),
            (Charlie, Two),
        ];
        let leaving: Balance = [Alice, Bob, Charlie, Dave, Eve]
            .map(|coldkey| {
                let stake = Stake::stake_of(&coldkey.to_account_id());
                assert_eq!(stake.positions, []);
                let dissolved = stake.unbonding.iter().map(|view| view.dissolved);
                assert!(dissolved.into_iter().all(|of| of == Some(Generation(0))));
                stake
                    .unbonding
                    .iter()
                    .map(|view| view.amount)
                    .sum::<Balance>()
            })
            .iter()
            .sum();
        // What rounding keeps from one goes to the last who withdraws.
        assert!(leaving <= before && leaving + 10 >= before);
        let early = chain.attempt(vec![(Bob, withdraw_dissolved(One))]);
        let error = pallet_stake::Error::<Runtime>::StillUnbonding;
        assert_eq!(early[0], Ok(Err(error.into())));

        // Nine eras of ten blocks are more than enough.
        chain.run_to(System::block_number() + 90);
        chain.succeed(
            stakers
                .map(|(coldkey, hotkey)| (coldkey, withdraw_dissolved(hotkey)))
                .to_vec(),
        );
        assert_eq!(staked(), 0);
        assert_eq!(pallet_stake::DepartedPools::<Runtime>::iter().count(), 0);
    });
}

#[test]
fn dissolution_takes_blocks_within_its_budget_when_the_subnet_has_many_stakers() {
    const STAKERS: u8 = 150;
    let mut network = network(genesis::DEV);
    network.execute_with(|| {
        Watched::default().found_subnet();
        for n in 0..STAKERS {
            let who = AccountId::from([n + 1; 32]);
            Balances::transfer(&Alice.to_account_id(), &who, 2 * ASY, Preserve).unwrap();
            let staker = RuntimeOrigin::signed(who);
            Stake::add_stake(staker, NETUID, One.to_account_id(), ASY + Balance::from(n)).unwrap();
        }
        Subnets::dissolve_subnet(RuntimeOrigin::root(), NETUID).unwrap();
    });
    let budget = <Runtime as pallet_subnets::Config>::DissolutionBudget::get();
    let mut blocks = 0;
    let mut ending = true;
    while ending {
        // Keys of earlier blocks lie in the database, where a bounded clear counts them.
        network.commit_all().unwrap();
        ending = network.execute_with(|| {
            let now = System::block_number();
            assert!(Subnets::on_initialize(now).all_lte(budget));
            super::always::try_state().unwrap();
            Subnets::dissolving(NETUID).is_some()
        });
        blocks += 1;
    }
    assert!((3..20).contains(&blocks), "it took {blocks} blocks");
    network.execute_with(|| {
        assert_eq!(keys_under(NETUID), Vec::<Vec<u8>>::new());
        let departed = pallet_stake::Departures::<Runtime>::iter().count();
        assert!(departed >= usize::from(STAKERS));
    });
}

#[test]
fn calls_are_refused_with_a_reason_when_their_subnet_has_ended() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = Watched::default();
        full_life(&mut chain);
        let (epoch, EpochIndex(next)) = (open_epoch(), open_epoch());
        let proof = register(Eve, Eve);
        let unknown: TransactionValidityError =
            InvalidTransaction::Custom(Refusal::UnknownSubnet.code()).into();

        // In the block in which it ends …
        let mut calls = vec![(Alice, dissolve()), (One, reveal(EpochIndex(next - 1)))];
        calls.push((Eve, proof.clone()));
        calls.push((Bob, add_stake(One, ASY)));
        calls.extend(announcements().map(|call| (Charlie, call)));
        let outcomes = chain.attempt(calls);
        assert_eq!(outcomes[0], Ok(Ok(())));
        assert_eq!(outcomes[1], Err(unknown));
        let dissolving = error_of(pallet_subnets::Error::SubnetDissolving);
        assert_eq!(outcomes[2], Ok(dissolving));
        let no_subnet = pallet_stake::Error::<Runtime>::UnknownSubnet;
        assert_eq!(outcomes[3], Ok(Err(no_subnet.into())));
        assert_eq!(outcomes[4..], [Ok(dissolving), Ok(dissolving)]);

        // … and when another stands under its number.
        chain.run_to(System::block_number() + 1);
        chain.succeed(vec![(Dave, register_subnet())]);
        assert_eq!(Subnets::generation(NETUID), Some(Generation(1)));
        let outcomes = chain.attempt(vec![
            (Ferdie, commit(Ferdie, epoch)),
            (Eve, proof),
            (Bob, add_stake(Ferdie, ASY)),
        ]);
        let stranger: TransactionValidityError =
            InvalidTransaction::Custom(Refusal::NotRegistered.code()).into();
        assert_eq!(outcomes[0], Err(stranger));
        assert_eq!(
            outcomes[1],
            Ok(error_of(pallet_subnets::Error::ProofInvalid))
        );
    });
}

#[test]
fn a_new_generation_inherits_nothing_and_never_meets_what_is_on_its_way_out() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = Watched::default();
        full_life(&mut chain);
        let serials = pallet_subnets::NextSerial::<Runtime>::get();
        chain.succeed(vec![(Alice, dissolve())]);
        chain.run_to(System::block_number() + 1);
        chain.succeed(vec![(Dave, register_subnet())]);

        assert_eq!(Subnets::owner(NETUID), Some(Dave.to_account_id()));
        assert_eq!(Subnets::generation(NETUID), Some(Generation(1)));
        assert_eq!(Subnets::task_version(NETUID), Some(TaskVersion(0)));
        assert_eq!(Subnets::count(NETUID), 0);
        assert_eq!(Stake::total(NETUID), 0);
        assert_eq!(open_epoch(), EpochIndex(0));
        assert_eq!(
            Emission::subnet(NETUID).map(|subnet| subnet.average),
            Some(0)
        );
        let metagraph = crate::views::metagraph(NETUID).unwrap();
        assert_eq!(metagraph.hotkeys, []);
        assert_eq!(metagraph.generation, Generation(1));
        let details = crate::views::subnet(NETUID).unwrap();
        assert_eq!((details.next_task, details.offered_to), (None, None));
        assert_eq!(details.next_hyperparameters, None);
        assert_eq!(Stake::take_of(NETUID, &One.to_account_id()), Ratio16(6_554));

        // The same hotkey again, with a serial of its own, and a slash of either reaches only it.
        let proof = super::subnet::register_in(Generation(1), Bob, One);
        chain.succeed(vec![(Bob, proof)]);
        let neuron = &Subnets::neurons(NETUID)[0];
        assert!(neuron.serial >= serials && serials > Serial(0));
        chain.succeed(vec![(Bob, add_stake(One, 10 * ASY))]);
        let hotkey = One.to_account_id();
        let leaving = |coldkey: Sr25519Keyring| -> Balance {
            let stake = Stake::stake_of(&coldkey.to_account_id());
            stake.unbonding.iter().map(|view| view.amount).sum()
        };
        let (bobs, alices) = (leaving(Bob), leaving(Alice));
        assert!(bobs >= STAKES[0].2);
        let taken = Stake::slash_dissolved(NETUID, Generation(0), &hotkey, Ratio16(32_768));
        assert!(taken >= (bobs + alices) / 2);
        assert!(leaving(Bob) <= bobs / 2 + 1);
        let (present, dissolved) = (Ratio16::ONE, leaving(Bob));
        assert_eq!(Stake::slash(NETUID, &hotkey, present), 10 * ASY);
        assert_eq!(leaving(Bob), dissolved);
        assert_eq!(
            Stake::slash_dissolved(NETUID, Generation(7), &hotkey, present),
            0
        );
    });
}

#[test]
fn register_subnet_takes_the_place_of_the_least_staked_when_all_are_taken() {
    let two_places = |config: &mut serde_json::Value| {
        config["subnets"]["parameters"]["subnetPlaces"] = 2.into();
        config["subnets"]["parameters"]["subnetImmunity"] = 60.into();
    };
    network_with(genesis::DEV, two_places).execute_with(|| {
        let mut chain = Watched::default();
        chain.found_subnet();
        chain.succeed(vec![(Eve, register_subnet())]);
        let (staked, bare) = (NETUID, NetUid(1));
        assert_eq!(Subnets::netuids(), [staked, bare]);
        assert_eq!(Subnets::places().free, 0);
        let refused = chain.attempt(vec![(Dave, register_subnet())]);
        assert_eq!(
            refused[0],
            Ok(error_of(pallet_subnets::Error::NoPlaceForSubnet))
        );

        chain.run_to(70);
        let places = Subnets::places();
        assert_eq!(places.next_to_dissolve, Some(bare));
        assert_eq!(places.standings[0].average_stake, 0);
        assert!(places.standings[1].average_stake > 0);
        let price = Subnets::subnet_price();
        chain.succeed(vec![(Dave, register_subnet())]);
        // Paid for and waiting.
        assert_eq!(Balances::reserved_balance(Dave.to_account_id()), ASY);
        assert_eq!(Balances::reserved_balance(Eve.to_account_id()), 0);
        assert_eq!(Subnets::netuids(), [staked]);
        assert!(Subnets::subnet_price() > price);
        let dissolving = Subnets::places().dissolving;
        assert_eq!(dissolving[0].successor, Some(Dave.to_account_id()));

        chain.run_to(72);
        assert_eq!(Subnets::netuids(), [staked, bare]);
        assert_eq!(Subnets::owner(bare), Some(Dave.to_account_id()));
        assert_eq!(Subnets::generation(bare), Some(Generation(1)));
        assert_eq!(Subnets::generation(staked), Some(Generation(0)));
        // The newcomer is immune, so the other one is next.
        assert_eq!(Subnets::places().next_to_dissolve, Some(staked));
    });
}
