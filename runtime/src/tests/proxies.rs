//! What each type of proxy may do, and what others may do together.

use frame_support::traits::InstanceFilter;
use pallet_proxy::Event;
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, Ferdie, One};
use sp_runtime::{DispatchError, MultiAddress};

use super::{
    always::Watched,
    network, send,
    subnet::{add_stake, commit, open_epoch, register, register_subnet, task, NETUID},
};
use crate::{
    configs::proxies::ProxyType, genesis, AccountId, Balances, Proxy, Runtime, RuntimeCall,
    RuntimeEvent, Stake, System, ASY,
};

const TYPES: [ProxyType; 6] = [
    ProxyType::Any,
    ProxyType::NonTransfer,
    ProxyType::CancelProxy,
    ProxyType::Staking,
    ProxyType::Registration,
    ProxyType::Ownership,
];

fn transfer() -> RuntimeCall {
    RuntimeCall::Balances(pallet_balances::Call::transfer_keep_alive {
        dest: MultiAddress::Id(Ferdie.to_account_id()),
        value: ASY,
    })
}

fn remark() -> RuntimeCall {
    RuntimeCall::System(frame_system::Call::remark { remark: Vec::new() })
}

fn batch(calls: Vec<RuntimeCall>) -> RuntimeCall {
    RuntimeCall::Utility(pallet_utility::Call::batch_all { calls })
}

fn proxied(real: Sr25519Keyring, call: RuntimeCall) -> RuntimeCall {
    RuntimeCall::Proxy(pallet_proxy::Call::proxy {
        real: MultiAddress::Id(real.to_account_id()),
        force_proxy_type: None,
        call: Box::new(call),
    })
}

fn add_proxy(delegate: Sr25519Keyring, proxy_type: ProxyType) -> RuntimeCall {
    RuntimeCall::Proxy(pallet_proxy::Call::add_proxy {
        delegate: MultiAddress::Id(delegate.to_account_id()),
        proxy_type,
        delay: 0,
    })
}

/// What became of the last proxied call.
fn executed() -> Result<(), DispatchError> {
    System::events()
        .into_iter()
        .rev()
        .find_map(|record| match record.event {
            RuntimeEvent::Proxy(Event::ProxyExecuted { result }) => Some(result),
            _ => None,
        })
        .expect("a proxied call was executed in the last block")
}

/// The types that allow a call.
fn allowing(call: &RuntimeCall) -> Vec<ProxyType> {
    TYPES
        .into_iter()
        .filter(|proxy| proxy.filter(call))
        .collect()
}

#[test]
fn each_call_is_allowed_to_the_types_that_it_belongs_to() {
    use ProxyType::{Any, CancelProxy, NonTransfer, Ownership, Registration, Staking};
    network(genesis::DEV).execute_with(|| {
        let hotkey = One.to_account_id();
        let take = RuntimeCall::Stake(pallet_stake::Call::set_take {
            netuid: NETUID,
            hotkey: hotkey.clone(),
            take: Default::default(),
        });
        let withdraw = RuntimeCall::Stake(pallet_stake::Call::withdraw {
            netuid: NETUID,
            hotkey,
        });
        let withdraw_dissolved = RuntimeCall::Stake(pallet_stake::Call::withdraw_dissolved {
            netuid: NETUID,
            generation: Default::default(),
            hotkey: One.to_account_id(),
        });
        let update = RuntimeCall::Subnets(pallet_subnets::Call::update_task {
            netuid: NETUID,
            task: Box::new(task()),
        });
        // Who offers a subnet gives it away.
        let offer = RuntimeCall::Subnets(pallet_subnets::Call::offer_subnet {
            netuid: NETUID,
            to: Some(Bob.to_account_id()),
        });
        let accept = RuntimeCall::Subnets(pallet_subnets::Call::accept_subnet { netuid: NETUID });
        let reject = RuntimeCall::Proxy(pallet_proxy::Call::reject_announcement {
            delegate: MultiAddress::Id(Bob.to_account_id()),
            call_hash: Default::default(),
        });
        let sudo = RuntimeCall::Sudo(pallet_sudo::Call::sudo {
            call: Box::new(remark()),
        });
        let cases: [(RuntimeCall, &[ProxyType]); 13] = [
            (add_stake(One, ASY), &[Any, NonTransfer, Staking]),
            (withdraw, &[Any, NonTransfer, Staking]),
            (register(Bob, One), &[Any, NonTransfer, Registration]),
            (register_subnet(), &[Any, NonTransfer, Ownership]),
            (take, &[Any, NonTransfer, Ownership]),
            (withdraw_dissolved, &[Any, NonTransfer, Staking]),
            (update, &[Any, NonTransfer, Ownership]),
            (accept, &[Any, NonTransfer, Ownership]),
            (offer, &[Any]),
            (reject, &[Any, NonTransfer, CancelProxy]),
            (remark(), &[Any, NonTransfer]),
            (transfer(), &[Any]),
            (sudo, &[Any]),
        ];
        for (call, types) in cases {
            assert_eq!(allowing(&call), types, "{call:?}");
        }
        // A proxy can name further ones only where it may do everything.
        assert_eq!(allowing(&add_proxy(Bob, Any)), [Any]);
        assert_eq!(allowing(&proxied(Alice, remark())), [Any]);
    });
}

