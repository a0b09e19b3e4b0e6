//! What can go wrong between here and the chain.

use assay_primitives::{NetUid, Refusal};
use std::time::Duration;
use subxt::error::{
    BackendError, BlocksError, DispatchError, ExtrinsicError, OnlineClientAtBlockError,
    OnlineClientError, RpcError, RuntimeApiError, StorageError, StorageValueError,
    TransactionEventsError, TransactionProgressError, TransactionStatusError,
};

/// Why a call to the chain failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// No connection to the node.
    #[error("the node at {url} can't be reached ({reason}): is it running, and is this its RPC address?")]
    Unreachable {
        /// The node's address.
        url: String,
        /// What the connection attempt said.
        reason: String,
    },

    /// The node did not answer in time. Whether a submission got through is not known.
    #[error(
        "{what} took longer than {deadline:?}: the node is overloaded or the connection hangs"
    )]
    Deadline {
        /// What was tried.
        what: &'static str,
        /// How long it may take.
        deadline: Duration,
    },

    /// The connection broke while the node was answering.
    #[error("{what} failed: {reason}")]
    Connection {
        /// What was tried.
        what: &'static str,
        /// What the connection said.
        reason: String,
    },

    /// The node serves another network than the one expected.
    #[error("the node at {url} serves the network {found}, not {expected}: check the address")]
    WrongNetwork {
        /// The node's address.
        url: String,
        /// The genesis hash that was expected.
        expected: assay_primitives::Digest,
        /// The genesis hash of the node.
        found: assay_primitives::Digest,
    },

    /// A free weight call was not admitted.
    #[error("the chain refuses this weight call: {0}")]
    Refused(Refusal),

    /// The transaction pool or the block refused the transaction.
    #[error("the chain refuses this transaction: {0}")]
    Invalid(String),

    /// The call ran and failed; nothing was changed.
    #[error("{pallet}::{error}: {explanation}")]
    Dispatch {
        /// The pallet that refused.
        pallet: String,
        /// The name of its error.
        error: String,
        /// What the pallet's documentation says of it.
        explanation: String,
    },

    /// No such subnet.
    #[error("there is no subnet {0}: `assay subnet list` shows them")]
    NoSuchSubnet(NetUid),

    /// The node's runtime answers in a shape that this program does not know.
    #[error(
        "{what} can't be understood ({reason}): update this program to match the node's runtime"
    )]
    Incompatible {
        /// What was read or submitted.
        what: &'static str,
        /// What did not fit.
        reason: String,
    },
}

impl ChainError {
    /// Whether trying the same again later may help. Submissions that may already have got through
    /// are not meant: look at the chain first.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Deadline { .. } | Self::Connection { .. }
        ) || matches!(self, Self::Refused(Refusal::BlockPartFull))
    }

    /// The pallet's name for what went wrong, if a pallet said so.
    pub fn dispatch_error(&self) -> Option<(&str, &str)> {
        match self {
            Self::Dispatch { pallet, error, .. } => Some((pallet, error)),
            _ => None,
        }
    }
}

