//! The whole program on a fake chain: waiting for the node, its pages, and its end.

use crate::common::{config, digits, FakeChain, Fault};
use assay_telemetry::Shutdown;
use assay_validator::{run_with, task::TaskFolder, weights::Honest, Error};
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
        chain.clone(),
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
        chain.clone(),
        Arc::new(Honest),
        shutdown.clone(),
    ));

    let seen = |state: &'static str| {
        move |status, text: &str| status == 200 && text.contains(&format!("\"state\":\"{state}\""))
    };
    (0..22).for_each(|_| chain.advance());
    wait_for(address, "/miners/0", |_, text| text.contains("unreachable")).await;
    let hidden = wait_for(address, "/epochs/0", seen("committed")).await;
    let hidden: Value = serde_json::from_str(&hidden).unwrap();
    assert_eq!(hidden["revealed"], Value::Null);
    assert_eq!(hidden["scores"].as_array().unwrap().len(), 0);

    (0..8).for_each(|_| chain.advance());
    let shown = wait_for(address, "/epochs/0", seen("revealed")).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["revealed"]["targets"].as_array().unwrap().len(), 0);
    assert_eq!(shown["scores"].as_array().unwrap().len(), 2);
    assert_eq!(shown["revealed"]["secret"].as_str().unwrap().len(), 64);
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
    let error = run_with(config, chain, Arc::new(Honest), Shutdown::new())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Listen { .. }), "{error}");
}
