//! Fixed keys and a request to sign.
#![allow(dead_code)]

use assay_protocol::{
    sign_request, Hotkey, Keypair, Nonce, Policy, RequestParams, RequestRecord, Scheme,
    UnixSeconds, VerifiedRequest, VerifyError,
};
use http::{HeaderMap, Method};

pub const NOW: UnixSeconds = UnixSeconds(1_750_000_000);
pub const TARGET: &str = "/v2/models/digits/infer";
pub const BODY: &[u8] = br#"{"inputs":[]}"#;

pub fn caller() -> Keypair {
    Keypair::from_suri("//Alice", Scheme::Sr25519).unwrap()
}

pub fn miner() -> Keypair {
    Keypair::from_suri("//Bob", Scheme::Sr25519).unwrap()
}

pub fn ed25519(byte: u8) -> Keypair {
    Keypair::from_ed25519_seed([byte; 32])
}

pub fn params(miner: Hotkey) -> RequestParams {
    RequestParams {
        miner,
        created: NOW,
        lifetime: 60,
        nonce: Nonce::new("0123456789abcdef0123456789abcdef").unwrap(),
    }
}

/// A request as it travels.
#[derive(Clone)]
pub struct Message {
    pub method: Method,
    pub target: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub record: RequestRecord,
}

impl Message {
    pub fn signed(key: &Keypair, params: &RequestParams) -> Self {
        Self::signed_for(key, params, TARGET, HeaderMap::new())
    }

    pub fn signed_for(
        key: &Keypair,
        params: &RequestParams,
        target: &str,
        mut headers: HeaderMap,
    ) -> Self {
        let record = sign_request(key, &Method::POST, target, &mut headers, BODY, params).unwrap();
        Self {
            method: Method::POST,
            target: target.into(),
            headers,
            body: BODY.to_vec(),
            record,
        }
    }

    pub fn verify(
        &self,
        policy: &Policy,
        now: UnixSeconds,
    ) -> Result<VerifiedRequest, VerifyError> {
        assay_protocol::verify_request(
            &self.method,
            &self.target,
            &self.headers,
            &self.body,
            policy,
            now,
        )
    }

    /// Replaces part of a header.
    pub fn edit(&mut self, name: &'static str, from: &str, to: &str) {
        let value = self.headers[name].to_str().unwrap();
        assert!(value.contains(from), "{name}: {value}");
        let value = value.replace(from, to).parse().unwrap();
        self.headers.insert(name, value);
    }
}
