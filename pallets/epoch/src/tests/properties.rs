//! Whatever happens in the subnets, money is conserved and the invariants hold.

use crate::{mock::*, Event};
use assay_primitives::{Balance, NetUid, Ratio16, Uid, ASY};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Weights {
        netuid: NetUid,
        uid: u16,
        row: Vec<(u16, u16)>,
    },
    Stake {
        netuid: NetUid,
        uid: u16,
        amount: Balance,
    },
    Late {
        netuid: NetUid,
        uid: u16,
    },
    Replace {
        netuid: NetUid,
        uid: u16,
    },
    Add {
        netuid: NetUid,
    },
    Admit {
        netuid: NetUid,
        admitted: bool,
    },
    Break {
        netuid: NetUid,
        uid: u16,
    },
    Credit {
        netuid: NetUid,
        amount: Balance,
    },
    Parts {
        netuid: NetUid,
        miners: u16,
        owner: u16,
    },
    Blocks {
        count: u64,
    },
}

const NEURONS: u16 = 6;

fn step() -> impl Strategy<Value = Step> {
    let netuid = || (1u16..4).prop_map(NetUid);
    let uid = || 0..NEURONS;
    let row = proptest::collection::btree_map(uid(), any::<u16>(), 0..6)
        .prop_map(|row| row.into_iter().collect());
    prop_oneof![
        6 => (netuid(), uid(), row)
            .prop_map(|(netuid, uid, row)| Step::Weights { netuid, uid, row }),
        3 => (netuid(), uid(), 0..1_000 * ASY)
            .prop_map(|(netuid, uid, amount)| Step::Stake { netuid, uid, amount }),
        1 => (netuid(), uid()).prop_map(|(netuid, uid)| Step::Late { netuid, uid }),
        1 => (netuid(), uid()).prop_map(|(netuid, uid)| Step::Replace { netuid, uid }),
        1 => netuid().prop_map(|netuid| Step::Add { netuid }),
        1 => (netuid(), any::<bool>())
            .prop_map(|(netuid, admitted)| Step::Admit { netuid, admitted }),
        1 => (netuid(), uid()).prop_map(|(netuid, uid)| Step::Break { netuid, uid }),
        4 => (netuid(), 0..10_000 * ASY)
            .prop_map(|(netuid, amount)| Step::Credit { netuid, amount }),
        1 => (netuid(), any::<u16>(), 0u16..=32768)
            .prop_map(|(netuid, miners, owner)| Step::Parts { netuid, miners, owner }),
        8 => (1u64..15).prop_map(|count| Step::Blocks { count }),
    ]
}

/// Does one step; returns what it put into pots.
fn take(step: Step) -> Balance {
    match step {
        Step::Weights { netuid, uid, row } => set_weights(netuid, uid, &row),
        Step::Stake {
            netuid,
            uid,
            amount,
        } => {
            subnet(netuid, |subnet| subnet.stakes[usize::from(uid)] = amount);
        }
        Step::Late { netuid, uid } => subnet(netuid, |subnet| subnet.late = vec![Uid(uid)]),
        Step::Replace { netuid, uid } => replace(netuid, uid),
        Step::Add { netuid } => add_neuron(netuid, 10 * ASY),
        Step::Admit { netuid, admitted } => subnet(netuid, |subnet| subnet.admitted = admitted),
        Step::Break { netuid, uid } => world(|world| {
            // Broken or mended.
            let account = coldkey(netuid, uid);
            if !world.broken.remove(&account) {
                world.broken.insert(account);
            }
        }),
        Step::Credit { netuid, amount } => {
            Pots::mutate(netuid, |pot| *pot += amount);
            return amount;
        }
        Step::Parts {
            netuid,
            miners,
            owner,
        } => subnet(netuid, |subnet| {
            subnet.next_settings.miners_part = Ratio16(miners);
            subnet.next_settings.owner_cut = Ratio16(owner);
        }),
        Step::Blocks { count } => run_to(System::block_number() + count),
    }
    0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn money_is_conserved_whatever_happens(steps in proptest::collection::vec(step(), 1..120)) {
        execute(|| {
            let netuids = [1, 2, 3].map(NetUid);
            for netuid in netuids {
                register(netuid, &[300 * ASY, 200 * ASY, 100 * ASY, 0, 0, 0]);
            }
            let mut credited = 0;
            for step in steps {
                credited += take(step);
                let of = |netuid| minted(netuid) + Returned::get(netuid) + Pots::get(netuid);
                assert_eq!(netuids.map(of).iter().sum::<Balance>(), credited);
            }
            for event in events() {
                if let Event::EpochRan { due, to_miners, to_owner, to_validators, .. } = event {
                    assert!(to_miners + to_owner + to_validators <= due);
                }
                assert!(!matches!(event, Event::EpochFailed { .. }), "{event:?}");
            }
        });
    }
}