#[test]
fn type_is_a_superset_only_of_what_it_allows() {
    network(genesis::DEV).execute_with(|| {
        let calls = [
            add_stake(One, ASY),
            register(Bob, One),
            register_subnet(),
            remark(),
            transfer(),
        ];
        for wide in TYPES {
            for narrow in TYPES {
                if wide.is_superset(&narrow) {
                    let allows = |call| !narrow.filter(call) || wide.filter(call);
                    assert!(calls.iter().all(allows), "{wide:?} over {narrow:?}");
                }
            }
            assert!(wide.is_superset(&wide) && ProxyType::Any.is_superset(&wide));
        }
        assert!(!ProxyType::NonTransfer.is_superset(&ProxyType::Any));
        assert!(!ProxyType::Staking.is_superset(&ProxyType::Ownership));
    });
}

#[test]
fn staking_proxy_stakes_but_moves_no_money() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = Watched::default();
        chain.found_subnet();
        chain.succeed(vec![(Alice, add_proxy(Charlie, ProxyType::Staking))]);
        let before = Stake::stake_of(&Alice.to_account_id());

        chain.succeed(vec![(Charlie, proxied(Alice, add_stake(One, ASY)))]);
        assert_eq!(executed(), Ok(()));
        assert_ne!(Stake::stake_of(&Alice.to_account_id()), before);

        let rich = Balances::free_balance(Ferdie.to_account_id());
        for call in [transfer(), batch(vec![transfer()]), remark()] {
            chain.succeed(vec![(Charlie, proxied(Alice, call))]);
            assert!(executed().is_err());
        }
        assert_eq!(Balances::free_balance(Ferdie.to_account_id()), rich);
    });
}

#[test]
fn weight_call_is_refused_when_a_proxy_of_the_hotkey_makes_it() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = Watched::default();
        chain.found_subnet();
        chain.run_to_permits();
        chain.succeed(vec![(Ferdie, add_proxy(Bob, ProxyType::Any))]);
        let call = proxied(Ferdie, commit(Ferdie, open_epoch()));
        // Refused before it is included, so no fee is taken either.
        let rich = Balances::free_balance(Bob.to_account_id());
        assert!(super::try_send(Bob, call).is_err());
        assert_eq!(Balances::free_balance(Bob.to_account_id()), rich);
    });
}

#[test]
fn deposits_come_back_when_a_proxy_is_removed() {
    network(genesis::DEV).execute_with(|| {
        let reserved = || Balances::reserved_balance(Alice.to_account_id());
        send(Alice, add_proxy(Bob, ProxyType::Registration)).unwrap();
        assert!(reserved() > 0);
        let (proxies, _) = Proxy::proxies(Alice.to_account_id());
        assert_eq!(proxies[0].proxy_type, ProxyType::Registration);
        send(
            Alice,
            RuntimeCall::Proxy(pallet_proxy::Call::remove_proxies {}),
        )
        .unwrap();
        assert_eq!(reserved(), 0);
    });
}

#[test]
fn multisig_acts_when_enough_agree() {
    network(genesis::DEV).execute_with(|| {
        let others = |me: Sr25519Keyring| {
            let mut others: Vec<AccountId> = [Alice, Bob, Charlie]
                .into_iter()
                .filter(|key| *key != me)
                .map(|key| key.to_account_id())
                .collect();
            others.sort();
            others
        };
        let mut all = others(Alice);
        all.push(Alice.to_account_id());
        all.sort();
        let joint = pallet_multisig::Pallet::<Runtime>::multi_account_id(&all, 2);
        let endow = RuntimeCall::Balances(pallet_balances::Call::transfer_allow_death {
            dest: MultiAddress::Id(joint.clone()),
            value: 10 * ASY,
        });
        send(Alice, endow).unwrap();

        let together = |me, timepoint| {
            RuntimeCall::Multisig(pallet_multisig::Call::as_multi {
                threshold: 2,
                other_signatories: others(me),
                maybe_timepoint: timepoint,
                call: Box::new(transfer()),
                max_weight: frame_support::weights::Weight::from_parts(1_000_000_000, 100_000),
            })
        };
        send(Alice, together(Alice, None)).unwrap();
        let timepoint = pallet_multisig::Timepoint {
            height: System::block_number(),
            index: 1,
        };
        assert_eq!(Balances::free_balance(&joint), 10 * ASY);
        send(Bob, together(Bob, Some(timepoint))).unwrap();
        assert_eq!(Balances::free_balance(&joint), 9 * ASY);
    });
}

#[test]
fn identity_is_set_for_a_deposit() {
    network(genesis::DEV).execute_with(|| {
        let info = pallet_identity::legacy::IdentityInfo {
            display: pallet_identity::Data::Raw(b"Alice".to_vec().try_into().unwrap()),
            ..Default::default()
        };
        let set = pallet_identity::Call::set_identity {
            info: Box::new(info.clone()),
        };
        send(Alice, RuntimeCall::Identity(set)).unwrap();
        let kept = pallet_identity::IdentityOf::<Runtime>::get(Alice.to_account_id()).unwrap();
        assert_eq!(kept.info, info);
        assert!(Balances::reserved_balance(Alice.to_account_id()) > 0);
    });
}
