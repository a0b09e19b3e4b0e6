//! Decisions of a council, in a network that has no key for root.

use frame_support::weights::Weight;
use sp_io::TestExternalities;
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, Dave, One};
use sp_runtime::{BuildStorage, DispatchError, MultiAddress};

use super::{Delay, Error, Event};
use crate::{
    genesis,
    tests::{preset, run_to, send},
    AccountId, Balance, Balances, Council, CouncilConfig, Governance, GovernanceConfig, Runtime,
    RuntimeCall, RuntimeEvent, RuntimeOrigin, SudoConfig, System, ASY,
};

const DELAY: u32 = 10;
const MEMBERS: [Sr25519Keyring; 4] = [Alice, Bob, Charlie, Dave];

/// The development preset without its key, governed by [`MEMBERS`].
fn governed() -> TestExternalities {
    let mut config = preset(genesis::DEV);
    config.sudo = SudoConfig { key: None };
    config.council = CouncilConfig {
        members: MEMBERS.map(|member| member.to_account_id()).to_vec(),
        ..Default::default()
    };
    config.governance = GovernanceConfig {
        delay: DELAY,
        ..Default::default()
    };
    config.build_storage().unwrap().into()
}

/// Something that only root may do, and that shows: One has this much more.
fn gift(amount: Balance) -> RuntimeCall {
    RuntimeCall::Balances(pallet_balances::Call::force_set_balance {
        who: MultiAddress::Id(One.to_account_id()),
        new_free: amount,
    })
}

fn enact(call: RuntimeCall) -> RuntimeCall {
    RuntimeCall::Governance(super::Call::enact {
        call: Box::new(call),
    })
}

fn cancel(index: u32) -> RuntimeCall {
    RuntimeCall::Governance(super::Call::cancel { index })
}

/// Proposes a call, has the first `ayes` members vote for it and closes the motion.
fn carry(call: RuntimeCall, ayes: u32) {
    use codec::Encode;
    use pallet_collective::Call;
    use sp_runtime::traits::Hash;
    let length_bound = call.encoded_size() as u32;
    let proposal = <Runtime as frame_system::Config>::Hashing::hash_of(&call);
    let index = pallet_collective::ProposalCount::<Runtime, pallet_collective::Instance1>::get();
    send(
        Alice,
        RuntimeCall::Council(Call::propose {
            threshold: ayes,
            proposal: Box::new(call),
            length_bound,
        }),
    )
    .unwrap();
    for member in &MEMBERS[..ayes as usize] {
        let vote = Call::vote {
            proposal,
            index,
            approve: true,
        };
        send(*member, RuntimeCall::Council(vote)).unwrap();
    }
    let close = Call::close {
        proposal_hash: proposal,
        index,
        proposal_weight_bound: Weight::from_parts(500_000_000_000, u64::MAX / 2),
        length_bound,
    };
    send(Dave, RuntimeCall::Council(close)).unwrap();
}

fn decisions() -> Vec<Event<Runtime>> {
    System::events()
        .into_iter()
        .filter_map(|record| match record.event {
            RuntimeEvent::Governance(event) => Some(event),
            _ => None,
        })
        .collect()
}

fn wealth(who: Sr25519Keyring) -> Balance {
    Balances::free_balance(who.to_account_id())
}

#[test]
fn enact_has_root_make_the_call_when_the_delay_is_over() {
    governed().execute_with(|| {
        carry(enact(gift(7 * ASY)), 3);
        let at = System::block_number() + DELAY;
        assert!(matches!(
            decisions()[..],
            [Event::Decided { index: 0, at: due, .. }] if due == at
        ));
        run_to(at - 1);
        assert_eq!(wealth(One), 0);
        run_to(at);
        assert_eq!(wealth(One), 7 * ASY);
    });
}

#[test]
fn enact_has_root_make_a_call_when_it_is_too_long_for_an_agenda() {
    governed().execute_with(|| {
        let remark = RuntimeCall::System(frame_system::Call::remark {
            remark: vec![7; 1_000],
        });
        let batch = RuntimeCall::Utility(pallet_utility::Call::batch_all {
            calls: vec![remark, gift(3 * ASY)],
        });
        let preimages = || pallet_preimage::RequestStatusFor::<Runtime>::iter_keys().count();
        // Twice the same, of which one is enough to keep the call.
        carry(enact(batch.clone()), 4);
        carry(enact(batch), 3);
        assert_eq!(preimages(), 1);
        run_to(System::block_number() + DELAY - 1);
        assert_eq!(wealth(One), 3 * ASY);
        assert_eq!(preimages(), 1);
        run_to(System::block_number() + 1);
        assert_eq!(preimages(), 0);
    });
}

#[test]
fn enact_fails_when_fewer_than_two_thirds_agree() {
    governed().execute_with(|| {
        carry(enact(gift(ASY)), 2);
        assert!(decisions().is_empty());
        run_to(System::block_number() + DELAY + 1);
        assert_eq!(wealth(One), 0);
    });
}

#[test]
fn enact_fails_when_no_council_calls_it() {
    governed().execute_with(|| {
        let outcome = send(Alice, enact(gift(ASY)));
        assert_eq!(outcome, Err(DispatchError::BadOrigin));
        let root = Governance::enact(RuntimeOrigin::root(), Box::new(gift(ASY)));
        assert_eq!(root, Err(DispatchError::BadOrigin));
    });
}

#[test]
fn cancel_stops_root_when_half_of_the_council_agrees() {
    governed().execute_with(|| {
        carry(enact(gift(ASY)), 3);
        carry(cancel(0), 2);
        assert_eq!(decisions(), [Event::Cancelled { index: 0 }]);
        run_to(System::block_number() + DELAY + 1);
        assert_eq!(wealth(One), 0);
    });
}

#[test]
fn cancel_fails_when_nothing_waits() {
    governed().execute_with(|| {
        assert_eq!(
            Governance::cancel(RuntimeOrigin::root(), 0),
            Err(Error::<Runtime>::NotWaiting.into())
        );
        assert_eq!(send(Alice, cancel(0)), Err(DispatchError::BadOrigin));
    });
}

#[test]
fn nobody_has_sudo_when_genesis_names_no_key() {
    governed().execute_with(|| {
        let sudo = pallet_sudo::Call::sudo {
            call: Box::new(gift(ASY)),
        };
        assert!(send(Alice, RuntimeCall::Sudo(sudo)).is_err());
        assert_eq!(Delay::<Runtime>::get(), DELAY);
    });
}

#[test]
fn council_is_replaced_when_root_says_so() {
    governed().execute_with(|| {
        let members: Vec<AccountId> = vec![One.to_account_id()];
        let replace = RuntimeCall::Council(pallet_collective::Call::set_members {
            new_members: members.clone(),
            prime: None,
            old_count: MEMBERS.len() as u32,
        });
        carry(enact(replace), 3);
        run_to(System::block_number() + DELAY);
        assert_eq!(
            pallet_collective::Members::<Runtime, pallet_collective::Instance1>::get(),
            members
        );
        assert!(!Council::is_member(&Alice.to_account_id()));
    });
}

#[test]
#[should_panic(expected = "governance.delay")]
fn genesis_fails_when_decisions_would_not_wait() {
    let mut config = preset(genesis::DEV);
    config.governance = GovernanceConfig {
        delay: 0,
        ..Default::default()
    };
    let _ = config.build_storage();
}
