//! Refusals as HTTP: the one place where errors become statuses.

use crate::{backend::BackendError, line::Full};
use assay_protocol::{
    oip::{ErrorBody, OipError},
    Reason, VerifyError,
};
use axum::{
    http::{header::RETRY_AFTER, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    Json,
};
use std::time::Duration;

/// The header that repeats a refusal's reason.
pub const REASON_HEADER: &str = "assay-reason";

/// Most bytes of what a refusal says: it may repeat names and shapes as they came, and over gRPC it
/// stands in a header.
const LONGEST: usize = 1024;

/// An answer that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    error: String,
    reason: Option<Reason>,
    wait: Duration,
}

impl Refusal {
    /// A refusal with a status and what is wrong.
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        let mut error = error.into();
        if error.len() > LONGEST {
            let whole = |end: &usize| error.is_char_boundary(*end);
            let end = (0..=LONGEST).rev().find(whole).unwrap_or_default();
            error.truncate(end);
            error.push('…');
        }
        Self {
            status,
            error,
            reason: None,
            wait: Duration::ZERO,
        }
    }

    /// A refusal that says why the request was not let in.
    pub fn not_let_in(reason: Reason, error: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(reason.status()).unwrap_or(StatusCode::UNAUTHORIZED);
        Self {
            reason: Some(reason),
            ..Self::new(status, error)
        }
    }

    /// A caller who asks more often than this miner allows.
    pub(crate) fn too_often(wait: Duration) -> Self {
        let why = "you ask more often than this miner allows";
        Self::not_let_in(Reason::RateLimited, why).until(wait)
    }

    /// A caller from whose address came too much that was signed wrongly.
    pub(crate) fn too_many_failed(wait: Duration) -> Self {
        let why = "too many requests from your address had wrong signatures or were sent twice";
        Self::not_let_in(Reason::RateLimited, why).until(wait)
    }

    /// A caller from whose address came more than its share of what is remembered.
    pub(crate) fn too_much_remembered(wait: Duration) -> Self {
        let why = "hotkeys without stake at your address ask more than this miner can remember";
        Self::not_let_in(Reason::RateLimited, why).until(wait)
    }

    /// A query whose answer would come too late.
    pub(crate) fn too_late() -> Self {
        let why = "there was no answer by the deadline of this request";
        Self::new(StatusCode::GATEWAY_TIMEOUT, why)
    }

    /// Says when to come back, in whole seconds and not before one.
    #[must_use]
    pub(crate) fn until(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// What this refusal is counted as; None for answers that say what is wrong with a query.
    fn counted(&self) -> Option<&'static str> {
        match (self.reason, self.status) {
            (Some(reason), _) => Some(reason.as_str()),
            (None, StatusCode::TOO_MANY_REQUESTS) => Some("queue-full"),
            (None, StatusCode::GATEWAY_TIMEOUT) => Some("deadline"),
            (None, StatusCode::SERVICE_UNAVAILABLE) => Some("unavailable"),
            (None, StatusCode::REQUEST_TIMEOUT) => Some("slow-body"),
            (None, StatusCode::PAYLOAD_TOO_LARGE) => Some("large-body"),
            (None, StatusCode::UNSUPPORTED_MEDIA_TYPE) => Some("compressed-body"),
            _ => None,
        }
    }

    /// Its HTTP status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// What is wrong, for people.
    pub fn error(&self) -> &str {
        &self.error
    }

    /// Why the request was not let in, for programs.
    pub const fn reason(&self) -> Option<Reason> {
        self.reason
    }

    /// Seconds after which the same may succeed, if waiting is all that it takes.
    pub fn retry_after(&self) -> Option<u64> {
        let busy = matches!(
            self.status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        busy.then(|| self.wait.as_secs_f64().ceil().max(1.0) as u64)
    }

    pub(crate) fn bad_request(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    pub(crate) fn not_found(error: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error)
    }

    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the miner failed on this request",
        )
    }
}

impl From<VerifyError> for Refusal {
    fn from(why: VerifyError) -> Self {
        Self::not_let_in(why.reason(), why.to_string())
    }
}

impl From<OipError> for Refusal {
    fn from(why: OipError) -> Self {
        Self::bad_request(why.to_string())
    }
}

impl From<Full> for Refusal {
    fn from(full: Full) -> Self {
        let why = "the model's queue is full";
        Self::new(StatusCode::TOO_MANY_REQUESTS, why).until(full.retry_after)
    }
}

impl From<BackendError> for Refusal {
    fn from(why: BackendError) -> Self {
        let status = match &why {
            BackendError::Invalid(_) => StatusCode::BAD_REQUEST,
            BackendError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            BackendError::QueueFull(_) => StatusCode::TOO_MANY_REQUESTS,
            BackendError::Failed { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            BackendError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, why.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if let Some(counted) = self.counted() {
            crate::metrics::refusal(counted);
        }
        let body = ErrorBody {
            error: self.error.clone(),
            reason: self.reason,
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        if let Some(reason) = self.reason {
            headers.insert(REASON_HEADER, HeaderValue::from_static(reason.as_str()));
        }
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        // For those who say the same in another protocol's words.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_says_no_more_than_a_header_can_carry() {
        let refusal = Refusal::bad_request("é".repeat(LONGEST));
        assert_eq!(refusal.error(), format!("{}…", "é".repeat(LONGEST / 2)));
        assert_eq!(Refusal::bad_request("short").error(), "short");
    }
}
