//! An engine behind the miner that does not do what it should.

use crate::common::{config, fixture, Client, Running, PATIENCE};
use assay_miner::{
    config::{BackendChoice, UpstreamModel, UpstreamSettings},
    Config, Miner,
};
use assay_protocol::{
    oip::{
        header_length, infer_path, Encoding, InferRequest, InferResponse, RequestedOutput, Tensor,
        TensorData, HEADER_LENGTH,
    },
    TIMEOUT_HEADER,
};
use axum::{
    body::Body,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
    Json, Router,
};
use bytes::Bytes;
use futures::stream;
use half::f16;
use http::{HeaderMap, HeaderValue};
use serde_json::{json, Value};
use std::{
    io,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, time::Instant};

/// Most bytes of an answer that the miner takes.
const MOST: usize = 4096;

/// What the engine does with queries.
#[derive(Clone)]
enum Habit {
    /// This is its answer.
    Says(StatusCode, String),
    /// It ends in the middle of its answer.
    Dies,
    /// It never answers.
    Hangs,
    /// It answers raw where it was asked to, else not at all: no type of its has a form in JSON.
    Triton,
}

struct Fake {
    habit: Habit,
    /// The JSON of the last query.
    asked: Value,
}

type Engine = Arc<Mutex<Fake>>;

fn outputs(outputs: Value) -> Habit {
    let answer = json!({ "model_name": "another", "model_version": "1", "outputs": outputs });
    Habit::Says(StatusCode::OK, answer.to_string())
}

fn right() -> Habit {
    let spare = json!({ "name": "spare", "shape": [1], "datatype": "BOOL", "data": [true] });
    outputs(json!([spare, { "name": "sum", "shape": [1], "datatype": "FP32", "data": [2] }]))
}

/// A sum of FP16, as Triton gives it. The query's own flag is for outputs that it does not name.
fn as_triton(query: &Value) -> Response {
    let raw = match query["outputs"].as_array() {
        Some(named) => &named[0]["parameters"]["binary_data"],
        None => &query["parameters"]["binary_data_output"],
    };
    if raw != true {
        let why = json!({ "error": "sending FP16 data via JSON is not supported" });
        return (StatusCode::BAD_REQUEST, Json(why)).into_response();
    }
    let sum = Tensor::new("sum", vec![1], vec![f16::from_f32(2.0)].into()).unwrap();
    let answer = InferResponse {
        model_name: "add".into(),
        outputs: vec![sum],
        ..InferResponse::default()
    };
    let wanted = InferRequest {
        output_encoding: Encoding::Binary,
        ..InferRequest::default()
    };
    let encoded = answer.encode(&wanted).unwrap();
    let length = encoded.header_length.unwrap().to_string();
    ([(HEADER_LENGTH, length)], encoded.body).into_response()
}

async fn infer(State(engine): State<Engine>, headers: HeaderMap, body: Bytes) -> Response {
    let head = header_length(&headers).unwrap().unwrap_or(body.len());
    let query: Value = serde_json::from_slice(&body[..head]).unwrap();
    let habit = {
        let mut engine = engine.lock().unwrap();
        engine.asked = query.clone();
        engine.habit.clone()
    };
    match habit {
        Habit::Says(status, text) => (status, text).into_response(),
        Habit::Dies => {
            let pieces = [Ok("{\"model_name\":"), Err(io::Error::other("it died"))];
            Body::from_stream(stream::iter(pieces)).into_response()
        }
        Habit::Hangs => std::future::pending().await,
        Habit::Triton => as_triton(&query),
    }
}

fn described(name: &str, datatype: &str) -> Value {
    json!({ "name": name, "datatype": datatype, "shape": [-1] })
}

/// An engine that tells the truth about its model `add`, and takes JSON.
async fn engine() -> (Engine, String) {
    let inputs = json!([described("a", "FP32"), described("b", "FP32")]);
    engine_of(right(), &[], inputs, json!([described("sum", "FP32")])).await
}

/// One that takes raw tensors as well, and whose sum is of another type.
async fn triton() -> (Engine, String) {
    let inputs = json!([described("a", "FP32"), described("b", "FP32")]);
    let outputs = json!([described("sum", "FP16")]);
    engine_of(Habit::Triton, &["binary_tensor_data"], inputs, outputs).await
}

