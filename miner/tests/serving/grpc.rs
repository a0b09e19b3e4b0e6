//! The protocol over gRPC: the same answers as over REST, on the same port, with receipts.

use crate::common::{blank, config, digits, fixture, folder, Client, Running, PATIENCE};
use assay_miner::{
    config::AdmissionMode,
    grpc::{
        inference::{
            grpc_inference_service_client::GrpcInferenceServiceClient,
            model_infer_request::{InferInputTensor, InferRequestedOutputTensor},
            InferTensorContents, ModelInferRequest, ModelInferResponse, ModelMetadataRequest,
            ModelReadyRequest, ServerLiveRequest, ServerMetadataRequest, ServerReadyRequest,
        },
        INFER_PATH,
    },
    Config,
};
use assay_protocol::{
    oip::{datatype_name, DataType, Encoding, InferRequest, Tensor, TensorData},
    verify_receipt, RequestRecord,
};
use bytes::Bytes;
use half::{bf16, f16};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioExecutor};
use prost::Message as _;
use std::{net::SocketAddr, time::Instant};
use tonic::Code;

type Http<B> = hyper_util::client::legacy::Client<HttpConnector, B>;

fn http<B>() -> Http<B>
where
    B: hyper::body::Body + Send + Unpin + 'static,
    B::Data: Send,
{
    hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http()
}

/// A client as others have them: it signs nothing.
fn plain(address: SocketAddr) -> GrpcInferenceServiceClient<Http<tonic::body::Body>> {
    let origin = format!("http://{address}").parse().unwrap();
    GrpcInferenceServiceClient::with_origin(http(), origin)
}

fn public(models: &std::path::Path) -> Config {
    Config {
        admission: AdmissionMode::Public,
        ..config(models)
    }
}

/// A message's content as it travels: not compressed, its length, itself.
fn framed(message: &ModelInferRequest) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&[0][..], &length, &bytes].concat()
}

/// What came back for a signed call.
struct Answer {
    head: HeaderMap,
    body: Vec<u8>,
    trailers: HeaderMap,
}

impl Answer {
    fn code(&self) -> Code {
        let status = self.head.get("grpc-status");
        let status = status.or_else(|| self.trailers.get("grpc-status"));
        Code::from_bytes(status.unwrap().as_bytes())
    }

    fn message(&self) -> ModelInferResponse {
        assert_eq!(self.code(), Code::Ok, "{:?}", self.head);
        ModelInferResponse::decode(&self.body[5..]).unwrap()
    }
}

async fn signed(client: &Client, content: Vec<u8>) -> (RequestRecord, Answer) {
    let mut headers = HeaderMap::new();
    let asked = client.sign(INFER_PATH, &mut headers, &content, &client.params());
    (asked, sent(client, headers, content).await)
}

async fn sent(client: &Client, headers: HeaderMap, content: Vec<u8>) -> Answer {
    let uri = format!("http://{}{INFER_PATH}", client.address);
    let mut request = Request::post(uri)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::new(Bytes::from(content)))
        .unwrap();
    request.headers_mut().extend(headers);
    let answer = http().request(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/grpc");
    let (head, body) = answer.into_parts();
    let body = body.collect().await.unwrap();
    let trailers = body.trailers().cloned().unwrap_or_default();
    Answer {
        head: head.headers,
        body: body.to_bytes().to_vec(),
        trailers,
    }
}

/// A query with raw inputs.
fn message(model: &str, inputs: &[Tensor]) -> ModelInferRequest {
    let raw = inputs.iter().map(|it| it.to_raw().unwrap().into());
    ModelInferRequest {
        model_name: model.into(),
        id: "round 7".into(),
        raw_input_contents: raw.collect(),
        inputs: inputs
            .iter()
            .map(|tensor| InferInputTensor {
                name: tensor.name().into(),
                datatype: datatype_name(tensor.datatype()).into(),
                shape: tensor.shape().iter().map(|it| *it as i64).collect(),
                ..InferInputTensor::default()
            })
            .collect(),
        ..ModelInferRequest::default()
    }
}

