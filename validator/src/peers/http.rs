//! Miners over HTTP, with signed requests and receipts.

use super::{request_body, Answer, Failure, Peers, Proof, Question};
use crate::{chain::Miner, ports::Clock};
use assay_primitives::{Digest, Endpoint, EndpointProtocol};
use assay_protocol::{
    handshake::{Hello, Welcome, PATH, PROTOCOL},
    oip::{header_length, infer_path, ErrorBody, InferResponse, HEADER_LENGTH},
    pinned_tls, sign_request, verify_receipt, Hotkey, Keypair, Nonce, Receipt, ReceiptFacts,
    RequestParams, UnixSeconds, TIMEOUT_HEADER,
};
use async_trait::async_trait;
use http::{header::CONTENT_TYPE, HeaderMap, HeaderValue, Method};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Most bytes of an answer that are read.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// The time for a handshake: it takes no inference.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// The time for a probe of our own network.
const PROBE: Duration = Duration::from_secs(3);
/// Certificates for which clients are kept.
const MAX_PINNED: usize = 1024;
/// Seconds before the present and beyond the deadline for which a request is valid, for clocks that
/// differ.
const GRACE: u64 = 30;
/// The longest validity that a miner accepts.
const LIFETIME: u64 = 300;
/// Characters of a stranger's words that are kept.
const MAX_WORDS: usize = 200;

/// Reaches miners over HTTP.
pub struct HttpPeers {
    clear: reqwest::Client,
    /// A client for every certificate that was announced: each trusts that one alone.
    pinned: Mutex<HashMap<Digest, reqwest::Client>>,
    key: Keypair,
    clock: Arc<dyn Clock>,
    probes: Vec<String>,
}

/// A signed exchange that went well.
struct Exchange {
    headers: HeaderMap,
    body: Vec<u8>,
    receipt: Receipt,
    facts: ReceiptFacts,
    took: Duration,
}

impl HttpPeers {
    /// Requests are signed by `key`. `probes` are addresses (`host:port`) that should always be
    /// reachable: only when none of them is does our own network count as down.
    pub fn new(key: Keypair, clock: Arc<dyn Clock>, probes: Vec<String>) -> Result<Self, String> {
        let clear = builder().build().map_err(|error| error.to_string())?;
        Ok(Self {
            clear,
            pinned: Mutex::default(),
            key,
            clock,
            probes,
        })
    }

    /// The client for an endpoint.
    fn client(&self, endpoint: &Endpoint) -> Result<reqwest::Client, Failure> {
        let Some(digest) = endpoint.certificate else {
            return Ok(self.clear.clone());
        };
        let own = |error: String| Failure::Own(error);
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = pinned.get(&digest) {
            return Ok(client.clone());
        }
        if pinned.len() >= MAX_PINNED {
            // Certificates of before; who still shows one is connected to anew.
            pinned.clear();
        }
        let tls = pinned_tls(digest).map_err(|error| own(error.to_string()))?;
        let client = builder().use_preconfigured_tls(tls).build();
        let client = client.map_err(|error| own(error.to_string()))?;
        pinned.insert(digest, client.clone());
        Ok(client)
    }

