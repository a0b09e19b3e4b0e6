//! The other end's REST interface, as far as it is needed.

use super::UpstreamError;
use assay_protocol::oip::{
    header_length, Encoding, InferRequest, InferResponse, Tensor, TensorMetadata, HEADER_LENGTH,
};
use http::{header::CONTENT_TYPE, HeaderMap};
use serde::{de::DeserializeOwned, Deserialize};
use std::{sync::Arc, time::Duration};

/// The time for a question about metadata or health.
const QUICK: Duration = Duration::from_secs(5);
/// Most bytes of an answer that are read.
const MAX_ANSWER: usize = 256 * 1024 * 1024;
/// Connections kept open for the next query.
const IDLE_CONNECTIONS: usize = 64;
/// Characters of the engine's words that are passed on.
const MAX_WORDS: usize = 300;
/// How servers call the extension by which tensors are sent raw.
const BINARY: &str = "binary_tensor_data";

/// Why a query got no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The server can't be reached, or is not ready.
    Away(String),
    /// It has too much to do.
    Busy,
    /// It takes the query for wrong.
    Invalid(String),
    /// It failed.
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
}

impl Client {
    /// Asks the server who it is and whether raw tensors may be sent to it.
    pub(super) async fn connect(url: &str) -> Result<Self, UpstreamError> {
        let url: Arc<str> = url.trim_end_matches('/').into();
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
        let body = answer.bytes().await;
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
        for output in &mut query.outputs {
            output.encoding = None;
        }
        let wanted: Vec<String> = query.outputs.iter().map(|it| it.name.clone()).collect();
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
        let away = |why: reqwest::Error| Trouble::Away(assay_telemetry::in_words(&why));
        let mut answer = asked.send().await.map_err(away)?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(away)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                let why = format!("its answer exceeds {MAX_ANSWER} bytes");
                return Err(Trouble::Failed(why));
            }
            body.extend_from_slice(&chunk);
        }
        if status != 200 {
            return Err(refused(status, &body));
        }
        let unreadable = |why: assay_protocol::oip::OipError| {
            Trouble::Failed(shortened(&format!("its answer can't be read: {why}")))
        };
        let length = header_length(&headers).map_err(unreadable)?;
        let response = InferResponse::decode(&body, length).map_err(unreadable)?;
        in_order(response.outputs, &wanted)
    }
}

/// What the other end's refusal means here.
fn refused(status: u16, body: &[u8]) -> Trouble {
    let words = serde_json::from_slice::<Refused>(body)
        .map(|refused| refused.error)
        .unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned());
    let words = shortened(&words);
    match status {
        429 => Trouble::Busy,
        // The model was there when this miner started: now it is being loaded anew, or gone.
        404 | 502 | 503 => Trouble::Away(words),
        400..=499 => Trouble::Invalid(words),
        _ => Trouble::Failed(words),
    }
}

/// The outputs that were asked for, in that order; all where none was named.
fn in_order(mut outputs: Vec<Tensor>, wanted: &[String]) -> Result<Vec<Tensor>, Trouble> {
    if wanted.is_empty() {
        return Ok(outputs);
    }
    wanted
        .iter()
        .map(|name| {
            let found = outputs.iter().position(|output| output.name() == name);
            found
                .map(|index| outputs.swap_remove(index))
                .ok_or_else(|| Trouble::Failed(format!("it left out the output `{name}`")))
        })
        .collect()
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
        assert_eq!(refused(503, body), Trouble::Away(told.clone()));
        assert_eq!(refused(400, body), Trouble::Invalid(told.clone()));
        assert_eq!(refused(500, body), Trouble::Failed(told.clone()));
        let fastapi = br#"{"detail":"no such shape"}"#;
        assert_eq!(refused(422, fastapi), Trouble::Invalid(told));
        assert_eq!(refused(500, b"boom\n"), Trouble::Failed("boom".into()));
    }
}
