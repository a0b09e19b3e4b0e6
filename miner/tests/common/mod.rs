//! A miner on a free port, and a caller who signs.
#![allow(dead_code)]

use assay_miner::{config::Inference, Config, Error, Miner};
use assay_protocol::{
    keys::KeySource, oip, sign_request, verify_receipt, Clock as _, Hotkey, Keypair, Nonce,
    ReceiptFacts, RequestParams, RequestRecord, Scheme, SystemClock, VerifyError,
};
use assay_telemetry::Shutdown;
use http::{HeaderMap, Method};
use std::{net::SocketAddr, num::NonZeroUsize, path::Path, path::PathBuf, time::Duration};
use tokio::task::JoinHandle;

/// Longest that anything in a test may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn caller() -> Keypair {
    Keypair::from_suri("//Alice", Scheme::Sr25519).unwrap()
}

pub fn miner() -> Keypair {
    Keypair::from_suri("//Bob", Scheme::Sr25519).unwrap()
}

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// The models of the digits task.
pub fn digits() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tasks/digits/models")
}

/// A model folder with files copied to NAME/VERSION/model.onnx.
pub fn folder(models: &[(&str, &Path)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (place, file) in models {
        let path = folder.path().join(place);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::copy(file, path.join("model.onnx")).unwrap();
    }
    folder
}

pub fn config(models: &Path) -> Config {
    Config {
        // However many cores there are.
        inference: Inference {
            workers: Some(NonZeroUsize::MIN),
            ..Inference::default()
        },
        models: models.to_owned(),
        state: PathBuf::new(),
        listen: ([127, 0, 0, 1], 0).into(),
        hotkey: KeySource::suri("//Bob"),
        ..Config::default()
    }
}

/// A miner that serves until it is dropped.
pub struct Running {
    pub address: SocketAddr,
    pub shutdown: Shutdown,
    pub serving: JoinHandle<Result<(), Error>>,
}

impl Running {
    pub async fn start(config: Config) -> Self {
        Self::of(Miner::bind(config, None).await.unwrap())
    }

    /// Lets a miner that was bound serve.
    pub fn of(miner: Miner) -> Self {
        let address = miner.local_addr().unwrap();
        let shutdown = Shutdown::new();
        let serving = tokio::spawn(miner.serve(shutdown.clone()));
        Self {
            address,
            shutdown,
            serving,
        }
    }

    pub async fn digits() -> Self {
        Self::start(config(&digits())).await
    }

    pub fn client(&self) -> Client {
        Client {
            address: self.address,
            key: caller(),
            miner: miner().hotkey(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.trip();
    }
}

/// Asks a miner.
#[derive(Clone)]
pub struct Client {
    pub address: SocketAddr,
    pub key: Keypair,
    pub miner: Hotkey,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn error(&self) -> String {
        self.json()["error"].as_str().unwrap().to_owned()
    }

    pub fn reason(&self) -> String {
        let reason = self.json()["reason"].as_str().unwrap().to_owned();
        assert_eq!(self.headers["assay-reason"], reason);
        reason
    }

    pub fn response(&self) -> oip::InferResponse {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        let length = oip::header_length(&self.headers).unwrap();
        oip::InferResponse::decode(&self.body, length).unwrap()
    }

    pub fn receipt(&self, asked: &RequestRecord) -> Result<ReceiptFacts, VerifyError> {
        verify_receipt(asked, self.status, &self.headers, &self.body).map(|(_, facts)| facts)
    }
}

impl Client {
    pub fn params(&self) -> RequestParams {
        RequestParams {
            miner: self.miner,
            created: SystemClock.now(),
            lifetime: 60,
            nonce: Nonce::random(),
        }
    }

    pub fn sign(
        &self,
        target: &str,
        headers: &mut HeaderMap,
        body: &[u8],
        params: &RequestParams,
    ) -> RequestRecord {
        sign_request(&self.key, &Method::POST, target, headers, body, params).unwrap()
    }

    /// Sends a POST as it is.
    pub async fn send(&self, target: &str, headers: HeaderMap, body: Vec<u8>) -> Answer {
        self.request(Method::POST, target, headers, body).await
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.request(Method::GET, target, HeaderMap::new(), vec![])
            .await
    }

    pub async fn request(
        &self,
        method: Method,
        target: &str,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Answer {
        let url = format!("http://{}{target}", self.address);
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .unwrap();
        let answer = client
            .request(method, url)
            .headers(headers)
            .body(body)
            .send()
            .await
            .unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Answer {
            status,
            headers,
            body: answer.bytes().await.unwrap().to_vec(),
        }
    }

    /// Signs and sends, and checks that the answer carries a good receipt.
    pub async fn ask(&self, target: &str, length: Option<usize>, body: Vec<u8>) -> Answer {
        let mut headers = HeaderMap::new();
        if let Some(length) = length {
            headers.insert(oip::HEADER_LENGTH, length.into());
        }
        let asked = self.sign(target, &mut headers, &body, &self.params());
        let answer = self.send(target, headers, body).await;
        let facts = answer.receipt(&asked).unwrap();
        assert_eq!((facts.caller, facts.miner), (self.key.hotkey(), self.miner));
        answer
    }

    pub async fn infer(
        &self,
        model: &str,
        query: &oip::InferRequest,
        how: oip::Encoding,
    ) -> Answer {
        let encoded = query.encode(how).unwrap();
        self.ask(
            &oip::infer_path(model, None),
            encoded.header_length,
            encoded.body,
        )
        .await
    }

    pub async fn infer_text(&self, model: &str, query: &str) -> Answer {
        self.ask(&oip::infer_path(model, None), None, query.into())
            .await
    }
}

/// The head of a POST over HTTP/1.1 with a body of so many bytes, but for the empty line that ends it.
pub fn head(target: &str, headers: &HeaderMap, length: usize) -> String {
    let mut head = format!("POST {target} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    head
}

/// A query that any digits model answers: blank images.
pub fn blank(rows: usize) -> oip::InferRequest {
    let data = oip::TensorData::Fp32(vec![0.0; rows * 64]);
    let input = oip::Tensor::new("X", vec![rows, 64], data).unwrap();
    oip::InferRequest {
        inputs: vec![input],
        ..oip::InferRequest::default()
    }
}
