//! A look at a message before it is decoded: how many parts it has.
//!
//! Decoded, an input or output takes hundreds of bytes, and two on the wire: a message as large as
//! bodies may be would come to gigabytes. What is not well-formed is left for the decoder to name.

use crate::http::Refusal;
use axum::{
    body::Body,
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::{Buf as _, Bytes};
use http_body_util::BodyExt as _;
use prost::encoding::{decode_key, skip_field, DecodeContext};

/// Most inputs of a query, outputs that it asks for, raw contents and parameters, each.
const MOST: usize = 1024;

/// Before each message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// Refuses a query of too many parts.
pub(super) async fn bounded(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    // The gate has read it already.
    let Ok(collected) = body.collect().await else {
        return Refusal::internal().into_response();
    };
    let body = collected.to_bytes();
    if let Some(tag) = too_many(body.slice(PREFIX.min(body.len())..)) {
        let why = format!("the message has more than {MOST} fields of number {tag}");
        return Refusal::bad_request(why).into_response();
    }
    next.run(Request::from_parts(parts, Body::from(body))).await
}

/// The number of a field of which there are too many.
fn too_many(mut message: Bytes) -> Option<u32> {
    // The message's own fields have numbers below this.
    let mut found = [0_usize; 16];
    while message.has_remaining() {
        let (tag, wire) = decode_key(&mut message).ok()?;
        skip_field(wire, tag, &mut message, DecodeContext::default()).ok()?;
        let count = found.get_mut(tag as usize);
        if let Some(count) = count {
            *count += 1;
            if *count > MOST {
                return Some(tag);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::inference::{model_infer_request::InferInputTensor, ModelInferRequest};
    use prost::Message as _;

    #[test]
    fn too_many_counts_the_parts_and_leaves_the_rest_to_the_decoder() {
        let of = |number| {
            let inputs = vec![InferInputTensor::default(); number];
            let message = ModelInferRequest {
                model_name: "m".into(),
                inputs,
                ..ModelInferRequest::default()
            };
            message.encode_to_vec().into()
        };
        assert_eq!(too_many(of(MOST)), None);
        assert_eq!(too_many(of(MOST + 1)), Some(5));
        assert_eq!(too_many(Bytes::from_static(b"\xff\xff")), None);
        assert_eq!(too_many(Bytes::new()), None);
    }
}
