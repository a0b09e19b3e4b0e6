//! Names in a request's path.

use super::Refusal;
use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

/// The named parts of a path. What is no text is refused in the protocol's own words.
pub(crate) struct Named<T>(pub T);

impl<S, T> FromRequestParts<S> for Named<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path = Path::from_request_parts(parts, state).await;
        let path = path.map_err(|why| Refusal::bad_request(why.body_text()))?;
        Ok(Self(path.0))
    }
}
