//! What clients are told is what is so.

use assay_primitives::{EpochIndex, NetUid, Uid};
use assay_runtime_api::runtime_decl_for_assay_api::AssayApiV1;
use sp_keyring::Sr25519Keyring::{Alice, Bob, Eve, One};

use super::{
    always::Watched,
    network,
    subnet::{accounts, due_at, open_epoch, JUDGEMENT, MINERS, MINER_UIDS, NETUID, VALIDATORS},
};
use crate::{genesis, Balances, Epoch, Runtime, ASY};

/// No subnet has this number.
const NOWHERE: NetUid = NetUid(7);

/// A chain on which an epoch was just paid.
fn paid() -> Watched {
    let mut chain = Watched::default();
    chain.found_subnet();
    chain.run_to_permits();
    chain.weigh();
    chain.run_epoch();
    chain.weigh();
    chain.run_epoch();
    chain
}

#[test]
fn subnet_tells_the_task_and_the_schedule_when_it_is_registered() {
    network(genesis::DEV).execute_with(|| {
        paid();
        let all = Runtime::subnets();
        let one = Runtime::subnet(NETUID).unwrap();
        let summary = one.summary;
        assert_eq!(all, std::slice::from_ref(&summary));
        assert_eq!(summary.name.into_inner(), b"digits");
        assert_eq!(summary.owner, Alice.to_account_id());
        assert!(summary.admitted);
        assert_eq!((summary.neurons, summary.tempo), (4, 20));
        assert_eq!(summary.epoch, EpochIndex(4));
        assert_eq!(
            Some(summary.next_epoch_at),
            Epoch::state(NETUID).map(|state| state.due_at)
        );
        assert_eq!(
            Some(summary.registration_price),
            Runtime::registration_price(NETUID)
        );
        assert_eq!((one.lock, one.pot), (ASY, 0));
        assert!(Runtime::subnet_price() > ASY);
    });
}

#[test]
fn metagraph_has_a_row_for_every_neuron_when_an_epoch_was_paid() {
    network(genesis::DEV).execute_with(|| {
        paid();
        let graph = Runtime::metagraph(NETUID).unwrap();
        let [first, second] = accounts(VALIDATORS);
        let [third, fourth] = accounts(MINERS);
        assert_eq!(graph.hotkeys, [first, second, third, fourth]);
        let lengths = [
            graph.coldkeys.len(),
            graph.serials.len(),
            graph.registered_at.len(),
            graph.immune.len(),
            graph.stake.len(),
            graph.permits.len(),
            graph.active.len(),
            graph.last_update.len(),
            graph.consensus.len(),
            graph.trust.len(),
            graph.validator_trust.len(),
            graph.incentive.len(),
            graph.dividends.len(),
            graph.emission.len(),
            graph.earned.len(),
            graph.endpoints.len(),
            graph.models.len(),
        ];
        assert!(lengths.iter().all(|length| *length == 4), "{lengths:?}");
        assert_eq!(graph.active, [true, true, false, false]);
        assert!(graph.stake[0] > graph.stake[1] && graph.stake[2] == 0);
        assert!(graph.emission.iter().all(|paid| *paid > 0));
        assert_eq!(graph.earned, graph.emission);
        assert!(graph.last_update[0].is_some() && graph.last_update[2].is_none());
    });
}

#[test]
fn neuron_tells_weights_bonds_and_commits_when_it_validates() {
    network(genesis::DEV).execute_with(|| {
        paid();
        let neuron = Runtime::neuron(NETUID, Uid(0)).unwrap();
        let weights: Vec<_> = MINER_UIDS.into_iter().zip(JUDGEMENT).collect();
        assert_eq!(neuron.weights, weights);
        assert!(neuron.permit);
        assert_eq!(neuron.bonds.len(), 2);
        assert!(neuron.immune_until > neuron.registered_at);
        assert_eq!(
            neuron.commits,
            Runtime::commits(NETUID, One.to_account_id())
        );
        let [commit] = neuron.commits[..] else {
            panic!("{:?}", neuron.commits)
        };
        assert_eq!(commit.reveal_in, open_epoch());

        let rows = Runtime::weights(NETUID);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].values, JUDGEMENT);
        assert!(rows[0].last_update < commit.at);
    });
}

#[test]
fn neuron_tells_what_becomes_of_weights_when_the_epoch_is_about_to_run() {
    network(genesis::DEV).execute_with(|| {
        let mut chain = paid();
        chain.weigh();
        chain.run_to(due_at() - 1);
        let outlook = |uid| Runtime::neuron(NETUID, uid).unwrap().outlook.unwrap();
        let (validator, miner) = (outlook(Uid(0)), outlook(MINER_UIDS[0]));
        assert_eq!(validator.epoch, open_epoch());
        assert!(validator.active && validator.received.is_empty());
        assert_eq!((validator.given.len(), miner.received.len()), (2, 2));
        assert_eq!(miner.received[0], validator.given[0]);
        // Both say the same, so there is nothing to clip: three parts in four, rounded down.
        let three_quarters = (3 << 30) - 1;
        for weight in &miner.received {
            assert_eq!(
                (weight.weight, weight.clipped),
                (three_quarters, three_quarters)
            );
        }
        chain.run_epoch();
        let after = Runtime::neuron(NETUID, MINER_UIDS[0]).unwrap();
        let graph = Runtime::metagraph(NETUID).unwrap();
        assert_eq!(after.outcome.consensus, miner.consensus);
        assert_eq!(after.outcome.incentive, graph.incentive[2]);
        assert_eq!(after.outcome.emission, graph.emission[2]);
        assert_eq!(after.last_epoch_at, graph.last_epoch_at);
        assert_eq!(
            Runtime::neuron(NETUID, Uid(0)).unwrap().outcome.stake,
            validator.stake
        );
    });
}

#[test]
fn stake_of_tells_own_and_delegated_stake_apart() {
    network(genesis::DEV).execute_with(|| {
        paid();
        let [own] = &Runtime::stake_of(Bob.to_account_id()).positions[..] else {
            panic!("Bob has one position");
        };
        assert!(own.own && own.staked > 100 * ASY);
        let [delegated] = &Runtime::stake_of(Alice.to_account_id()).positions[..] else {
            panic!("Alice has one position");
        };
        assert!(!delegated.own && delegated.staked > 30 * ASY);
        assert_eq!(delegated.hotkey, own.hotkey);
    });
}

#[test]
fn balance_is_what_can_be_spent_when_some_is_locked() {
    network(genesis::DEV).execute_with(|| {
        paid();
        let alice = Alice.to_account_id();
        assert_eq!(
            Runtime::balance(alice.clone()),
            Balances::free_balance(alice)
        );
        assert_eq!(Runtime::balance(One.to_account_id()), 0);
        assert!(Runtime::issued() > Balances::total_issuance());
    });
}

#[test]
fn answers_are_empty_when_nobody_knows_the_name() {
    network(genesis::DEV).execute_with(|| {
        paid();
        assert_eq!(Runtime::subnet(NOWHERE), None);
        assert_eq!(Runtime::metagraph(NOWHERE), None);
        assert_eq!(Runtime::neuron(NOWHERE, Uid(0)), None);
        assert_eq!(Runtime::neuron(NETUID, Uid(4)), None);
        assert_eq!(Runtime::registration_price(NOWHERE), None);
        assert!(Runtime::weights(NOWHERE).is_empty());
        assert!(Runtime::commits(NETUID, Eve.to_account_id()).is_empty());
        assert!(Runtime::stake_of(Eve.to_account_id()).positions.is_empty());
    });
}
