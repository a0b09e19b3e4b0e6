//! What fuzzers of the protocol call, and tests on what fuzzers have found.

use assay_protocol::{
    oip::{Encoding, InferRequest, InferResponse},
    verify_request, Hotkey, Policy, UnixSeconds,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

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
    let mut headers = HeaderMap::new();
    let mut lines = bytes.split(|byte| *byte == b'\n');
    for line in lines.by_ref().take_while(|line| !line.is_empty()) {
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
    let body = lines.next().unwrap_or_default();
    // The miner and the moment of the vectors, so that what is like them comes far.
    let miner: Hotkey = "5Ez973Q82FyaLNPfjnKEDnHF3jvshyx7qeJsvCmUCmjeR3GF"
        .parse()
        .expect("an address");
    let policy = Policy::new(miner);
    let target = "/v2/models/digits/infer";
    let now = UnixSeconds(1_750_000_001);
    let verified = verify_request(&Method::POST, target, &headers, body, &policy, now);
    // Whoever owns the vectors' key signed one body, and no other.
    let digest = verified.as_ref().map(|verified| verified.digest);
    assert!(digest.is_err() || digest == Ok(assay_protocol::sha256(GOOD_BODY)));
    verified.is_ok()
}

/// The one body that a vector is signed for.
const GOOD_BODY: &[u8] =
    br#"{"inputs":[{"name":"X","datatype":"FP32","shape":[1,2],"data":[0.5,1.0]}]}"#;
