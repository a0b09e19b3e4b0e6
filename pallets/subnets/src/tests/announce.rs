use crate::{mock::*, Error, Event};
use assay_primitives::{Announced, Digest, Endpoint, EndpointProtocol, NetUid, Uid};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{AccountId32, DispatchError, DispatchResult};

fn announce(who: AccountId32, netuid: NetUid, endpoint: Endpoint) -> DispatchResult {
    Subnets::announce(RuntimeOrigin::signed(who), netuid, hotkey(1), endpoint)
}

/// A subnet in which hotkey 1 is the second neuron.
fn subnet() -> NetUid {
    let netuid = register_subnet();
    assert_ok!(register(netuid, 2));
    assert_ok!(register(netuid, 1));
    take_events();
    netuid
}

#[test]
fn announce_says_where_when_made_by_the_hotkey_or_its_coldkey() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = subnet();
        for (block, who, port) in [(10, hotkey(1), 80), (15, coldkey(0), 81)] {
            run_to(block);
            assert_ok!(announce(who, netuid, endpoint(port)));
            let announced = Announced {
                what: endpoint(port),
                at: block,
            };
            assert_eq!(Subnets::endpoints(netuid), [None, Some(announced)]);
            assert_eq!(
                take_events(),
                [Event::EndpointAnnounced {
                    netuid,
                    uid: Uid(1),
                    hotkey: hotkey(1),
                    endpoint: endpoint(port),
                }]
            );
        }
    });
}

#[test]
fn announce_fails_when_too_soon_after_the_last() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = subnet();
        run_to(10);
        assert_ok!(announce(hotkey(1), netuid, endpoint(80)));
        run_to(14);
        for who in [hotkey(1), coldkey(0)] {
            assert_noop!(
                announce(who, netuid, endpoint(81)),
                Error::<Test>::AnnouncedTooSoon
            );
        }
        run_to(15);
        assert_ok!(announce(hotkey(1), netuid, endpoint(81)));
    });
}

#[test]
fn announce_fails_when_made_by_a_stranger() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = subnet();
        for stranger in [coldkey(1), coldkey(7), hotkey(2)] {
            assert_noop!(
                announce(stranger, netuid, endpoint(80)),
                Error::<Test>::NotHotkeyOrColdkey
            );
        }
        assert_noop!(
            Subnets::announce(RuntimeOrigin::root(), netuid, hotkey(1), endpoint(80)),
            DispatchError::BadOrigin
        );
    });
}

#[test]
fn announce_fails_when_the_hotkey_is_not_registered() {
    ExtBuilder::default().build_and_execute(|| {
        subnet();
        let other = register_subnet();
        assert_noop!(
            announce(hotkey(1), other, endpoint(80)),
            Error::<Test>::NotRegistered
        );
    });
}

#[test]
fn announce_fails_when_the_subnet_is_unknown() {
    ExtBuilder::default().build_and_execute(|| {
        subnet();
        assert_noop!(
            announce(hotkey(1), NetUid(9), endpoint(80)),
            Error::<Test>::UnknownSubnet
        );
    });
}

#[test]
fn announce_fails_when_the_endpoint_cannot_be_reached() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = subnet();
        let spaced = Endpoint {
            host: b"http://miner example".to_vec().try_into().unwrap(),
            ..endpoint(80)
        };
        let bare_tls = Endpoint {
            protocol: EndpointProtocol::Https,
            ..endpoint(80)
        };
        let needless = Endpoint {
            certificate: Some(Digest([1; 32])),
            ..endpoint(80)
        };
        for (broken, expected) in [
            (spaced, Error::EndpointBadHost),
            (endpoint(0), Error::EndpointBadPort),
            (bare_tls, Error::EndpointBadCertificate),
            (needless, Error::EndpointBadCertificate),
        ] {
            assert_noop!(announce(hotkey(1), netuid, broken), error(expected));
        }
    });
}
