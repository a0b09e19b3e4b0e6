//! Whatever validators do, in whatever order, the pallet's invariants hold and its answers agree.

use crate::mock::*;
use assay_pallet_traits::WeightRows;
use assay_primitives::{EpochIndex, Uid};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
enum Step {
    Set { uid: u16, row: Vec<(u16, u16)> },
    Commit { uid: u16, row: Vec<(u16, u16)> },
    Reveal { uid: u16, back: u32 },
    Epoch,
    Permit { uid: u16 },
    Replace { uid: u16 },
    RevealPeriod { epochs: u8 },
}

fn row_strategy() -> impl Strategy<Value = Vec<(u16, u16)>> {
    proptest::collection::btree_map(0u16..9, any::<u16>(), 0..9)
        .prop_map(|row| row.into_iter().collect())
}

fn step() -> impl Strategy<Value = Step> {
    let uid = 0u16..6;
    prop_oneof![
        2 => (uid.clone(), row_strategy()).prop_map(|(uid, row)| Step::Set { uid, row }),
        6 => (uid.clone(), row_strategy()).prop_map(|(uid, row)| Step::Commit { uid, row }),
        8 => (uid.clone(), 0u32..4).prop_map(|(uid, back)| Step::Reveal { uid, back }),
        3 => Just(Step::Epoch),
        1 => uid.clone().prop_map(|uid| Step::Permit { uid }),
        1 => uid.prop_map(|uid| Step::Replace { uid }),
        1 => (1u8..4).prop_map(|epochs| Step::RevealPeriod { epochs }),
    ]
}

/// What a validator committed to and did not open yet, as somebody who watches would know it.
type Watched = BTreeMap<(u16, EpochIndex), (Plan, EpochIndex)>;

fn plan(uid: u16, row: Vec<(u16, u16)>) -> Plan {
    let hotkey = world(|w| w.hotkeys[usize::from(uid)].clone());
    let (targets, values) = row.into_iter().unzip();
    Plan {
        targets,
        values,
        ..Plan::new(hotkey)
    }
}

fn take(step: Step, watched: &mut Watched, fresh: &mut u16) {
    match step {
        Step::Set { uid, row } => {
            let plan = plan(uid, row);
            // It may be refused; the invariants must hold all the same.
            let _ = include(&plan.hotkey.clone(), plan.set());
        }
        Step::Commit { uid, row } => {
            let plan = plan(uid, row);
            let period = world(|w| w.settings.reveal_period);
            if include(&plan.hotkey.clone(), plan.commit()).is_ok() {
                let reveal_in = EpochIndex(plan.epoch.0 + u32::from(period));
                watched.insert((uid, plan.epoch), (plan, reveal_in));
            }
        }
        Step::Reveal { uid, back } => {
            let open = world(|w| w.epoch);
            let epoch = EpochIndex(open.0 - back);
            let Some((plan, reveal_in)) = watched.get(&(uid, epoch)).cloned() else {
                return;
            };
            let well_formed = plan.targets.last().is_none_or(|last| *last < 8);
            let permitted = world(|w| w.permitted.contains(&Uid(uid)));
            let opened = include(&plan.hotkey.clone(), plan.reveal()).is_ok();
            assert_eq!(opened, reveal_in == open && well_formed && permitted);
            if opened {
                watched.remove(&(uid, epoch));
            }
        }
        Step::Epoch => {
            let closing = world(|w| w.epoch);
            let due: BTreeSet<u16> = watched
                .iter()
                .filter(|(_, (_, reveal_in))| *reveal_in <= closing)
                .map(|((uid, _), _)| *uid)
                .collect();
            watched.retain(|_, (_, reveal_in)| *reveal_in > closing);
            let late: Vec<u16> = run_epoch().into_iter().map(|uid| uid.0).collect();
            assert_eq!(late, due.into_iter().collect::<Vec<_>>());
        }
        Step::Permit { uid } => world(|w| {
            if !w.permitted.remove(&Uid(uid)) {
                w.permitted.insert(Uid(uid));
            }
        }),
        Step::Replace { uid } => {
            *fresh += 1;
            replace(uid, account(*fresh));
            watched.retain(|(other, _), _| *other != uid);
        }
        Step::RevealPeriod { epochs } => world(|w| w.settings.reveal_period = epochs),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn invariants_hold_whatever_is_done(steps in proptest::collection::vec(step(), 1..60)) {
        ExtBuilder::default().neurons(8, 4).plain_weights().build_and_execute(|| {
            let (mut watched, mut fresh) = (Watched::new(), 1_000);
            for step in steps {
                take(step, &mut watched, &mut fresh);
                Weights::do_try_state().expect("the pallet's invariants hold");
                let rows = Weights::rows(NETUID);
                let weights: usize = rows.iter().map(|row| row.targets.len()).sum();
                assert_eq!(Weights::size(NETUID), (weights as u32, rows.len() as u32));
            }
        });
    }
}
