//! What is served follows the model folder, and the chain knows it first.

use crate::common::{blank, config, digits, fixture, folder, Client, Running, PATIENCE};
use assay_miner::{
    admin::AdminSettings,
    chain::{Chain, ChainError, Neuron, Standing},
    config::ChainSettings,
    reload::FolderSettings,
    Config, Miner,
};
use assay_primitives::{Balance, Endpoint, ModelAnnouncement, NetUid, Uid};
use assay_protocol::oip::Encoding;
use assay_telemetry::Shutdown;
use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, Method};
use nix::{
    sys::{
        signal::{raise, Signal},
        stat::Mode,
    },
    unistd::mkfifo,
};
use serde_json::json;
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

fn model(name: &str) -> PathBuf {
    digits().join(name).join("1/model.onnx")
}

/// Exchanges a model file as one should: in one step.
fn put(folder: &Path, place: &str, file: &Path) {
    let path = folder.join(place);
    fs::create_dir_all(&path).unwrap();
    fs::copy(file, path.join("new")).unwrap();
    fs::rename(path.join("new"), path.join("model.onnx")).unwrap();
}

fn unwatched(folder: &Path) -> Config {
    Config {
        folder: FolderSettings { watch_seconds: 0 },
        ..config(folder)
    }
}

/// Asks again until `holds`.
async fn until<F: std::future::Future<Output = bool>>(mut holds: impl FnMut() -> F) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < PATIENCE, "it did not come to pass");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The digest of the model that answers, or none.
async fn served(client: &Client, model: &str) -> Option<String> {
    let answer = client.get(&format!("/v2/models/{model}")).await;
    let digest = || {
        answer.json()["parameters"]["sha256"]
            .as_str()
            .map(Into::into)
    };
    (answer.status == 200).then(digest).flatten()
}

fn digest(file: &Path) -> String {
    assay_primitives::Digest::from(assay_protocol::sha256(&fs::read(file).unwrap())).to_string()
}

#[tokio::test]
async fn folder_is_followed_when_it_is_watched() {
    let folder = folder(&[("m/1", &model("tree-3"))]);
    let miner = Running::start(Config {
        folder: FolderSettings { watch_seconds: 1 },
        ..config(folder.path())
    })
    .await;
    let client = miner.client();
    put(folder.path(), "m/1", &model("tree-6"));
    put(folder.path(), "n/1", &model("logistic"));
    let new = Some(digest(&model("tree-6")));
    until(|| async { served(&client, "m").await == new && served(&client, "n").await.is_some() })
        .await;
    client
        .infer("n", &blank(1), Encoding::Binary)
        .await
        .response();
    fs::remove_dir_all(folder.path().join("n")).unwrap();
    until(|| async { served(&client, "n").await.is_none() }).await;
    assert_eq!(served(&client, "m").await, new);
}

#[tokio::test]
async fn folder_is_read_again_on_sighup_and_what_is_broken_changes_nothing() {
    let folder = folder(&[("m/1", &model("tree-3")), ("n/1", &model("svc"))]);
    let miner = Running::start(unwatched(folder.path())).await;
    let client = miner.client();
    let before = served(&client, "m").await;
    fs::write(folder.path().join("m/1/model.onnx"), "not a model").unwrap();
    fs::write(folder.path().join("n/model.toml"), "worker = 2").unwrap();
    put(folder.path(), "o/1", &model("svc"));
    raise(Signal::SIGHUP).unwrap();
    until(|| async { served(&client, "o").await.is_some() }).await;
    assert_eq!(served(&client, "m").await, before);
    for name in ["m", "n"] {
        let answer = client.infer(name, &blank(1), Encoding::Binary).await;
        answer.response();
    }
}

/// A miner with an admin port that takes a token.
async fn administered(folder: &Path) -> (Running, SocketAddr) {
    let token = folder.join("token");
    fs::write(&token, "0123456789abcdef\n").unwrap();
    let config = Config {
        admin: Some(AdminSettings {
            listen: ([127, 0, 0, 1], 0).into(),
            token_file: Some(token),
        }),
        ..unwatched(folder)
    };
    let miner = Miner::bind(config, None).await.unwrap();
    let (address, admin) = (miner.local_addr().unwrap(), miner.admin_addr().unwrap());
    let shutdown = Shutdown::new();
    let serving = tokio::spawn(miner.serve(shutdown.clone()));
    let running = Running {
        address,
        shutdown,
        serving,
    };
    (running, admin.unwrap())
}

