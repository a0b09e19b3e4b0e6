//! Receipts: a miner's signature over its answer and over the request that it answers.
//!
//! A receipt proves that the owner of one hotkey asked for what has one digest, and that the owner
//! of another answered with what has another digest. It does not prove *when*: `created` of an
//! answer is the miner's claim, and nothing may be taken from anybody because an answer is missing.

use crate::{
    components::{Component, Source},
    digest::{content_digest, sha256, stated_digest, CONTENT_DIGEST},
    record::{combined, signed_fields, RequestRecord, ResponseRecord},
    request::{put, ClaimedRequest, Nonce},
    signature::{SignatureInput, SignatureParams, SIGNATURE, SIGNATURE_INPUT},
    Hotkey, Keypair, SignError, Signature, UnixSeconds, VerifyError, ANSWER_FIELDS, REQUEST_TAG,
};
use http::HeaderMap;
use serde::{Deserialize, Serialize};

/// The tag of an answer's signature.
pub const RECEIPT_TAG: &str = "assay-receipt";

/// Everything that is needed to check later who asked and who answered. Bodies are kept apart:
/// [`Receipt::verify`] returns their digests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The signed part of the request.
    pub request: RequestRecord,
    /// The signed part of the answer.
    pub response: ResponseRecord,
}

/// What a receipt proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptFacts {
    /// Who asked.
    pub caller: Hotkey,
    /// Who answered.
    pub miner: Hotkey,
    /// The request's nonce.
    pub nonce: Nonce,
    /// When the caller says to have asked.
    pub asked_at: UnixSeconds,
    /// When the miner says to have answered.
    pub answered_at: UnixSeconds,
    /// SHA-256 of the request's body.
    pub request_digest: [u8; 32],
    /// SHA-256 of the answer's body.
    pub response_digest: [u8; 32],
    /// Status of the answer.
    pub status: u16,
    /// The caller's signature.
    pub request_signature: Signature,
    /// The miner's signature.
    pub response_signature: Signature,
}

/// What a receipt's signature must cover, in the order in which we list it. `label` is that of the
/// request's signature.
fn needed(label: &str) -> Vec<Component> {
    vec![
        Component::Status,
        Component::field(CONTENT_DIGEST),
        Component::of_request(CONTENT_DIGEST, None),
        Component::of_request(SIGNATURE, Some(label)),
    ]
}

fn answer_fields(headers: &HeaderMap) -> impl Iterator<Item = Component> + '_ {
    ANSWER_FIELDS
        .into_iter()
        .filter(|name| headers.contains_key(*name))
        .map(Component::field)
}

/// Signs an answer: adds `Content-Digest`, `Signature-Input` and `Signature` to `headers`.
pub fn sign_receipt(
    key: &Keypair,
    request: &RequestRecord,
    status: u16,
    headers: &mut HeaderMap,
    body: &[u8],
    now: UnixSeconds,
) -> Result<ResponseRecord, SignError> {
    let unsignable = |why: VerifyError| SignError::Unsignable(why.to_string());
    let asked =
        SignatureInput::find(&request.fields, REQUEST_TAG).map_err(SignError::UnsignedRequest)?;
    put(headers, CONTENT_DIGEST, &content_digest(body))?;

    let mut components = needed(asked.label());
    components.extend(answer_fields(headers));
    let mut record = ResponseRecord {
        status,
        fields: Default::default(),
    };
    for component in &components {
        if let Component::Field {
            name,
            of_request: false,
            ..
        } = component
        {
            let value = combined(headers, name)
                .map_err(unsignable)?
                .unwrap_or_default();
            record.fields.insert(name.clone(), value);
        }
    }
    let stated = SignatureParams {
        created: now,
        expires: None,
        nonce: None,
        keyid: key.hotkey(),
        scheme: key.scheme(),
        tag: RECEIPT_TAG,
    };
    let input = SignatureInput::new(components, &stated).map_err(unsignable)?;
    let source = Source::Response {
        response: &record,
        request,
    };
    let (input, signature) = input.sign(key, source).map_err(unsignable)?;
    put(headers, SIGNATURE_INPUT, &input)?;
    put(headers, SIGNATURE, &signature)?;
    record.fields.insert(SIGNATURE_INPUT.into(), input);
    record.fields.insert(SIGNATURE.into(), signature);
    Ok(record)
}

/// Checks an answer on arrival and returns its receipt.
pub fn verify_receipt(
    request: &RequestRecord,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(Receipt, ReceiptFacts), VerifyError> {
    let (fields, input) = signed_fields(headers, RECEIPT_TAG)?;
    input.require(&answer_fields(headers).collect::<Vec<_>>())?;
    let response = ResponseRecord { status, fields };
    let receipt = Receipt {
        request: request.clone(),
        response,
    };
    let facts = receipt.verify()?;
    if facts.response_digest != sha256(body) {
        return Err(VerifyError::BadDigest);
    }
    Ok((receipt, facts))
}

impl Receipt {
    /// Checks both signatures, that the answer's covers the request's, and that the one who
    /// answered is the one who was asked. No clock is looked at: a receipt does not age.
    pub fn verify(&self) -> Result<ReceiptFacts, VerifyError> {
        let needed_of_request = ClaimedRequest::needed_of_record(&self.request);
        let asked = ClaimedRequest::from_record(self.request.clone(), &needed_of_request)?;
        let request_signature = asked.verify_signature()?;

        let input = SignatureInput::find(&self.response.fields, RECEIPT_TAG)?;
        let params = input.params(RECEIPT_TAG)?;
        input.require(&needed(asked.label()))?;
        let expected = asked.miner()?;
        if params.keyid != expected {
            return Err(VerifyError::Misdirected {
                named: params.keyid,
                expected,
            });
        }
        let source = Source::Response {
            response: &self.response,
            request: &self.request,
        };
        let response_signature = input.verify(&params, &self.response.fields, source)?;
        let stated = self.response.fields.get(CONTENT_DIGEST);
        let stated = stated.ok_or_else(|| VerifyError::Malformed("no content-digest".into()))?;
        Ok(ReceiptFacts {
            caller: asked.caller(),
            miner: params.keyid,
            nonce: asked.nonce().clone(),
            asked_at: asked.params().created,
            answered_at: params.created,
            request_digest: asked.digest(),
            response_digest: stated_digest(stated)?,
            status: self.response.status,
            request_signature,
            response_signature,
        })
    }

    /// Checks the receipt, and that it is about these two bodies.
    pub fn verify_bodies(
        &self,
        request_body: &[u8],
        response_body: &[u8],
    ) -> Result<ReceiptFacts, VerifyError> {
        let facts = self.verify()?;
        let digests = (sha256(request_body), sha256(response_body));
        if (facts.request_digest, facts.response_digest) == digests {
            Ok(facts)
        } else {
            Err(VerifyError::BadDigest)
        }
    }
}