    /// Sends a signed request and checks the receipt of the answer.
    async fn exchange(
        &self,
        miner: &Miner,
        path: &str,
        mut headers: HeaderMap,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Result<Exchange, Failure> {
        let url = format!("{}{path}", base_url(&miner.endpoint)?);
        let params = RequestParams {
            miner: Hotkey(miner.hotkey),
            created: UnixSeconds((self.clock.now_ms() / 1000).saturating_sub(GRACE)),
            lifetime: (deadline.as_secs() + 2 * GRACE).min(LIFETIME),
            nonce: Nonce::random(),
        };
        let record = sign_request(&self.key, &Method::POST, path, &mut headers, &body, &params)
            .map_err(|error| Failure::Own(error.to_string()))?;
        let started = Instant::now();
        let patience = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        headers.insert(TIMEOUT_HEADER, HeaderValue::from(patience));
        let client = self.client(&miner.endpoint)?;
        let request = client.post(url).headers(headers).body(body);
        let (status, headers, body) = tokio::time::timeout(deadline, receive(request))
            .await
            .map_err(|_| Failure::Late(deadline))??;
        let took = started.elapsed();
        if status != 200 {
            let reason = serde_json::from_slice::<ErrorBody>(&body)
                .map(|refusal| refusal.error)
                .unwrap_or_else(|_| String::from_utf8_lossy(&body).into_owned());
            return Err(Failure::Refused {
                status,
                reason: shortened(&reason),
            });
        }
        let (receipt, facts) = verify_receipt(&record, status, &headers, &body)
            .map_err(|error| Failure::NoReceipt(error.to_string()))?;
        Ok(Exchange {
            headers,
            body,
            receipt,
            facts,
            took,
        })
    }
}

#[async_trait]
impl Peers for HttpPeers {
    async fn handshake(&self, miner: &Miner, task: &str) -> Result<String, Failure> {
        let body = serde_json::to_vec(&Hello::default())
            .map_err(|error| Failure::Own(error.to_string()))?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let exchange = self.exchange(miner, PATH, headers, body, HANDSHAKE).await?;
        let welcome: Welcome = serde_json::from_slice(&exchange.body)
            .map_err(|error| Failure::Malformed(format!("its welcome: {error}")))?;
        if welcome.protocol != PROTOCOL {
            let spoken = shortened(&welcome.protocol);
            return Err(Failure::Malformed(format!(
                "it speaks `{spoken}`, not `{PROTOCOL}`"
            )));
        }
        model_to_ask(&welcome, miner, task)
    }

    async fn ask(&self, miner: &Miner, question: &Question) -> Result<Answer, Failure> {
        let encoded = request_body(question.inputs.clone(), &question.outputs)
            .map_err(|error| Failure::Own(error.to_string()))?;
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        );
        if let Some(length) = encoded.header_length {
            headers.insert(HEADER_LENGTH, HeaderValue::from(length));
        }
        let path = infer_path(&question.model, None);
        let exchange = self
            .exchange(miner, &path, headers, encoded.body, question.deadline)
            .await?;
        let malformed = |error: assay_protocol::oip::OipError| {
            Failure::Malformed(shortened(&error.to_string()))
        };
        let head = header_length(&exchange.headers).map_err(malformed)?;
        let response = InferResponse::decode(&exchange.body, head).map_err(malformed)?;
        let receipt = serde_json::to_string(&exchange.receipt)
            .map_err(|error| Failure::Own(error.to_string()))?;
        let facts = exchange.facts;
        Ok(Answer {
            outputs: response.outputs,
            took: exchange.took,
            proof: Proof {
                request_digest: Digest(facts.request_digest),
                response_digest: Digest(facts.response_digest),
                request_signature: facts.request_signature,
                response_signature: facts.response_signature,
                receipt,
            },
        })
    }

    async fn probe(&self) -> Result<(), String> {
        let mut reasons = Vec::new();
        for address in &self.probes {
            match tokio::time::timeout(PROBE, tokio::net::TcpStream::connect(address)).await {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(error)) => reasons.push(format!("{address}: {error}")),
                Err(_) => reasons.push(format!("{address}: no answer")),
            }
        }
        if reasons.is_empty() {
            return Ok(());
        }
        Err(format!("no probe was reachable ({})", reasons.join("; ")))
    }
}

/// The model that the miner announced, or the one named like the task where it announced none.
fn model_to_ask(welcome: &Welcome, miner: &Miner, task: &str) -> Result<String, Failure> {
    let announced = miner.artifact != Digest::default();
    let model = welcome.models.iter().find(|model| {
        if announced {
            model.sha256 == miner.artifact
        } else {
            model.name == task
        }
    });
    let Some(model) = model else {
        return Err(Failure::WrongModel(if announced {
            format!(
                "no model that it serves has the announced digest {}",
                miner.artifact
            )
        } else {
            format!("it announced no model and serves none called `{task}`")
        }));
    };
    let name = &model.name;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() || name.len() > 128 || !name.bytes().all(plain) {
        return Err(Failure::WrongModel(format!(
            "the model's name `{}` can't stand in a path",
            shortened(name)
        )));
    }
    Ok(name.clone())
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(8)
        .pool_idle_timeout(Duration::from_secs(60))
        .user_agent(concat!("assay-validator/", env!("CARGO_PKG_VERSION")))
}