#[tokio::test]
async fn admin_loads_and_unloads_for_whoever_has_the_token() {
    let folder = folder(&[("m/1", &model("tree-3")), ("n/1", &model("svc"))]);
    let (miner, admin) = administered(folder.path()).await;
    let client = miner.client();
    let caller = Client {
        address: admin,
        ..client.clone()
    };
    let ask = |what: &'static str, token: &'static str| {
        let caller = caller.clone();
        async move {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", HeaderValue::from_static(token));
            let target = format!("/v2/repository/{what}");
            caller.request(Method::POST, &target, headers, vec![]).await
        }
    };
    let right = "Bearer 0123456789abcdef";
    for wrong in ["Bearer 0123456789abcdeg", "Basic 0123456789abcdef"] {
        assert_eq!(ask("models/m/unload", wrong).await.status, 401);
    }
    assert_eq!(ask("models/m/unload", right).await.status, 200);
    assert!(served(&client, "m").await.is_none());
    // What was unloaded stays away until it is loaded.
    assert_eq!(ask("reload", right).await.status, 200);
    assert!(served(&client, "m").await.is_none());
    assert_eq!(ask("models/m/load", right).await.status, 200);
    assert!(served(&client, "m").await.is_some());

    fs::write(folder.path().join("n/1/model.onnx"), "not a model").unwrap();
    let broken = ask("models/n/load", right).await;
    assert_eq!(broken.status, 400);
    assert!(
        broken.error().contains("n/1/model.onnx"),
        "{}",
        broken.error()
    );
    let index = ask("index", right).await.json();
    assert_eq!(
        (&index[0]["name"], &index[0]["state"]),
        (&"m".into(), &"READY".into())
    );
    assert!(index[1]["reason"].as_str().unwrap().contains("not a model"));
    let unknown = ask("models/oak/load", right).await;
    assert!(unknown.error().contains("no model `oak`"));
}

#[tokio::test]
async fn admin_does_as_the_body_of_a_call_says_or_refuses_it() {
    let folder = folder(&[("m/1", &model("tree-3")), ("n/1", &model("svc"))]);
    let (miner, admin) = administered(folder.path()).await;
    let caller = Client {
        address: admin,
        ..miner.client()
    };
    let ask = |what: &'static str, said: &'static str| {
        let caller = caller.clone();
        async move {
            let mut headers = HeaderMap::new();
            let token = HeaderValue::from_static("Bearer 0123456789abcdef");
            headers.insert("authorization", token);
            let target = format!("/v2/repository/{what}");
            caller
                .request(Method::POST, &target, headers, said.into())
                .await
        }
    };
    let unloading = r#"{"parameters":{"unload_dependents":false}}"#;
    assert_eq!(ask("models/n/unload", unloading).await.status, 200);
    let away = ask("index", "{}").await.json()[1].clone();
    let stands = json!({"name": "n", "version": "1", "state": "UNAVAILABLE", "reason": "unloaded"});
    assert_eq!(away, stands);
    let ready = ask("index", r#"{"ready":true}"#).await.json();
    assert_eq!(ready.as_array().unwrap().len(), 1);
    assert_eq!(ready[0]["name"], "m");
    assert_eq!(ask("index", r#"{"ready":"#).await.status, 400);
    // What is in the folder would be loaded, which is not what was sent.
    for other in [
        r#"{"parameters":{"config":"{}"}}"#,
        r#"{"parameters":{"file:1/model.onnx":"AAAA"}}"#,
    ] {
        let refused = ask("models/n/load", other).await;
        assert_eq!(refused.status, 400);
        assert!(refused.error().contains("model folder"), "{other}");
    }
    assert_eq!(ask("models/n/load", "{}").await.status, 200);
    assert!(ask("nonsense", "").await.error().contains("nothing at"));
}

#[tokio::test]
async fn admin_tells_what_is_wrong_with_a_folder_until_it_is_mended() {
    let folder = folder(&[("m/1", &model("tree-3")), ("n/1", &model("svc"))]);
    let (miner, admin) = administered(folder.path()).await;
    let caller = Client {
        address: admin,
        ..miner.client()
    };
    let ask = |what: &'static str| {
        let caller = caller.clone();
        async move {
            let mut headers = HeaderMap::new();
            let token = HeaderValue::from_static("Bearer 0123456789abcdef");
            headers.insert("authorization", token);
            let target = format!("/v2/repository/{what}");
            caller.request(Method::POST, &target, headers, vec![]).await
        }
    };
    // Model, version, state, and what the reason says.
    let lists = |listed: &serde_json::Value, expected: &[[&str; 4]]| {
        let listed = listed.as_array().unwrap();
        assert_eq!(listed.len(), expected.len(), "{listed:?}");
        for (listed, [name, version, state, says]) in listed.iter().zip(expected) {
            assert_eq!(listed["name"], *name);
            assert_eq!(listed["version"].as_str().unwrap_or_default(), *version);
            assert_eq!(listed["state"], *state);
            let reason = listed["reason"].as_str().unwrap();
            assert!(
                reason.contains(says) && reason.is_empty() == says.is_empty(),
                "{reason}"
            );
        }
    };
    put(folder.path(), "n/2", &fixture("make.py"));
    let unusable = [
        ["m", "1", "READY", ""],
        ["n", "1", "READY", ""],
        ["n", "2", "UNAVAILABLE", "not a model"],
    ];
    lists(&ask("reload").await.json(), &unusable);

    let settings = folder.path().join("n/model.toml");
    fs::write(&settings, "worker = 2").unwrap();
    fs::create_dir_all(folder.path().join("o/1")).unwrap();
    let reloaded = ask("reload").await;
    assert_eq!(reloaded.status, 200);
    let broken = [
        ["m", "1", "READY", ""],
        ["n", "1", "READY", "worker"],
        ["n", "2", "UNAVAILABLE", "worker"],
        ["o", "", "UNAVAILABLE", "o/1/model.onnx is missing"],
    ];
    lists(&reloaded.json(), &broken);
    assert!(ask("models/n/load").await.error().contains("worker"));
    assert!(served(&miner.client(), "n").await.is_some());

    fs::remove_file(settings).unwrap();
    fs::remove_dir_all(folder.path().join("o")).unwrap();
    lists(&ask("reload").await.json(), &unusable);
}

#[tokio::test]
async fn admin_is_refused_to_strangers_when_it_has_no_token() {
    let folder = folder(&[("m/1", &model("tree-3"))]);
    let mut open = unwatched(folder.path());
    open.admin = Some(AdminSettings {
        listen: ([0, 0, 0, 0], 0).into(),
        token_file: None,
    });
    let error = Miner::bind(open, None).await.err().unwrap().to_string();
    assert!(error.contains("admin.token_file"), "{error}");
}

/// A chain on which this miner is registered, and which can be away.
struct TestChain(Mutex<State>);

struct State {
    away: bool,
    model: Option<ModelAnnouncement>,
}

impl TestChain {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            away: false,
            model: None,
        })))
    }

    fn model(&self) -> Option<String> {
        self.0.lock().unwrap().model.map(|it| it.sha256.to_string())
    }

    fn set_away(&self, away: bool) {
        self.0.lock().unwrap().away = away;
    }

    fn state(&self) -> Result<std::sync::MutexGuard<'_, State>, ChainError> {
        let state = self.0.lock().unwrap();
        if state.away {
            return Err(ChainError::Away("the node can't be reached".into()));
        }
        Ok(state)
    }
}

