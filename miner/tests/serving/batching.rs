//! Joining queries changes no answer.

use crate::common::{digits, fixture, folder};
use assay_miner::{
    backend::{Backend, ModelInfo},
    onnx::{load_library, Batching, Device, OnnxBackend, RunOptions},
};
use assay_protocol::oip::{InferRequest, RequestedOutput, Tensor, TensorData};
use proptest::prelude::*;
use std::{num::NonZeroUsize, path::Path, sync::Arc};
use tokio::runtime::Runtime;

/// Far beyond what summing in another order does to sums of 64 products.
const TOLERANCE: f32 = 1e-4;

fn backend(models: &Path, max_rows: usize) -> OnnxBackend {
    let options = RunOptions {
        device: Device::Cpu,
        workers: NonZeroUsize::new(2),
        queue: 64,
        threads: NonZeroUsize::new(1),
        batching: Batching {
            max_rows,
            max_delay_us: 2_000,
        },
    };
    OnnxBackend::load(models, &load_library(None).unwrap(), options).unwrap()
}

fn model(backend: &OnnxBackend, name: &str) -> Arc<ModelInfo> {
    let mut models = backend.models();
    models.retain(|model| model.name == name);
    models.remove(0)
}

/// Asks all at once.
async fn answers(backend: &OnnxBackend, name: &str, queries: &[InferRequest]) -> Vec<Vec<Tensor>> {
    let model = model(backend, name);
    let asked = queries
        .iter()
        .map(|query| backend.infer(Arc::clone(&model), query.clone()));
    let answers = futures::future::join_all(asked).await;
    answers.into_iter().map(Result::unwrap).collect()
}

fn same(one: &Tensor, other: &Tensor) -> bool {
    let close = |(one, other): (&f32, &f32)| (one - other).abs() <= TOLERANCE * one.abs().max(1.0);
    let values = match (one.data(), other.data()) {
        (TensorData::Fp32(one), TensorData::Fp32(other)) => one.iter().zip(other).all(close),
        (one, other) => one == other,
    };
    values && (one.name(), one.shape()) == (other.name(), other.shape())
}

/// Images of 1 to 4 rows, some asking for one output only.
fn queries() -> impl Strategy<Value = Vec<InferRequest>> {
    let query = (1_usize..5, any::<u32>(), any::<bool>()).prop_map(|(rows, seed, one)| {
        let pixel = |place: usize| {
            let bits = seed.wrapping_add(place as u32).wrapping_mul(2_654_435_761);
            (bits >> 24) as f32 / 16.0
        };
        let pixels: Vec<f32> = (0..rows * 64).map(pixel).collect();
        let only = one.then(|| RequestedOutput {
            name: "probabilities".into(),
            encoding: None,
        });
        InferRequest {
            inputs: vec![Tensor::new("X", vec![rows, 64], pixels.into()).unwrap()],
            outputs: only.into_iter().collect(),
            ..InferRequest::default()
        }
    });
    proptest::collection::vec(query, 1..12)
}

#[test]
fn infer_answers_the_same_when_queries_are_joined() {
    let runtime = Runtime::new().unwrap();
    let (alone, joined) = (backend(&digits(), 1), backend(&digits(), 16));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    // A network, whose sums may be taken in another order, and a classifier of distances.
    for name in ["mlp-64", "svc"] {
        let outcome = runner.run(&queries(), |queries| {
            let expected = runtime.block_on(answers(&alone, name, &queries));
            let found = runtime.block_on(answers(&joined, name, &queries));
            for (expected, found) in expected.iter().zip(&found) {
                prop_assert_eq!(expected.len(), found.len());
                let labels = expected
                    .iter()
                    .zip(found)
                    .all(|(one, other)| same(one, other));
                prop_assert!(labels, "{:?} became {:?}", expected, found);
            }
            Ok(())
        });
        outcome.unwrap();
    }
}

#[tokio::test]
async fn infer_fails_nobody_else_when_one_of_the_joined_queries_fails() {
    let folder = folder(&[("pick/1", &fixture("pick.onnx"))]);
    let backend = backend(folder.path(), 16);
    // A row of a table with four: the fifth is not there.
    let query = |row: i64| InferRequest {
        inputs: vec![Tensor::new("row", vec![1], vec![row].into()).unwrap()],
        ..InferRequest::default()
    };
    let model = model(&backend, "pick");
    let asked = [1, 4, 2].map(|row| backend.infer(Arc::clone(&model), query(row)));
    let answers = futures::future::join_all(asked).await;
    let value = |place: usize| match &answers[place] {
        Ok(outputs) => outputs[0].data().clone(),
        Err(why) => panic!("{why}"),
    };
    assert_eq!(value(0), TensorData::Fp32(vec![10.0]));
    assert!(answers[1].is_err());
    assert_eq!(value(2), TensorData::Fp32(vec![20.0]));
}

#[tokio::test]
async fn infer_joins_nothing_when_rows_depend_on_each_other() {
    let folder = folder(&[("share/1", &fixture("share.onnx"))]);
    let backend = backend(folder.path(), 16);
    let query = |value: f32| InferRequest {
        inputs: vec![Tensor::new("x", vec![1], vec![value].into()).unwrap()],
        ..InferRequest::default()
    };
    let queries = [query(1.0), query(3.0)];
    // Each is the whole of its own query; joined they would be a quarter and three.
    for answer in answers(&backend, "share", &queries).await {
        assert_eq!(answer[0].data(), &TensorData::Fp32(vec![1.0]));
    }
}

#[test]
fn waiting_is_what_the_models_own_settings_say() {
    let svc = digits().join("svc/1/model.onnx");
    let folder = folder(&[("own/1", &svc), ("unset/1", &svc)]);
    let settings = folder.path().join("own/model.toml");
    std::fs::write(settings, "queue = 3\n").unwrap();
    let backend = backend(folder.path(), 1);
    for (name, waiting) in [("own", Some(3)), ("unset", None)] {
        assert_eq!(backend.room(&model(&backend, name)).waiting, waiting);
    }
}