async fn engine_of(
    habit: Habit,
    extensions: &[&str],
    inputs: Value,
    outputs: Value,
) -> (Engine, String) {
    let engine: Engine = Arc::new(Mutex::new(Fake {
        habit,
        asked: Value::Null,
    }));
    let model = json!({
        "name": "add", "versions": ["1"], "platform": "another",
        "inputs": inputs, "outputs": outputs,
    });
    let server = json!({ "name": "another", "version": "1", "extensions": extensions });
    let router = Router::new()
        .route("/v2", get(|| async { Json(server) }))
        .route("/v2/models/add", get(|| async { Json(model) }))
        .route("/v2/models/add/ready", get(|| async { "" }))
        .route("/v2/models/add/infer", post(infer))
        .with_state(Arc::clone(&engine));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (engine, url)
}

fn front(url: String) -> Config {
    let mut front = config(Path::new("no-such-folder"));
    front.backend = BackendChoice::Upstream;
    front.upstream = Some(UpstreamSettings {
        url,
        models: vec![UpstreamModel {
            name: "add".into(),
            upstream_name: None,
            upstream_version: None,
            version: 1,
            artifact: fixture("add.onnx"),
            inputs: vec![],
            outputs: vec![],
        }],
        in_flight: 1,
        answer_bytes: MOST,
        probe_seconds: 60,
    });
    front
}

async fn before(url: String) -> Running {
    Running::start(front(url)).await
}

fn sum() -> InferRequest {
    let input = |name| Tensor::new(name, vec![1], TensorData::Fp32(vec![1.0])).unwrap();
    InferRequest {
        inputs: vec![input("a"), input("b")],
        ..InferRequest::default()
    }
}

async fn is_answered(client: &Client) {
    let answer = client.infer("add", &sum(), Encoding::Json).await.response();
    assert_eq!(answer.model_name, "add");
    // What the model is not said to give is left out.
    assert_eq!(answer.outputs.len(), 1);
    assert_eq!(answer.outputs[0].data(), &TensorData::Fp32(vec![2.0]));
}

