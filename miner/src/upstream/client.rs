//! The other end's REST interface, as far as it is needed.

use super::UpstreamError;
use crate::config::UpstreamSettings;
use assay_protocol::oip::{
    header_length, Encoding, InferRequest, InferResponse, Tensor, TensorMetadata, HEADER_LENGTH,
};
use http::{header::CONTENT_TYPE, HeaderMap};
use serde::{de::DeserializeOwned, Deserialize};
use std::{sync::Arc, time::Duration};

/// The time for a question about metadata or health.
const QUICK: Duration = Duration::from_secs(5);
/// Most bytes of an answer about metadata that are read.
const MAX_METADATA: usize = 1024 * 1024;
/// Connections kept open for the next query.
const IDLE_CONNECTIONS: usize = 64;
/// Characters of the engine's words that are passed on.
const MAX_WORDS: usize = 300;
/// How servers call the extension by which tensors are sent raw.
const BINARY: &str = "binary_tensor_data";

/// Why a query got no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// The server can't be reached, or is not ready.
    #[error("{0}")]
    Away(String),
    /// It has too much to do.
    #[error("it has too much to do")]
    Busy,
    /// It takes the query for wrong.
    #[error("{0}")]
    Invalid(String),
    /// It takes no query of this size.
    #[error("it takes no query as large as this one")]
    TooLarge,
    /// It failed.
    #[error("{0}")]
    Failed(String),
}

/// The answer to `GET /v2`. Servers disagree on what else stands there.
#[derive(Deserialize)]
struct Server {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    extensions: Vec<String>,
}

/// The answer to `GET /v2/models/NAME`.
#[derive(Deserialize)]
pub(super) struct Model {
    #[serde(default)]
    pub platform: String,
    #[serde(default)]
    pub inputs: Vec<TensorMetadata>,
    #[serde(default)]
    pub outputs: Vec<TensorMetadata>,
}

#[derive(Deserialize)]
struct Refused {
    #[serde(alias = "detail")]
    error: String,
}

/// A way to the server; clones share its connections.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    url: Arc<str>,
    server: Arc<str>,
    encoding: Encoding,
    /// Most bytes of a query's answer that are read.
    most: usize,
}

impl Client {
    /// Asks the server who it is and whether raw tensors may be sent to it.
    pub(super) async fn connect(settings: &UpstreamSettings) -> Result<Self, UpstreamError> {
        let url: Arc<str> = settings.url.trim_end_matches('/').into();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .tcp_nodelay(true)
            .connect_timeout(QUICK)
            .build()
            .map_err(|why| UpstreamError::Refused {
                url: url.to_string(),
                why: why.to_string(),
            })?;
        let mut client = Self {
            http,
            url,
            server: "".into(),
            encoding: Encoding::Json,
            most: settings.answer_bytes,
        };
        let server: Server = client.get("/v2").await?;
        if server.extensions.iter().any(|known| known == BINARY) {
            client.encoding = Encoding::Binary;
        }
        client.server = format!("{} {}", server.name, server.version).trim().into();
        Ok(client)
    }

    /// Name and version of the server.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// What a model takes and gives.
    pub(super) async fn model(&self, path: &str) -> Result<Model, UpstreamError> {
        self.get(path).await
    }