#[tokio::test]
async fn methods_tell_health_and_metadata_to_everyone() {
    let miner = Running::digits().await;
    let mut client = plain(miner.address);
    let live = client.server_live(ServerLiveRequest {}).await.unwrap();
    assert!(live.into_inner().live);
    let ready = client.server_ready(ServerReadyRequest {}).await.unwrap();
    assert!(ready.into_inner().ready);
    let server = client.server_metadata(ServerMetadataRequest {}).await;
    let server = server.unwrap().into_inner();
    assert_eq!(server.name, "assay-miner");
    assert_eq!(server.extensions, ["binary_tensor_data"]);
    let of = |version: &str| ModelReadyRequest {
        name: "svc".into(),
        version: version.into(),
    };
    for version in ["", "1"] {
        let ready = client.model_ready(of(version)).await.unwrap();
        assert!(ready.into_inner().ready);
    }
    // Who waits for a model asks this until it is there.
    let absent = client.model_ready(of("7")).await.unwrap();
    assert!(!absent.into_inner().ready);
    let asked = |version: &str| ModelMetadataRequest {
        name: "svc".into(),
        version: version.into(),
    };
    let unknown = client.model_metadata(asked("7")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    assert!(unknown.message().contains("no version `7`"));
    let model = client.model_metadata(asked("")).await.unwrap();
    let model = model.into_inner();
    assert_eq!(model.versions, ["1"]);
    assert_eq!(model.platform, "onnxruntime_onnx");
    assert_eq!(model.inputs[0].datatype, "FP32");
    assert_eq!(model.inputs[0].shape, [-1, 64]);
    assert_eq!(model.properties["sha256"].len(), 64);
}

#[tokio::test]
async fn infer_carries_every_type_and_signs_its_answer() {
    let folder = folder(&[("identity/1", &fixture("identity.onnx"))]);
    let miner = Running::start(config(folder.path())).await;
    let of = |name: &str, data| Tensor::new(format!("in_{name}"), vec![1, 2], data).unwrap();
    let inputs = [
        of("BOOL", TensorData::Bool(vec![true, false])),
        of("UINT8", TensorData::Uint8(vec![0, u8::MAX])),
        of("UINT16", TensorData::Uint16(vec![0, u16::MAX])),
        of("UINT32", TensorData::Uint32(vec![0, u32::MAX])),
        of("UINT64", TensorData::Uint64(vec![0, u64::MAX])),
        of("INT8", TensorData::Int8(vec![i8::MIN, i8::MAX])),
        of("INT16", TensorData::Int16(vec![i16::MIN, i16::MAX])),
        of("INT32", TensorData::Int32(vec![i32::MIN, i32::MAX])),
        of("INT64", TensorData::Int64(vec![i64::MIN, i64::MAX])),
        of("FP16", vec![f16::from_f32(-0.5), f16::MAX].into()),
        of("BF16", vec![bf16::from_f32(-0.5), bf16::MAX].into()),
        of("FP32", TensorData::Fp32(vec![0.1, f32::NAN])),
        of("FP64", TensorData::Fp64(vec![0.1, f64::INFINITY])),
        of("BYTES", vec![b"ink".to_vec(), "é".into()].into()),
    ];
    let client = miner.client();
    let content = framed(&message("identity", &inputs));
    let (asked, answer) = signed(&client, content.clone()).await;
    let response = answer.message();
    assert_eq!(
        (response.id.as_str(), response.model_version.as_str()),
        ("round 7", "1")
    );
    for input in &inputs {
        let name = input.name().replace("in_", "out_");
        let index = response.outputs.iter().position(|it| it.name == name);
        let index = index.unwrap_or_else(|| panic!("{name} is missing"));
        let output = &response.outputs[index];
        assert_eq!(output.datatype, datatype_name(input.datatype()));
        assert_eq!(output.shape, [1, 2]);
        let bytes = &response.raw_output_contents[index];
        assert_eq!(bytes, &input.to_raw().unwrap(), "{name}");
    }
    // The receipt is that of REST: over the content, five bytes and the message.
    let (receipt, facts) = verify_receipt(&asked, 200, &answer.head, &answer.body).unwrap();
    assert_eq!(facts.caller, client.key.hotkey());
    receipt.verify_bodies(&content, &answer.body).unwrap();
}

#[tokio::test]
async fn infer_answers_as_over_rest() {
    let miner = Running::start(public(&digits())).await;
    let mut client = plain(miner.address);
    let pixels: Vec<f32> = (0..128).map(|it| (it % 17) as f32).collect();
    let input = Tensor::new("X", vec![2, 64], pixels.clone().into()).unwrap();
    let over_rest = InferRequest {
        inputs: vec![input.clone()],
        ..InferRequest::default()
    };
    let over_rest = miner
        .client()
        .infer("mlp-64", &over_rest, Encoding::Binary)
        .await
        .response();
    let mut query = message("mlp-64", &[input]);
    query.raw_input_contents.clear();
    query.inputs[0].contents = Some(InferTensorContents {
        fp32_contents: pixels,
        ..InferTensorContents::default()
    });
    query.outputs = vec![InferRequestedOutputTensor {
        name: "probabilities".into(),
        ..InferRequestedOutputTensor::default()
    }];
    let over_grpc = client.model_infer(query).await.unwrap().into_inner();
    assert_eq!(over_grpc.outputs.len(), 1);
    let bytes = &over_grpc.raw_output_contents[0];
    let found = Tensor::from_raw("probabilities", DataType::Fp32, vec![2, 10], bytes).unwrap();
    assert_eq!(Some(&found), over_rest.output("probabilities"));
}

#[tokio::test]
async fn infer_is_refused_when_nobody_signed() {
    let miner = Running::digits().await;
    let refused = plain(miner.address)
        .model_infer(message("svc", &blank(1).inputs))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(refused.metadata().get("assay-reason").unwrap(), "unsigned");
    assert!(refused.message().contains("assay-request"), "{refused}");
}

#[tokio::test]
async fn infer_is_refused_when_it_is_no_post() {
    for miner in [
        Running::digits().await,
        Running::start(public(&digits())).await,
    ] {
        for method in [Method::PUT, Method::GET, Method::PATCH, Method::DELETE] {
            let content = framed(&message("svc", &blank(1).inputs));
            let request = Request::builder()
                .method(method.clone())
                .uri(format!("http://{}{INFER_PATH}", miner.address))
                .header("content-type", "application/grpc")
                .header("te", "trailers")
                .body(Full::new(Bytes::from(content)))
                .unwrap();
            let answer = http().request(request).await.unwrap();
            assert_eq!(answer.status(), 405, "{method}");
            assert_eq!(answer.headers()["allow"], "POST");
        }
    }
}

#[tokio::test]
async fn infer_is_refused_when_the_content_is_another_or_was_seen() {
    let miner = Running::digits().await;
    let client = miner.client();
    let content = framed(&message("svc", &blank(1).inputs));
    let mut headers = HeaderMap::new();
    client.sign(INFER_PATH, &mut headers, &content, &client.params());
    let other = framed(&message("svc", &blank(2).inputs));
    for (content, reason) in [
        (other, Some("bad-digest")),
        (content.clone(), None),
        (content, Some("replayed")),
    ] {
        let answer = sent(&client, headers.clone(), content).await;
        let told = answer.head.get("assay-reason").map(HeaderValue::as_bytes);
        assert_eq!(told, reason.map(str::as_bytes));
        let code = match reason {
            Some(_) => Code::Unauthenticated,
            None => Code::Ok,
        };
        assert_eq!(answer.code(), code);
    }
}

#[tokio::test]
async fn receipt_covers_the_status_when_the_answer_is_an_error() {
    let miner = Running::digits().await;
    let client = miner.client();
    let content = framed(&message("forest", &blank(1).inputs));
    let (asked, mut answer) = signed(&client, content).await;
    assert_eq!(answer.code(), Code::NotFound);
    assert!(answer.body.is_empty());
    verify_receipt(&asked, 200, &answer.head, &[]).unwrap();
    let other = HeaderValue::from_static("3");
    answer.head.insert("grpc-status", other);
    verify_receipt(&asked, 200, &answer.head, &[]).unwrap_err();
}

#[tokio::test]
async fn receipt_is_there_when_the_deadline_passed_or_the_message_has_too_many_parts() {
    let folder = folder(&[("endless/1", &fixture("endless.onnx"))]);
    let miner = Running::start(config(folder.path())).await;
    let client = miner.client();
    let turns = Tensor::new("turns", vec![1], vec![i64::MAX].into()).unwrap();
    let endless = message("endless", &[turns]);
    let crowded = ModelInferRequest {
        inputs: vec![InferInputTensor::default(); 1025],
        ..endless.clone()
    };
    for (query, code) in [
        (endless, Code::DeadlineExceeded),
        (crowded, Code::InvalidArgument),
    ] {
        let content = framed(&query);
        let mut headers = HeaderMap::from_iter([(
            HeaderName::from_static("grpc-timeout"),
            HeaderValue::from_static("500m"),
        )]);
        let asked = client.sign(INFER_PATH, &mut headers, &content, &client.params());
        let answer = sent(&client, headers, content).await;
        assert_eq!(answer.code(), code);
        verify_receipt(&asked, 200, &answer.head, &answer.body).unwrap();
    }
}

#[tokio::test]
async fn infer_is_refused_when_a_query_does_not_fit() {
    let miner = Running::start(public(&digits())).await;
    let mut client = plain(miner.address);
    let wide = Tensor::new("X", vec![1, 63], vec![0.0_f32; 63].into()).unwrap();
    let stray = Tensor::new("Y", vec![1, 64], vec![0.0_f32; 64].into()).unwrap();
    for (query, code, says) in [
        (message("svc", &[wide]), Code::InvalidArgument, "[-1, 64]"),
        (message("svc", &[stray]), Code::InvalidArgument, "no input"),
        (message("svc", &[]), Code::InvalidArgument, "is missing"),
        (message("oak", &[]), Code::NotFound, "no model `oak`"),
    ] {
        let refused = client.model_infer(query).await.unwrap_err();
        assert_eq!(refused.code(), code);
        assert!(refused.message().contains(says), "{refused}");
    }
}

#[tokio::test]
async fn infer_ends_when_its_deadline_passes_or_its_caller_leaves() {
    let folder = folder(&[("endless/1", &fixture("endless.onnx"))]);
    let miner = Running::start(public(folder.path())).await;
    let mut client = plain(miner.address);
    let counting = |turns: i64| {
        let turns = Tensor::new("turns", vec![1], vec![turns].into()).unwrap();
        message("endless", &[turns])
    };
    // Only stated: this client itself would wait for as long as it takes.
    let within = |turns, timeout: &'static str| {
        let mut call = tonic::Request::new(counting(turns));
        let timeout = timeout.parse().unwrap();
        call.metadata_mut().insert("grpc-timeout", timeout);
        call
    };
    let refused = client.model_infer(within(i64::MAX, "200m")).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::DeadlineExceeded, "{refused}");
    let refused = client.model_infer(within(1, "soon")).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);

    let (mut leaving, endless) = (client.clone(), counting(i64::MAX));
    let leaving = tokio::spawn(async move { leaving.model_infer(endless).await });
    let deadline = Instant::now() + PATIENCE;
    // The only worker is taken, until its caller leaves.
    while client.model_infer(within(3, "300m")).await.is_ok() {
        assert!(Instant::now() < deadline, "the endless query never ran");
    }
    leaving.abort();
    let free = client.model_infer(within(3, "20S")).await.unwrap();
    let three = 3.0_f32.to_le_bytes();
    assert_eq!(free.into_inner().raw_output_contents[0], three[..]);
}

