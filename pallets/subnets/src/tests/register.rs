use crate::{mock::*, Error, Event, Hotkeys, RegistrationProof};
use assay_pallet_traits::{NeuronFacts, Neurons as _, Subnets as _};
use assay_primitives::{
    Balance, BlockNumber, Generation, Hyperparameter, NetUid, RegistrationProofPayload, Serial,
    Uid, MAX_NEURONS,
};
use frame_support::{
    assert_noop, assert_ok,
    dispatch::GetDispatchInfo,
    traits::fungible::{Inspect, Mutate},
};
use sp_core::{ecdsa, ed25519, Pair};
use sp_runtime::{DispatchError, MultiSignature};

/// Registers a hotkey for the second coldkey.
fn register_for_another(netuid: NetUid, hotkey_seed: u8) -> Result<(), DispatchError> {
    let proof = proof(netuid, &coldkey(1), hotkey_seed);
    let origin = RuntimeOrigin::signed(coldkey(1));
    Subnets::register(origin, netuid, hotkey(hotkey_seed), Balance::MAX, proof)
        .map(|_| ())
        .map_err(|failed| failed.error)
}

/// What hotkey 1 must sign for coldkey 0 at block 1.
fn good_payload(netuid: NetUid) -> RegistrationProofPayload {
    payload(netuid, &coldkey(0), 11)
}

#[test]
fn register_takes_the_next_place_when_one_is_free() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        assert_ok!(register(netuid, 9));
        take_events();
        take_news();
        run_to(4);
        let price = Subnets::registration_price(netuid).unwrap();
        let (issued, balance) = (
            Balances::total_issuance(),
            Balances::total_balance(&coldkey(0)),
        );

        let info = register(netuid, 1).unwrap();

        let facts = NeuronFacts {
            hotkey: hotkey(1),
            coldkey: coldkey(0),
            serial: Serial(1),
            registered_at: 4,
        };
        assert_eq!(Subnets::count(netuid), 2);
        assert_eq!(Subnets::uid_of(netuid, &hotkey(1)), Some(Uid(1)));
        assert_eq!(Subnets::neuron(netuid, Uid(1)), Some(facts.clone()));
        assert_eq!(Subnets::neurons(netuid)[1], facts);
        assert_eq!(Subnets::coldkey_of(&hotkey(1)), Some(coldkey(0)));
        assert_eq!(Balances::total_issuance(), issued - price);
        assert_eq!(Balances::total_balance(&coldkey(0)), balance - price);
        assert_eq!(System::sufficients(&hotkey(1)), 1);
        assert_eq!(take_news(), [News::NeuronAdded(netuid, Uid(1))]);
        assert_eq!(
            take_events(),
            [Event::NeuronRegistered {
                netuid,
                uid: Uid(1),
                hotkey: hotkey(1),
                coldkey: coldkey(0),
                serial: Serial(1),
                price,
            }]
        );
        let own = <() as crate::WeightInfo>::register();
        assert_eq!(info.actual_weight, Some(own + hook_weight()));
    });
}

#[test]
fn register_declares_the_largest_search_when_dispatched() {
    ExtBuilder::default().build_and_execute(|| {
        let call = crate::Call::<Test>::register {
            netuid: NetUid(0),
            hotkey: hotkey(1),
            max_price: 0,
            proof: proof(NetUid(0), &coldkey(0), 1),
        };
        let own = <() as crate::WeightInfo>::register_full(MAX_NEURONS.into());
        assert_eq!(call.get_dispatch_info().call_weight, own + hook_weight());
    });
}

#[test]
fn register_costs_little_when_it_fails() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        let proof = proof(netuid, &coldkey(0), 1);
        let origin = RuntimeOrigin::signed(coldkey(0));
        let failed = Subnets::register(origin, netuid, hotkey(1), 99, proof).unwrap_err();
        let own = <() as crate::WeightInfo>::register();
        assert_eq!(failed.post_info.actual_weight, Some(own + hook_weight()));
    });
}

#[test]
fn register_raises_the_price_when_repeated_and_it_halves_with_time() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        let other = register_subnet();
        let price = |netuid| Subnets::registration_price(netuid).unwrap();
        assert_eq!(price(netuid), 100);
        assert_ok!(register(netuid, 1));
        assert_eq!(price(netuid), 126);
        assert_ok!(register(netuid, 2));
        // 158.76, rounded up.
        assert_eq!(price(netuid), 159);
        assert_eq!(price(other), 100);
        run_to(1 + HALF_LIFE / 3);
        assert_eq!(price(netuid), 133);
        run_to(1 + HALF_LIFE);
        assert_eq!(price(netuid), 100);
        for seed in 3..40 {
            assert_ok!(register(netuid, seed));
        }
        assert_eq!(price(netuid), 10_000);
    });
}

#[test]
fn register_keeps_one_account_reference_when_in_several_subnets() {
    ExtBuilder::default().build_and_execute(|| {
        let netuids = [register_subnet(), register_subnet()];
        for netuid in netuids {
            assert_ok!(register(netuid, 1));
        }
        assert_eq!(System::sufficients(&hotkey(1)), 1);
        assert_eq!(Hotkeys::<Test>::get(hotkey(1)).unwrap().registrations, 2);
        let serials = netuids.map(|netuid| Subnets::neuron(netuid, Uid(0)).unwrap().serial);
        assert_eq!(serials, [Serial(0), Serial(1)]);
    });
}

