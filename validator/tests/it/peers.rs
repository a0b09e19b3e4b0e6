//! The HTTP transport against a real server that signs as a miner does.

use assay_primitives::{Digest, Endpoint, EndpointProtocol, Serial, Uid};
use assay_protocol::{
    handshake::{ServedModel, Welcome, PATH, PROTOCOL},
    keys::{Keypair, Scheme},
    oip::{InferRequest, InferResponse, Tensor, TensorData, HEADER_LENGTH},
    sign_receipt, verify_request, Policy, Receipt, UnixSeconds,
};
use assay_validator::{
    chain::Miner,
    peers::{Failure, HttpPeers, Peers, Question},
    ports::SystemClock,
};
use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
    Router,
};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::net::TcpListener;

/// What is wrong with the server.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    /// It signs with another key than the one on chain.
    ForeignKey,
    /// It does not sign at all.
    Unsigned,
    /// The body is changed after it was signed.
    Altered,
    /// It refuses.
    Refuses,
    /// It is slower than any deadline.
    Slow,
    /// It serves another model than announced.
    OtherModel,
    /// It answers with something else than the protocol's JSON.
    Garbage,
}

struct Server {
    key: Keypair,
    flaw: Flaw,
}

fn key(uri: &str) -> Keypair {
    Keypair::from_suri(uri, Scheme::Sr25519).unwrap()
}

fn now() -> UnixSeconds {
    UnixSeconds(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs(),
    )
}

async fn serve(flaw: Flaw) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let server = Arc::new(Server {
        key: key("//Bob"),
        flaw,
    });
    let router = Router::new().fallback(answer).with_state(server);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (
        address,
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }),
    )
}

async fn answer(
    State(server): State<Arc<Server>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let policy = Policy::new(server.key.hotkey());
    let request = verify_request(&method, uri.path(), &headers, &body, &policy, now()).unwrap();
    let handshake = uri.path() == PATH;
    let flaw = if handshake && server.flaw != Flaw::ForeignKey && server.flaw != Flaw::OtherModel {
        Flaw::None
    } else {
        server.flaw
    };
    let mut answered = HeaderMap::new();
    let mut bytes = if handshake {
        serde_json::to_vec(&welcome(&server, flaw)).unwrap()
    } else {
        assert_eq!(uri.path(), "/v2/models/digits-model/infer");
        labels(&headers, &body, &mut answered)
    };
    match flaw {
        Flaw::Refuses => {
            let refusal = r#"{"error":"no room","reason":"overloaded"}"#;
            return (StatusCode::SERVICE_UNAVAILABLE, refusal).into_response();
        }
        Flaw::Slow => std::future::pending().await,
        Flaw::Garbage => bytes = b"<html>".to_vec(),
        _ => {}
    }
    let signer = if flaw == Flaw::ForeignKey {
        key("//Eve")
    } else {
        server.key.clone()
    };
    if flaw != Flaw::Unsigned {
        sign_receipt(&signer, &request.record, 200, &mut answered, &bytes, now()).unwrap();
    }
    if flaw == Flaw::Altered {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
    }
    (StatusCode::OK, answered, bytes).into_response()
}

fn welcome(server: &Server, flaw: Flaw) -> Welcome {
    let sha256 = if flaw == Flaw::OtherModel {
        Digest([8; 32])
    } else {
        Digest([7; 32])
    };
    Welcome {
        protocol: PROTOCOL.into(),
        hotkey: server.key.hotkey(),
        software: "test".into(),
        models: vec![ServedModel {
            name: "digits-model".into(),
            version: "1".into(),
            sha256,
            size: 1,
        }],
    }
}

/// Answers each row with its own first value.
fn labels(headers: &HeaderMap, body: &[u8], answered: &mut HeaderMap) -> Vec<u8> {
    let length = assay_protocol::oip::header_length(headers).unwrap();
    let request = InferRequest::decode(body, length).unwrap();
    let TensorData::Fp32(values) = request.inputs[0].data() else {
        panic!("FP32 is due")
    };
    let labels: Vec<i64> = values.chunks(64).map(|row| row[0] as i64).collect();
    let label = Tensor::new("label", vec![labels.len()], TensorData::Int64(labels)).unwrap();
    let response = InferResponse {
        model_name: "digits-model".into(),
        outputs: vec![label],
        ..InferResponse::default()
    };
    let encoded = response.encode(&request).unwrap();
    if let Some(length) = encoded.header_length {
        answered.insert(HEADER_LENGTH, length.into());
    }
    encoded.body
}

