//! Signed requests: what a caller signs, and what the miner checks before it answers.

use crate::{
    components::{Component, Source},
    digest::{content_digest, sha256, stated_digest, CONTENT_DIGEST},
    record::{combined, signed_fields, RequestRecord},
    signature::{SignatureInput, SignatureParams, SIGNATURE, SIGNATURE_INPUT},
    Hotkey, Keypair, SignError, UnixSeconds, VerifyError, BODY_FIELDS,
};
use http::{header::HeaderName, HeaderMap, HeaderValue};
use rand::RngCore as _;

/// The tag of a request's signature.
pub const REQUEST_TAG: &str = "assay-request";

/// The header that names the hotkey a request is meant for.
pub const MINER_HEADER: &str = "assay-miner";

/// The header in which a caller says for how many milliseconds it will wait for the answer. It is
/// not signed: whoever could change it could as well not pass the request on.
pub const TIMEOUT_HEADER: &str = "assay-timeout-ms";

/// The random text that makes a request unlike any other of its caller: 16 to 64 letters, digits,
/// `-` or `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce(String);

impl Nonce {
    /// 16 fresh random bytes in hexadecimal.
    pub fn random() -> Self {
        let mut bytes = [0; 16];
        rand::rng().fill_bytes(&mut bytes);
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Takes a nonce made elsewhere.
    pub fn new(text: impl Into<String>) -> Result<Self, VerifyError> {
        let text = text.into();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if (16..=64).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text))
        } else {
            let why = "the nonce must be 16 to 64 letters, digits, `-` or `_`";
            Err(VerifyError::Malformed(why.into()))
        }
    }

    /// The nonce as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a caller states about a request besides the request itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestParams {
    /// The miner it is meant for.
    pub miner: Hotkey,
    /// When it is made.
    pub created: UnixSeconds,
    /// For how many seconds it may be answered.
    pub lifetime: u64,
    /// Never used before by this caller.
    pub nonce: Nonce,
}

/// Signs a request: adds `Content-Digest`, `Assay-Miner`, `Signature-Input` and `Signature` to
/// `headers`, over which the caller must write nothing afterwards.
///
/// `target` is the path with its query as it will stand in the request line. The record returned is
/// what [`crate::verify_receipt`] needs once the answer is there.
pub fn sign_request(
    key: &Keypair,
    method: &http::Method,
    target: &str,
    headers: &mut HeaderMap,
    body: &[u8],
    params: &RequestParams,
) -> Result<RequestRecord, SignError> {
    let unsignable = |why: VerifyError| SignError::Unsignable(why.to_string());
    if !target.starts_with('/') {
        let why = format!("the request target `{target}` must start with `/`");
        return Err(SignError::Unsignable(why));
    }
    put(headers, CONTENT_DIGEST, &content_digest(body))?;
    put(headers, MINER_HEADER, &params.miner.to_string())?;

    let mut record = RequestRecord::new(method.as_str(), target);
    let components = needed(&record, headers);
    for component in &components {
        if let Component::Field { name, .. } = component {
            let value = combined(headers, name)
                .map_err(unsignable)?
                .unwrap_or_default();
            record.fields.insert(name.clone(), value);
        }
    }
    let stated = SignatureParams {
        created: params.created,
        expires: Some(params.created.plus(params.lifetime)),
        nonce: Some(params.nonce.as_str().to_owned()),
        keyid: key.hotkey(),
        scheme: key.scheme(),
        tag: REQUEST_TAG,
    };
    let input = SignatureInput::new(components, &stated).map_err(unsignable)?;
    let (input, signature) = input
        .sign(key, Source::Request(&record))
        .map_err(unsignable)?;
    put(headers, SIGNATURE_INPUT, &input)?;
    put(headers, SIGNATURE, &signature)?;
    record.fields.insert(SIGNATURE_INPUT.into(), input);
    record.fields.insert(SIGNATURE.into(), signature);
    Ok(record)
}

/// What a request's signature must cover, in the order in which we list it. The query counts if
/// there is one, and so does a field that changes what the body means.
fn needed(record: &RequestRecord, headers: &HeaderMap) -> Vec<Component> {
    let mut components = vec![Component::Method, Component::Path];
    if record.query.is_some() {
        components.push(Component::Query);
    }
    components.push(Component::field(CONTENT_DIGEST));
    components.push(Component::field(MINER_HEADER));
    for name in BODY_FIELDS {
        if headers.contains_key(name) {
            components.push(Component::field(name));
        }
    }
    components
}

pub(crate) fn put(
    headers: &mut HeaderMap,
    name: &'static str,
    value: &str,
) -> Result<(), SignError> {
    let value = HeaderValue::from_str(value)
        .map_err(|_| SignError::Unsignable(format!("`{value}` can't stand in a header")))?;
    headers.insert(HeaderName::from_static(name), value);
    Ok(())
}

/// What a miner accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The hotkey that requests must be meant for.
    pub miner: Hotkey,
    /// By how many seconds a caller's clock may be ahead.
    pub max_skew: u64,
    /// For how many seconds a request may be valid at most.
    pub max_lifetime: u64,
}

impl Policy {
    /// The tolerances that every miner should keep: 30 seconds ahead, 300 seconds valid.
    pub const fn new(miner: Hotkey) -> Self {
        Self {
            miner,
            max_skew: 30,
            max_lifetime: 300,
        }
    }
}

