//! `ModelInfer`: the one method that has the gate before it.
//!
//! The gate has read the whole body when this is reached. Taking the message apart and putting the
//! answer together can take long where they are large, and is done where it holds up nobody; so the
//! message is read here and not by the generated server.

use super::{
    convert::{to_answer, to_query},
    fields::check_parts,
    inference::{ModelInferRequest, ModelInferResponse},
    service::version,
};
use crate::http::{by_size, Asked, Refusal, Service};
use assay_protocol::oip::{InferRequest, Tensor};
use axum::{
    body::Body,
    extract::{Extension, State},
    http::{header::CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::Response,
};
use bytes::{BufMut as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use std::{convert::Infallible, future::ready, sync::Arc};

/// Before each message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// The trailer that says that all went well, or what did not.
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GOOD: HeaderValue = HeaderValue::from_static("0");
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// A query to a model.
struct Query {
    model: String,
    version: String,
    query: InferRequest,
}

pub(super) async fn infer(
    State(service): State<Arc<Service>>,
    Extension(asked): Extension<Asked>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let (known, bytes) = (Arc::clone(&service), body.len());
    let read = by_size(bytes, move || read(&known, body)).await??;
    let answer = service.answer(asked, &read.model, version(&read.version), read.query);
    let answer = answer.await?;
    let bytes = answer.outputs.iter().map(Tensor::bytes_held).sum();
    by_size(bytes, move || framed(&to_answer(answer)?)).await?
}

fn read(service: &Service, body: Bytes) -> Result<Query, Refusal> {
    let message = message(body)?;
    check_parts(message.clone())?;
    let message = ModelInferRequest::decode(message)
        .map_err(|why| Refusal::bad_request(format!("the message can't be read: {why}")))?;
    let (model, asked) = (message.model_name.clone(), message.model_version.clone());
    // Whether there is such a model is told before a query is looked into.
    service.find(&model, version(&asked))?;
    Ok(Query {
        model,
        version: asked,
        query: to_query(message)?,
    })
}

/// The one message that a call's content is.
fn message(mut body: Bytes) -> Result<Bytes, Refusal> {
    let Some(prefix) = body.first_chunk::<PREFIX>() else {
        return Err(Refusal::bad_request("the call has no message"));
    };
    let [compressed, length @ ..] = *prefix;
    if compressed != 0 {
        let why = "compressed messages are not read: send the message as it is";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let (length, bytes) = (u32::from_be_bytes(length), body.len() - PREFIX);
    if usize::try_from(length) != Ok(bytes) {
        let why = format!("the message says that it has {length} bytes, here are {bytes}");
        return Err(Refusal::bad_request(why));
    }
    Ok(body.split_off(PREFIX))
}

/// An answer as it is sent.
fn framed(answer: &ModelInferResponse) -> Result<Response, Refusal> {
    let bytes = answer.encoded_len();
    let length = u32::try_from(bytes).map_err(|_| {
        let why = "the answer is longer than 4 GiB, which gRPC can't carry";
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, why)
    })?;
    let mut content = BytesMut::with_capacity(PREFIX + bytes);
    content.put_u8(0);
    content.put_u32(length);
    answer
        .encode(&mut content)
        .map_err(|_| Refusal::internal())?;
    let trailers = HeaderMap::from_iter([(STATUS, GOOD)]);
    let content = Full::new(content.freeze());
    let content = content.with_trailers(ready(Some(Ok::<_, Infallible>(trailers))));
    let mut response = Response::new(Body::new(content));
    response.headers_mut().insert(CONTENT_TYPE, GRPC);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_is_what_the_prefix_says_or_refused() {
        let of = |bytes: &'static [u8]| message(Bytes::from_static(bytes));
        assert_eq!(of(&[0, 0, 0, 0, 2, 7, 8]).unwrap(), [7, 8][..]);
        assert_eq!(of(&[0, 0, 0, 0, 0]).unwrap(), [][..]);
        for (bytes, status) in [
            (&[][..], 400),
            (&[0, 0, 0, 0], 400),
            (&[0, 0, 0, 0, 2, 7], 400),
            (&[0, 0, 0, 0, 1, 7, 8], 400),
            (&[0, 255, 255, 255, 255, 7], 400),
            (&[1, 0, 0, 0, 1, 7], 415),
        ] {
            assert_eq!(of(bytes).unwrap_err().status(), status, "{bytes:?}");
        }
    }
}