#[async_trait]
impl Chain for TestChain {
    async fn standing(&self) -> Result<Standing, ChainError> {
        let neuron = Neuron {
            uid: Uid(1),
            endpoint: None,
            model: self.state()?.model,
        };
        Ok(Standing {
            neuron: Some(neuron),
            ..Standing::default()
        })
    }

    async fn register(&self, _: Balance) -> Result<(), ChainError> {
        Err(ChainError::Refused("it is registered".into()))
    }

    async fn announce(&self, _: &Endpoint) -> Result<(), ChainError> {
        Err(ChainError::Refused("there is nothing to announce".into()))
    }

    async fn announce_model(&self, model: &ModelAnnouncement) -> Result<(), ChainError> {
        self.state()?.model = Some(*model);
        Ok(())
    }
}

/// A miner of which that chain knows `model`, or the only one.
async fn on_chain(folder: &Path, model: Option<&str>) -> (Running, Arc<TestChain>) {
    let chain = TestChain::new();
    let settings = ChainSettings {
        url: "ws://127.0.0.1:1".into(),
        netuid: NetUid(1),
        genesis: None,
        endpoint: None,
        model: model.map(Into::into),
        max_price: None,
        register_again: false,
        coldkey: None,
    };
    let config = Config {
        chain: Some(settings),
        ..unwatched(folder)
    };
    let miner = Miner::bind(config, Some(Arc::clone(&chain) as _)).await;
    let miner = miner.unwrap();
    let address = miner.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let serving = tokio::spawn(miner.serve(shutdown.clone()));
    let running = Running {
        address,
        shutdown,
        serving,
    };
    (running, chain)
}

