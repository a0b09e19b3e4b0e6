//! The way of a token: from the curve to those who earned it.

use crate::{doctor, evidence};
use assay_chain_client::Snapshot;
use assay_primitives::{Balance, Ratio16, ASY};
use assay_tests::{until, Network, Person};
use std::time::Duration;

/// Weights count from the third epoch on; a fourth and half a minute are for a busy machine.
const PAID: Duration = Duration::from_secs(150);

/// What the coldkeys of miners and of the subnet's owner hold, in this order.
async fn balances(at: &Snapshot, people: [&Person; 3]) -> [Balance; 3] {
    let mut balances = [0; 3];
    for (balance, person) in balances.iter_mut().zip(people) {
        *balance = at.balance(&person.account()).await.unwrap();
    }
    balances
}

#[tokio::test]
async fn emission_is_paid_when_validators_judged_two_miners() {
    let [good, bad] = ["svc", "tree-3"].map(Person::named);
    let [first, second] = ["first", "second"].map(Person::named);
    let network = Network::start(&[&good, &bad, &first, &second]).await;
    tokio::join!(
        network.register_validator(&first, 400 * ASY),
        network.register_validator(&second, 300 * ASY),
    );
    let mut miners = [&good, &bad].map(|person| network.start_miner(person, &person.name));
    let mut validators = [&first, &second].map(|person| network.start_validator(person));
    network.all_announced(&[&miners[0], &miners[1]]).await;
    // Nobody pays anything from here on, so balances change by what is earned alone.
    let paid_to_coldkeys = [&good, &bad, &network.owner];
    let at = network.chain.at_finalized().await.unwrap();
    let before = balances(&at, paid_to_coldkeys).await;

    let (at, graph) = until("emission for everybody", PAID, async || {
        miners.iter_mut().for_each(|miner| miner.assert_running());
        validators.iter_mut().for_each(|one| one.assert_running());
        let at = network.chain.at_finalized().await.unwrap();
        let graph = at.metagraph(network.netuid).await.unwrap();
        let all_paid = graph.earned.len() == 4 && graph.earned.iter().all(|earned| *earned > 0);
        all_paid.then_some((at, graph))
    })
    .await;

    let [good_uid, bad_uid, first_uid, second_uid] =
        [&good, &bad, &first, &second].map(|person| Network::uid_in(&graph, person).unwrap());
    let earned = |uid: usize| graph.earned[uid];
    assert!(
        graph.incentive[good_uid] > graph.incentive[bad_uid] && earned(good_uid) > earned(bad_uid),
        "svc must earn more than tree-3: {graph:?}"
    );
    assert!(
        earned(first_uid) > earned(second_uid),
        "of two that agree, the one with more stake must earn more: {graph:?}"
    );

    // What the chain says was earned is what arrived, to the last unit.
    let after = balances(&at, paid_to_coldkeys).await;
    assert_eq!(after[0] - before[0], earned(good_uid));
    assert_eq!(after[1] - before[1], earned(bad_uid));
    let to_owner = after[2] - before[2];
    let to_miners = earned(good_uid) + earned(bad_uid);
    let to_validators = earned(first_uid) + earned(second_uid);

    // Each epoch rounds once, in favour of the miners.
    let rounding = Balance::from(graph.epoch.0);
    let cut = graph.hyperparameters.owner_cut.of(to_owner + to_miners);
    assert!(
        cut.abs_diff(to_owner) <= rounding,
        "the owner got {to_owner} and not {cut}"
    );
    // Half of the pot is the miners' and half the validators'; both were scaled alike.
    let pots = to_owner + to_miners + to_validators;
    let Ratio16(part) = graph.hyperparameters.miners_part;
    let exact = pots * Balance::from(part) / Balance::from(u16::MAX);
    assert!(
        exact.abs_diff(to_owner + to_miners) <= 2 * rounding,
        "of {pots} the miners and the owner got {}",
        to_owner + to_miners
    );
    // Whatever was paid was issued before, and is not in the pot any more.
    let issued = at.issued().await.unwrap();
    let pot = at.subnet(network.netuid).await.unwrap().pot;
    assert!(
        pots + pot <= issued,
        "paid {pots}, {pot} are due, {issued} were issued"
    );

    // And all of it can be gone into.
    evidence::is_explained(&validators[0], good_uid).await;
    evidence::is_checked(&network, &validators[0]).await;
    doctor::tells_good_from_bad(&network, &good).await;
}