    pub(super) async fn is_ready(&self, path: &str) -> bool {
        let url = format!("{}{path}/ready", self.url);
        let asked = self.http.get(url).timeout(QUICK).send().await;
        asked.is_ok_and(|answer| answer.status().is_success())
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, UpstreamError> {
        let refused = |why: String| UpstreamError::Refused {
            url: self.url.to_string(),
            why,
        };
        let url = format!("{}{path}", self.url);
        let asked = self.http.get(url).timeout(QUICK).send().await;
        let answer = asked.map_err(|why| UpstreamError::Away {
            url: self.url.to_string(),
            why: assay_telemetry::in_words(&why),
        })?;
        let status = answer.status();
        if !status.is_success() {
            return Err(refused(format!("it answers {status} to GET {path}")));
        }
        let unreadable =
            |why: String| refused(format!("its answer to GET {path} can't be read: {why}"));
        let body = read(answer, MAX_METADATA).await;
        let body = body.map_err(|why| unreadable(why.to_string()))?;
        serde_json::from_slice(&body).map_err(|why| unreadable(why.to_string()))
    }

    /// Has a query answered.
    pub(super) async fn infer(
        &self,
        path: &str,
        mut query: InferRequest,
    ) -> Result<Vec<Tensor>, Trouble> {
        // How the answer goes to the caller is decided elsewhere.
        query.output_encoding = self.encoding;
        // Triton goes by the query's own flag only for outputs that it does not name.
        let raw = (self.encoding == Encoding::Binary).then_some(Encoding::Binary);
        for output in &mut query.outputs {
            output.encoding = raw;
        }
        let encoded = query.encode(self.encoding);
        // Of numbers, JSON takes only those that are finite.
        let encoded = encoded.map_err(|why| Trouble::Invalid(why.to_string()))?;
        let mut headers = HeaderMap::new();
        let kind = match encoded.header_length {
            None => "application/json",
            Some(length) => {
                headers.insert(HEADER_LENGTH, length.into());
                "application/octet-stream"
            }
        };
        headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(kind));
        let asked = self
            .http
            .post(format!("{}{path}/infer", self.url))
            .headers(headers)
            .body(encoded.body);
        let answer = asked.send().await.map_err(away)?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = read(answer, self.most).await?;
        if status != 200 {
            return Err(refused(status, &body));
        }
        let unreadable = |why: assay_protocol::oip::OipError| {
            Trouble::Failed(shortened(&format!("its answer can't be read: {why}")))
        };
        let length = header_length(&headers).map_err(unreadable)?;
        let response = InferResponse::decode(&body, length).map_err(unreadable)?;
        Ok(response.outputs)
    }
}

fn away(why: reqwest::Error) -> Trouble {
    Trouble::Away(assay_telemetry::in_words(&why))
}

/// The whole body of an answer, unless it has more than `most` bytes.
async fn read(mut answer: reqwest::Response, most: usize) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(away)? {
        if body.len() + chunk.len() > most {
            return Err(Trouble::Failed(format!(
                "its answer exceeds {most} bytes, which is the limit"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What the other end's refusal means here.
fn refused(status: u16, body: &[u8]) -> Trouble {
    let words = serde_json::from_slice::<Refused>(body)
        .map(|refused| refused.error)
        .unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned());
    let words = shortened(&words);
    match status {
        429 => Trouble::Busy,
        413 => Trouble::TooLarge,
        400 | 422 => Trouble::Invalid(words),
        // 404: the model was there when this miner started, and is being loaded anew now, or gone.
        // The others come from what stands before an engine that does not answer.
        404 | 408 | 502..=504 => Trouble::Away(words),
        // Among them a password or a path that is missing here: no caller can do anything about it.
        _ => Trouble::Failed(format!("it answers {status}: {words}")),
    }
}

/// A stranger's words, cut to what an answer can take, without control characters.
fn shortened(words: &str) -> String {
    let printable = words.chars().filter(|letter| !letter.is_control());
    printable.take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_foreign_servers_can_be_read() {
        // As KServe's Python server writes them.
        let answer =
            br#"{"model_name":"m","model_version":null,"id":"0","parameters":null,"outputs":
            [{"name":"y","shape":[1],"datatype":"INT64","parameters":null,"data":[4]}]}"#;
        let read = InferResponse::decode(answer, None).unwrap();
        assert_eq!(read.outputs[0].name(), "y");
        let told = br#"{"name":"m","versions":null,"platform":"","inputs":[],"outputs":[]}"#;
        let told: Model = serde_json::from_slice(told).unwrap();
        assert!(told.inputs.is_empty() && told.outputs.is_empty());
    }

    #[test]
    fn refused_sorts_by_whose_fault_it_is() {
        let body = br#"{"error":"no such shape"}"#;
        let told = "no such shape".to_owned();
        assert_eq!(refused(429, body), Trouble::Busy);
        assert_eq!(refused(413, body), Trouble::TooLarge);
        for status in [404, 408, 502, 503, 504] {
            assert_eq!(refused(status, body), Trouble::Away(told.clone()));
        }
        for status in [302, 401, 403, 405, 415, 500] {
            let failed = Trouble::Failed(format!("it answers {status}: {told}"));
            assert_eq!(refused(status, body), failed);
        }
        assert_eq!(refused(400, body), Trouble::Invalid(told.clone()));
        let fastapi = br#"{"detail":"no such shape"}"#;
        assert_eq!(refused(422, fastapi), Trouble::Invalid(told));
        let plain = Trouble::Failed("it answers 500: boom".into());
        assert_eq!(refused(500, b"boom\n"), plain);
    }
}
