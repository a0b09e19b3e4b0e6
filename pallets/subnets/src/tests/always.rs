//! What holds after any sequence of calls: `try_state`, and no money made or lost but by prices.

use crate::{mock::*, Event, HoldReason, WaitingSubnets};
use assay_pallet_traits::{
    mocks::{MockEpochs, MockStandings},
    Neurons as _, Subnets as _,
};
use assay_primitives::{Balance, BlockNumber, Hyperparameter, NetUid, Serial};
use frame_support::traits::fungible::InspectHold;
use proptest::prelude::*;
use std::collections::BTreeSet;

#[derive(Clone, Debug)]
enum Action {
    RegisterSubnet(u8),
    Register {
        netuid: u16,
        hotkey: u8,
        coldkey: u8,
        max_price: Balance,
    },
    Announce {
        netuid: u16,
        hotkey: u8,
    },
    Resize(u16, u16),
    Epoch(u16),
    Dissolve(u16),
    NextBlock,
    UpdateTask(u16),
    Wait(BlockNumber),
}

fn actions() -> impl Strategy<Value = Action> {
    let netuid = 0..MAX_SUBNETS as u16;
    prop_oneof![
        1 => (0..4u8).prop_map(Action::RegisterSubnet),
        8 => (netuid.clone(), 1..12u8, 0..2u8, 90..2_000u128).prop_map(
            |(netuid, hotkey, coldkey, max_price)| Action::Register {
                netuid,
                hotkey,
                coldkey,
                max_price,
            }
        ),
        2 => (netuid.clone(), 1..12u8).prop_map(|(netuid, hotkey)| Action::Announce {
            netuid,
            hotkey
        }),
        1 => (netuid.clone(), 2..6u16).prop_map(|(netuid, places)| Action::Resize(netuid, places)),
        2 => netuid.prop_map(Action::Epoch),
        1 => (0..MAX_SUBNETS as u16).prop_map(Action::Dissolve),
        1 => (0..MAX_SUBNETS as u16).prop_map(Action::UpdateTask),
        2 => Just(Action::NextBlock),
        2 => (1..400u32).prop_map(Action::Wait),
    ]
}

/// Does what may well fail: here only what it leaves behind matters.
fn act(action: Action) {
    let _ = match action {
        Action::RegisterSubnet(owner) => Subnets::register_subnet(
            RuntimeOrigin::signed(coldkey(owner)),
            Box::new(task()),
            Balance::MAX,
        ),
        Action::Register {
            netuid,
            hotkey: seed,
            coldkey: owner,
            max_price,
        } => Subnets::register(
            RuntimeOrigin::signed(coldkey(owner)),
            NetUid(netuid),
            hotkey(seed),
            max_price,
            proof(NetUid(netuid), &coldkey(owner), seed),
        )
        .map(|_| ())
        .map_err(|failed| failed.error),
        Action::Announce {
            netuid,
            hotkey: seed,
        } => Subnets::announce(
            RuntimeOrigin::signed(hotkey(seed)),
            NetUid(netuid),
            hotkey(seed),
            endpoint(80),
        ),
        Action::Resize(netuid, places) => Subnets::patch_hyperparameters(
            RuntimeOrigin::root(),
            NetUid(netuid),
            vec![
                Hyperparameter::MaxNeurons(places),
                Hyperparameter::ImmunityPeriod(100),
            ]
            .try_into()
            .expect("two are few"),
        ),
        Action::Epoch(netuid) => {
            Subnets::begin_epoch(NetUid(netuid));
            let now = Subnets::now();
            MockEpochs::on_last_ran_at(move |_| Some(now));
            MockStandings::on_standings(move |_| {
                (0..4096).map(|uid| (uid * 7 + now) % 5).collect()
            });
            Ok(())
        }
        Action::Dissolve(netuid) => Subnets::dissolve_subnet(RuntimeOrigin::root(), NetUid(netuid)),
        Action::UpdateTask(netuid) => {
            Subnets::update_task(RuntimeOrigin::root(), NetUid(netuid), Box::new(task()))
        }
        Action::NextBlock => {
            next_block();
            Ok(())
        }
        Action::Wait(blocks) => {
            run_to(Subnets::now() + blocks);
            Ok(())
        }
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_is_lost_whatever_is_called(
        sequence in prop::collection::vec(actions(), 1..60),
    ) {
        ExtBuilder::default().build_and_execute(|| {
            register_subnet();
            take_events();
            let issued_before = Balances::total_issuance();
            let mut burned = 0;
            let mut serials = BTreeSet::<Serial>::new();
            for action in sequence {
                act(action);
                for event in take_events() {
                    match event {
                        Event::SubnetRegistered {
                            price,
                            lock,
                            waited: false,
                            ..
                        }
                        | Event::RegistrationWaiting { price, lock, .. } => burned += price - lock,
                        Event::NeuronRegistered { price, serial, .. } => {
                            burned += price;
                            assert!(serials.insert(serial), "{serial} was given out twice");
                        }
                        _ => {}
                    }
                }
                Subnets::do_try_state().expect("try_state holds after every action");
                assert_eq!(Balances::total_issuance(), issued_before - burned);
            }
            let held: Balance = (0..8)
                .map(|seed| Balances::balance_on_hold(&HoldReason::SubnetLock.into(), &coldkey(seed)))
                .sum();
            let netuids = Subnets::netuids();
            let waiting = WaitingSubnets::<Test>::iter().count();
            assert_eq!(held, 1_000 * (netuids.len() + waiting) as Balance);
            for netuid in netuids {
                assert_eq!(
                    Subnets::neurons(netuid).len(),
                    usize::from(Subnets::count(netuid))
                );
            }
        });
    }
}
