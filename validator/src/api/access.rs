//! Who may see what.

use super::{Api, ApiError};
use assay_primitives::Uid;
use assay_protocol::{verify_request, Clock as _, Hotkey, Policy, Reason, SystemClock};
use axum::{
    extract::{OriginalUri, Request},
    http::{header::AUTHORIZATION, HeaderMap},
};
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// The operator's password; only its hash is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Password([u8; 32]);

impl Password {
    /// Takes a password.
    pub fn new(password: &str) -> Self {
        Self(Sha256::digest(password.as_bytes()).into())
    }

    /// Reads it from a file of one line.
    pub fn read(path: &Path) -> std::io::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let password = text.trim();
        if password.len() < 12 {
            let short = "the operator's password must have at least 12 characters";
            return Err(std::io::Error::other(short));
        }
        Ok(Self::new(password))
    }

    /// Whether a request brings it: as a bearer token, or as a browser sends it, under any name.
    pub(super) fn is_given(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok());
        let Some((scheme, value)) = given.and_then(|given| given.split_once(' ')) else {
            return false;
        };
        let value = value.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return *self == Self::new(value);
        }
        let decoded = scheme
            .eq_ignore_ascii_case("basic")
            .then(|| base64(value))
            .flatten();
        let named = decoded.as_deref().and_then(|pair| pair.split_once(':'));
        named.is_some_and(|(_, password)| *self == Self::new(password))
    }
}

/// Text in base64. A password is short, so this is written for reading; `None` where it is neither.
fn base64(text: &str) -> Option<String> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0u32);
    for byte in text.trim_end_matches('=').bytes() {
        let value = LETTERS.iter().position(|letter| *letter == byte)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The uid of the miner that signed a request to us, with an empty body.
pub(super) fn signed_by(api: &Api, request: &Request) -> Result<u16, ApiError> {
    // What was signed is the path as it was sent, not what is left of it within a subnet's pages.
    let sent = request.extensions().get::<OriginalUri>();
    let uri = sent.map_or(request.uri(), |sent| &sent.0);
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let now = SystemClock.now();
    let verified = verify_request(
        request.method(),
        target,
        request.headers(),
        &[],
        &Policy::new(Hotkey(api.hotkey)),
        now,
    )?;
    let snapshot = api.status.snapshot().ok_or(ApiError::Starting)?;
    let Some(Uid(uid)) = snapshot.uid_of(&verified.caller.0) else {
        let error = format!("{} holds no place in this subnet", verified.caller);
        return Err(ApiError::NotLetIn(Reason::NotAdmitted, error));
    };
    api.seen.record(&verified, now)?;
    Ok(uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn password_is_given_as_a_bearer_or_as_browsers_do() {
        let password = Password::new("correct horse");
        let given = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
            password.is_given(&headers)
        };
        assert!(given("Bearer correct horse"));
        // operator:correct horse, :correct horse
        assert!(given("Basic b3BlcmF0b3I6Y29ycmVjdCBob3JzZQ=="));
        assert!(given("Basic OmNvcnJlY3QgaG9yc2U="));
        assert!(!given("Basic b3BlcmF0b3I6d3Jvbmc="));
        assert!(!given("Basic ???"));
        assert!(!given("Bearer wrong"));
        assert!(!given("correct"));
        assert!(!password.is_given(&HeaderMap::new()));
    }
}
