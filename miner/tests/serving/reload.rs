//! What is served follows the model folder.

use crate::common::{blank, config, digits, fixture, folder, Answer, Client, Running, PATIENCE};
use assay_miner::{admin::AdminSettings, reload::FolderSettings, Config, Miner};
use assay_protocol::oip::Encoding;
use http::{header::AUTHORIZATION, HeaderMap, HeaderValue, Method};
use nix::sys::signal::{raise, Signal};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

pub fn model(name: &str) -> PathBuf {
    digits().join(name).join("1/model.onnx")
}

/// Exchanges a model file as one should: in one step.
pub fn put(folder: &Path, place: &str, file: &Path) {
    let path = folder.join(place);
    fs::create_dir_all(&path).unwrap();
    fs::copy(file, path.join("new")).unwrap();
    fs::rename(path.join("new"), path.join("model.onnx")).unwrap();
}

pub fn unwatched(folder: &Path) -> Config {
    Config {
        folder: FolderSettings { watch_seconds: 0 },
        ..config(folder)
    }
}

/// Asks again until `holds`.
pub async fn until<F: std::future::Future<Output = bool>>(mut holds: impl FnMut() -> F) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < PATIENCE, "it did not come to pass");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The digest of the model that answers, or none.
pub async fn served(client: &Client, model: &str) -> Option<String> {
    let answer = client.get(&format!("/v2/models/{model}")).await;
    let digest = || {
        answer.json()["parameters"]["sha256"]
            .as_str()
            .map(Into::into)
    };
    (answer.status == 200).then(digest).flatten()
}

pub fn digest(file: &Path) -> String {
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

/// The token that admin ports here take.
const TOKEN: &str = "Bearer 0123456789abcdef";

/// What a call to an admin port is answered.
async fn ask(admin: &Client, what: &str, token: &'static str, said: &str) -> Answer {
    let token = HeaderValue::from_static(token);
    let headers = HeaderMap::from_iter([(AUTHORIZATION, token)]);
    let target = format!("/v2/repository/{what}");
    let said = said.as_bytes().to_vec();
    admin.request(Method::POST, &target, headers, said).await
}

/// A miner with an admin port that takes a token, and whoever calls there.
async fn administered(folder: &Path) -> (Running, Client) {
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
    let admin = miner.admin_addr().unwrap().unwrap();
    let running = Running::of(miner);
    let caller = Client {
        address: admin,
        ..running.client()
    };
    (running, caller)
}

#[tokio::test]
async fn admin_loads_and_unloads_for_whoever_has_the_token() {
    let folder = folder(&[("m/1", &model("tree-3")), ("n/1", &model("svc"))]);
    let (miner, admin) = administered(folder.path()).await;
    let client = miner.client();
    let ask = |what: &'static str, token| ask(&admin, what, token, "");
    for wrong in ["Bearer 0123456789abcdeg", "Basic 0123456789abcdef"] {
        assert_eq!(ask("models/m/unload", wrong).await.status, 401);
    }
    assert_eq!(ask("models/m/unload", TOKEN).await.status, 200);
    assert!(served(&client, "m").await.is_none());
    // What was unloaded stays away until it is loaded.
    assert_eq!(ask("reload", TOKEN).await.status, 200);
    assert!(served(&client, "m").await.is_none());
    assert_eq!(ask("models/m/load", TOKEN).await.status, 200);
    assert!(served(&client, "m").await.is_some());

    fs::write(folder.path().join("n/1/model.onnx"), "not a model").unwrap();
    let broken = ask("models/n/load", TOKEN).await;
    assert_eq!(broken.status, 400);
    assert!(
        broken.error().contains("n/1/model.onnx"),
        "{}",
        broken.error()
    );
    let index = ask("index", TOKEN).await.json();
    assert_eq!(
        (&index[0]["name"], &index[0]["state"]),
        (&"m".into(), &"READY".into())
    );
    assert!(index[1]["reason"].as_str().unwrap().contains("not a model"));
    let unknown = ask("models/oak/load", TOKEN).await;
    assert!(unknown.error().contains("no model `oak`"));
}

#[tokio::test]
async fn admin_does_as_the_body_of_a_call_says_or_refuses_it() {
    let folder = folder(&[("m/1", &model("tree-3")), ("n/1", &model("svc"))]);
    let (_miner, admin) = administered(folder.path()).await;
    let ask = |what: &'static str, said| ask(&admin, what, TOKEN, said);
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
    let ask = |what: &'static str| ask(&admin, what, TOKEN, "");
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
