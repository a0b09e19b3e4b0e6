//! What can't be served is refused at the start, with the file's name.

mod common;

use assay_miner::{config::ProviderChoice, Miner};
use common::{config, digits, fixture, folder};
use std::{fs, num::NonZeroUsize, path::Path};

async fn refusal(models: &Path) -> String {
    match Miner::bind(config(models), None).await {
        Ok(_) => panic!("{} was loaded", models.display()),
        Err(why) => why.to_string(),
    }
}

#[tokio::test]
async fn bind_is_refused_when_the_model_folder_is_missing_or_empty() {
    let folder = tempfile::tempdir().unwrap();
    let gone = refusal(&folder.path().join("gone")).await;
    assert!(gone.contains("gone/NAME/VERSION/model.onnx"), "{gone}");
    assert!(refusal(folder.path())
        .await
        .contains("NAME/VERSION/model.onnx"));
}

#[tokio::test]
async fn bind_is_refused_when_an_onnx_file_is_malformed_or_truncated() {
    let model = fs::read(digits().join("logistic/1/model.onnx")).unwrap();
    for bytes in [&model[..model.len() / 2], &model[..10], b"not a model", b""] {
        let folder = folder(&[("m/1", &fixture("add.onnx"))]);
        fs::write(folder.path().join("m/1/model.onnx"), bytes).unwrap();
        let error = refusal(folder.path()).await;
        assert!(error.contains("m/1/model.onnx is not a model"), "{error}");
    }
}

#[tokio::test]
async fn bind_is_refused_when_an_output_is_no_tensor() {
    let folder = folder(&[("m/1", &fixture("sequence.onnx"))]);
    let error = refusal(folder.path()).await;
    assert!(error.contains("zipmap"), "{error}");
}

#[tokio::test]
async fn bind_is_refused_when_the_port_is_taken_or_the_key_is_missing() {
    let folder = folder(&[("m/1", &fixture("add.onnx"))]);
    let first = Miner::bind(config(folder.path()), None).await.unwrap();
    let mut taken = config(folder.path());
    taken.listen = first.local_addr().unwrap();
    let error = Miner::bind(taken, None).await.err().unwrap().to_string();
    assert!(error.contains("can't listen on 127.0.0.1"), "{error}");
    assert!(error.contains("another program listens there"), "{error}");
    let mut keyless = config(folder.path());
    keyless.hotkey = assay_protocol::keys::KeySource::default();
    let error = Miner::bind(keyless, None).await.err().unwrap().to_string();
    assert!(error.contains("hotkey: no key is named"), "{error}");
}

#[tokio::test]
async fn bind_falls_back_to_the_cpu_only_when_it_may() {
    let folder = folder(&[("m/1", &fixture("add.onnx"))]);
    let mut auto = config(folder.path());
    auto.inference.workers = NonZeroUsize::new(3);
    let models = assay_miner::check(&auto).await.unwrap();
    let mut cuda = auto.clone();
    cuda.inference.provider = ProviderChoice::Cuda;
    match assay_miner::check(&cuda).await {
        Ok(on_gpu) => assert_eq!(on_gpu.models[0].provider, "CUDAExecutionProvider"),
        Err(why) => {
            let why = why.to_string();
            assert!(
                why.contains("m/1/model.onnx can't be loaded on the GPU"),
                "{why}"
            );
            assert_eq!(models.models[0].provider, "CPUExecutionProvider");
        }
    }
}
