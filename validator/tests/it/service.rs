//! The whole program on a fake chain: waiting for the node, its pages, and its end.

use crate::common::{config, digits, FakeChain, Fault};
use assay_primitives::NetUid;
use assay_protocol::{
    keys::{Keypair, Scheme},
    sign_request, Clock as _, Hotkey, Nonce, RequestParams, SystemClock,
};
use assay_telemetry::Shutdown;
use assay_validator::{
    api::MinerPage,
    config::SubnetSettings,
    redo::{redo, EpochPage},
    run_with,
    task::{built_in, TaskFolder},
    weights::Honest,
    Error,
};
use http::{HeaderMap, Method};
use serde_json::Value;
use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::{Duration, Instant},
};

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

async fn page(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let response = reqwest::get(format!("http://{address}{path}")).await.ok()?;
    Some((response.status().as_u16(), response.text().await.ok()?))
}

/// Asks for a page until `fits` likes it.
async fn wait_for(address: SocketAddr, path: &str, fits: impl Fn(u16, &str) -> bool) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some((status, text)) = page(address, path).await {
            if fits(status, &text) {
                return text;
            }
        }
        assert!(Instant::now() < deadline, "{path} never looked right");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn run_waits_for_the_node_then_serves_its_pages_and_ends_when_tripped() {
    let state = tempfile::tempdir().unwrap();
    let folder = TaskFolder::load(&digits()).unwrap();
    let chain = Arc::new(FakeChain::new(2, 100, folder.spec().unwrap()));
    chain.change(|graph| graph.hotkeys[2] = [3; 32]);
    chain.set_fault(Fault::Away);
    let mut config = config(&state.path().join("state.sqlite"));
    config.listen = free_address();
    let address = config.listen;
    let shutdown = Shutdown::new();
    let running = tokio::spawn(run_with(
        config,
        vec![chain.clone()],
        Arc::new(Honest),
        shutdown.clone(),
    ));
    let health = wait_for(address, "/health", |status, text| {
        status == 503 && text.contains("does not answer")
    });
    let health: Value = serde_json::from_str(&health.await).unwrap();
    assert_eq!(health["ok"], false);

    chain.set_fault(Fault::None);
    let health = wait_for(address, "/health", |status, _| status == 200).await;
    assert!(health.contains("not registered"), "{health}");
    let miners = wait_for(address, "/miners", |status, _| status == 200).await;
    let miners: Value = serde_json::from_str(&miners).unwrap();
    assert_eq!(miners.as_array().unwrap().len(), 2);
    assert_eq!(miners[0]["score"], 0.0);
    let (status, _) = page(address, "/miners/1").await.unwrap();
    assert_eq!(status, 200);
    for missing in ["/miners/77", "/epochs/5"] {
        assert_eq!(page(address, missing).await.unwrap().0, 404);
    }
    let metrics = page(address, "/metrics").await.unwrap().1;
    assert!(metrics.contains("assay_validator_epoch"), "{metrics}");

    chain.set_fault(Fault::Away);
    wait_for(address, "/health", |status, _| status == 503).await;
    shutdown.trip();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn run_shows_the_evidence_once_the_weights_are_revealed() {
    let state = tempfile::tempdir().unwrap();
    let folder = TaskFolder::load(&digits()).unwrap();
    let chain = Arc::new(FakeChain::new(2, 30, folder.spec().unwrap()));
    let mut config = config(&state.path().join("state.sqlite"));
    chain.set_own(config.hotkey.load().unwrap().hotkey().0);
    // Nobody listens there: silence is what is recorded, and the weights say so.
    chain.change(|graph| {
        for endpoint in graph.endpoints.iter_mut().flatten() {
            endpoint.what.host = b"127.0.0.1".to_vec().try_into().unwrap();
            endpoint.what.port = free_address().port();
        }
    });
    let node = TcpListener::bind("127.0.0.1:0").unwrap();
    config.probes = vec![node.local_addr().unwrap().to_string()];
    config.listen = free_address();
    let address = config.listen;
    let shutdown = Shutdown::new();
    let running = tokio::spawn(run_with(
        config,
        vec![chain.clone()],
        Arc::new(Honest),
        shutdown.clone(),
    ));

    let seen = |state: &'static str| {
        move |status, text: &str| status == 200 && text.contains(&format!("\"state\":\"{state}\""))
    };
    (0..22).for_each(|_| chain.advance());
    wait_for(address, "/miners/0", |_, text| text.contains("unreachable")).await;
    // Each step shows at the next block.
    chain.advance();
    wait_for(address, "/epochs/0", seen("commit_sent")).await;
    chain.advance();
    let hidden = wait_for(address, "/epochs/0", seen("committed")).await;
    let hidden: Value = serde_json::from_str(&hidden).unwrap();
    assert_eq!(hidden["revealed"], Value::Null);
    assert_eq!(hidden["scores"].as_array().unwrap().len(), 0);
    assert_eq!(page(address, "/epochs/0/receipts").await.unwrap().0, 404);

    (0..6).for_each(|_| chain.advance());
    wait_for(address, "/epochs/0", seen("reveal_sent")).await;
    chain.advance();
    let shown = wait_for(address, "/epochs/0", seen("revealed")).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["revealed"]["targets"].as_array().unwrap().len(), 0);
    assert_eq!(shown["scores"].as_array().unwrap().len(), 2);
    assert_eq!(shown["revealed"]["secret"].as_str().unwrap().len(), 64);
    // Nobody answered, so nobody signed.
    let receipts = page(address, "/epochs/0/receipts").await.unwrap();
    assert_eq!(receipts, (200, String::new()));
    // It is what `assay evidence check` takes.
    let page: EpochPage = serde_json::from_str(&shown.to_string()).unwrap();
    let redone = redo(&folder, &built_in(&folder).unwrap(), &page, None);
    assert!(
        redone.problems.is_empty() && redone.holds.len() > 2,
        "{redone:?}"
    );
    shutdown.trip();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn run_fails_when_the_port_is_taken() {
    let state = tempfile::tempdir().unwrap();
    let folder = TaskFolder::load(&digits()).unwrap();
    let chain = Arc::new(FakeChain::new(1, 100, folder.spec().unwrap()));
    let mut config = config(&state.path().join("state.sqlite"));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    config.listen = taken.local_addr().unwrap();
    let error = run_with(config, vec![chain], Arc::new(Honest), Shutdown::new())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Listen { .. }), "{error}");
}

