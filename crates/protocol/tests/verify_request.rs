mod common;

use assay_protocol::{Policy, Reason, VerifyError};
use common::{caller, ed25519, miner, params, Message, NOW, TARGET};
use http::{HeaderMap, Method};

fn message() -> Message {
    Message::signed(&caller(), &params(miner().hotkey()))
}

fn policy() -> Policy {
    Policy::new(miner().hotkey())
}

fn refusal(message: &Message) -> VerifyError {
    message.verify(&policy(), NOW).unwrap_err()
}

#[test]
fn verify_request_names_the_caller_with_either_scheme() {
    for key in [caller(), ed25519(7)] {
        let message = Message::signed(&key, &params(miner().hotkey()));
        let verified = message.verify(&policy(), NOW).unwrap();
        assert_eq!(verified.caller, key.hotkey());
        assert_eq!(verified.created, NOW);
        assert_eq!(verified.expires, NOW.plus(60));
        assert_eq!(verified.record, message.record);
    }
}

#[test]
fn verify_request_accepts_a_query_and_binary_tensors_when_covered() {
    let mut headers = HeaderMap::new();
    headers.insert("inference-header-content-length", "13".parse().unwrap());
    let target = format!("{TARGET}?trace=1");
    let message = Message::signed_for(
        &caller(),
        &params(miner().hotkey()),
        &target,
        headers.clone(),
    );
    message.verify(&policy(), NOW).unwrap();

    let mut moved = message.clone();
    moved.edit("inference-header-content-length", "13", "12");
    assert_eq!(refusal(&moved).reason(), Reason::BadSignature);

    let mut other_query = message;
    other_query.target = format!("{TARGET}?trace=2");
    assert_eq!(refusal(&other_query).reason(), Reason::BadSignature);
}

#[test]
fn verify_request_accepts_foreign_order_and_label_when_everything_is_covered() {
    // Signed by hand: another label, another order, more fields than needed, other signatures next
    // to it, and spaces that a serialiser of structured fields would not write.
    let key = ed25519(3);
    let digest = assay_protocol::content_digest(common::BODY);
    let components = r#""assay-miner" "content-digest" "x-trace" "@path" "@method""#;
    let tail = format!(
        r#"tag="assay-request";nonce="nonce_of_16_char";alg="ed25519";keyid="{}";expires={};created={}"#,
        key.hotkey(),
        NOW.0 + 5,
        NOW.0
    );
    let base = format!(
        "\"assay-miner\": {}\n\"content-digest\": {digest}\n\"x-trace\": a, b\n\"@path\": {TARGET}\n\
         \"@method\": POST\n\"@signature-params\": ({components});{tail}",
        miner().hotkey()
    );
    let signature = base64(&key.sign(base.as_bytes()));
    let mut headers = HeaderMap::new();
    headers.insert("content-digest", digest.parse().unwrap());
    headers.insert("assay-miner", miner().hotkey().to_string().parse().unwrap());
    headers.append("x-trace", "a".parse().unwrap());
    headers.append("x-trace", " b ".parse().unwrap());
    headers.append(
        "signature-input",
        r#"proxy=("@method");tag="other""#.parse().unwrap(),
    );
    let spaced = format!("sig1=( {components} );  {}", tail.replace(';', "; "));
    headers.append("signature-input", spaced.parse().unwrap());
    headers.insert(
        "signature",
        format!("proxy=:AAAA:, sig1=:{signature}:").parse().unwrap(),
    );

    let mut message = message();
    message.headers = headers;
    assert_eq!(message.verify(&policy(), NOW).unwrap().caller, key.hotkey());
}

#[test]
fn verify_request_is_refused_as_unsigned_when_no_signature_has_the_tag() {
    let mut message = message();
    message.edit("signature-input", "assay-request", "assay-receipt");
    assert_eq!(refusal(&message), VerifyError::Unsigned("assay-request"));
    message.headers.clear();
    assert_eq!(refusal(&message), VerifyError::Unsigned("assay-request"));
}