/// A request whose head was read and found acceptable. Nothing is proved yet: who the caller is
/// remains a claim until [`Self::verify`] has seen the body. It lets a miner turn away strangers
/// before it reads what they send.
#[derive(Clone, Debug)]
pub struct ClaimedRequest {
    record: RequestRecord,
    input: SignatureInput,
    params: SignatureParams,
    nonce: Nonce,
    expires: UnixSeconds,
    digest: [u8; 32],
}

/// A request that its caller made, for this miner, now. Whether it was seen before is for
/// [`crate::ReplayGuard`] to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedRequest {
    /// Who made it.
    pub caller: Hotkey,
    /// Its nonce.
    pub nonce: Nonce,
    /// When it was made, by the caller's clock.
    pub created: UnixSeconds,
    /// Until when it may be answered.
    pub expires: UnixSeconds,
    /// SHA-256 of its body.
    pub digest: [u8; 32],
    /// What was signed: the answer's receipt covers it.
    pub record: RequestRecord,
}

/// Checks a request in one go; see [`ClaimedRequest::read`] and [`ClaimedRequest::verify`].
pub fn verify_request(
    method: &http::Method,
    target: &str,
    headers: &HeaderMap,
    body: &[u8],
    policy: &Policy,
    now: UnixSeconds,
) -> Result<VerifiedRequest, VerifyError> {
    ClaimedRequest::read(method, target, headers, policy, now)?.verify(body)
}

impl ClaimedRequest {
    /// Checks all that can be checked without the body: that the signature covers what it must and
    /// names a known algorithm, that the request is meant for this miner, and that it is neither
    /// stale nor from the future.
    pub fn read(
        method: &http::Method,
        target: &str,
        headers: &HeaderMap,
        policy: &Policy,
        now: UnixSeconds,
    ) -> Result<Self, VerifyError> {
        let mut record = RequestRecord::new(method.as_str(), target);
        let (fields, input) = signed_fields(headers, REQUEST_TAG)?;
        record.fields = fields;
        let needed = needed(&record, headers);
        let claimed = Self::new(record, input, &needed)?;

        let created = claimed.params.created;
        if claimed.expires.0 - created.0 > policy.max_lifetime {
            return Err(VerifyError::Malformed(format!(
                "it is valid for more than {} seconds",
                policy.max_lifetime
            )));
        }
        if created > now.plus(policy.max_skew) {
            return Err(VerifyError::FromTheFuture { created, now });
        }
        if now > claimed.expires {
            return Err(VerifyError::Stale {
                expires: claimed.expires,
                now,
            });
        }
        let named = claimed.miner()?;
        if named != policy.miner {
            return Err(VerifyError::Misdirected {
                named,
                expected: policy.miner,
            });
        }
        Ok(claimed)
    }

    /// Reads a record without regard to any clock, as a receipt's check does.
    pub(crate) fn from_record(
        record: RequestRecord,
        needed: &[Component],
    ) -> Result<Self, VerifyError> {
        let input = SignatureInput::find(&record.fields, REQUEST_TAG)?;
        Self::new(record, input, needed)
    }

    fn new(
        record: RequestRecord,
        input: SignatureInput,
        needed: &[Component],
    ) -> Result<Self, VerifyError> {
        let missing = |what: &str| VerifyError::Malformed(format!("`{what}` is missing"));
        let params = input.params(REQUEST_TAG)?;
        input.require(needed)?;
        let nonce = Nonce::new(params.nonce.clone().ok_or_else(|| missing("nonce"))?)?;
        let expires = params.expires.ok_or_else(|| missing("expires"))?;
        if expires < params.created {
            return Err(VerifyError::Malformed(
                "it expires before it was created".into(),
            ));
        }
        let stated = record
            .fields
            .get(CONTENT_DIGEST)
            .ok_or_else(|| missing(CONTENT_DIGEST))?;
        let digest = stated_digest(stated)?;
        Ok(Self {
            record,
            input,
            params,
            nonce,
            expires,
            digest,
        })
    }

    /// What the signature of a record must cover. The record holds covered fields only, so of the
    /// fields that change a body's meaning it is the miner, who saw the whole head, that insisted.
    pub(crate) fn needed_of_record(record: &RequestRecord) -> Vec<Component> {
        needed(record, &HeaderMap::new())
    }

    /// Who says to have made it.
    pub fn caller(&self) -> Hotkey {
        self.params.keyid
    }

    /// The hotkey that the request is meant for.
    pub(crate) fn miner(&self) -> Result<Hotkey, VerifyError> {
        let missing = || VerifyError::Malformed(format!("`{MINER_HEADER}` is missing"));
        let named = self.record.fields.get(MINER_HEADER).ok_or_else(missing)?;
        named
            .parse()
            .map_err(|why| VerifyError::Malformed(format!("{MINER_HEADER}: {why}")))
    }

    pub(crate) fn label(&self) -> &str {
        self.input.label()
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        self.digest
    }

    pub(crate) fn params(&self) -> &SignatureParams {
        &self.params
    }

    pub(crate) fn nonce(&self) -> &Nonce {
        &self.nonce
    }

    pub(crate) fn verify_signature(&self) -> Result<crate::Signature, VerifyError> {
        self.input.verify(
            &self.params,
            &self.record.fields,
            Source::Request(&self.record),
        )
    }

    /// Checks body and signature.
    pub fn verify(self, body: &[u8]) -> Result<VerifiedRequest, VerifyError> {
        if sha256(body) != self.digest {
            return Err(VerifyError::BadDigest);
        }
        self.verify_signature()?;
        Ok(VerifiedRequest {
            caller: self.params.keyid,
            nonce: self.nonce,
            created: self.params.created,
            expires: self.expires,
            digest: self.digest,
            record: self.record,
        })
    }
}
