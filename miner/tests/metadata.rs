//! What everyone may read, and the handshake.

mod common;

use assay_protocol::{
    handshake::{self, Hello, Welcome},
    oip::{DataType, ModelMetadata, ServerMetadata},
};
use common::{config, digits, folder, Running};
use http::{HeaderMap, Method};
use serde_json::json;

#[tokio::test]
async fn get_tells_server_and_health() {
    let miner = Running::digits().await;
    let client = miner.client();
    for path in ["/v2", "/v2/"] {
        let server: ServerMetadata = serde_json::from_slice(&client.get(path).await.body).unwrap();
        assert_eq!(server.name, "assay-miner");
        assert_eq!(server.extensions, ["binary_tensor_data"]);
        assert_eq!(
            server.parameters["hotkey"],
            common::miner().hotkey().to_string()
        );
        let provider = &server.parameters["execution_provider"];
        assert!(provider.ends_with("ExecutionProvider"));
        // The default is to try a GPU: where it was not taken it is said why.
        let why = server.parameters.get("execution_provider_fallback");
        assert_eq!(why.is_some(), provider.starts_with("CPU"), "{why:?}");
    }
    for (path, says) in [
        ("/v2/health/live", json!({ "live": true })),
        ("/v2/health/ready", json!({ "ready": true })),
        (
            "/v2/models/svc/ready",
            json!({ "name": "svc", "ready": true }),
        ),
    ] {
        let answer = client.get(path).await;
        assert_eq!((answer.status, answer.json()), (200, says), "{path}");
    }
}

#[tokio::test]
async fn get_tells_what_a_model_takes_and_gives() {
    let tree = digits().join("tree-3/1/model.onnx");
    let folder = folder(&[("tree/1", &tree), ("tree/2", &tree)]);
    let miner = Running::start(config(folder.path())).await;
    for path in ["/v2/models/tree", "/v2/models/tree/versions/1"] {
        let answer = miner.client().get(path).await;
        let model: ModelMetadata = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(model.versions, ["1", "2"]);
        assert_eq!(model.platform, "onnxruntime_onnx");
        let input = &model.inputs[0];
        assert_eq!((input.name.as_str(), input.datatype), ("X", DataType::Fp32));
        assert_eq!(input.shape, [-1, 64]);
        let outputs: Vec<_> = model
            .outputs
            .iter()
            .map(|it| (it.name.as_str(), it.datatype))
            .collect();
        assert_eq!(
            outputs,
            [
                ("label", DataType::Int64),
                ("probabilities", DataType::Fp32)
            ]
        );
        let bytes = std::fs::read(&tree).unwrap();
        let digest = assay_primitives::Digest(assay_protocol::sha256(&bytes));
        assert_eq!(model.parameters["sha256"], digest.to_string());
        assert_eq!(model.parameters["size"], bytes.len().to_string());
    }
}

#[tokio::test]
async fn get_is_refused_when_there_is_no_such_thing() {
    let miner = Running::digits().await;
    let client = miner.client();
    for path in [
        "/v2/models/forest",
        "/v2/models/forest/ready",
        "/v2/models/svc/versions/7",
        "/v2/models/svc/versions/7/ready",
        "/v1/models",
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.error().is_empty());
    }
    for path in ["/v2/models/%ff", "/v2/models/svc/versions/%ff/ready"] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.error().contains("UTF-8"), "{}", answer.error());
    }
    let wrong = client
        .request(
            Method::PUT,
            "/v2/models/svc/infer",
            HeaderMap::new(),
            vec![],
        )
        .await;
    assert_eq!(wrong.status, 405);
    assert!(wrong.error().contains("PUT"), "{}", wrong.error());
    assert_eq!(wrong.headers["allow"], "POST");
}

#[tokio::test]
async fn handshake_proves_the_hotkey_and_tells_the_models() {
    let tree = digits().join("tree-3/1/model.onnx");
    let folder = folder(&[("tree/1", &tree), ("tree/2", &tree), ("ash/1", &tree)]);
    let miner = Running::start(config(folder.path())).await;
    let hello = serde_json::to_vec(&Hello::default()).unwrap();
    let answer = miner.client().ask(handshake::PATH, None, hello).await;
    assert_eq!(answer.status, 200);
    let welcome: Welcome = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(welcome.hotkey, common::miner().hotkey());
    let models: Vec<_> = welcome
        .models
        .iter()
        .map(|it| (it.name.as_str(), it.version.as_str()))
        .collect();
    assert_eq!(models, [("ash", "1"), ("tree", "2")]);
}

#[tokio::test]
async fn handshake_is_refused_when_the_protocol_is_another() {
    let miner = Running::digits().await;
    for body in [&br#"{"protocol":"assay/2"}"#[..], b"{}", b""] {
        let answer = miner
            .client()
            .ask(handshake::PATH, None, body.to_vec())
            .await;
        assert_eq!(answer.status, 400);
    }
    let unsigned = miner
        .client()
        .send(handshake::PATH, HeaderMap::new(), vec![])
        .await;
    assert_eq!(unsigned.reason(), "unsigned");
}
