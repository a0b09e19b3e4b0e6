//! The miners, as a round reaches them.

mod http;

pub use http::HttpPeers;

use crate::chain::Miner;
use assay_primitives::{Digest, Signature64};
use assay_protocol::oip::{Encoded, Encoding, InferRequest, OipError, RequestedOutput, Tensor};
use async_trait::async_trait;
use std::time::Duration;

/// One request to one miner.
#[derive(Clone, Debug)]
pub struct Question {
    /// The model to ask, as the handshake named it.
    pub model: String,
    /// Input tensors.
    pub inputs: Vec<Tensor>,
    /// The outputs to return.
    pub outputs: Vec<String>,
    /// The time from sending to the last byte of the answer.
    pub deadline: Duration,
}

/// An answer whose receipt was checked.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Output tensors.
    pub outputs: Vec<Tensor>,
    /// From sending to the last byte.
    pub took: Duration,
    /// What proves it.
    pub proof: Proof,
}

/// What a third party needs to check that this miner gave this answer to this request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// SHA-256 of the request's body.
    pub request_digest: Digest,
    /// SHA-256 of the response's body.
    pub response_digest: Digest,
    /// Ours.
    pub request_signature: Signature64,
    /// The miner's, over the response and the request's signature.
    pub response_signature: Signature64,
    /// The whole receipt as JSON.
    pub receipt: String,
}

/// Why there is no answer that counts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No connection, or it broke.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// The deadline passed.
    #[error("no answer within {} ms", .0.as_millis())]
    Late(Duration),
    /// The miner said no.
    #[error("refused with HTTP {status}: {reason}")]
    Refused {
        /// The status.
        status: u16,
        /// Its words, shortened.
        reason: String,
    },
    /// What it serves is not what it announced.
    #[error("wrong model: {0}")]
    WrongModel(String),
    /// The answer carries no receipt, or one that does not verify.
    #[error("no valid receipt: {0}")]
    NoReceipt(String),
    /// The answer is signed and can't be read.
    #[error("unreadable answer: {0}")]
    Malformed(String),
    /// Our side failed; the miner is not to blame.
    #[error("our own failure: {0}")]
    Own(String),
}

impl Failure {
    /// Whether a fault of our own network would look the same.
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Late(_))
    }

    /// Whether the miner gave no answer at all, rather than one that is worth nothing.
    pub fn is_absence(&self) -> bool {
        self.is_silence() || matches!(self, Self::Refused { .. })
    }

    /// A short name for tables and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Late(_) => "late",
            Self::Refused { .. } => "refused",
            Self::WrongModel(_) => "wrong_model",
            Self::NoReceipt(_) => "no_receipt",
            Self::Malformed(_) => "malformed",
            Self::Own(_) => "own_failure",
        }
    }
}

/// How miners are reached: over HTTP in production, by hand in tests.
#[async_trait]
pub trait Peers: Send + Sync {
    /// Asks the address to prove that it is this miner's, so that nobody's server is flooded by
    /// announcing it. Nothing else is sent to an address that has not proved it. Returns the name
    /// of the model to ask: the one announced on chain, or that called `task` where none is.
    async fn handshake(&self, miner: &Miner, task: &str) -> Result<String, Failure>;

    /// Asks, and checks the receipt.
    async fn ask(&self, miner: &Miner, question: &Question) -> Result<Answer, Failure>;

    /// Whether our own network works: asked when somebody was silent.
    async fn probe(&self) -> Result<(), String>;
}

/// A request as it is sent: its bytes follow from the tensors and the outputs alone, so that whoever
/// redoes a round comes to the same digest.
pub fn request_body(inputs: Vec<Tensor>, outputs: &[String]) -> Result<Encoded, OipError> {
    let outputs = outputs.iter().map(|name| RequestedOutput {
        name: name.clone(),
        encoding: None,
    });
    let request = InferRequest {
        inputs,
        outputs: outputs.collect(),
        output_encoding: Encoding::Binary,
        ..InferRequest::default()
    };
    request.encode(Encoding::Binary)
}