/// Turns an error of subxt into ours, given what was tried.
pub(crate) trait Explain {
    fn explain(self, what: &'static str) -> ChainError;
}

fn connection(what: &'static str, reason: impl ToString) -> ChainError {
    ChainError::Connection {
        what,
        reason: reason.to_string(),
    }
}

fn incompatible(what: &'static str, reason: impl ToString) -> ChainError {
    ChainError::Incompatible {
        what,
        reason: reason.to_string(),
    }
}

impl Explain for codec::Error {
    fn explain(self, what: &'static str) -> ChainError {
        incompatible(what, self)
    }
}

impl Explain for StorageValueError {
    fn explain(self, what: &'static str) -> ChainError {
        incompatible(what, self)
    }
}

impl Explain for BackendError {
    fn explain(self, what: &'static str) -> ChainError {
        match self {
            Self::Rpc(RpcError::ClientError(subxt::rpcs::Error::User(said))) => {
                let detail = said.data.as_ref().map(|data| data.get().trim_matches('"'));
                refused_by_node(what, said.code, &said.message, detail)
            }
            other => connection(what, other),
        }
    }
}

/// The JSON-RPC codes for transactions that the pool refuses, from `author_submitExtrinsic`.
const INVALID_TRANSACTION: i32 = 1010;
const POOL_CODES: std::ops::RangeInclusive<i32> = 1010..=1020;

/// Reads what the node answered in place of a result.
fn refused_by_node(
    what: &'static str,
    code: i32,
    message: &str,
    detail: Option<&str>,
) -> ChainError {
    if !POOL_CODES.contains(&code) {
        return incompatible(
            what,
            format!("{message} {}", detail.unwrap_or_default()).trim(),
        );
    }
    let detail = detail.unwrap_or(message);
    match custom_code(detail).and_then(Refusal::from_code) {
        Some(refusal) if code == INVALID_TRANSACTION => ChainError::Refused(refusal),
        _ if detail == message => ChainError::Invalid(message.to_owned()),
        _ => ChainError::Invalid(format!("{message}: {detail}")),
    }
}

/// The number in `Custom error: 103`, the way a node words `InvalidTransaction::Custom`.
fn custom_code(text: &str) -> Option<u8> {
    let (_, rest) = text.split_once("Custom error: ")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

impl Explain for OnlineClientError {
    fn explain(self, what: &'static str) -> ChainError {
        connection(what, self)
    }
}

impl Explain for OnlineClientAtBlockError {
    fn explain(self, what: &'static str) -> ChainError {
        connection(what, self)
    }
}

impl Explain for BlocksError {
    fn explain(self, what: &'static str) -> ChainError {
        connection(what, self)
    }
}

impl Explain for RuntimeApiError {
    fn explain(self, what: &'static str) -> ChainError {
        match self {
            Self::CannotCallApi(backend) => backend.explain(what),
            other => incompatible(what, other),
        }
    }
}

impl Explain for StorageError {
    fn explain(self, what: &'static str) -> ChainError {
        connection(what, self)
    }
}

impl Explain for ExtrinsicError {
    fn explain(self, what: &'static str) -> ChainError {
        match self {
            Self::ErrorSubmittingTransaction(backend)
            | Self::TransactionStatusStreamError(backend) => backend.explain(what),
            Self::TransactionStatusError(status) => status.explain(what),
            Self::UnexpectedEndOfTransactionStatusStream => connection(what, self),
            other => incompatible(what, other),
        }
    }
}

impl Explain for TransactionStatusError {
    fn explain(self, _what: &'static str) -> ChainError {
        let text = match &self {
            Self::Invalid(text) | Self::Dropped(text) | Self::Error(text) => text,
            _ => return ChainError::Invalid(self.to_string()),
        };
        match custom_code(text).and_then(Refusal::from_code) {
            Some(refusal) => ChainError::Refused(refusal),
            None => ChainError::Invalid(self.to_string()),
        }
    }
}

impl Explain for TransactionProgressError {
    fn explain(self, what: &'static str) -> ChainError {
        match self {
            Self::TransactionStatusError(status) => status.explain(what),
            Self::CannotGetNextProgressUpdate(backend) => backend.explain(what),
            other => connection(what, other),
        }
    }
}

impl Explain for TransactionEventsError {
    fn explain(self, what: &'static str) -> ChainError {
        match self {
            Self::ExtrinsicFailed(dispatch) => dispatch.explain(what),
            other => connection(what, other),
        }
    }
}

impl Explain for DispatchError {
    fn explain(self, _what: &'static str) -> ChainError {
        let Self::Module(module) = &self else {
            let error = format!("{self:?}")
                .split(['(', ' '])
                .next()
                .unwrap_or_default()
                .to_owned();
            let explanation = self.to_string();
            return ChainError::Dispatch {
                pallet: "Runtime".into(),
                error,
                explanation,
            };
        };
        match module.details() {
            Ok(details) => ChainError::Dispatch {
                pallet: details.pallet.name().to_owned(),
                error: details.variant.name.clone(),
                explanation: details.variant.docs.join(" ").trim().to_owned(),
            },
            Err(unknown) => ChainError::Dispatch {
                pallet: format!("pallet {}", module.pallet_index()),
                error: format!("error {}", module.error_index()),
                explanation: unknown.to_string(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_read_from_the_pool_s_words() {
        let refused = refused_by_node(
            "submitting",
            1010,
            "Invalid Transaction",
            Some("Custom error: 104"),
        );
        assert!(
            matches!(refused, ChainError::Refused(Refusal::NotPermitted)),
            "{refused}"
        );
        let other = refused_by_node("submitting", 1010, "Invalid Transaction", Some("Stale"));
        assert!(matches!(other, ChainError::Invalid(_)), "{other}");
        assert_eq!(
            other.to_string(),
            "the chain refuses this transaction: Invalid Transaction: Stale"
        );
        let unknown = refused_by_node("reading", -32601, "Method not found", None);
        assert!(
            matches!(unknown, ChainError::Incompatible { .. }),
            "{unknown}"
        );
    }

    #[test]
    fn custom_codes_out_of_range_are_no_refusal() {
        assert_eq!(custom_code("Custom error: 300"), None);
        assert_eq!(
            custom_code("The transaction is not valid: Custom error: 7 (x)"),
            Some(7)
        );
        assert_eq!(custom_code("Inability to pay some fees"), None);
    }
}
