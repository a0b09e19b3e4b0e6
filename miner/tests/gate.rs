//! Who is let in, and what is signed.

mod common;

use assay_miner::{
    admission::Admission,
    backend::{Backend, BackendError, ModelInfo},
    config::AdmissionMode,
    http::{Limits, Service},
    server,
};
use assay_protocol::{
    oip::{Encoding, InferRequest, Tensor},
    Clock, Keypair, SystemClock, UnixSeconds, VerifyError,
};
use assay_telemetry::Shutdown;
use common::{blank, config, digits, head, Client, Running, PATIENCE};
use futures::future::BoxFuture;
use http::HeaderMap;
use std::sync::{
    atomic::{AtomicU64, Ordering},
    Arc,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

const TARGET: &str = "/v2/models/logistic/infer";

fn body() -> Vec<u8> {
    blank(1).encode(Encoding::Json).unwrap().body
}

/// A signed request, changed by `change` before it is sent.
async fn sent(
    client: &Client,
    change: impl FnOnce(&mut HeaderMap, &mut Vec<u8>, &mut String),
) -> common::Answer {
    let (mut headers, mut body, mut target) = (HeaderMap::new(), body(), TARGET.to_owned());
    client.sign(TARGET, &mut headers, &body, &client.params());
    change(&mut headers, &mut body, &mut target);
    client.send(&target, headers, body).await
}

#[tokio::test]
async fn post_is_refused_as_unsigned_when_it_carries_no_signature() {
    let miner = Running::digits().await;
    let answer = miner.client().send(TARGET, HeaderMap::new(), body()).await;
    assert_eq!((answer.status, answer.reason().as_str()), (401, "unsigned"));
    assert!(!answer.headers.contains_key("signature"));
}

#[tokio::test]
async fn post_is_refused_when_body_path_or_signature_is_another() {
    let miner = Running::digits().await;
    let client = miner.client();
    let other_body = sent(&client, |_, body, _| body.push(b' ')).await;
    assert_eq!(
        (other_body.status, other_body.reason().as_str()),
        (401, "bad-digest")
    );
    let other_path = sent(&client, |_, _, target| {
        *target = target.replace("logistic", "tree-3")
    })
    .await;
    assert_eq!(
        (other_path.status, other_path.reason().as_str()),
        (401, "bad-signature")
    );
    let other_alg = sent(&client, |headers, _, _| {
        let input = headers["signature-input"]
            .to_str()
            .unwrap()
            .replace("sr25519", "hmac-sha256");
        headers.insert("signature-input", input.parse().unwrap());
    });
    assert_eq!(other_alg.await.reason(), "unknown-algorithm");
    let uncovered = sent(&client, |headers, _, _| {
        headers.insert("inference-header-content-length", "2".parse().unwrap());
    });
    assert_eq!(uncovered.await.reason(), "malformed");
}

#[tokio::test]
async fn post_is_refused_when_stale_or_from_the_future() {
    let miner = Running::digits().await;
    let client = miner.client();
    for (shift, reason) in [(-120, "stale"), (120, "from-the-future")] {
        let mut params = client.params();
        params.created = UnixSeconds(params.created.0.checked_add_signed(shift).unwrap());
        let mut headers = HeaderMap::new();
        client.sign(TARGET, &mut headers, &body(), &params);
        let answer = client.send(TARGET, headers, body()).await;
        assert_eq!((answer.status, answer.reason().as_str()), (401, reason));
    }
}

#[tokio::test]
async fn post_is_refused_as_replayed_when_sent_twice() {
    let miner = Running::digits().await;
    let client = miner.client();
    let mut headers = HeaderMap::new();
    let asked = client.sign(TARGET, &mut headers, &body(), &client.params());
    let first = client.send(TARGET, headers.clone(), body()).await;
    assert_eq!(first.status, 200);
    first.receipt(&asked).unwrap();
    let again = client.send(TARGET, headers, body()).await;
    assert_eq!((again.status, again.reason().as_str()), (401, "replayed"));
}

#[tokio::test]
async fn post_is_refused_as_misdirected_when_meant_for_another_miner() {
    let miner = Running::digits().await;
    let mut client = miner.client();
    client.miner = Keypair::from_ed25519_seed([9; 32]).hotkey();
    let answer = sent(&client, |_, _, _| {}).await;
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (403, "misdirected")
    );
}

