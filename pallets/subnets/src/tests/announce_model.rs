use crate::{mock::*, Error, Event};
use assay_primitives::{Announced, Digest, ModelAnnouncement, NetUid, Uid};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{AccountId32, DispatchError, DispatchResult};

fn announce(who: AccountId32, netuid: NetUid, model: ModelAnnouncement) -> DispatchResult {
    Subnets::announce_model(RuntimeOrigin::signed(who), netuid, hotkey(1), model)
}

fn model(seed: u8) -> ModelAnnouncement {
    ModelAnnouncement {
        sha256: Digest([seed; 32]),
        size: 1_000,
    }
}

fn subnet() -> NetUid {
    let netuid = register_subnet();
    assert_ok!(register(netuid, 1));
    take_events();
    netuid
}

#[test]
fn announce_model_says_which_when_made_by_the_hotkey_or_its_coldkey() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = subnet();
        for (block, who, seed) in [(10, hotkey(1), 5), (15, coldkey(0), 6)] {
            run_to(block);
            assert_ok!(announce(who, netuid, model(seed)));
            let announced = Announced {
                what: model(seed),
                at: block,
            };
            assert_eq!(Subnets::models(netuid), [Some(announced)]);
            assert_eq!(
                take_events(),
                [Event::ModelAnnounced {
                    netuid,
                    uid: Uid(0),
                    hotkey: hotkey(1),
                    model: model(seed),
                }]
            );
        }
    });
}

#[test]
fn announce_model_is_counted_apart_when_an_endpoint_was_announced() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = subnet();
        assert_ok!(Subnets::announce(
            RuntimeOrigin::signed(hotkey(1)),
            netuid,
            hotkey(1),
            endpoint(80)
        ));
        assert_ok!(announce(hotkey(1), netuid, model(5)));
        assert_noop!(
            announce(hotkey(1), netuid, model(6)),
            Error::<Test>::AnnouncedTooSoon
        );
    });
}

#[test]
fn announce_model_fails_when_made_by_a_stranger() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = subnet();
        assert_noop!(
            announce(coldkey(1), netuid, model(5)),
            Error::<Test>::NotHotkeyOrColdkey
        );
        assert_noop!(
            Subnets::announce_model(RuntimeOrigin::root(), netuid, hotkey(1), model(5)),
            DispatchError::BadOrigin
        );
    });
}

#[test]
fn announce_model_fails_when_the_hotkey_or_the_subnet_is_unknown() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        assert_noop!(
            announce(hotkey(1), netuid, model(5)),
            Error::<Test>::NotRegistered
        );
        assert_noop!(
            announce(hotkey(1), NetUid(9), model(5)),
            Error::<Test>::UnknownSubnet
        );
    });
}

#[test]
fn announce_model_fails_when_the_model_is_empty() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = subnet();
        let empty = ModelAnnouncement {
            size: 0,
            ..model(5)
        };
        assert_noop!(
            announce(hotkey(1), netuid, empty),
            Error::<Test>::EmptyModel
        );
    });
}