/// A signed GET, as a miner sends it.
fn signed(path: &str, key: &str, validator: [u8; 32]) -> HeaderMap {
    let key = Keypair::from_suri(key, Scheme::Sr25519).unwrap();
    let mut headers = HeaderMap::new();
    let params = RequestParams {
        miner: Hotkey(validator),
        created: SystemClock.now(),
        lifetime: 60,
        nonce: Nonce::random(),
    };
    sign_request(&key, &Method::GET, path, &mut headers, &[], &params).unwrap();
    headers
}

async fn get(address: SocketAddr, path: &str, headers: HeaderMap) -> (u16, String) {
    let url = format!("http://{address}{path}");
    let request = reqwest::Client::new().get(url).headers(headers);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn pages_show_each_miner_its_own_and_the_operator_everything() {
    let state = tempfile::tempdir().unwrap();
    let folder = TaskFolder::load(&digits()).unwrap();
    let chain = Arc::new(FakeChain::new(2, 100, folder.spec().unwrap()));
    let mut config = config(&state.path().join("state.sqlite"));
    let own = config.hotkey.load().unwrap().hotkey().0;
    chain.set_own(own);
    let bob = Keypair::from_suri("//Bob", Scheme::Sr25519).unwrap();
    chain.change(|graph| graph.hotkeys[1] = bob.hotkey().0);
    let password = state.path().join("password");
    std::fs::write(&password, "correct horse battery\n").unwrap();
    config.operator_password_file = Some(password);
    (config.listen, config.public_listen) = (free_address(), Some(free_address()));
    let (operator, public) = (config.listen, config.public_listen.unwrap());
    let shutdown = Shutdown::new();
    let policy = Arc::new(Honest);
    let running = tokio::spawn(run_with(config, vec![chain], policy, shutdown.clone()));
    let health = wait_for(operator, "/health", |status, _| status == 200).await;
    let stated: Value = serde_json::from_str(&health).unwrap();
    assert_eq!(stated["hotkey"], Hotkey(own).to_string());
    wait_for(public, "/health", |status, _| status == 200).await;

    // The operator's door.
    assert_eq!(page(operator, "/miners").await.unwrap().0, 401);
    let mut known = HeaderMap::new();
    known.insert(
        "authorization",
        "Bearer correct horse battery".parse().unwrap(),
    );
    for path in [
        "/miners",
        "/miners/1",
        "/subnets/1/miners/1/receipts",
        "/weights",
    ] {
        let (status, text) = get(operator, path, known.clone()).await;
        assert_eq!(status, 200, "{path}: {text}");
    }
    known.insert("accept", "text/html".parse().unwrap());
    let (_, html) = get(operator, "/miners/1", known.clone()).await;
    assert!(html.contains("How that became a score"), "{html}");
    let (_, html) = get(operator, "/", known).await;
    assert!(html.contains("/subnets/1/miners/1"), "{html}");

    // The public one.
    assert_eq!(page(public, "/miners/1").await.unwrap().0, 404);
    assert_eq!(page(public, "/me").await.unwrap().0, 401);
    let headers = signed("/me", "//Bob", own);
    let (status, text) = get(public, "/me", headers.clone()).await;
    assert_eq!(status, 200, "{text}");
    let own_page: MinerPage = serde_json::from_str(&text).unwrap();
    assert_eq!(own_page.breakdown.uid.0, 1);
    assert_eq!(own_page.explanation().len(), 4);
    let (status, text) = get(public, "/me", headers).await;
    assert!(status == 401 && text.contains("replayed"), "{text}");
    let path = "/subnets/1/me/receipts?from=3";
    let headers = signed(path, "//Bob", own);
    assert_eq!(get(public, path, headers).await.0, 200);
    let headers = signed("/me", "//Eve", own);
    assert_eq!(get(public, "/me", headers).await.0, 403);
    let headers = signed("/me", "//Bob", [9; 32]);
    assert_eq!(
        get(public, "/me", headers).await.0,
        403,
        "meant for another"
    );
    shutdown.trip();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn run_validates_several_subnets_and_one_s_end_is_not_the_others() {
    let state = tempfile::tempdir().unwrap();
    let folder = TaskFolder::load(&digits()).unwrap();
    let spec = folder.spec().unwrap();
    let first = Arc::new(FakeChain::new(2, 100, spec.clone()));
    let mut other = spec;
    other.deadline_ms += 1;
    let second = Arc::new(FakeChain::new(1, 100, other));
    second.change(|graph| graph.netuid = NetUid(2));
    let mut config = config(&state.path().join("state.sqlite"));
    config.subnets = vec![SubnetSettings {
        netuid: NetUid(2),
        task: digits(),
        state: None,
    }];
    config.listen = free_address();
    let address = config.listen;
    let shutdown = Shutdown::new();
    let running = tokio::spawn(run_with(
        config,
        vec![first, second],
        Arc::new(Honest),
        shutdown.clone(),
    ));
    // The second one's task is another one than its folder's: it ends, and says so.
    let health = wait_for(address, "/health", |status, text| {
        status == 503 && text.contains("deadline differs")
    });
    let health: Value = serde_json::from_str(&health.await).unwrap();
    assert_eq!(health["subnets"].as_array().unwrap().len(), 2);
    assert_eq!(health["subnets"][0]["ok"], true);
    assert!(state.path().join("state-2.sqlite").exists());
    let miners = wait_for(address, "/subnets/1/miners", |status, _| status == 200).await;
    let miners: Value = serde_json::from_str(&miners).unwrap();
    assert_eq!(miners.as_array().unwrap().len(), 2);
    assert!(!running.is_finished());
    shutdown.trip();
    let error = running.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("deadline differs"), "{error}");
}