#[tokio::test]
async fn answer_that_is_none_of_the_model_is_not_passed_on() {
    let (engine, url) = engine().await;
    let miner = before(url).await;
    let client = miner.client();
    let tensor = |name: &str, shape: Value, datatype: &str, data: Value| {
        outputs(json!([{ "name": name, "shape": shape, "datatype": datatype, "data": data }]))
    };
    let says = |status, text: &str| Habit::Says(status, text.to_owned());
    for (habit, status, told) in [
        (says(StatusCode::OK, "nonsense"), 500, "can't be read"),
        (says(StatusCode::OK, ""), 500, "can't be read"),
        (says(StatusCode::FOUND, "elsewhere"), 500, "elsewhere"),
        (
            tensor("label", json!([1]), "FP32", json!([2])),
            500,
            "left out the output `sum`",
        ),
        (
            tensor("sum", json!([1]), "INT64", json!([2])),
            500,
            "is INT64 of shape [1]",
        ),
        (
            tensor("sum", json!([1, 1]), "FP32", json!([2])),
            500,
            "of shape [1, 1]",
        ),
        (
            tensor("sum", json!([2]), "FP32", json!([2])),
            500,
            "can't be read",
        ),
        (
            says(StatusCode::OK, &" ".repeat(10 * MOST)),
            500,
            "exceeds 4096 bytes",
        ),
        (says(StatusCode::TOO_MANY_REQUESTS, ""), 429, "full"),
        (
            says(StatusCode::BAD_REQUEST, r#"{"error":"too long"}"#),
            400,
            "too long",
        ),
        (
            says(StatusCode::UNAUTHORIZED, r#"{"error":"who is it?"}"#),
            500,
            "answers 401: who is it?",
        ),
        (says(StatusCode::METHOD_NOT_ALLOWED, ""), 500, "answers 405"),
        (says(StatusCode::PAYLOAD_TOO_LARGE, ""), 413, "as large as"),
        (says(StatusCode::REQUEST_TIMEOUT, ""), 503, "not available"),
        (says(StatusCode::GATEWAY_TIMEOUT, ""), 503, "not available"),
        (Habit::Dies, 503, "not available"),
    ] {
        engine.lock().unwrap().habit = habit;
        // Whatever comes of it, `infer` checks the receipt.
        let answer = client.infer("add", &sum(), Encoding::Binary).await;
        assert_eq!(answer.status, status, "{told}");
        assert!(answer.error().contains(told), "{}", answer.error());
        engine.lock().unwrap().habit = right();
        is_answered(&client).await;
    }
}

#[tokio::test]
async fn query_is_given_up_when_the_engine_hangs() {
    let (engine, url) = engine().await;
    let miner = before(url).await;
    let client = miner.client();
    engine.lock().unwrap().habit = Habit::Hangs;
    let body = sum().encode(Encoding::Json).unwrap().body;
    let (target, mut headers) = (infer_path("add", None), HeaderMap::new());
    client.sign(&target, &mut headers, &body, &client.params());
    headers.insert(TIMEOUT_HEADER, HeaderValue::from_static("200"));
    let start = Instant::now();
    assert_eq!(client.send(&target, headers, body).await.status, 504);
    assert!(start.elapsed() < PATIENCE / 2);
    engine.lock().unwrap().habit = right();
    // The only place there is free again.
    let next = tokio::time::timeout(Duration::from_secs(20), is_answered(&client));
    next.await.unwrap();
}

#[tokio::test]
async fn outputs_come_raw_from_the_engine_whether_or_not_they_are_named() {
    let (_engine, url) = triton().await;
    let miner = before(url).await;
    let named = |encoding| {
        vec![RequestedOutput {
            name: "sum".into(),
            encoding,
        }]
    };
    for outputs in [vec![], named(None), named(Some(Encoding::Json))] {
        let query = InferRequest { outputs, ..sum() };
        let answer = miner.client().infer("add", &query, Encoding::Json).await;
        let answer = answer.response();
        assert_eq!(
            answer.outputs[0].data(),
            &TensorData::Fp16(vec![f16::from_f32(2.0)])
        );
    }
}

#[tokio::test]
async fn settings_say_what_the_engine_does_not_when_it_tells_half() {
    let inputs = json!([described("a", "FP32"), described("b", "FP32")]);
    let outputs = json!([described("sum", "FP32")]);
    let stated = |tensors: &Value| serde_json::from_value(tensors.clone()).unwrap();
    for (told_inputs, told_outputs) in [(&inputs, &json!([])), (&json!([]), &outputs)] {
        let told = (told_inputs.clone(), told_outputs.clone());
        let (_engine, url) = engine_of(right(), &[], told.0, told.1).await;
        let refused = Miner::bind(front(url.clone()), None).await.err().unwrap();
        assert!(refused.to_string().contains("what is missing"), "{refused}");
        let mut front = front(url);
        let model = &mut front.upstream.as_mut().unwrap().models[0];
        (model.inputs, model.outputs) = (stated(&inputs), stated(&outputs));
        is_answered(&Running::start(front).await.client()).await;
    }
}

#[tokio::test]
async fn parameters_reach_the_engine_unless_they_say_how_tensors_are_encoded() {
    let (engine, url) = engine().await;
    let miner = before(url).await;
    let asked = |classes: &str| {
        format!(
            r#"{{"parameters": {{"temperature": 0.2, "priority": 1, "binary_data_output": false}},
            "inputs": [{{"name": "a", "datatype": "FP32", "shape": [1], "data": [1],
                    "parameters": {{"content_type": "np"}}}},
                {{"name": "b", "datatype": "FP32", "shape": [1], "data": [1]}}],
            "outputs": [{{"name": "sum", "parameters": {{"binary_data": false, "{classes}": 3}}}}]}}"#
        )
    };
    let client = miner.client();
    client.infer_text("add", &asked("top")).await.response();
    let said = engine.lock().unwrap().asked.clone();
    assert_eq!(
        said["parameters"],
        json!({ "temperature": 0.2, "priority": 1 })
    );
    assert_eq!(
        said["inputs"][0]["parameters"],
        json!({ "content_type": "np" })
    );
    assert_eq!(said["inputs"][1]["parameters"], Value::Null);
    assert_eq!(said["outputs"][0]["parameters"], json!({ "top": 3 }));
    // What the miner can't answer is refused as ever.
    let refused = client.infer_text("add", &asked("classification")).await;
    assert_eq!(refused.status, 400);
}