#[tokio::test]
async fn post_is_refused_when_the_hotkey_is_denied_or_not_on_the_list() {
    let mut denying = config(&digits());
    denying.deny = vec![common::caller().hotkey()];
    let denied = Running::start(denying).await;
    let answer = sent(&denied.client(), |_, _, _| {}).await;
    assert_eq!(answer.reason(), "not-admitted");
    assert!(answer.error().contains("not let in"));

    let stranger = Keypair::from_ed25519_seed([9; 32]);
    let mut config = config(&digits());
    config.allow = vec![stranger.hotkey()];
    let miner = Running::start(config).await;
    let answer = sent(&miner.client(), |_, _, _| {}).await;
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (403, "not-admitted")
    );
    let listed = Client {
        key: stranger,
        ..miner.client()
    };
    assert_eq!(
        listed
            .infer("logistic", &blank(1), Encoding::Json)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn post_is_answered_unsigned_when_the_public_is_admitted() {
    let mut config = config(&digits());
    config.admission = AdmissionMode::Public;
    let miner = Running::start(config).await;
    let client = miner.client();
    let unsigned = client.send(TARGET, HeaderMap::new(), body()).await;
    assert_eq!(unsigned.response().outputs.len(), 2);
    assert!(!unsigned.headers.contains_key("signature"));
    // Who signs is checked and gets a receipt all the same.
    assert_eq!(
        client
            .infer("logistic", &blank(1), Encoding::Binary)
            .await
            .status,
        200
    );
    let forged = sent(&client, |_, body, _| body.push(b' ')).await;
    assert_eq!(forged.reason(), "bad-digest");
}

/// The system's clock, and as much as it was put forward.
#[derive(Clone, Default)]
struct Forward(Arc<AtomicU64>);

impl Clock for Forward {
    fn now(&self) -> UnixSeconds {
        SystemClock.now().plus(self.0.load(Ordering::SeqCst))
    }
}

#[tokio::test]
async fn post_is_refused_as_stale_when_its_body_comes_after_it_expired() {
    let clock = Forward::default();
    let server = held_at(Arc::new(clock.clone()), Limits::default()).await;
    let client = &server.client;
    let mut headers = HeaderMap::new();
    client.sign(TARGET, &mut headers, &body(), &client.params());
    // Not a query of this model, which is all the same for what was signed.
    let first = client.send(TARGET, headers.clone(), body()).await;
    assert_eq!(first.status, 400);
    let head = head(TARGET, &headers, body().len());
    let mut again = TcpStream::connect(client.address).await.unwrap();
    // That the head was taken is seen by the answer to `expect`.
    let head = format!("{head}expect: 100-continue\r\nconnection: close\r\n\r\n");
    again.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    let read = again.read_exact(&mut go_on);
    tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    clock.0.store(100, Ordering::SeqCst);
    again.write_all(&body()).await.unwrap();
    let mut answer = String::new();
    let read = again.read_to_string(&mut answer);
    tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(answer.contains("assay-reason: stale"), "{answer}");
}

#[tokio::test]
async fn post_is_refused_when_the_body_is_compressed_or_does_not_come() {
    let mut config = config(&digits());
    config.limits.body_seconds = 1;
    let miner = Running::start(config).await;
    let client = miner.client();
    let compressed = sent(&client, |headers, _, _| {
        headers.insert("content-encoding", "gzip".parse().unwrap());
    });
    assert_eq!(compressed.await.status, 415);
    let as_it_is = sent(&client, |headers, _, _| {
        headers.insert("content-encoding", "Identity".parse().unwrap());
    });
    assert_eq!(as_it_is.await.status, 200);

    let mut headers = HeaderMap::new();
    client.sign(TARGET, &mut headers, &body(), &client.params());
    let head = head(TARGET, &headers, 900);
    let mut stream = TcpStream::connect(miner.address).await.unwrap();
    stream
        .write_all(format!("{head}\r\n{{").as_bytes())
        .await
        .unwrap();
    let mut answer = vec![0; 12];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(answer, b"HTTP/1.1 408");
}

/// A backend whose one model answers when it is told to, or never.
struct Held(Arc<Notify>);

fn held_model() -> Arc<ModelInfo> {
    Arc::new(ModelInfo {
        name: "logistic".into(),
        version: 1,
        sha256: [0; 32].into(),
        size: 0,
        platform: "test".into(),
        provider: "test".into(),
        fallback: None,
        inputs: vec![],
        outputs: vec![],
    })
}

impl Backend for Held {
    fn models(&self) -> Vec<Arc<ModelInfo>> {
        vec![held_model()]
    }

    fn is_ready(&self, _: &ModelInfo) -> bool {
        true
    }

    fn infer(
        &self,
        model: Arc<ModelInfo>,
        query: InferRequest,
    ) -> BoxFuture<'static, Result<Vec<Tensor>, BackendError>> {
        let gate = Arc::clone(&self.0);
        Box::pin(async move {
            match query.id.as_deref() {
                Some("full") => Err(BackendError::QueueFull(model.name.clone())),
                Some("down") => Err(BackendError::Unavailable(model.name.clone())),
                _ => {
                    gate.notified().await;
                    Ok(vec![])
                }
            }
        })
    }
}

struct HeldServer {
    client: Client,
    gate: Arc<Notify>,
    shutdown: Shutdown,
    serving: tokio::task::JoinHandle<()>,
}

async fn held(limits: Limits) -> HeldServer {
    held_at(Arc::new(SystemClock), limits).await
}

