mod common;

use assay_protocol::{sign_receipt, verify_receipt, Keypair, Reason, Receipt, VerifyError};
use common::{caller, ed25519, miner, params, Message, BODY, NOW};
use http::HeaderMap;

const ANSWER: &[u8] = br#"{"outputs":[]}"#;

fn answered(asker: &Keypair, answerer: &Keypair) -> (Message, HeaderMap) {
    let message = Message::signed(asker, &params(answerer.hotkey()));
    let mut headers = HeaderMap::new();
    sign_receipt(
        answerer,
        &message.record,
        200,
        &mut headers,
        ANSWER,
        NOW.plus(1),
    )
    .unwrap();
    (message, headers)
}

#[test]
fn verify_receipt_tells_who_asked_and_who_answered_with_either_scheme() {
    for (asker, answerer) in [
        (caller(), miner()),
        (ed25519(1), ed25519(2)),
        (caller(), ed25519(2)),
    ] {
        let (message, headers) = answered(&asker, &answerer);
        let (receipt, facts) = verify_receipt(&message.record, 200, &headers, ANSWER).unwrap();
        assert_eq!(facts.caller, asker.hotkey());
        assert_eq!(facts.miner, answerer.hotkey());
        assert_eq!(facts.answered_at, NOW.plus(1));
        assert_eq!(facts.response_digest, assay_protocol::sha256(ANSWER));

        // Kept as JSON, it can be checked by anybody, ever after.
        let kept = serde_json::to_string(&receipt).unwrap();
        let read: Receipt = serde_json::from_str(&kept).unwrap();
        assert_eq!(read.verify_bodies(BODY, ANSWER).unwrap(), facts);
        assert_eq!(
            read.verify_bodies(BODY, b"other"),
            Err(VerifyError::BadDigest)
        );
        assert_eq!(
            read.verify_bodies(b"other", ANSWER),
            Err(VerifyError::BadDigest)
        );
    }
}

#[test]
fn verify_receipt_is_refused_when_the_body_or_status_was_changed() {
    let (message, headers) = answered(&caller(), &miner());
    let other_body = verify_receipt(&message.record, 200, &headers, b"{}").unwrap_err();
    assert_eq!(other_body, VerifyError::BadDigest);
    let other_status = verify_receipt(&message.record, 503, &headers, ANSWER).unwrap_err();
    assert_eq!(other_status, VerifyError::BadSignature(miner().hotkey()));
}

#[test]
fn verify_receipt_is_refused_when_it_belongs_to_another_request() {
    let (_, headers) = answered(&caller(), &miner());
    let mut other = params(miner().hotkey());
    other.nonce = assay_protocol::Nonce::random();
    let asked = Message::signed(&caller(), &other);
    let error = verify_receipt(&asked.record, 200, &headers, ANSWER).unwrap_err();
    assert_eq!(error, VerifyError::BadSignature(miner().hotkey()));
}

#[test]
fn verify_receipt_is_refused_when_another_miner_signed_it() {
    let message = Message::signed(&caller(), &params(miner().hotkey()));
    let mut headers = HeaderMap::new();
    sign_receipt(&ed25519(5), &message.record, 200, &mut headers, ANSWER, NOW).unwrap();
    let error = verify_receipt(&message.record, 200, &headers, ANSWER).unwrap_err();
    let named = ed25519(5).hotkey();
    assert_eq!(
        error,
        VerifyError::Misdirected {
            named,
            expected: miner().hotkey()
        }
    );
}

#[test]
fn verify_receipt_is_refused_when_it_is_missing_or_leaves_something_out() {
    let (message, headers) = answered(&caller(), &miner());
    let missing = verify_receipt(&message.record, 200, &HeaderMap::new(), ANSWER).unwrap_err();
    assert_eq!(missing, VerifyError::Unsigned("assay-receipt"));
    for (covered, name) in [
        (r#""@status" "#, "@status"),
        (r#" "signature";req;key="assay""#, "signature"),
        (r#""content-digest";req "#, "content-digest"),
    ] {
        let mut partial = headers.clone();
        let input = partial["signature-input"].to_str().unwrap();
        assert!(input.contains(covered), "{input}");
        let input = input.replace(covered, "").parse().unwrap();
        partial.insert("signature-input", input);
        let error = verify_receipt(&message.record, 200, &partial, ANSWER).unwrap_err();
        assert_eq!(error.reason(), Reason::Malformed, "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let mut moved = headers;
    moved.insert("inference-header-content-length", "2".parse().unwrap());
    let error = verify_receipt(&message.record, 200, &moved, ANSWER).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("inference-header-content-length"),
        "{error}"
    );
}

#[test]
fn verify_is_refused_when_the_kept_request_was_changed() {
    let (message, headers) = answered(&caller(), &miner());
    let (receipt, _) = verify_receipt(&message.record, 200, &headers, ANSWER).unwrap();
    let mut path = receipt.clone();
    path.request.path = "/v2/models/easier/infer".into();
    assert_eq!(
        path.verify(),
        Err(VerifyError::BadSignature(caller().hotkey()))
    );
    let mut unsigned = receipt;
    unsigned.request.fields.clear();
    assert_eq!(
        unsigned.verify(),
        Err(VerifyError::Unsigned("assay-request"))
    );
}

#[test]
fn sign_receipt_is_refused_when_the_request_is_unsigned() {
    let mut message = Message::signed(&caller(), &params(miner().hotkey()));
    message.record.fields.clear();
    let signed = sign_receipt(
        &miner(),
        &message.record,
        200,
        &mut HeaderMap::new(),
        ANSWER,
        NOW,
    );
    assert!(matches!(
        signed,
        Err(assay_protocol::SignError::UnsignedRequest(_))
    ));
}
