//! What strangers do to keep others from being answered. `cargo xtask soak miner` does the same at
//! full strength and times who is honest; here it is whether they are answered.

use crate::common::{
    self, blank, caller, config, digits, fixture, folder, miner, Client, Running, PATIENCE,
};
use assay_miner::{config::Rates, Config};
use assay_protocol::{
    oip::{infer_path, Encoding, InferRequest, Tensor},
    RequestParams, TIMEOUT_HEADER,
};
use http::{HeaderMap, HeaderValue};
use std::{net::SocketAddr, num::NonZeroU32, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

const TARGET: &str = "/v2/models/add/infer";

/// A miner with one quick model.
fn quick() -> (tempfile::TempDir, Config) {
    let folder = folder(&[("add/1", &fixture("add.onnx"))]);
    let config = config(folder.path());
    (folder, config)
}

fn sum() -> Vec<u8> {
    let input = |name| format!(r#"{{"name":"{name}","datatype":"FP32","shape":[1],"data":[1]}}"#);
    format!(r#"{{"inputs":[{},{}]}}"#, input("a"), input("b")).into_bytes()
}

/// The head of a query whose body shall be so long.
fn head(headers: &HeaderMap, length: usize) -> String {
    common::head(TARGET, headers, length) + "\r\n"
}

async fn connected(address: SocketAddr, number: usize) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..number {
        streams.push(TcpStream::connect(address).await.unwrap());
    }
    streams
}

async fn until_closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    // A reset is as good as an end.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest))
        .await
        .expect("it is closed");
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn caller_is_answered_when_idle_connections_take_every_place() {
    let (_folder, mut config) = quick();
    config.limits.connections = 4;
    let running = Running::start(config).await;
    let mut idle = connected(running.address, 8).await;
    let client = running.client();
    assert_eq!(client.ask(TARGET, None, sum()).await.status, 200);
    // Those that came first gave way.
    until_closed(&mut idle[0]).await;
}

#[tokio::test]
async fn address_is_held_to_its_share_of_connections() {
    let (_folder, mut config) = quick();
    config.limits.per_address = 3;
    let running = Running::start(config).await;
    let mut idle = connected(running.address, 4).await;
    until_closed(&mut idle[3]).await;
}

#[tokio::test]
async fn caller_is_answered_when_bodies_come_slowly() {
    let (_folder, mut config) = quick();
    config.limits.requests = 1;
    let running = Running::start(config).await;
    let client = running.client();
    let mut slow = connected(running.address, 8).await;
    for stream in &mut slow {
        // Signed for one body, and then nothing of it comes: whose key it is proves nothing yet.
        let mut headers = HeaderMap::new();
        client.sign(TARGET, &mut headers, &sum(), &client.params());
        let head = head(&headers, 1_000_000);
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(b"{").await.unwrap();
    }
    assert_eq!(client.ask(TARGET, None, sum()).await.status, 200);
}

#[tokio::test]
async fn bodies_are_refused_when_there_is_no_memory_for_more() {
    let (_folder, mut config) = quick();
    config.limits.body_bytes = 100_000;
    config.limits.bodies_bytes = 100_000;
    let running = Running::start(config).await;
    let client = running.client();
    let mut headers = HeaderMap::new();
    let body = vec![b' '; 100_000];
    client.sign(TARGET, &mut headers, &body, &client.params());
    let mut first = connected(running.address, 1).await.remove(0);
    first
        .write_all(head(&headers, body.len()).as_bytes())
        .await
        .unwrap();
    first.write_all(&body[1..]).await.unwrap();
    // How soon the first one's bytes are read is not told; they are.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let mut headers = HeaderMap::new();
        client.sign(TARGET, &mut headers, &sum(), &client.params());
        let answer = client.send(TARGET, headers, sum()).await;
        if answer.status == 503 {
            assert_eq!(answer.reason(), "overloaded");
            break;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "it had memory all the while"
        );
    }
    drop(first);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let mut headers = HeaderMap::new();
        client.sign(TARGET, &mut headers, &sum(), &client.params());
        if client.send(TARGET, headers, sum()).await.status == 200 {
            break;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "the memory is never given back"
        );
    }
}