async fn held_at(clock: Arc<dyn Clock>, limits: Limits) -> HeldServer {
    let (gate, shutdown) = (Arc::new(Notify::new()), Shutdown::new());
    let service = Service::new(
        Arc::new(Held(Arc::clone(&gate))),
        common::miner(),
        Admission::signed(),
        clock,
        limits.clone(),
        shutdown.clone(),
    );
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = Client {
        address,
        key: common::caller(),
        miner: common::miner().hotkey(),
    };
    let ending = shutdown.clone();
    let serving = tokio::spawn(async move {
        server::serve(listener, service.router(), &limits, None, ending).await;
    });
    HeldServer {
        client,
        gate,
        shutdown,
        serving,
    }
}

fn named(id: &str) -> InferRequest {
    InferRequest {
        id: Some(id.into()),
        ..InferRequest::default()
    }
}

#[tokio::test]
async fn post_is_answered_with_a_receipt_when_the_model_is_overloaded() {
    let server = held(Limits::default()).await;
    for (id, status) in [("full", 429), ("down", 503)] {
        // `infer` checks the receipt.
        let answer = server
            .client
            .infer("logistic", &named(id), Encoding::Json)
            .await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.headers["retry-after"], "1");
    }
}

#[tokio::test]
async fn post_is_refused_at_once_when_the_miner_is_busy() {
    let server = held(Limits {
        requests: 1,
        ..Limits::default()
    })
    .await;
    let client = server.client.clone();
    let waiting = tokio::spawn(async move {
        client
            .infer("logistic", &named("waits"), Encoding::Json)
            .await
            .status
    });
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let answer = sent(&server.client, |_, body, _| *body = b"{}".to_vec()).await;
        if answer.status == 503 {
            assert_eq!(answer.reason(), "overloaded");
            assert_eq!(answer.headers["retry-after"], "1");
            break;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "the first request never took the place"
        );
    }
    server.gate.notify_one();
    assert_eq!(waiting.await.unwrap(), 200);
}

#[tokio::test]
async fn post_is_refused_when_a_caller_used_up_its_nonces() {
    let server = held(Limits {
        nonces_per_caller: 1,
        ..Limits::default()
    })
    .await;
    assert_eq!(
        server
            .client
            .infer("logistic", &named("full"), Encoding::Json)
            .await
            .status,
        429
    );
    let answer = sent(&server.client, |_, _, _| {}).await;
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (503, "overloaded")
    );
}

#[tokio::test]
async fn serve_answers_what_is_under_way_and_takes_no_more_when_told_to_end() {
    let server = held(Limits::default()).await;
    let client = server.client.clone();
    let mut stream = TcpStream::connect(client.address).await.unwrap();
    let waiting = tokio::spawn(async move {
        client
            .infer("logistic", &named("waits"), Encoding::Json)
            .await
            .status
    });
    // Readiness is asked on a connection of before: it is the one thing that turns.
    let ask = "GET /v2/health/ready HTTP/1.1\r\nhost: x\r\n\r\n";
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut ready = vec![0; 12];
    stream.read_exact(&mut ready).await.unwrap();
    assert_eq!(ready, b"HTTP/1.1 200");

    tokio::time::timeout(PATIENCE, async {
        // The permit for the next answer is stored until the request waits for it.
        server.shutdown.trip();
        while TcpStream::connect(server.client.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        server.gate.notify_one();
        server.serving.await.unwrap();
    })
    .await
    .unwrap();
    // Whether the request was in before the end was rung is a race; answered it is in either case,
    // or else its connection was refused.
    if let Ok(status) = waiting.await {
        assert_eq!(status, 200);
    }
}

#[tokio::test]
async fn serve_ends_when_the_drain_takes_too_long() {
    let server = held(Limits {
        drain_seconds: 0,
        ..Limits::default()
    })
    .await;
    let client = server.client.clone();
    let waiting = tokio::spawn(async move {
        let mut headers = HeaderMap::new();
        client.sign(TARGET, &mut headers, b"{\"inputs\":[]}", &client.params());
        reqwest::Client::new()
            .post(format!("http://{}{TARGET}", client.address))
            .headers(headers)
            .body("{\"inputs\":[]}")
            .send()
            .await
            .is_ok()
    });
    tokio::task::yield_now().await;
    server.shutdown.trip();
    tokio::time::timeout(PATIENCE, server.serving)
        .await
        .unwrap()
        .unwrap();
    waiting.abort();
}

#[tokio::test]
async fn receipt_of_one_request_does_not_fit_another() {
    let miner = Running::digits().await;
    let client = miner.client();
    let mut headers = HeaderMap::new();
    let asked = client.sign(TARGET, &mut headers, &body(), &client.params());
    let answer = client.send(TARGET, headers, body()).await;
    answer.receipt(&asked).unwrap();
    let other = client.sign(TARGET, &mut HeaderMap::new(), &body(), &client.params());
    assert_eq!(
        answer.receipt(&other),
        Err(VerifyError::BadSignature(common::miner().hotkey()))
    );
}
