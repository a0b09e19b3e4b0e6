//! What stands around serving: rates, deadlines, order, TLS, and an engine behind the miner.

mod common;

use assay_miner::{
    backend::{Backend, BackendError, ModelInfo, Room},
    config::{AdmissionMode, BackendChoice, TlsSettings, UpstreamModel, UpstreamSettings},
    Miner,
};
use assay_protocol::{
    certificate_digest,
    oip::{infer_path, Encoding, InferRequest, Tensor, TensorData},
    pinned_tls, TIMEOUT_HEADER,
};
use assay_telemetry::Shutdown;
use common::{blank, config, digits, fixture, folder, Running, PATIENCE};
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue};
use std::{
    num::NonZeroU32,
    path::Path,
    sync::{
        atomic::{AtomicUsize, Ordering},
        Arc,
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::Notify,
};
use tokio_rustls::TlsConnector;

/// A folder with one quick model.
fn add() -> tempfile::TempDir {
    folder(&[("add/1", &fixture("add.onnx"))])
}

fn one_at_a_time() -> NonZeroU32 {
    NonZeroU32::MIN
}

#[tokio::test]
async fn post_is_refused_with_a_time_when_a_caller_asks_too_often() {
    let mut config = config(&digits());
    config.rates.per_second = 1;
    config.rates.burst = one_at_a_time();
    let miner = Running::start(config).await;
    let client = miner.client();
    let first = client.infer("svc", &blank(1), Encoding::Json).await;
    assert_eq!(first.status, 200);
    let body = blank(1).encode(Encoding::Json).unwrap().body;
    let mut headers = HeaderMap::new();
    let target = infer_path("svc", None);
    client.sign(&target, &mut headers, &body, &client.params());
    let second = client.send(&target, headers, body).await;
    assert_eq!(
        (second.status, second.reason().as_str()),
        (429, "rate-limited")
    );
    assert_eq!(second.headers["retry-after"], "1");
    // Others are not held up by it.
    let other = common::Client {
        key: assay_protocol::Keypair::from_ed25519_seed([9; 32]),
        ..miner.client()
    };
    let answer = other.infer("svc", &blank(1), Encoding::Json).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn post_is_refused_by_address_when_the_public_asks_too_often() {
    let mut config = config(&digits());
    config.admission = AdmissionMode::Public;
    config.rates.unsigned_per_second = 1;
    config.rates.unsigned_burst = one_at_a_time();
    let miner = Running::start(config).await;
    let body = blank(1).encode(Encoding::Json).unwrap().body;
    let client = miner.client();
    let ask = || client.send("/v2/models/svc/infer", HeaderMap::new(), body.clone());
    assert_eq!(ask().await.status, 200);
    assert_eq!(ask().await.reason(), "rate-limited");
}

/// Counts what it is asked and what is dropped, and never answers by itself.
#[derive(Default)]
struct Endless {
    asked: Notify,
    dropped: Arc<AtomicUsize>,
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// The models of another backend, endlessly asked.
struct Over(Arc<dyn Backend>, Arc<Endless>);

impl Backend for Over {
    fn models(&self) -> Vec<Arc<ModelInfo>> {
        self.0.models()
    }

    fn is_ready(&self, model: &ModelInfo) -> bool {
        self.0.is_ready(model)
    }

    fn room(&self, _: &ModelInfo) -> Room {
        Room::of(1)
    }

    fn infer(
        &self,
        _: Arc<ModelInfo>,
        _: InferRequest,
    ) -> BoxFuture<'static, Result<Vec<Tensor>, BackendError>> {
        let counted = Counted(Arc::clone(&self.1.dropped));
        self.1.asked.notify_one();
        Box::pin(async move {
            let _counted = counted;
            std::future::pending().await
        })
    }
}

async fn endless() -> (Running, Arc<Endless>) {
    let folder = add();
    let miner = Miner::bind(config(folder.path()), None).await.unwrap();
    let endless = Arc::new(Endless::default());
    let over = Arc::clone(&endless);
    let miner = miner.wrap_backend(move |inner| Arc::new(Over(inner, over)));
    (Running::of(miner), endless)
}

/// A query that the model `add` takes.
fn sum() -> InferRequest {
    let input = |name| Tensor::new(name, vec![1], TensorData::Fp32(vec![1.0])).unwrap();
    InferRequest {
        inputs: vec![input("a"), input("b")],
        ..InferRequest::default()
    }
}

async fn until(mut condition: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition() {
        assert!(tokio::time::Instant::now() < deadline, "it never came true");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn post_is_answered_with_504_and_a_receipt_when_the_deadline_passes() {
    let (miner, endless) = endless().await;
    let client = miner.client();
    let body = sum().encode(Encoding::Json).unwrap().body;
    let target = infer_path("add", None);
    let mut headers = HeaderMap::new();
    let asked = client.sign(&target, &mut headers, &body, &client.params());
    headers.insert(TIMEOUT_HEADER, HeaderValue::from_static("50"));
    let answer = client.send(&target, headers.clone(), body.clone()).await;
    assert_eq!(
        answer.status,
        504,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    answer.receipt(&asked).unwrap();
    assert_eq!(endless.dropped.load(Ordering::SeqCst), 1);
    headers.insert(TIMEOUT_HEADER, HeaderValue::from_static("soon"));
    let answer = client.send(&target, headers, body).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn query_is_dropped_when_its_caller_is_gone() {
    let (miner, endless) = endless().await;
    let ask = || {
        let client = miner.client();
        tokio::spawn(async move {
            client.infer("add", &sum(), Encoding::Json).await;
        })
    };
    let first = ask();
    endless.asked.notified().await;
    // There is room for one: the second query waits, until the first one's caller leaves.
    let second = ask();
    first.abort();
    endless.asked.notified().await;
    assert_eq!(endless.dropped.load(Ordering::SeqCst), 1);
    second.abort();
    until(|| endless.dropped.load(Ordering::SeqCst) == 2).await;
}

fn tls(folder: &Path) -> TlsSettings {
    TlsSettings {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
    }
}

fn pinning(digest: assay_primitives::Digest) -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
    let client = client.use_preconfigured_tls(pinned_tls(digest).unwrap());
    client.build().unwrap()
}

#[tokio::test]
async fn miner_speaks_tls_to_those_who_pin_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let models = add();
    let mut config = config(models.path());
    config.tls = Some(tls(folder.path()));
    let miner = Miner::bind(config, None).await.unwrap();
    let digest = miner.certificate().unwrap();
    let url = format!("https://{}/v2/health/ready", miner.local_addr().unwrap());
    let shutdown = Shutdown::new();
    let serving = tokio::spawn(miner.serve(shutdown.clone()));

    let answer = pinning(digest).get(&url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let address = url
        .trim_start_matches("https://")
        .split('/')
        .next()
        .unwrap();
    for (offered, taken) in [
        // As clients of gRPC do.
        (&["h2"][..], "h2"),
        (&["h2", "http/1.1"], "http/1.1"),
        (&["http/1.1"], "http/1.1"),
    ] {
        let mut client = pinned_tls(digest).unwrap();
        client.alpn_protocols = offered.iter().map(|it| it.as_bytes().to_vec()).collect();
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let name = "localhost".try_into().unwrap();
        let connected = TlsConnector::from(Arc::new(client)).connect(name, stream);
        let mut stream = connected.await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(taken.as_bytes()));
        if taken == "h2" {
            // The preface and empty settings; the miner's own settings come back.
            let opening = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
            stream.write_all(opening).await.unwrap();
            let mut head = [0; 9];
            stream.read_exact(&mut head).await.unwrap();
            assert_eq!(head[3], 4, "{head:?}");
        }
    }
    let other = certificate_digest(b"another certificate");
    let refused = pinning(other).get(&url).send().await.unwrap_err();
    assert!(refused.is_connect(), "{refused}");
    let clear = url.replace("https", "http");
    assert!(reqwest::get(clear).await.is_err());
    shutdown.trip();
    serving.await.unwrap().unwrap();
}

fn upstream(url: String) -> assay_miner::Config {
    let mut front = config(Path::new("no-such-folder"));
    front.backend = BackendChoice::Upstream;
    front.upstream = Some(UpstreamSettings {
        url,
        models: vec![UpstreamModel {
            name: "sum".into(),
            upstream_name: Some("add".into()),
            upstream_version: Some("1".into()),
            version: 7,
            artifact: fixture("add.onnx"),
            inputs: vec![],
            outputs: vec![],
        }],
        in_flight: 4,
        answer_bytes: 1 << 20,
        probe_seconds: 1,
    });
    front
}

#[tokio::test]
async fn upstream_answers_through_the_miner_and_is_missed_when_it_is_gone() {
    let models = add();
    let mut behind = config(models.path());
    behind.admission = AdmissionMode::Public;
    let behind = Running::start(behind).await;
    let front = Running::start(upstream(format!("http://{}/", behind.address))).await;
    let client = front.client();
    for how in [Encoding::Json, Encoding::Binary] {
        let answer = client.infer("sum", &sum(), how).await.response();
        assert_eq!(answer.model_name, "sum");
        assert_eq!(answer.model_version.as_deref(), Some("7"));
        let data = &TensorData::Fp32(vec![2.0]);
        assert_eq!(answer.outputs[0].data(), data);
    }
    let metadata = client.get("/v2/models/sum").await.json();
    let sha256 = assay_protocol::sha256(&std::fs::read(fixture("add.onnx")).unwrap());
    let sha256 = assay_primitives::Digest(sha256).to_string();
    assert_eq!(metadata["parameters"]["sha256"], sha256);

    behind.shutdown.trip();
    until(|| std::net::TcpStream::connect(behind.address).is_err()).await;
    let answer = client.infer("sum", &sum(), Encoding::Binary).await;
    assert_eq!(answer.status, 503);
    assert!(answer.headers.contains_key("retry-after"));
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while client.get("/v2/health/ready").await.status != 503 {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn bind_says_so_when_upstream_is_not_there_or_knows_no_such_model() {
    let refusal = |url| async {
        match Miner::bind(upstream(url), None).await {
            Ok(_) => panic!("it was taken"),
            Err(why) => why.to_string(),
        }
    };
    let away = refusal("http://127.0.0.1:1".into()).await;
    assert!(away.contains("is it running?"), "{away}");
    let other = Running::digits().await;
    let unknown = refusal(format!("http://{}", other.address)).await;
    assert!(unknown.contains("404"), "{unknown}");
}