#[tokio::test]
async fn caller_is_answered_when_bodies_of_others_fill_the_memory() {
    let (_folder, mut config) = quick();
    config.limits.body_bytes = 100_000;
    config.limits.bodies_bytes = 100_000;
    let running = Running::start(config).await;
    let client = running.client();
    let body = vec![b' '; 99_999];
    let mut headers = HeaderMap::new();
    client.sign(TARGET, &mut headers, &body, &client.params());
    let elsewhere = TcpSocket::new_v4().unwrap();
    elsewhere.bind(([127, 0, 0, 2], 0).into()).unwrap();
    let mut other = elsewhere.connect(running.address).await.unwrap();
    let head = head(&headers, body.len());
    other.write_all(head.as_bytes()).await.unwrap();
    other.write_all(&body[1..]).await.unwrap();
    // It is answered before those bytes are read and after, when the other had to give way.
    let mut end = [0];
    loop {
        assert_eq!(client.ask(TARGET, None, sum()).await.status, 200);
        let closed = tokio::time::timeout(Duration::from_millis(1), other.read(&mut end));
        if let Ok(Ok(0) | Err(_)) = closed.await {
            break;
        }
    }
}

/// A signed request of which the last byte of the body is another.
async fn forged(client: &Client, params: &RequestParams) -> String {
    let (mut headers, mut body) = (HeaderMap::new(), sum());
    client.sign(TARGET, &mut headers, &body, params);
    body.push(b' ');
    client.send(TARGET, headers, body).await.reason()
}

#[tokio::test]
async fn address_is_not_looked_at_when_too_much_from_it_was_forged() {
    let (_folder, mut config) = quick();
    config.rates = Rates {
        // Once a burst is used up it takes longer than this test until there is more.
        failed_per_second: 1,
        failed_burst: NonZeroU32::new(200).unwrap(),
        ..Rates::default()
    };
    let running = Running::start(config).await;
    let client = running.client();
    let mut reasons = Vec::new();
    while reasons.last().is_none_or(|last| last == "bad-digest") {
        reasons.push(forged(&client, &client.params()).await);
    }
    assert!(reasons.len() > 200, "{}", reasons.len());
    assert_eq!(reasons.pop().as_deref(), Some("rate-limited"));
    assert_eq!(status_elsewhere(&client).await, 200, "others are");
}

/// What a request of this caller is answered that comes from another address: all of 127.0.0.0/8 is
/// this machine.
async fn status_elsewhere(client: &Client) -> u16 {
    let elsewhere = reqwest::Client::builder()
        .no_proxy()
        .local_address(std::net::IpAddr::from([127, 0, 0, 2]))
        .build()
        .unwrap();
    let mut headers = HeaderMap::new();
    client.sign(TARGET, &mut headers, &sum(), &client.params());
    let url = format!("http://{}{TARGET}", client.address);
    let answer = elsewhere.post(url).headers(headers).body(sum()).send();
    answer.await.unwrap().status().as_u16()
}

#[tokio::test]
async fn address_does_not_fill_the_nonces_however_many_hotkeys_it_has() {
    let (_folder, mut config) = quick();
    config.limits.nonces = 1600;
    let running = Running::start(config).await;
    let mut client = running.client();
    let mut asked = 0_u16;
    loop {
        let mut seed = [7; 32];
        seed[..2].copy_from_slice(&asked.to_le_bytes());
        client.key = assay_protocol::Keypair::from_ed25519_seed(seed);
        let mut headers = HeaderMap::new();
        client.sign(TARGET, &mut headers, &sum(), &client.params());
        let answer = client.send(TARGET, headers, sum()).await;
        if answer.status != 200 {
            assert_eq!(answer.reason(), "rate-limited");
            break;
        }
        asked += 1;
        assert!(asked < 1200, "all that strangers have is filled");
    }
    assert!(asked >= 300, "{asked}");
    assert_eq!(status_elsewhere(&client).await, 200);
}

