//! Queries to real models over a real socket, every one signed and every receipt checked.

mod common;

use assay_protocol::oip::{
    infer_path, Encoding, InferRequest, RequestedOutput, Tensor, TensorData,
};
use common::{blank, config, digits, fixture, folder, Running};
use half::{bf16, f16};
use std::{fs, path::Path};

/// The benchmark's rows of 64 pixels, and their labels.
fn heldout() -> (Vec<f32>, Vec<i64>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tasks/digits/benchmark/heldout.csv");
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for line in fs::read_to_string(path).unwrap().lines().skip(1) {
        let (pixels, label) = line.rsplit_once(',').unwrap();
        rows.extend(pixels.split(',').map(|pixel| pixel.parse::<f32>().unwrap()));
        labels.push(label.parse().unwrap());
    }
    (rows, labels)
}

#[tokio::test]
async fn infer_gives_each_models_own_accuracy_in_both_encodings() {
    let text = fs::read_to_string(digits().join("heldout.json")).unwrap();
    let stated: serde_json::Value = serde_json::from_str(&text).unwrap();
    let (rows, labels) = heldout();
    assert_eq!(rows.len(), labels.len() * 64);
    let miner = Running::digits().await;
    let input = Tensor::new("X", vec![labels.len(), 64], TensorData::Fp32(rows)).unwrap();
    for (index, (model, stated)) in stated["models"].as_object().unwrap().iter().enumerate() {
        let (inputs, outputs) = if index % 2 == 0 {
            (Encoding::Json, Encoding::Binary)
        } else {
            (Encoding::Binary, Encoding::Json)
        };
        let query = InferRequest {
            inputs: vec![input.clone()],
            output_encoding: outputs,
            ..InferRequest::default()
        };
        let answer = miner.client().infer(model, &query, inputs).await.response();
        let TensorData::Int64(found) = answer.output("label").unwrap().data() else {
            panic!("{model}: label is not INT64")
        };
        let correct = found
            .iter()
            .zip(&labels)
            .filter(|(found, label)| found == label)
            .count();
        assert_eq!(
            correct as u64,
            stated["correct"].as_u64().unwrap(),
            "{model}"
        );
        assert_eq!(
            answer.output("probabilities").unwrap().shape(),
            [labels.len(), 10]
        );
    }
}

#[tokio::test]
async fn infer_gives_the_outputs_asked_for_with_the_querys_id() {
    let miner = Running::digits().await;
    let query = InferRequest {
        id: Some("round 7".into()),
        outputs: vec![RequestedOutput {
            name: "label".into(),
            encoding: Some(Encoding::Binary),
        }],
        ..blank(2)
    };
    let answer = miner
        .client()
        .infer("logistic", &query, Encoding::Json)
        .await;
    assert_eq!(answer.headers["content-type"], "application/octet-stream");
    let response = answer.response();
    assert_eq!(response.id.as_deref(), Some("round 7"));
    assert_eq!(response.model_name, "logistic");
    assert_eq!(response.model_version.as_deref(), Some("1"));
    assert_eq!(response.outputs.len(), 1);
    assert_eq!(response.outputs[0].shape(), [2]);

    let json = miner
        .client()
        .infer("logistic", &blank(1), Encoding::Json)
        .await;
    assert_eq!(json.headers["content-type"], "application/json");
    assert_eq!(json.response().outputs.len(), 2);
}

