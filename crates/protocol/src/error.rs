//! Why a message was refused, in words for people and in codes for programs.

use crate::{Hotkey, UnixSeconds};
use serde::{Deserialize, Serialize};

/// Why a signed message was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// There is no signature with the tag that was looked for.
    #[error("the message carries no signature tagged `{0}`")]
    Unsigned(&'static str),
    /// A field is missing or can't be read, or the signature leaves out what it must cover.
    #[error("the signature can't be checked: {0}")]
    Malformed(String),
    /// `alg` names something else than `sr25519` or `ed25519`.
    #[error("signature algorithm `{0}` is not known here: use sr25519 or ed25519")]
    UnknownAlgorithm(String),
    /// The body is not the one that was signed.
    #[error("the body does not match its content-digest")]
    BadDigest,
    /// The signature is not that key's over these bytes.
    #[error("the signature is not by {0} over this message")]
    BadSignature(Hotkey),
    /// The request has expired.
    #[error("the request expired at {expires} and it is {now} here: check both clocks")]
    Stale {
        /// When it expired.
        expires: UnixSeconds,
        /// The verifier's time.
        now: UnixSeconds,
    },
    /// The request is dated ahead of the verifier's clock by more than the tolerance.
    #[error("the request was created at {created} and it is {now} here: check both clocks")]
    FromTheFuture {
        /// When it says it was made.
        created: UnixSeconds,
        /// The verifier's time.
        now: UnixSeconds,
    },
    /// The message is meant for, or was signed by, somebody else.
    #[error("the message names {named} where {expected} belongs")]
    Misdirected {
        /// Whom the message names.
        named: Hotkey,
        /// Whom it should name.
        expected: Hotkey,
    },
    /// The same nonce of the same caller was seen before.
    #[error("a request of {0} with this nonce was seen already")]
    Replayed(Hotkey),
    /// No room is left to remember another nonce.
    #[error("too many requests are being remembered: try again in a moment")]
    ReplayGuardFull,
    /// The caller alone used up its share of remembered nonces.
    #[error("{0} has too many requests that have not expired: slow down")]
    CallerQuotaFull(Hotkey),
}

/// The code that goes with a refusal. Codes are part of the protocol and never change meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// No signature where one is needed.
    Unsigned,
    /// Not readable, or not covering what it must.
    Malformed,
    /// `alg` is neither `sr25519` nor `ed25519`.
    UnknownAlgorithm,
    /// The body is another one.
    BadDigest,
    /// The signature does not verify.
    BadSignature,
    /// Expired.
    Stale,
    /// Created ahead of the verifier's clock.
    FromTheFuture,
    /// Meant for another miner.
    Misdirected,
    /// Nonce seen already.
    Replayed,
    /// The caller is not let in.
    NotAdmitted,
    /// Too much at once; the same request, signed anew, may succeed later.
    Overloaded,
    /// The caller asks more often than it may; `Retry-After` says when it may again.
    RateLimited,
}

impl Reason {
    /// The code as it is sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Malformed => "malformed",
            Self::UnknownAlgorithm => "unknown-algorithm",
            Self::BadDigest => "bad-digest",
            Self::BadSignature => "bad-signature",
            Self::Stale => "stale",
            Self::FromTheFuture => "from-the-future",
            Self::Misdirected => "misdirected",
            Self::Replayed => "replayed",
            Self::NotAdmitted => "not-admitted",
            Self::Overloaded => "overloaded",
            Self::RateLimited => "rate-limited",
        }
    }

    /// The HTTP status that goes with it.
    pub const fn status(self) -> u16 {
        match self {
            Self::Misdirected | Self::NotAdmitted => 403,
            Self::RateLimited => 429,
            Self::Overloaded => 503,
            _ => 401,
        }
    }
}

impl VerifyError {
    /// The code that goes with this error.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Unsigned(_) => Reason::Unsigned,
            Self::Malformed(_) => Reason::Malformed,
            Self::UnknownAlgorithm(_) => Reason::UnknownAlgorithm,
            Self::BadDigest => Reason::BadDigest,
            Self::BadSignature(_) => Reason::BadSignature,
            Self::Stale { .. } => Reason::Stale,
            Self::FromTheFuture { .. } => Reason::FromTheFuture,
            Self::Misdirected { .. } => Reason::Misdirected,
            Self::Replayed(_) => Reason::Replayed,
            Self::ReplayGuardFull | Self::CallerQuotaFull(_) => Reason::Overloaded,
        }
    }
}

/// Why a message could not be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The request target or a header holds what a signature can't cover.
    #[error("the message can't be signed: {0}")]
    Unsignable(String),
    /// The request that an answer belongs to carries no signature.
    #[error("the request carries no signature that a receipt could cover: {0}")]
    UnsignedRequest(VerifyError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_sent_as_they_are_serialised() {
        for reason in [
            Reason::UnknownAlgorithm,
            Reason::FromTheFuture,
            Reason::NotAdmitted,
        ] {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }
}
