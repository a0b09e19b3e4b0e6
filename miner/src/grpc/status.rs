//! Refusals in gRPC's words.

use crate::http::{Refusal, REASON_HEADER};
use axum::http::{header::RETRY_AFTER, HeaderMap, HeaderValue, StatusCode};
use tonic::{metadata::MetadataMap, Code, Status};

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let mut metadata = HeaderMap::new();
        if let Some(reason) = refusal.reason() {
            metadata.insert(REASON_HEADER, HeaderValue::from_static(reason.as_str()));
        }
        if let Some(seconds) = refusal.retry_after() {
            metadata.insert(RETRY_AFTER, seconds.into());
        }
        let metadata = MetadataMap::from_headers(metadata);
        Self::with_metadata(code(refusal.status()), refusal.error(), metadata)
    }
}

/// The code that says what an HTTP status says.
fn code(status: StatusCode) -> Code {
    match status {
        StatusCode::BAD_REQUEST => Code::InvalidArgument,
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::PermissionDenied,
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => Code::DeadlineExceeded,
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::TOO_MANY_REQUESTS => Code::ResourceExhausted,
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::Unimplemented,
        StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
        _ => Code::Internal,
    }
}