#[tokio::test]
async fn post_is_refused_as_replayed_when_it_was_answered_before_a_restart() {
    let (_folder, mut config) = quick();
    let state = tempfile::tempdir().unwrap();
    config.state = state.path().join("miner");
    let mut running = Running::start(config.clone()).await;
    let client = running.client();
    let mut headers = HeaderMap::new();
    client.sign(TARGET, &mut headers, &sum(), &client.params());
    let first = client.send(TARGET, headers.clone(), sum()).await;
    assert_eq!(first.status, 200);
    running.shutdown.trip();
    (&mut running.serving).await.unwrap().unwrap();

    let running = Running::start(config).await;
    let client = running.client();
    let again = client.send(TARGET, headers, sum()).await;
    assert_eq!((again.status, again.reason().as_str()), (401, "replayed"));
    assert_eq!(client.ask(TARGET, None, sum()).await.status, 200);
}

fn counting(turns: i64) -> InferRequest {
    InferRequest {
        inputs: vec![Tensor::new("turns", vec![1], vec![turns].into()).unwrap()],
        ..InferRequest::default()
    }
}

#[tokio::test]
async fn model_that_never_ends_takes_down_neither_itself_nor_others() {
    let folder = folder(&[
        ("endless/1", &fixture("endless.onnx")),
        ("svc/1", &digits().join("svc/1/model.onnx")),
    ]);
    let running = Running::start(config(folder.path())).await;
    let client = running.client();
    let endless = infer_path("endless", None);
    for _ in 0..2 {
        let body = counting(i64::MAX).encode(Encoding::Json).unwrap().body;
        let mut headers = HeaderMap::new();
        let asked = client.sign(&endless, &mut headers, &body, &client.params());
        headers.insert(TIMEOUT_HEADER, HeaderValue::from_static("200"));
        let running = client.clone();
        let endless = endless.clone();
        let hanging = tokio::spawn(async move {
            let answer = running.send(&endless, headers, body).await;
            answer.receipt(&asked).unwrap();
            answer.status
        });
        let other = client.infer("svc", &blank(1), Encoding::Binary).await;
        assert_eq!(other.status, 200);
        assert_eq!(hanging.await.unwrap(), 504);
        // Its one worker was let go: nobody waited for it any more.
        let three = counting(3);
        let answer = client.infer("endless", &three, Encoding::Binary);
        let answer = tokio::time::timeout(Duration::from_secs(20), answer).await;
        let answer = answer.expect("the worker is free").response();
        assert_eq!(answer.outputs[0].data(), &vec![3.0_f32].into());
    }
    assert_eq!(client.get("/v2/health/ready").await.status, 200);
}

#[tokio::test]
async fn model_that_fails_takes_down_neither_itself_nor_others() {
    let folder = folder(&[
        ("pick/1", &fixture("pick.onnx")),
        ("add/1", &fixture("add.onnx")),
    ]);
    let running = Running::start(config(folder.path())).await;
    let client = Client {
        address: running.address,
        key: caller(),
        miner: miner().hotkey(),
    };
    let query = |row: i64| InferRequest {
        inputs: vec![Tensor::new("row", vec![1], vec![row].into()).unwrap()],
        ..InferRequest::default()
    };
    for _ in 0..8 {
        let failed = client.infer("pick", &query(9), Encoding::Json).await;
        assert!(matches!(failed.status, 400 | 500), "{}", failed.status);
        let good = client.infer("pick", &query(2), Encoding::Json).await;
        assert_eq!(good.status, 200);
        assert_eq!(client.ask(TARGET, None, sum()).await.status, 200);
    }
}