#[tokio::test]
async fn new_model_answers_only_once_the_chain_knows_it() {
    let folder = folder(&[("m/1", &model("tree-3")), ("n/1", &model("svc"))]);
    let (miner, chain) = on_chain(folder.path(), Some("m")).await;
    let client = miner.client();
    let (old, new) = (digest(&model("tree-3")), digest(&model("tree-6")));
    until(|| async { chain.model().as_ref() == Some(&old) }).await;

    chain.set_away(true);
    put(folder.path(), "m/1", &model("tree-6"));
    put(folder.path(), "n/1", &model("logistic"));
    raise(Signal::SIGHUP).unwrap();
    // The other model needs no announcement; once it has changed, the first one is loaded, too.
    let other = Some(digest(&model("logistic")));
    until(|| async { served(&client, "n").await == other }).await;
    assert_eq!(served(&client, "m").await.as_ref(), Some(&old));
    let answer = client.infer("m", &blank(1), Encoding::Binary).await;
    answer.response();

    chain.set_away(false);
    until(|| async {
        let answers = served(&client, "m").await;
        // What answers is asked for first: it never runs ahead of the chain.
        if answers.as_ref() == Some(&new) {
            assert_eq!(chain.model().as_ref(), Some(&new));
        }
        answers.as_ref() == Some(&new)
    })
    .await;
}

#[tokio::test]
async fn new_version_is_served_once_the_chain_knows_it() {
    let folder = folder(&[("m/1", &model("tree-3"))]);
    let (miner, chain) = on_chain(folder.path(), None).await;
    let client = miner.client();
    let (old, new) = (digest(&model("tree-3")), digest(&model("tree-6")));
    until(|| async { chain.model().as_ref() == Some(&old) }).await;
    put(folder.path(), "m/2", &model("tree-6"));
    raise(Signal::SIGHUP).unwrap();
    until(|| async { served(&client, "m").await.as_ref() == Some(&new) }).await;
    assert_eq!(chain.model(), Some(new));
    assert_eq!(served(&client, "m/versions/1").await, Some(old));
}

#[tokio::test]
async fn miner_is_not_ready_when_what_the_chain_names_or_every_model_is_gone() {
    let folder = folder(&[("m/1", &model("tree-3")), ("n/1", &model("svc"))]);
    let (miner, chain) = on_chain(folder.path(), Some("m")).await;
    let client = miner.client();
    let (old, new) = (digest(&model("tree-3")), digest(&model("tree-6")));
    until(|| async { chain.model().as_ref() == Some(&old) }).await;
    let why = || async {
        let answer = client.get("/v2/health/ready").await;
        let why = answer.json()["why"].as_str().map(str::to_owned);
        assert_eq!(answer.status == 200, why.is_none());
        why
    };
    until(|| async { why().await.is_none() }).await;
    let gone = |name: &str| fs::remove_dir_all(folder.path().join(name)).unwrap();
    gone("m");
    raise(Signal::SIGHUP).unwrap();
    until(|| async { why().await.is_some_and(|why| why.contains(&old)) }).await;
    gone("n");
    raise(Signal::SIGHUP).unwrap();
    until(|| async { why().await.is_some_and(|why| why.contains("no model")) }).await;
    // What comes back may be another one, which the chain is told of at once.
    put(folder.path(), "m/1", &model("tree-6"));
    raise(Signal::SIGHUP).unwrap();
    until(|| async { why().await.is_none() }).await;
    until(|| async { chain.model().as_ref() == Some(&new) }).await;
    // While a new file waits for the chain, the old one is what is expected.
    chain.set_away(true);
    put(folder.path(), "m/1", &model("tree-3"));
    put(folder.path(), "n/1", &model("svc"));
    raise(Signal::SIGHUP).unwrap();
    until(|| async { served(&client, "n").await.is_some() }).await;
    assert_eq!(served(&client, "m").await, Some(new));
    assert_eq!(why().await, None);
}

#[tokio::test]
async fn what_the_chain_names_is_served_while_the_next_file_is_being_loaded() {
    let folder = folder(&[("m/1", &model("tree-3")), ("n/1", &model("svc"))]);
    let (miner, chain) = on_chain(folder.path(), Some("m")).await;
    let client = miner.client();
    let (second, third) = (digest(&model("tree-6")), digest(&model("logistic")));
    until(|| async { chain.model().is_some() }).await;
    chain.set_away(true);
    put(folder.path(), "m/1", &model("tree-6"));
    put(folder.path(), "n/1", &model("logistic"));
    raise(Signal::SIGHUP).unwrap();
    until(|| async { served(&client, "n").await.as_ref() == Some(&third) }).await;

    // Settings that are read from a pipe, so that the look at the folder takes as long as it shall.
    put(folder.path(), "m/1", &model("logistic"));
    let pipe = folder.path().join("n/model.toml");
    mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    raise(Signal::SIGHUP).unwrap();
    let opened = tokio::task::spawn_blocking(|| fs::OpenOptions::new().write(true).open(pipe));
    let held = opened.await.unwrap().unwrap();
    chain.set_away(false);
    until(|| async { served(&client, "m").await.as_ref() == Some(&second) }).await;
    assert_eq!(chain.model(), Some(second));
    drop(held);
    until(|| async { served(&client, "m").await.as_ref() == Some(&third) }).await;
    assert_eq!(chain.model(), Some(third));
}
