//! `swap_hotkey`.

use crate::{mock::*, Error, Event};
use assay_pallet_traits::{mocks::MockNeurons, HotkeyProof, Neurons};
use frame_support::{assert_noop, assert_ok};
use sp_core::{ecdsa, Pair};
use sp_runtime::{DispatchResult, MultiSignature};

fn swap(owner: u8, old: u8, new: u8, proof: HotkeyProof) -> DispatchResult {
    Keys::swap_hotkey(signed(owner), hotkey(old), hotkey(new), proof)
}

#[test]
fn swap_hotkey_moves_everything_and_burns_the_price_when_all_is_well() {
    ExtBuilder::build_and_execute(|| {
        let issued = Balances::total_issuance();
        assert_ok!(swap(0, 1, 3, proof(1, 3)));
        assert_eq!(MockNeurons::coldkey_of(&hotkey(3)), Some(coldkey(0)));
        assert_eq!(MockNeurons::coldkey_of(&hotkey(1)), None);
        assert_eq!(balance(0), ENDOWMENT - SWAP_PRICE);
        assert_eq!(Balances::total_issuance(), issued - SWAP_PRICE);
        assert_eq!(
            events(),
            [Event::HotkeySwapped {
                coldkey: coldkey(0),
                old: hotkey(1),
                new: hotkey(3),
                price: SWAP_PRICE,
            }]
        );
    });
}

#[test]
fn swap_hotkey_is_refused_when_the_caller_does_not_own_it() {
    ExtBuilder::build_and_execute(|| {
        let theirs = proof_of(3, &payload(1, 1, 10));
        assert_noop!(swap(1, 1, 3, theirs.clone()), Error::<Test>::NotOwner);
        assert_noop!(swap(1, 4, 3, theirs), Error::<Test>::UnknownHotkey);
    });
}

#[test]
fn swap_hotkey_is_refused_when_the_new_one_was_used() {
    ExtBuilder::build_and_execute(|| {
        assert_noop!(swap(0, 1, 2, proof(1, 2)), Error::<Test>::HotkeyUsed);
        assert_noop!(swap(0, 1, 1, proof(1, 1)), Error::<Test>::HotkeyUsed);
        assert_ok!(swap(0, 1, 3, proof(1, 3)));
        // Not even its owner brings a spent key back.
        assert_noop!(swap(0, 2, 1, proof(2, 1)), Error::<Test>::HotkeyUsed);
    });
}

#[test]
fn swap_hotkey_is_refused_when_it_was_swapped_just_before() {
    ExtBuilder::build_and_execute(|| {
        assert_ok!(swap(0, 1, 3, proof(1, 3)));
        run_to(SWAP_INTERVAL);
        assert_noop!(swap(0, 3, 4, proof(3, 4)), Error::<Test>::SwappedTooSoon);
        // Others are not kept waiting.
        assert_ok!(swap(0, 2, 5, proof(2, 5)));
        run_to(SWAP_INTERVAL + 1);
        assert_ok!(swap(0, 3, 4, proof(3, 4)));
    });
}

#[test]
fn swap_hotkey_is_refused_when_the_coldkey_can_not_pay() {
    ExtBuilder::build_and_execute(|| {
        let left = SWAP_PRICE + EXISTENTIAL_DEPOSIT - 1;
        let gone = ENDOWMENT - left;
        assert_ok!(Balances::transfer_keep_alive(signed(0), coldkey(1), gone));
        assert_noop!(
            swap(0, 1, 3, proof(1, 3)),
            Error::<Test>::InsufficientBalance
        );
        assert_ok!(Balances::transfer_keep_alive(signed(1), coldkey(0), 1));
        assert_ok!(swap(0, 1, 3, proof(1, 3)));
    });
}

#[test]
fn swap_hotkey_is_refused_when_the_new_one_did_not_agree_to_exactly_this() {
    ExtBuilder::build_and_execute(|| {
        let fine = payload(0, 1, 10);
        let others = [
            proof_of(4, &fine),
            proof_of(3, &payload(1, 1, 10)),
            proof_of(3, &payload(0, 2, 10)),
            HotkeyProof {
                expires_at: 11,
                ..proof_of(3, &fine)
            },
        ];
        for proof in others {
            assert_noop!(swap(0, 1, 3, proof), Error::<Test>::ProofInvalid);
        }
        let late = proof_of(3, &payload(0, 1, 2 + PROOF_LIFETIME));
        assert_noop!(swap(0, 1, 3, late), Error::<Test>::ProofTooLong);
        run_to(11);
        let stale = proof_of(3, &fine);
        assert_noop!(swap(0, 1, 3, stale), Error::<Test>::ProofExpired);
        let pair = ecdsa::Pair::from_seed(&[3; 32]);
        let unfit = HotkeyProof {
            expires_at: 20,
            signature: MultiSignature::Ecdsa(pair.sign(&payload(0, 1, 20).to_bytes())),
        };
        assert_noop!(swap(0, 1, 3, unfit), Error::<Test>::HotkeyKindUnsupported);
    });
}

#[test]
fn swap_hotkey_is_refused_when_the_coldkey_is_being_changed() {
    ExtBuilder::build_and_execute(|| {
        assert_ok!(Keys::announce_coldkey_change(signed(0), coldkey(1)));
        assert_noop!(
            swap(0, 1, 3, proof(1, 3)),
            Error::<Test>::InsufficientBalance
        );
    });
}