#[test]
fn verify_request_is_refused_as_malformed_when_something_is_not_covered() {
    for (covered, name) in [
        (r#""@method" "#, "@method"),
        (r#""@path" "#, "@path"),
        (r#""content-digest" "#, "content-digest"),
        (r#" "assay-miner""#, "assay-miner"),
    ] {
        let mut message = message();
        message.edit("signature-input", covered, "");
        let error = refusal(&message);
        assert_eq!(error.reason(), Reason::Malformed);
        assert!(error.to_string().contains(name), "{error}");
    }
    // A query that the signature leaves out.
    let mut message = message();
    message.target.push_str("?timeout=0");
    assert!(refusal(&message).to_string().contains("@query"));
    // So with the header that says where the binary tensors start.
    let mut message = self::message();
    message
        .headers
        .insert("inference-header-content-length", "1".parse().unwrap());
    assert!(refusal(&message)
        .to_string()
        .contains("inference-header-content-length"));
}

#[test]
fn verify_request_is_refused_as_malformed_when_the_fields_make_no_sense() {
    let edits: [(&str, &str, &str); 16] = [
        ("signature-input", "assay=(", "assay=["),
        (
            "signature-input",
            ";nonce=\"0123456789abcdef0123456789abcdef\"",
            "",
        ),
        (
            "signature-input",
            "0123456789abcdef0123456789abcdef",
            "short",
        ),
        (
            "signature-input",
            "0123456789abcdef0123456789abcdef",
            "with spaces in it, long enough",
        ),
        ("signature-input", ";expires=1750000060", ""),
        (
            "signature-input",
            ";expires=1750000060",
            ";expires=1749999999",
        ),
        (
            "signature-input",
            ";expires=1750000060",
            ";expires=1750009999",
        ),
        ("signature-input", ";created=1750000000", ""),
        ("signature-input", ";created=1750000000", ";created=-5"),
        ("signature-input", ";created=1750000000", ";created=\"now\""),
        ("signature-input", "keyid=\"5", "keyid=\"4"),
        (
            "signature-input",
            "\"@method\" ",
            "\"@method\" \"@method\" ",
        ),
        ("signature-input", "\"@method\"", "\"@method\";req"),
        ("signature-input", "\"@method\"", "\"@target-uri\""),
        ("signature", "assay=:", "assay=:AAAA"),
        ("content-digest", "sha-256", "sha-1"),
    ];
    for (name, from, to) in edits {
        let mut message = message();
        message.edit(name, from, to);
        let error = refusal(&message);
        assert_eq!(error.reason(), Reason::Malformed, "{from} -> {to}: {error}");
    }
    let mut twice = message();
    let input = twice.headers["signature-input"]
        .to_str()
        .unwrap()
        .replace("assay=", "again=");
    twice
        .headers
        .append("signature-input", input.parse().unwrap());
    assert!(refusal(&twice).to_string().contains("more than one"));
}

#[test]
fn verify_request_is_refused_when_the_algorithm_is_unknown_or_missing() {
    let mut message = message();
    message.edit(
        "signature-input",
        "alg=\"sr25519\"",
        "alg=\"rsa-pss-sha512\"",
    );
    assert_eq!(
        refusal(&message),
        VerifyError::UnknownAlgorithm("rsa-pss-sha512".into())
    );
    let mut message = self::message();
    message.edit("signature-input", ";alg=\"sr25519\"", "");
    assert_eq!(refusal(&message).reason(), Reason::Malformed);
}

#[test]
fn verify_request_is_refused_when_the_body_is_another() {
    let mut message = message();
    message.body.push(b' ');
    assert_eq!(refusal(&message), VerifyError::BadDigest);
}

#[test]
fn verify_request_is_refused_when_anything_signed_was_changed() {
    let bad = VerifyError::BadSignature(caller().hotkey());
    let mut path = message();
    path.target = path.target.replace("digits", "letters");
    assert_eq!(refusal(&path), bad);
    let mut method = message();
    method.method = Method::PUT;
    assert_eq!(refusal(&method), bad);
    let mut nonce = message();
    nonce.edit("signature-input", "0123456789abcdef", "1123456789abcdef");
    assert_eq!(refusal(&nonce), bad);
    let mut scheme = message();
    scheme.edit("signature-input", "sr25519", "ed25519");
    assert_eq!(refusal(&scheme), bad);
}

#[test]
fn verify_request_is_refused_when_the_key_can_sign_without_a_secret() {
    // The neutral element of Ristretto: R = sB verifies over any message.
    let zero = assay_protocol::Hotkey([0; 32]);
    for scheme in [
        assay_protocol::Scheme::Sr25519,
        assay_protocol::Scheme::Ed25519,
    ] {
        let mut signature = [0; 64];
        signature[63] = 128;
        assert!(!scheme.verify(&zero, b"anything", &signature));
    }
}

#[test]
fn verify_request_is_refused_as_stale_when_it_has_expired() {
    let message = message();
    assert!(message.verify(&policy(), NOW.plus(60)).is_ok());
    let error = message.verify(&policy(), NOW.plus(61)).unwrap_err();
    assert_eq!(
        error,
        VerifyError::Stale {
            expires: NOW.plus(60),
            now: NOW.plus(61)
        }
    );
}

#[test]
fn verify_request_is_refused_when_it_is_from_the_future() {
    let mut ahead = params(miner().hotkey());
    ahead.created = NOW.plus(30);
    assert!(Message::signed(&caller(), &ahead)
        .verify(&policy(), NOW)
        .is_ok());
    ahead.created = NOW.plus(31);
    let error = Message::signed(&caller(), &ahead)
        .verify(&policy(), NOW)
        .unwrap_err();
    assert_eq!(
        error,
        VerifyError::FromTheFuture {
            created: NOW.plus(31),
            now: NOW
        }
    );
}

#[test]
fn verify_request_is_refused_as_misdirected_when_meant_for_another() {
    let message = Message::signed(&caller(), &params(ed25519(9).hotkey()));
    let expected = VerifyError::Misdirected {
        named: ed25519(9).hotkey(),
        expected: miner().hotkey(),
    };
    assert_eq!(refusal(&message), expected);
}

fn base64(bytes: &[u8]) -> String {
    let bytes = sfv::BareItem::ByteSequence(bytes.to_vec());
    sfv::ItemSerializer::new()
        .bare_item(&bytes)
        .finish()
        .trim_matches(':')
        .to_owned()
}