fn base_url(endpoint: &Endpoint) -> Result<String, Failure> {
    let scheme = match endpoint.protocol {
        EndpointProtocol::Http => "http",
        EndpointProtocol::Https => "https",
        other => {
            return Err(Failure::Unreachable(format!(
                "it speaks {other:?}, this validator REST only"
            )))
        }
    };
    let host = std::str::from_utf8(&endpoint.host)
        .map_err(|_| Failure::Unreachable("its host name is not text".into()))?;
    let bare_v6 = host.contains(':') && !host.starts_with('[');
    let (open, close) = if bare_v6 { ("[", "]") } else { ("", "") };
    Ok(format!("{scheme}://{open}{host}{close}:{}", endpoint.port))
}

async fn receive(request: reqwest::RequestBuilder) -> Result<(u16, HeaderMap, Vec<u8>), Failure> {
    let mut response = request.send().await.map_err(|error| broken(&error))?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(Failure::Malformed(format!(
                "its answer exceeds {MAX_ANSWER} bytes"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((status, headers, body))
}

/// Whose fault a transport error is. Running out of descriptors, ports or memory is ours.
fn broken(error: &reqwest::Error) -> Failure {
    /// ENOMEM, ENFILE, EMFILE, EADDRNOTAVAIL, ENETDOWN, ENOBUFS.
    const OURS: [i32; 6] = [12, 23, 24, 99, 100, 105];
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let code = cause
            .downcast_ref::<std::io::Error>()
            .and_then(|io| io.raw_os_error());
        if code.is_some_and(|code| OURS.contains(&code)) {
            return Failure::Own(cause.to_string());
        }
        words = cause.to_string();
        source = cause.source();
    }
    Failure::Unreachable(shortened(&words))
}

/// A stranger's words, cut to what a log line can take, without control characters.
fn shortened(words: &str) -> String {
    words
        .chars()
        .filter(|letter| !letter.is_control())
        .take(MAX_WORDS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_primitives::{Serial, Uid};
    use assay_protocol::handshake::ServedModel;

    fn endpoint(host: &str) -> Endpoint {
        Endpoint {
            host: host.as_bytes().to_vec().try_into().unwrap(),
            port: 80,
            protocol: EndpointProtocol::Http,
            certificate: None,
        }
    }

    fn miner(artifact: Digest) -> Miner {
        let endpoint = endpoint("h");
        Miner {
            uid: Uid(0),
            serial: Serial(0),
            hotkey: [1; 32],
            endpoint,
            artifact,
        }
    }

    fn welcome(name: &str) -> Welcome {
        Welcome {
            protocol: PROTOCOL.into(),
            hotkey: Hotkey([1; 32]),
            software: String::new(),
            models: vec![ServedModel {
                name: name.into(),
                version: "1".into(),
                sha256: Digest([7; 32]),
                size: 1,
            }],
        }
    }

    #[test]
    fn base_url_brackets_bare_addresses() {
        assert_eq!(base_url(&endpoint("::1")).unwrap(), "http://[::1]:80");
        assert_eq!(base_url(&endpoint("[::1]")).unwrap(), "http://[::1]:80");
        assert_eq!(
            base_url(&endpoint("miner.example")).unwrap(),
            "http://miner.example:80"
        );
        let tls = Endpoint {
            protocol: EndpointProtocol::Https,
            ..endpoint("miner.example")
        };
        assert_eq!(base_url(&tls).unwrap(), "https://miner.example:80");
        let other = Endpoint {
            protocol: EndpointProtocol::Grpc,
            ..endpoint("h")
        };
        assert!(matches!(base_url(&other), Err(Failure::Unreachable(_))));
    }

    #[test]
    fn model_to_ask_goes_by_the_announced_digest() {
        let asked = |artifact, name| model_to_ask(&welcome(name), &miner(artifact), "digits");
        assert_eq!(asked(Digest([7; 32]), "any").unwrap(), "any");
        assert_eq!(asked(Digest::default(), "digits").unwrap(), "digits");
        for (artifact, name) in [
            (Digest([8; 32]), "digits"),
            (Digest::default(), "any"),
            (Digest([7; 32]), "a/b"),
        ] {
            assert!(
                matches!(asked(artifact, name), Err(Failure::WrongModel(_))),
                "{name}"
            );
        }
    }
}