fn miner(address: SocketAddr) -> Miner {
    Miner {
        uid: Uid(0),
        serial: Serial(1),
        hotkey: key("//Bob").hotkey().0,
        endpoint: Endpoint {
            host: address.ip().to_string().into_bytes().try_into().unwrap(),
            port: address.port(),
            protocol: EndpointProtocol::Http,
            certificate: None,
        },
        artifact: Digest([7; 32]),
    }
}

fn peers(probes: Vec<String>) -> HttpPeers {
    HttpPeers::new(key("//Alice"), Arc::new(SystemClock), probes).unwrap()
}

fn question(model: &str) -> Question {
    let mut values = vec![0.0; 128];
    (values[0], values[64]) = (3.0, 5.0);
    Question {
        model: model.into(),
        inputs: vec![Tensor::new("X", vec![2, 64], TensorData::Fp32(values)).unwrap()],
        outputs: vec!["label".into()],
        deadline: Duration::from_millis(500),
    }
}

async fn asked(flaw: Flaw) -> Failure {
    let (address, server) = serve(flaw).await;
    let failure = peers(Vec::new())
        .ask(&miner(address), &question("digits-model"))
        .await;
    server.abort();
    failure.unwrap_err()
}

#[tokio::test]
async fn ask_returns_the_answer_with_a_receipt_that_a_third_party_can_check() {
    let (address, server) = serve(Flaw::None).await;
    let (peers, miner) = (peers(Vec::new()), miner(address));
    let model = peers.handshake(&miner, "digits").await.unwrap();
    let answer = peers.ask(&miner, &question(&model)).await.unwrap();
    assert_eq!(answer.outputs[0].data(), &TensorData::Int64(vec![3, 5]));
    let receipt: Receipt = serde_json::from_str(&answer.proof.receipt).unwrap();
    let facts = receipt.verify().unwrap();
    assert_eq!(facts.miner.0, miner.hotkey);
    assert_eq!(facts.caller, key("//Alice").hotkey());
    assert_eq!(facts.response_digest, answer.proof.response_digest.0);
    server.abort();
}

#[tokio::test]
async fn ask_fails_without_a_receipt_when_the_answer_is_not_the_miner_s() {
    for flaw in [Flaw::ForeignKey, Flaw::Unsigned, Flaw::Altered] {
        let failure = asked(flaw).await;
        assert!(
            matches!(failure, Failure::NoReceipt(_)),
            "{flaw:?}: {failure}"
        );
    }
}

#[tokio::test]
async fn ask_fails_as_refused_when_the_miner_says_no() {
    let failure = asked(Flaw::Refuses).await;
    assert_eq!(
        failure,
        Failure::Refused {
            status: 503,
            reason: "no room".into()
        }
    );
}

#[tokio::test]
async fn ask_fails_as_late_when_the_deadline_passes() {
    assert_eq!(
        asked(Flaw::Slow).await,
        Failure::Late(Duration::from_millis(500))
    );
}

#[tokio::test]
async fn ask_fails_as_malformed_when_the_signed_answer_is_no_answer() {
    let failure = asked(Flaw::Garbage).await;
    assert!(matches!(failure, Failure::Malformed(_)), "{failure}");
}

#[tokio::test]
async fn handshake_fails_when_the_address_is_not_the_miner_s() {
    let (address, server) = serve(Flaw::ForeignKey).await;
    let failure = peers(Vec::new())
        .handshake(&miner(address), "digits")
        .await
        .unwrap_err();
    assert!(matches!(failure, Failure::NoReceipt(_)), "{failure}");
    server.abort();
}

#[tokio::test]
async fn handshake_fails_when_the_announced_model_is_not_served() {
    let (address, server) = serve(Flaw::OtherModel).await;
    let failure = peers(Vec::new())
        .handshake(&miner(address), "digits")
        .await
        .unwrap_err();
    assert!(matches!(failure, Failure::WrongModel(_)), "{failure}");
    server.abort();
}

#[tokio::test]
async fn handshake_fails_as_unreachable_when_nobody_listens() {
    let (address, server) = serve(Flaw::None).await;
    server.abort();
    let _ = server.await;
    let failure = peers(Vec::new())
        .handshake(&miner(address), "digits")
        .await
        .unwrap_err();
    assert!(matches!(failure, Failure::Unreachable(_)), "{failure}");
    assert!(failure.is_silence());
}

#[tokio::test]
async fn probe_fails_only_when_no_probe_is_reachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let alive = listener.local_addr().unwrap().to_string();
    let dead = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().to_string()
    };
    assert_eq!(peers(vec![dead.clone(), alive]).probe().await, Ok(()));
    let reason = peers(vec![dead.clone()]).probe().await.unwrap_err();
    assert!(reason.contains(&dead), "{reason}");
    assert_eq!(peers(Vec::new()).probe().await, Ok(()));
}