#[tokio::test]
async fn call_is_refused_in_words_when_there_is_no_such_method() {
    let miner = Running::digits().await;
    for path in [
        "/inference.GRPCInferenceService/ModelStatistics",
        "/grpc.health.v1.Health/Check",
    ] {
        let request = Request::post(format!("http://{}{path}", miner.address))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Full::new(Bytes::from_static(&[0; 5])))
            .unwrap();
        let answer = http().request(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        let told = tonic::Status::from_header_map(answer.headers()).unwrap();
        assert_eq!(told.code(), Code::Unimplemented);
        assert!(told.message().contains(path), "{told}");
    }
}

#[tokio::test]
async fn infer_is_refused_when_the_message_is_too_large_or_compressed() {
    let mut small = public(&digits());
    small.limits.body_bytes = 1000;
    let miner = Running::start(small).await;
    let large = message("svc", &blank(8).inputs);
    let refused = plain(miner.address).model_infer(large).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let mut content = framed(&message("svc", &blank(1).inputs));
    content[0] = 1;
    let mut headers = HeaderMap::new();
    headers.insert("grpc-encoding", HeaderValue::from_static("gzip"));
    let answer = sent(&miner.client(), headers, content).await;
    assert_eq!(answer.code(), Code::Unimplemented);
}
