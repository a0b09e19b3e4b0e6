//! Whether this miner answers, and how it stands on chain.
//!
//! The chain being away does not make a miner unready: it serves all the while. It is said all the
//! same, for whoever watches.

use super::Service;
use crate::registration::{Seen, Shortfall};
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    Json,
};
use serde::Serialize;
use std::sync::Arc;

/// The body of an answer about health.
#[derive(Debug, Serialize)]
struct Health {
    ready: bool,
    /// Why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<OnChain>,
}

/// How a miner stands on chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
enum OnChain {
    /// The chain was not read yet.
    Unknown,
    /// It knows where the miner listens and what it serves.
    InSync { uid: u16 },
    /// The node can't be reached; the miner serves on.
    Away { why: String },
    /// It does not know what it should.
    Behind { why: String },
}

impl From<&Seen> for OnChain {
    fn from(seen: &Seen) -> Self {
        let why = |shortfall: &Shortfall| shortfall.to_string();
        match &seen.turn {
            None => Self::Unknown,
            Some(Ok(uid)) => Self::InSync { uid: uid.0 },
            Some(Err(shortfall)) if shortfall.is_away() => Self::Away {
                why: why(shortfall),
            },
            Some(Err(shortfall)) => Self::Behind {
                why: why(shortfall),
            },
        }
    }
}

pub(super) async fn ready(State(service): State<Arc<Service>>) -> Response {
    let why = service.why_unready();
    let ready = why.is_none();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let chain = service.chain.as_ref();
    let chain = chain.map(|seen| OnChain::from(&*seen.borrow()));
    (status, Json(Health { ready, why, chain })).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::ChainError;
    use assay_primitives::Uid;

    #[test]
    fn health_says_how_the_miner_stands_on_chain() {
        let seen = |turn| Seen {
            turn,
            ..Seen::default()
        };
        let call = |why| Shortfall::Call {
            what: "reading the subnet",
            why,
        };
        let away = call(ChainError::Away("nobody there".into()));
        for (turn, told) in [
            (None, r#"{"state":"unknown"}"#),
            (Some(Ok(Uid(3))), r#"{"state":"in-sync","uid":3}"#),
            (
                Some(Err(away)),
                r#"{"state":"away","why":"reading the subnet: nobody there"}"#,
            ),
            (
                Some(Err(call(ChainError::Refused("no".into())))),
                r#"{"state":"behind","why":"reading the subnet: no"}"#,
            ),
        ] {
            let chain = OnChain::from(&seen(turn));
            assert_eq!(serde_json::to_string(&chain).unwrap(), told);
        }
    }
}
