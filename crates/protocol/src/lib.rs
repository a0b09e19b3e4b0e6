//! What validators and miners say to each other, and how each proves what the other said.
//!
//! Plain data in, plain data out:
//!
//! * **Signatures**: HTTP Message Signatures (RFC 9421) with Content-Digest (RFC 9530), hotkeys as
//!   keys. [`sign_request`] and [`verify_request`] are the two ends of a query; [`sign_receipt`]
//!   and [`verify_receipt`] those of its answer. A [`Receipt`] keeps what was signed, so that
//!   anyone can check later who asked what, who answered what, and that the answer belongs to the
//!   question.
//! * **TLS** with the certificate whose digest a miner announced: [`pinned_tls`].
//! * **Messages**: the Open Inference Protocol v2 with its binary tensor extension in [`oip`], and
//!   the handshake in [`handshake`].
//!
//! `docs/protocol.md` states all of it to the byte; `tests/vectors` holds its examples.
//!
//! Nothing here opens a socket, reads a clock or knows a server framework: time is passed in, and
//! headers are `http` types. Nothing here may panic on what a peer sent, and no secret may appear
//! in what is printed.

#![warn(missing_docs)]

mod address;
mod components;
mod digest;
mod error;
pub mod handshake;
mod hotkey;
pub mod keys;
pub mod oip;
mod pinned;
mod receipt;
mod record;
mod replay;
mod request;
mod signature;
mod time;

pub use digest::{content_digest, sha256};
pub use error::{Reason, SignError, VerifyError};
pub use hotkey::{Hotkey, HotkeyError};
pub use keys::{Keypair, Scheme, Signature};
pub use pinned::{certificate_digest, pinned_tls};
pub use receipt::{sign_receipt, verify_receipt, Receipt, ReceiptFacts, RECEIPT_TAG};
pub use record::{RequestRecord, ResponseRecord};
pub use replay::ReplayGuard;
pub use request::{
    sign_request, verify_request, ClaimedRequest, Nonce, Policy, RequestParams, VerifiedRequest,
    MINER_HEADER, REQUEST_TAG, TIMEOUT_HEADER,
};
pub use time::{Clock, SystemClock, UnixSeconds};

/// Fields that change what a body means. Where one is present, a signature must cover it:
/// otherwise whoever carries the message could move the border between JSON and binary tensors.
pub const BODY_FIELDS: [&str; 1] = [oip::HEADER_LENGTH];

/// Fields of an answer's head that say what it means, and that a receipt must cover as well where
/// they are present. The last two stand in the head of a gRPC answer that is an error.
pub const ANSWER_FIELDS: [&str; 3] = [oip::HEADER_LENGTH, "grpc-status", "grpc-message"];
