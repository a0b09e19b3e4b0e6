//! The examples of `docs/protocol.md`: each file of `tests/vectors` is what is signed, the base to
//! the byte, and a signature. ed25519 signatures come out the same each time and are compared;
//! sr25519 signatures don't, so theirs are verified.
//!
//! `ASSAY_WRITE_VECTORS=1 cargo test -p assay-protocol --test vectors` writes the files anew, which
//! is right only when the protocol itself changes.

use assay_protocol::{
    sign_receipt, sign_request, verify_receipt, verify_request, Hotkey, Keypair, Nonce, Policy,
    Receipt, RequestParams, Scheme, UnixSeconds,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, path::PathBuf};

const CREATED: u64 = 1_750_000_000;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    scheme: Scheme,
    /// A `0x…` seed: public test data.
    seed: String,
    address: Hotkey,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Vector {
    about: String,
    caller: Key,
    miner: Key,
    method: String,
    target: String,
    /// Hexadecimal.
    request_body: String,
    request_headers: BTreeMap<String, String>,
    request_base: String,
    status: u16,
    /// Hexadecimal.
    response_body: String,
    response_headers: BTreeMap<String, String>,
    response_base: String,
    receipt: Receipt,
}

struct Case {
    file: &'static str,
    about: &'static str,
    caller: (Scheme, u8),
    miner: (Scheme, u8),
    target: &'static str,
    request: (&'static [u8], Option<usize>),
    response: (&'static [u8], Option<usize>),
    status: u16,
}

const CASES: [Case; 3] = [
    Case {
        file: "infer-json-ed25519",
        about: "A query and its answer, tensors in JSON, both keys ed25519.",
        caller: (Scheme::Ed25519, 1),
        miner: (Scheme::Ed25519, 2),
        target: "/v2/models/digits/infer",
        request: (
            br#"{"inputs":[{"name":"X","datatype":"FP32","shape":[1,2],"data":[0.5,1.0]}]}"#,
            None,
        ),
        response: (
            br#"{"model_name":"digits","model_version":"1","outputs":[{"name":"label","datatype":"INT64","shape":[1],"data":[7]}]}"#,
            None,
        ),
        status: 200,
    },
    Case {
        file: "infer-binary-sr25519",
        about: "A query with a query string and raw tensors both ways, both keys sr25519.",
        caller: (Scheme::Sr25519, 3),
        miner: (Scheme::Sr25519, 4),
        target: "/v2/models/digits/versions/1/infer?trace=a%20b",
        request: (
            b"{\"inputs\":[{\"name\":\"X\",\"datatype\":\"FP32\",\"shape\":[1,2],\"parameters\":{\"binary_data_size\":8}}],\"parameters\":{\"binary_data_output\":true}}\x00\x00\x00\x3f\x00\x00\x80\x3f",
            Some(134),
        ),
        response: (
            b"{\"model_name\":\"digits\",\"model_version\":\"1\",\"outputs\":[{\"name\":\"label\",\"datatype\":\"INT64\",\"shape\":[1],\"parameters\":{\"binary_data_size\":8}}]}\x07\x00\x00\x00\x00\x00\x00\x00",
            Some(139),
        ),
        status: 200,
    },
    Case {
        file: "handshake-mixed",
        about: "A handshake; the caller's key is sr25519, the miner's ed25519.",
        caller: (Scheme::Sr25519, 3),
        miner: (Scheme::Ed25519, 2),
        target: "/assay/v1/handshake",
        request: (br#"{"protocol":"assay/1"}"#, None),
        response: (
            br#"{"protocol":"assay/1","hotkey":"5Ez973Q82FyaLNPfjnKEDnHF3jvshyx7qeJsvCmUCmjeR3GF","software":"assay-miner/0.1.0","models":[]}"#,
            None,
        ),
        status: 200,
    },
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn key((scheme, byte): (Scheme, u8)) -> (Keypair, Key) {
    let seed = format!("0x{}", hex::encode([byte; 32]));
    let pair = Keypair::from_suri(&seed, scheme).unwrap();
    let address = pair.hotkey();
    (
        pair,
        Key {
            scheme,
            seed,
            address,
        },
    )
}

fn headers(length: Option<usize>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(length) = length {
        headers.insert(assay_protocol::oip::HEADER_LENGTH, length.into());
    }
    headers
}

fn texts(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.to_string(), value.to_str().unwrap().to_owned())
    };
    headers.iter().map(text).collect()
}

fn map(texts: &BTreeMap<String, String>) -> HeaderMap {
    let header = |(name, value): (&String, &String)| {
        (
            name.parse::<HeaderName>().unwrap(),
            value.parse::<HeaderValue>().unwrap(),
        )
    };
    texts.iter().map(header).collect()
}

/// The base, put together here by hand from what is sent, as a foreign implementation would.
fn base(
    message: &BTreeMap<String, String>,
    request: &BTreeMap<String, String>,
    derived: &BTreeMap<&str, String>,
) -> String {
    let input = message["signature-input"].strip_prefix("assay=").unwrap();
    let list = &input[1..input.find(')').unwrap()];
    let mut base = String::new();
    for component in list.split(' ') {
        let name = component.split('"').nth(1).unwrap();
        let value = match component {
            _ if name.starts_with('@') => derived[name].clone(),
            _ if component.contains(";key=") => {
                request[name].strip_prefix("assay=").unwrap().to_owned()
            }
            _ if component.contains(";req") => request[name].clone(),
            _ => message[name].clone(),
        };
        base.push_str(&format!("{component}: {value}\n"));
    }
    base + "\"@signature-params\": " + input
}

fn make(case: &Case) -> Vector {
    let (caller_pair, caller) = key(case.caller);
    let (miner_pair, miner) = key(case.miner);
    let params = RequestParams {
        miner: miner.address,
        created: UnixSeconds(CREATED),
        lifetime: 60,
        nonce: Nonce::new("000102030405060708090a0b0c0d0e0f").unwrap(),
    };
    let (request_body, length) = case.request;
    let mut asked = headers(length);
    let record = sign_request(
        &caller_pair,
        &Method::POST,
        case.target,
        &mut asked,
        request_body,
        &params,
    )
    .unwrap();
    let (response_body, length) = case.response;
    let mut answered = headers(length);
    let now = UnixSeconds(CREATED + 1);
    let response = sign_receipt(
        &miner_pair,
        &record,
        case.status,
        &mut answered,
        response_body,
        now,
    )
    .unwrap();

    let (path, query) = case.target.split_once('?').unwrap_or((case.target, ""));
    let derived = BTreeMap::from([
        ("@method", "POST".to_owned()),
        ("@path", path.to_owned()),
        ("@query", format!("?{query}")),
        ("@status", case.status.to_string()),
    ]);
    let (request_headers, response_headers) = (texts(&asked), texts(&answered));
    Vector {
        about: case.about.into(),
        caller,
        miner,
        method: "POST".into(),
        target: case.target.into(),
        request_body: hex::encode(request_body),
        request_base: base(&request_headers, &request_headers, &derived),
        status: case.status,
        response_body: hex::encode(response_body),
        response_base: base(&response_headers, &request_headers, &derived),
        request_headers,
        response_headers,
        receipt: Receipt {
            request: record,
            response,
        },
    }
}

fn read(case: &Case) -> Vector {
    let path = folder().join(case.file).with_extension("json");
    if std::env::var_os("ASSAY_WRITE_VECTORS").is_some() {
        fs::write(
            &path,
            serde_json::to_string_pretty(&make(case)).unwrap() + "\n",
        )
        .unwrap();
    }
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// A signature out of `Signature`.
fn signature(headers: &BTreeMap<String, String>) -> assay_protocol::Signature {
    let members: sfv::Dictionary = sfv::Parser::new(&headers["signature"]).parse().unwrap();
    match members.get("assay") {
        Some(sfv::ListEntry::Item(item)) => match &item.bare_item {
            sfv::BareItem::ByteSequence(bytes) => bytes.as_slice().try_into().unwrap(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn vectors_state_the_bytes_that_are_signed() {
    for case in &CASES {
        let vector = read(case);
        let (asked, answered) = (
            signature(&vector.request_headers),
            signature(&vector.response_headers),
        );
        let bases = [&vector.request_base, &vector.response_base];
        for ((key, base), signature) in [&vector.caller, &vector.miner]
            .into_iter()
            .zip(bases)
            .zip([asked, answered])
        {
            assert!(
                key.scheme.verify(&key.address, base.as_bytes(), &signature),
                "{}",
                case.file
            );
        }
    }
}

#[test]
fn vectors_verify_as_messages_and_as_receipts() {
    for case in &CASES {
        let vector = read(case);
        let (request, response) = (map(&vector.request_headers), map(&vector.response_headers));
        let request_body = hex::decode(&vector.request_body).unwrap();
        let response_body = hex::decode(&vector.response_body).unwrap();
        let policy = Policy::new(vector.miner.address);
        let now = UnixSeconds(CREATED + 1);
        let verified = verify_request(
            &Method::POST,
            &vector.target,
            &request,
            &request_body,
            &policy,
            now,
        )
        .unwrap();
        assert_eq!(verified.caller, vector.caller.address, "{}", case.file);
        let (receipt, facts) =
            verify_receipt(&verified.record, vector.status, &response, &response_body).unwrap();
        assert_eq!(receipt, vector.receipt, "{}", case.file);
        assert_eq!(facts.miner, vector.miner.address);
        vector
            .receipt
            .verify_bodies(&request_body, &response_body)
            .unwrap();
    }
}

#[test]
fn signing_again_gives_the_vectors() {
    for case in &CASES {
        let (again, mut vector) = (make(case), read(case));
        // What depends on sr25519's randomness is taken over; everything else must be the same.
        let sr25519 = |scheme| scheme == Scheme::Sr25519;
        if sr25519(vector.caller.scheme) || sr25519(vector.miner.scheme) {
            vector.request_headers.clone_from(&again.request_headers);
            vector.response_headers.clone_from(&again.response_headers);
            vector.response_base.clone_from(&again.response_base);
            vector.receipt = again.receipt.clone();
            assert_eq!(vector, again, "{}", case.file);
        } else {
            assert_eq!(vector, again, "{}", case.file);
        }
    }
}

#[test]
fn documentation_quotes_the_vectors() {
    let docs = folder().join("../../../../docs/protocol.md");
    let docs = fs::read_to_string(docs).unwrap();
    for case in &CASES {
        let vector = read(case);
        for base in [&vector.request_base, &vector.response_base] {
            assert!(
                docs.contains(base.as_str()),
                "{}: not in docs/protocol.md:\n{base}",
                case.file
            );
        }
    }
}
