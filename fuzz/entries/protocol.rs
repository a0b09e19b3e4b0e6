//! What fuzzers of the protocol call, and tests on what fuzzers have found.

use assay_protocol::{
    oip::{Encoding, InferRequest, InferResponse},
    sha256, verify_receipt, verify_request, Hotkey, Policy, RequestRecord, UnixSeconds,
    VerifiedRequest, VerifyError,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::sync::LazyLock;

/// Reads a body as query and as answer: the first two bytes say how much of the rest is JSON. What
/// can be read must come out the same after it was written and read again.
pub fn query(bytes: &[u8]) {
    let Some((length, body)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let length = match u16::from_le_bytes(*length) {
        u16::MAX => None,
        length => Some(usize::from(length)),
    };
    let _ = InferResponse::decode(body, length);
    let Ok(read) = InferRequest::decode(body, length) else {
        return;
    };
    // Raw, since JSON has no word for NaN and infinity.
    let written = read
        .encode(Encoding::Binary)
        .expect("what was read can be written");
    let again = InferRequest::decode(&written.body, written.header_length);
    let again = again.expect("what was written can be read");
    let twice = again.encode(Encoding::Binary).expect("it could before");
    assert_eq!(written, twice);
}

/// Reads a request's head out of a text, a line for each header, and a body after an empty line.
/// Nothing that was not signed verifies. Returns whether it did.
pub fn signature(bytes: &[u8]) -> bool {
    let verified = request(bytes);
    // Whoever owns the vectors' key signed one body, and no other.
    let digest = verified.as_ref().map(|verified| verified.digest);
    assert!(digest.is_err() || digest == Ok(sha256(GOOD_BODY)));
    verified.is_ok()
}

/// Reads an answer to the request of the vectors in the same way, and checks its receipt as a caller
/// does. Nothing that the miner did not sign is taken. Returns whether it was.
pub fn receipt(bytes: &[u8]) -> bool {
    static ASKED: LazyLock<RequestRecord> = LazyLock::new(|| {
        let asked = request(include_bytes!("../corpus/signature/good"));
        asked.expect("it is signed").record
    });
    let (headers, body) = message(bytes);
    let taken = verify_receipt(&ASKED, 200, &headers, body);
    let digest = taken.as_ref().map(|(_, facts)| facts.response_digest);
    assert!(digest.is_err() || digest == Ok(sha256(GOOD_ANSWER)));
    taken.is_ok()
}

fn request(bytes: &[u8]) -> Result<VerifiedRequest, VerifyError> {
    let (headers, body) = message(bytes);
    // The miner and the moment of the vectors, so that what is like them comes far.
    let miner: Hotkey = "5Ez973Q82FyaLNPfjnKEDnHF3jvshyx7qeJsvCmUCmjeR3GF"
        .parse()
        .expect("an address");
    let policy = Policy::new(miner);
    let target = "/v2/models/digits/infer";
    let now = UnixSeconds(1_750_000_001);
    verify_request(&Method::POST, target, &headers, body, &policy, now)
}

fn message(bytes: &[u8]) -> (HeaderMap, &[u8]) {
    let mut headers = HeaderMap::new();
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, behind) = (&rest[..end], &rest[end + 1..]);
        rest = behind;
        if line.is_empty() {
            return (headers, rest);
        }
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
            continue;
        };
        let name = HeaderName::from_bytes(name.trim_ascii());
        let value = HeaderValue::from_bytes(value.trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    (headers, &[])
}

/// The one body that a vector is signed for.
const GOOD_BODY: &[u8] =
    br#"{"inputs":[{"name":"X","datatype":"FP32","shape":[1,2],"data":[0.5,1.0]}]}"#;

/// The answer to it that a vector is signed for.
const GOOD_ANSWER: &[u8] =
    br#"{"model_name":"digits","model_version":"1","outputs":[{"name":"label","datatype":"INT64","shape":[1],"data":[7]}]}"#;