#[test]
fn register_accepts_an_ed25519_hotkey() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        let pair = ed25519::Pair::from_seed(&[1; 32]);
        let bytes = good_payload(netuid).to_bytes();
        let proof = RegistrationProof {
            expires_at: 11,
            signature: MultiSignature::Ed25519(pair.sign(&bytes)),
        };
        let hotkey: sp_runtime::AccountId32 = pair.public().into();
        assert_ok!(Subnets::register(
            RuntimeOrigin::signed(coldkey(0)),
            netuid,
            hotkey.clone(),
            100,
            proof
        ));
        assert_eq!(Subnets::uid_of(netuid, &hotkey), Some(Uid(0)));
    });
}

#[test]
fn register_fails_when_the_subnet_is_unknown() {
    ExtBuilder::default().build_and_execute(|| {
        assert_noop!(register(NetUid(0), 1), Error::<Test>::UnknownSubnet);
        assert_eq!(Subnets::registration_price(NetUid(0)), None);
    });
}

#[test]
fn register_fails_when_registration_is_closed() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        assert_ok!(Subnets::patch_hyperparameters(
            RuntimeOrigin::signed(coldkey(7)),
            netuid,
            vec![Hyperparameter::RegistrationOpen(false)]
                .try_into()
                .unwrap(),
        ));
        assert_ok!(register(netuid, 2));
        Subnets::begin_epoch(netuid);
        assert_noop!(register(netuid, 1), Error::<Test>::RegistrationClosed);
    });
}

#[test]
fn register_fails_when_the_hotkey_is_registered_there() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        assert_ok!(register(netuid, 1));
        assert_noop!(register(netuid, 1), Error::<Test>::AlreadyRegistered);
    });
}

#[test]
fn register_fails_when_another_coldkey_owns_the_hotkey() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        let other = register_subnet();
        assert_ok!(register(netuid, 1));
        // Even if the hotkey itself agrees.
        assert_noop!(
            register_for_another(other, 1),
            Error::<Test>::HotkeyOfAnother
        );
    });
}

#[test]
fn register_fails_when_the_price_is_above_the_maximum() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        let proof = || proof(netuid, &coldkey(0), 1);
        assert_noop!(
            register_with(netuid, 1, 99, proof()),
            Error::<Test>::PriceAboveMax
        );
        assert_ok!(register_with(netuid, 1, 100, proof()));
    });
}

#[test]
fn register_fails_when_the_coldkey_cannot_pay_and_live() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        // One unit short of the price and the existential deposit.
        Balances::set_balance(&coldkey(0), 109);
        assert_noop!(register(netuid, 1), Error::<Test>::InsufficientBalance);
        Balances::set_balance(&coldkey(0), 110);
        assert_ok!(register(netuid, 1));
        assert_eq!(Balances::total_balance(&coldkey(0)), 10);
    });
}

#[test]
fn register_fails_when_another_key_signed_the_proof() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        let stolen = proof_of(&hotkey_pair(2), &good_payload(netuid));
        assert_noop!(
            register_with(netuid, 1, 100, stolen),
            Error::<Test>::ProofInvalid
        );
    });
}

#[test]
fn register_fails_when_the_proof_is_for_something_else() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        let good = good_payload(netuid);
        let others = [
            RegistrationProofPayload {
                genesis: [0; 32],
                ..good.clone()
            },
            RegistrationProofPayload {
                netuid: NetUid(1),
                ..good.clone()
            },
            RegistrationProofPayload {
                generation: Generation(1),
                ..good.clone()
            },
            RegistrationProofPayload {
                coldkey: *coldkey(1).as_ref(),
                ..good.clone()
            },
        ];
        for other in others {
            let proof = proof_of(&hotkey_pair(1), &other);
            assert_noop!(
                register_with(netuid, 1, 100, proof),
                Error::<Test>::ProofInvalid
            );
        }
        // An expiry that was not signed is no better than a signature that is not there.
        let stretched = RegistrationProof {
            expires_at: good.expires_at + 1,
            ..proof_of(&hotkey_pair(1), &good)
        };
        assert_noop!(
            register_with(netuid, 1, 100, stretched),
            Error::<Test>::ProofInvalid
        );
        assert_ok!(register_with(
            netuid,
            1,
            100,
            proof_of(&hotkey_pair(1), &good)
        ));
    });
}

#[test]
fn register_fails_when_the_proof_has_expired_or_lasts_too_long() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        let until = |expires_at: BlockNumber| {
            proof_of(&hotkey_pair(1), &payload(netuid, &coldkey(0), expires_at))
        };
        run_to(50);
        assert_noop!(
            register_with(netuid, 1, 100, until(49)),
            Error::<Test>::ProofExpired
        );
        assert_noop!(
            register_with(netuid, 1, 100, until(51 + MAX_PROOF_LIFETIME)),
            Error::<Test>::ProofTooLong
        );
        assert_ok!(register_with(netuid, 1, 100, until(50)));
    });
}

#[test]
fn register_fails_when_the_hotkey_is_of_a_kind_that_signs_no_receipts() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        let pair = ecdsa::Pair::from_seed(&[1; 32]);
        let proof = RegistrationProof {
            expires_at: 11,
            signature: MultiSignature::Ecdsa(pair.sign(&good_payload(netuid).to_bytes())),
        };
        assert_noop!(
            register_with(netuid, 1, 100, proof),
            Error::<Test>::HotkeyKindUnsupported
        );
    });
}

#[test]
fn register_fails_when_unsigned() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        let proof = proof(netuid, &coldkey(0), 1);
        let unsigned = Subnets::register(RuntimeOrigin::root(), netuid, hotkey(1), 100, proof);
        assert_eq!(
            unsigned.map_err(|failed| failed.error),
            Err(DispatchError::BadOrigin)
        );
    });
}
