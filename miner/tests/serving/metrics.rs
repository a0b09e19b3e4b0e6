//! What the metrics page tells an operator.

use crate::common::{blank, caller, config, digits, miner, Client, Running};
use assay_miner::{config::ProviderChoice, grpc::INFER_PATH, onnx::Batching, Miner};
use assay_protocol::oip::{infer_path, Encoding};
use http::HeaderMap;

#[tokio::test]
async fn page_tells_where_the_time_goes_and_what_is_refused() {
    let mut config = config(&digits());
    config.metrics = Some(([127, 0, 0, 1], 0).into());
    config.inference.provider = ProviderChoice::Cpu;
    // Far longer than a test may take: it is the full batch that ends the wait.
    config.batching = Batching {
        max_rows: 3,
        max_delay_us: 60_000_000,
    };
    let served = Miner::bind(config, None).await.unwrap();
    let page = served.metrics_addr().unwrap().unwrap();
    let running = Running::of(served);

    let client = running.client();
    let query = blank(1);
    let asked = || client.infer("mlp-64", &query, Encoding::Binary);
    let answers = tokio::join!(asked(), asked(), asked());
    for answer in [answers.0, answers.1, answers.2] {
        assert_eq!(answer.status, 200);
    }
    let target = infer_path("mlp-64", None);
    let refused = client.send(&target, HeaderMap::new(), b"{}".to_vec()).await;
    assert_eq!(refused.reason(), "unsigned");
    // Over gRPC the status is 200 whatever is wrong; what counts is what it means.
    let mut headers = HeaderMap::new();
    client.sign(INFER_PATH, &mut headers, b"no", &client.params());
    let wrong = client.send(INFER_PATH, headers, b"no".to_vec()).await;
    assert_eq!(
        (wrong.status, &wrong.headers["grpc-status"]),
        (200, &"3".parse().unwrap())
    );

    let reader = Client {
        address: page,
        key: caller(),
        miner: miner().hotkey(),
    };
    let text = String::from_utf8(reader.get("/metrics").await.body).unwrap();
    for line in [
        "# HELP assay_miner_queue_seconds ",
        r#"assay_miner_queue_seconds_count{model="mlp-64"} 3"#,
        // One run answered all three.
        r#"assay_miner_inference_seconds_count{model="mlp-64"} 1"#,
        r#"assay_miner_inferences_total{model="mlp-64",outcome="good"} 3"#,
        r#"assay_miner_batch_rows_bucket{model="mlp-64",le="2"} 0"#,
        r#"assay_miner_batch_rows_bucket{model="mlp-64",le="4"} 1"#,
        "assay_miner_signing_seconds_count 4",
        r#"assay_miner_answers_total{endpoint="infer",status="200"} 3"#,
        r#"assay_miner_answers_total{endpoint="grpc-infer",status="400"} 1"#,
        r#"assay_miner_queries_waiting{model="mlp-64",version="1"} 0"#,
        r#"assay_miner_refusals_total{reason="unsigned"} 1"#,
        r#"provider="CPUExecutionProvider""#,
    ] {
        assert!(text.contains(line), "`{line}` is not in:\n{text}");
    }
}
