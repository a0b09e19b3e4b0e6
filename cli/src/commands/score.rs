//! `assay score`: why a validator scores a miner as it does.

use crate::{
    node::Password,
    output::{print, Format},
};
use anyhow::{bail, Context, Result};
use assay_protocol::{
    keys::{KeySource, Scheme, Secret},
    oip::ErrorBody,
    sign_request, Clock as _, Hotkey, Keypair, Nonce, RequestParams, SystemClock,
};
use assay_validator::api::MinerPage;
use clap::{Args, Subcommand};
use serde::Deserialize;
use std::{path::PathBuf, time::Duration};

/// How long the validator may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Seconds for which a signed request is valid.
const LIFETIME: u64 = 60;

/// Why a validator scores a miner as it does
#[derive(Subcommand)]
pub enum Score {
    /// How what was asked became a score, a weight and emission
    ///
    /// A miner names its hotkey (--key-file) and the validator's public address; the validator's
    /// operator names a uid and the operator's address.
    Explain(Explain),
}

#[derive(Args)]
pub struct Explain {
    /// The validator's address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9620")]
    validator: String,
    /// The subnet, where the validator has several
    #[arg(long)]
    netuid: Option<u16>,
    /// The miner, at the operator's address
    #[arg(long, conflicts_with_all = ["key_file", "suri"])]
    uid: Option<u16>,
    /// A file with the operator's password, where the operator's address asks for one
    #[arg(long, value_name = "FILE", requires = "uid")]
    operator_password_file: Option<PathBuf>,
    /// The file with the miner's hotkey, at the public address
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The miner's hotkey as a secret URI, for development: //Bob
    #[arg(long, value_name = "URI", conflicts_with = "key_file")]
    suri: Option<String>,
    #[command(flatten)]
    password: Password,
    /// The key's scheme: sr25519 or ed25519
    #[arg(long, default_value = "sr25519")]
    scheme: Scheme,
    /// The validator's hotkey, for which the request is signed; without it the one that it states
    #[arg(long, value_name = "SS58")]
    validator_hotkey: Option<Hotkey>,
    /// Save the receipts to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    receipts: Option<PathBuf>,
    #[command(flatten)]
    format: Format,
}

/// Who asks.
enum Asker {
    Operator(Option<String>),
    Miner(Keypair, Hotkey),
}

/// What of `/health` is of use here.
#[derive(Deserialize)]
struct Stated {
    hotkey: Hotkey,
}

impl Score {
    pub async fn run(self) -> Result<()> {
        match self {
            Self::Explain(explain) => explain.run().await,
        }
    }
}

impl Explain {
    async fn run(self) -> Result<()> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .build()?;
        let asker = self.asker(&http).await?;
        let within = self.netuid.map(|netuid| format!("/subnets/{netuid}"));
        let within = within.unwrap_or_default();
        let path = match self.uid {
            Some(uid) => format!("{within}/miners/{uid}"),
            None => format!("{within}/me"),
        };
        let (_, body) = self.get(&http, &asker, &path).await?;
        let page: MinerPage =
            serde_json::from_slice(&body).context("the validator's answer can't be read")?;
        if let Some(file) = &self.receipts {
            self.save(&http, &asker, &path, file).await?;
        }
        self.format.print(&page, people)
    }

    async fn asker(&self, http: &reqwest::Client) -> Result<Asker> {
        if self.uid.is_some() {
            let password = match &self.operator_password_file {
                None => None,
                Some(path) => Some(
                    std::fs::read_to_string(path)
                        .with_context(|| format!("{} can't be read", path.display()))?
                        .trim()
                        .to_owned(),
                ),
            };
            return Ok(Asker::Operator(password));
        }
        if self.key_file.is_none() && self.suri.is_none() {
            bail!(
                "say which miner: --uid at the operator's address, or --key-file with its hotkey"
            );
        }
        let source = KeySource {
            file: self.key_file.clone(),
            password_file: self.password.file(),
            suri: self.suri.clone().map(Secret::new),
            scheme: self.scheme,
        };
        let key = source.load()?;
        let validator = match self.validator_hotkey {
            Some(hotkey) => hotkey,
            None => {
                let url = format!("{}/health", self.base());
                let answer = http.get(&url).send().await;
                let answer = answer.with_context(|| format!("{url} can't be reached"))?;
                let stated: Stated = answer
                    .json()
                    .await
                    .with_context(|| format!("{url} is not a validator's"))?;
                stated.hotkey
            }
        };
        Ok(Asker::Miner(key, validator))
    }

    fn base(&self) -> &str {
        self.validator.trim_end_matches('/')
    }

    /// The headers and the body of a page.
    async fn get(
        &self,
        http: &reqwest::Client,
        asker: &Asker,
        target: &str,
    ) -> Result<(http::HeaderMap, Vec<u8>)> {
        let mut headers = http::HeaderMap::new();
        match asker {
            Asker::Operator(None) => {}
            Asker::Operator(Some(password)) => {
                let value = format!("Bearer {password}");
                headers.insert(http::header::AUTHORIZATION, value.parse()?);
            }
            Asker::Miner(key, validator) => {
                let params = RequestParams {
                    miner: *validator,
                    created: SystemClock.now(),
                    lifetime: LIFETIME,
                    nonce: Nonce::random(),
                };
                sign_request(key, &http::Method::GET, target, &mut headers, &[], &params)?;
            }
        }
        let url = format!("{}{target}", self.base());
        let answer = http.get(&url).headers(headers).send().await;
        let answer = answer.with_context(|| format!("{url} can't be reached"))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await?.to_vec();
        if !status.is_success() {
            let said = serde_json::from_slice::<ErrorBody>(&body);
            let said = said.map_or_else(
                |_| String::from_utf8_lossy(&body).into_owned(),
                |it| it.error,
            );
            bail!("{url} answers {status}: {said}");
        }
        Ok((headers, body))
    }

    /// Fetches all receipts that are kept, a part at a time.
    async fn save(
        &self,
        http: &reqwest::Client,
        asker: &Asker,
        path: &str,
        file: &PathBuf,
    ) -> Result<()> {
        let mut all = Vec::new();
        let mut from = 0u64;
        loop {
            let target = format!("{path}/receipts?from={from}");
            let (headers, body) = self.get(http, asker, &target).await?;
            all.extend_from_slice(&body);
            let next = headers
                .get("assay-next")
                .and_then(|next| next.to_str().ok());
            match next.and_then(|next| next.parse().ok()) {
                Some(next) if next > from => from = next,
                _ => break,
            }
        }
        std::fs::write(file, &all)
            .with_context(|| format!("{} can't be written", file.display()))?;
        let lines = all.iter().filter(|byte| **byte == b'\n').count();
        print(&format!("{lines} receipts saved to {}", file.display()))
    }
}

fn people(page: &MinerPage) -> String {
    let mut text = format!(
        "Miner {} of subnet {} ({})\nseen by {} at block {}, epoch {}\n",
        page.breakdown.uid, page.netuid, page.hotkey, page.validator, page.block, page.epoch
    );
    for section in page.explanation() {
        text += &format!("\n{}\n", section.title);
        for line in section.lines {
            text += &format!("  {line}\n");
        }
    }
    text
}
