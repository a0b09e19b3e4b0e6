mod common;

use assay_protocol::{
    Keypair, Nonce, Policy, Reason, ReplayGuard, UnixSeconds, VerifiedRequest, VerifyError,
};
use common::{ed25519, miner, params, Message, NOW};

fn request(key: &Keypair, created: UnixSeconds) -> VerifiedRequest {
    let mut params = params(miner().hotkey());
    params.created = created;
    params.nonce = Nonce::random();
    Message::signed(key, &params)
        .verify(&Policy::new(miner().hotkey()), created)
        .unwrap()
}

#[test]
fn record_is_refused_as_replayed_until_the_request_expires() {
    let guard = ReplayGuard::new(10, 10);
    let first = request(&ed25519(1), NOW);
    assert_eq!(guard.record(&first, NOW), Ok(()));
    assert_eq!(
        guard.record(&first, NOW),
        Err(VerifyError::Replayed(first.caller))
    );
    assert_eq!(
        guard.record(&first, first.expires),
        Err(VerifyError::Replayed(first.caller))
    );
    // The same nonce is another caller's own affair.
    let mut other = request(&ed25519(2), NOW);
    other.nonce = first.nonce.clone();
    assert_eq!(guard.record(&other, NOW), Ok(()));
}

#[test]
fn record_is_refused_as_stale_when_the_request_expired_meanwhile() {
    let guard = ReplayGuard::new(10, 10);
    let first = request(&ed25519(1), NOW);
    guard.record(&first, NOW).unwrap();
    let expires = first.expires;
    // Somebody else's request has the first one forgotten, but not before a while.
    for (after, remembered) in [(1, 2), (100, 1)] {
        let now = expires.plus(after);
        guard.record(&request(&ed25519(2), now), now).unwrap();
        assert_eq!(guard.len(), remembered);
        let stale = Err(VerifyError::Stale { expires, now });
        assert_eq!(guard.record(&first, now), stale);
    }
}

#[test]
fn record_is_refused_when_full_and_has_room_again_when_requests_expire() {
    let guard = ReplayGuard::new(2, 2);
    guard.record(&request(&ed25519(1), NOW), NOW).unwrap();
    guard.record(&request(&ed25519(2), NOW), NOW).unwrap();
    let late = request(&ed25519(3), NOW.plus(30));
    assert_eq!(
        guard.record(&late, NOW.plus(30)),
        Err(VerifyError::ReplayGuardFull)
    );
    assert_eq!(VerifyError::ReplayGuardFull.reason(), Reason::Overloaded);
    assert_eq!(guard.record(&late, NOW.plus(80)), Ok(()));
    assert_eq!(guard.len(), 1);
}

#[test]
fn record_is_refused_when_one_caller_used_up_its_share() {
    let guard = ReplayGuard::new(10, 1);
    guard.record(&request(&ed25519(1), NOW), NOW).unwrap();
    let again = request(&ed25519(1), NOW);
    let full = Err(VerifyError::CallerQuotaFull(again.caller));
    assert_eq!(guard.record(&again, NOW), full);
    assert_eq!(guard.look(&again.caller, NOW), full);
    assert_eq!(guard.look(&again.caller, NOW.plus(80)), Ok(()));
    guard.record(&request(&ed25519(2), NOW), NOW).unwrap();
}
