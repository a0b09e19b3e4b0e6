//! Epochs that are due together: metered, none lost, first come first served.

use crate::{mock::*, Config, Error, Event, WeightInfo};
use assay_pallet_traits::Epochs;
use assay_primitives::{EpochIndex, NetUid, ASY};
use std::collections::BTreeMap;

/// Registers subnets that all fall due in block 11.
fn due_together(count: u16) -> Vec<NetUid> {
    let netuids: Vec<NetUid> = (0..count).map(|number| NetUid(10 * number)).collect();
    for netuid in &netuids {
        register(*netuid, &[5 * ASY, 0, 0]);
    }
    netuids
}

/// Sets the budget to what `epochs` of the subnets registered by [`due_together`] take, and half of
/// another.
fn let_run(epochs: u64) {
    let one = Epoch::cost(NetUid(0));
    let overhead = <Test as Config>::WeightInfo::enqueue(64)
        + <Test as Config>::WeightInfo::peek() * (epochs + 1);
    Budget::set(one * epochs + one / 2 + overhead);
}

fn ran() -> Vec<NetUid> {
    events()
        .into_iter()
        .filter_map(|event| match event {
            Event::EpochRan { netuid, .. } => Some(netuid),
            _ => None,
        })
        .collect()
}

#[test]
fn epochs_wait_in_order_when_they_are_due_together() {
    execute(|| {
        let netuids = due_together(5);
        let_run(2);
        run_to(11);
        assert_eq!(ran(), netuids[..2]);
        assert_eq!(Epoch::waiting(), netuids[2..]);
        run_to(12);
        assert_eq!(ran(), netuids[..4]);
        run_to(13);
        assert_eq!(ran(), netuids);
        assert_eq!(Epoch::waiting(), []);
        // A wait moves nobody for ever: all are due together again.
        for netuid in netuids {
            assert_eq!(Epoch::due_at(netuid), Some(21));
        }
        world(|world| {
            assert!(world
                .hook_weights
                .values()
                .all(|weight| weight.all_lte(Budget::get())));
        });
    });
}

#[test]
fn epochs_are_never_lost_when_more_are_due_than_can_ever_run() {
    execute(|| {
        let netuids = due_together(14);
        let_run(1);
        run_to(300);
        let mut counts = BTreeMap::<NetUid, u32>::new();
        for netuid in ran() {
            *counts.entry(netuid).or_default() += 1;
        }
        assert_eq!(counts.len(), netuids.len());
        // One epoch in each block since the first, evenly.
        assert_eq!(counts.values().sum::<u32>(), 290);
        let (least, most) = (counts.values().min(), counts.values().max());
        assert!(most.unwrap() - least.unwrap() <= 1);
        for netuid in netuids {
            assert_eq!(Epoch::current(netuid), EpochIndex(counts[&netuid]));
        }
    });
}

#[test]
fn epoch_that_no_block_can_afford_fails_and_keeps_nobody_waiting() {
    execute(|| {
        let netuids = due_together(2);
        let_run(1);
        subnet(netuids[0], |subnet| {
            let one = subnet.neurons[0].clone();
            subnet.neurons.resize(500, one);
            subnet.stakes.resize(500, 0);
        });
        Pots::insert(netuids[0], 7);
        run_to(11);
        assert_eq!(ran(), netuids[1..]);
        let error = Error::<Test>::TooCostly.into();
        let failed = Event::EpochFailed {
            netuid: netuids[0],
            epoch: EpochIndex(0),
            error,
        };
        assert!(events().contains(&failed));
        assert_eq!(Pots::get(netuids[0]), 7);
        assert_eq!(Epoch::due_at(netuids[0]), Some(21));
    });
}

#[test]
fn hook_costs_what_was_done() {
    execute(|| {
        let netuids = due_together(2);
        let epochs = Epoch::cost(netuids[0]) + Epoch::cost(netuids[1]);
        run_to(12);
        let weight = |block| world(|world| world.hook_weights[&block]);
        let enqueue = <Test as Config>::WeightInfo::enqueue;
        assert_eq!(weight(10), enqueue(0));
        assert_eq!(
            weight(11),
            enqueue(2) + <Test as Config>::WeightInfo::peek() * 2 + epochs
        );
        assert_eq!(weight(12), enqueue(0));
    });
}

#[test]
fn cost_grows_with_neurons_rows_weights_and_bonds() {
    execute(|| {
        register(NETUID, &[5 * ASY, 0, 0]);
        let mut last = Epoch::cost(NETUID);
        let mut grew = || {
            let now = Epoch::cost(NETUID);
            assert!(now.ref_time() > last.ref_time());
            last = now;
        };
        add_neuron(NETUID, 0);
        grew();
        set_weights(NETUID, 0, &[]);
        grew();
        set_weights(NETUID, 0, &[(1, 1)]);
        grew();
        set_weights(NETUID, 0, &[(1, 1), (2, 1)]);
        grew();
        run_epoch(NETUID);
        // A permit, then bonds.
        grew();
        set_weights(NETUID, 0, &[(1, 1), (2, 1)]);
        run_epoch(NETUID);
        grew();
    });
}