#[tokio::test]
async fn infer_carries_every_type() {
    let folder = folder(&[("identity/1", &fixture("identity.onnx"))]);
    let miner = Running::start(config(folder.path())).await;
    let of = |name: &str, data| Tensor::new(format!("in_{name}"), vec![1, 2], data).unwrap();
    let inputs = vec![
        of("BOOL", TensorData::Bool(vec![true, false])),
        of("UINT8", TensorData::Uint8(vec![0, u8::MAX])),
        of("UINT16", TensorData::Uint16(vec![0, u16::MAX])),
        of("UINT32", TensorData::Uint32(vec![0, u32::MAX])),
        of("UINT64", TensorData::Uint64(vec![0, u64::MAX])),
        of("INT8", TensorData::Int8(vec![i8::MIN, i8::MAX])),
        of("INT16", TensorData::Int16(vec![i16::MIN, i16::MAX])),
        of("INT32", TensorData::Int32(vec![i32::MIN, i32::MAX])),
        of("INT64", TensorData::Int64(vec![i64::MIN, i64::MAX])),
        of(
            "FP16",
            TensorData::Fp16(vec![f16::from_f32(-0.5), f16::MAX]),
        ),
        of(
            "BF16",
            TensorData::Bf16(vec![bf16::from_f32(-0.5), bf16::MAX]),
        ),
        of("FP32", TensorData::Fp32(vec![0.1, f32::MIN_POSITIVE])),
        of("FP64", TensorData::Fp64(vec![0.1, f64::MAX])),
        of(
            "BYTES",
            TensorData::Bytes(vec![b"ink".to_vec(), "é".into()]),
        ),
    ];
    for encoding in [Encoding::Json, Encoding::Binary] {
        let query = InferRequest {
            inputs: inputs.clone(),
            output_encoding: encoding,
            ..InferRequest::default()
        };
        let response = miner
            .client()
            .infer("identity", &query, encoding)
            .await
            .response();
        for input in &inputs {
            let name = input.name().replace("in_", "out_");
            let output = response.output(&name).unwrap();
            assert_eq!(
                (output.data(), output.shape()),
                (input.data(), input.shape()),
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn infer_answers_a_query_without_rows() {
    let folder = folder(&[("add/1", &fixture("add.onnx"))]);
    let miner = Running::start(config(folder.path())).await;
    let nothing = r#"{"inputs":[{"name":"a","shape":[0],"datatype":"FP32","data":[]},
        {"name":"b","shape":[0],"datatype":"FP32","data":[]}]}"#;
    let response = miner.client().infer_text("add", nothing).await.response();
    assert!(response.outputs[0].data().is_empty());
}

#[tokio::test]
async fn infer_answers_bare_values_as_it_does_those_with_a_head() {
    let miner = Running::digits().await;
    let client = miner.client();
    let query = InferRequest {
        output_encoding: Encoding::Binary,
        ..blank(3)
    };
    let with_head = client.infer("mlp-64", &query, Encoding::Binary).await;
    let bare = query.inputs[0].to_raw().unwrap();
    let answer = client.ask(&infer_path("mlp-64", None), Some(0), bare).await;
    assert_eq!(answer.headers["content-type"], "application/octet-stream");
    assert_eq!(answer.response(), with_head.response());

    let short = client
        .ask(&infer_path("mlp-64", None), Some(0), vec![0; 255])
        .await;
    assert_eq!(short.status, 400);
    assert!(short.error().contains("[-1, 64]"), "{}", short.error());
}

#[tokio::test]
async fn infer_is_refused_when_a_tensor_has_the_wrong_name_type_or_shape() {
    let miner = Running::digits().await;
    let client = miner.client();
    let tensor = |name: &str, shape: Vec<usize>, data| Tensor::new(name, shape, data).unwrap();
    let good = || tensor("X", vec![1, 64], TensorData::Fp32(vec![0.0; 64]));
    for (inputs, says) in [
        (vec![], "input `X` is missing"),
        (
            vec![tensor("Y", vec![1, 64], TensorData::Fp32(vec![0.0; 64]))],
            "no input `Y`: there is `X`",
        ),
        (
            vec![tensor("X", vec![1, 64], TensorData::Fp64(vec![0.0; 64]))],
            "is FP64, the model takes FP32",
        ),
        (
            vec![tensor("X", vec![1, 63], TensorData::Fp32(vec![0.0; 63]))],
            "takes [-1, 64]",
        ),
        (
            vec![tensor("X", vec![64], TensorData::Fp32(vec![0.0; 64]))],
            "has shape [64]",
        ),
        (vec![good(), good()], "given twice"),
    ] {
        let query = InferRequest {
            inputs,
            ..InferRequest::default()
        };
        let answer = client.infer("logistic", &query, Encoding::Binary).await;
        assert_eq!(answer.status, 400, "{says}");
        assert!(answer.error().contains(says), "{}", answer.error());
    }
    let asked = |names: &[&str]| InferRequest {
        outputs: names
            .iter()
            .map(|name| RequestedOutput {
                name: (*name).into(),
                encoding: None,
            })
            .collect(),
        ..blank(1)
    };
    let unknown = client
        .infer("logistic", &asked(&["colour"]), Encoding::Json)
        .await;
    assert_eq!(unknown.status, 400);
    assert!(
        unknown.error().contains("no output `colour`"),
        "{}",
        unknown.error()
    );
    let twice = client
        .infer("logistic", &asked(&["label", "label"]), Encoding::Json)
        .await;
    assert!(
        twice.error().contains("asked for twice"),
        "{}",
        twice.error()
    );
}

#[tokio::test]
async fn infer_is_refused_when_lengths_lie_or_the_json_is_broken() {
    let miner = Running::digits().await;
    let client = miner.client();
    let path = "/v2/models/logistic/infer";
    for (body, says) in [
        (&br#"{"inputs":["#[..], "can't be read"),
        (
            br#"{"inputs":[{"name":"X","shape":[1,64],"datatype":"FP32","data":[1,2]}]}"#,
            "takes 64",
        ),
        (
            br#"{"inputs":[{"name":"X","shape":[1,64],"datatype":"FP31","data":[]}]}"#,
            "`FP31`",
        ),
        (b"", "can't be read"),
        (b"\xff\xfe", "can't be read"),
    ] {
        let answer = client.ask(path, None, body.to_vec()).await;
        assert_eq!(answer.status, 400);
        assert!(answer.error().contains(says), "{}", answer.error());
    }
    let mut encoded = blank(1).encode(Encoding::Binary).unwrap();
    encoded.body.truncate(encoded.body.len() - 4);
    let short = client
        .ask(path, encoded.header_length, encoded.body.clone())
        .await;
    assert!(
        short.error().contains("bytes are left"),
        "{}",
        short.error()
    );
    let beyond = client
        .ask(path, Some(encoded.body.len() + 1), encoded.body)
        .await;
    assert_eq!(beyond.status, 400);
    assert!(
        beyond.error().contains("inference-header-content-length"),
        "{}",
        beyond.error()
    );
}

#[tokio::test]
async fn infer_is_refused_when_inputs_do_not_agree_with_each_other() {
    let folder = folder(&[("add/1", &fixture("add.onnx"))]);
    let miner = Running::start(config(folder.path())).await;
    let input = |name: &str, length| {
        Tensor::new(name, vec![length], TensorData::Fp32(vec![1.0; length])).unwrap()
    };
    let query = |a, b| InferRequest {
        inputs: vec![input("a", a), input("b", b)],
        ..InferRequest::default()
    };
    let answer = miner
        .client()
        .infer("add", &query(2, 3), Encoding::Json)
        .await;
    assert!(matches!(answer.status, 400 | 500), "{}", answer.status);
    assert!(!answer.error().is_empty());
    // The session is as good as before.
    let response = miner
        .client()
        .infer("add", &query(2, 2), Encoding::Json)
        .await
        .response();
    assert_eq!(
        response.outputs[0].data(),
        &TensorData::Fp32(vec![2.0, 2.0])
    );
}

#[tokio::test]
async fn infer_is_refused_when_json_cannot_state_the_answer() {
    let folder = folder(&[("add/1", &fixture("add.onnx"))]);
    let miner = Running::start(config(folder.path())).await;
    let nan = |name: &str| Tensor::new(name, vec![1], TensorData::Fp32(vec![f32::NAN])).unwrap();
    let query = InferRequest {
        inputs: vec![nan("a"), nan("b")],
        ..InferRequest::default()
    };
    let answer = miner.client().infer("add", &query, Encoding::Binary).await;
    assert_eq!(answer.status, 422);
    assert!(
        answer.error().contains("ask for it as binary data"),
        "{}",
        answer.error()
    );
    let query = InferRequest {
        output_encoding: Encoding::Binary,
        ..query
    };
    miner
        .client()
        .infer("add", &query, Encoding::Binary)
        .await
        .response();
}

#[tokio::test]
async fn infer_is_refused_when_the_model_or_version_is_unknown() {
    let model = digits().join("tree-3/1/model.onnx");
    let folder = folder(&[("tree/2", &model), ("tree/10", &model)]);
    let miner = Running::start(config(folder.path())).await;
    let client = miner.client();
    let newest = client
        .infer("tree", &blank(1), Encoding::Json)
        .await
        .response();
    assert_eq!(newest.model_version.as_deref(), Some("10"));
    let body = blank(1).encode(Encoding::Json).unwrap().body;
    let older = client
        .ask("/v2/models/tree/versions/2/infer", None, body.clone())
        .await;
    assert_eq!(older.response().model_version.as_deref(), Some("2"));
    let version = client
        .ask("/v2/models/tree/versions/3/infer", None, body)
        .await;
    assert_eq!(version.status, 404);
    assert!(
        version.error().contains("no version `3`"),
        "{}",
        version.error()
    );
    let unknown = client.infer("forest", &blank(1), Encoding::Json).await;
    assert_eq!(unknown.status, 404);
    assert!(
        unknown.error().contains("no model `forest`"),
        "{}",
        unknown.error()
    );
}

#[tokio::test]
async fn infer_is_refused_when_the_body_is_over_the_limit() {
    let mut config = config(&digits());
    config.limits.body_bytes = 1000;
    let miner = Running::start(config).await;
    let client = miner.client();
    let target = "/v2/models/logistic/infer";
    let mut headers = http::HeaderMap::new();
    let body = vec![b' '; 1001];
    client.sign(target, &mut headers, &body, &client.params());
    let answer = client.send(target, headers, body).await;
    assert_eq!(answer.status, 413);
    assert!(
        answer.error().contains("limit of 1000 bytes"),
        "{}",
        answer.error()
    );
}
