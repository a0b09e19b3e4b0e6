//! The chain knows what is served before it answers.

use crate::{
    common::{blank, folder, Running},
    reload::{digest, model, put, served, until, unwatched},
};
use assay_miner::{
    chain::{Chain, ChainError, Neuron, Standing},
    config::ChainSettings,
    Config, Miner,
};
use assay_primitives::{Balance, Endpoint, ModelAnnouncement, NetUid, Uid};
use assay_protocol::oip::Encoding;
use async_trait::async_trait;
use nix::{
    sys::{
        signal::{raise, Signal},
        stat::Mode,
    },
    unistd::mkfifo,
};
use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

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
    (Running::of(miner.unwrap()), chain)
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
