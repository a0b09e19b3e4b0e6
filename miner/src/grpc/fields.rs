//! A look at a message before it is decoded: how many parts it has.
//!
//! Decoded, an input, a parameter or a string takes tens or hundreds of bytes, and two on the wire:
//! a message as large as bodies may be would come to gigabytes. What is not well-formed is left for
//! the decoder to name.

use crate::http::Refusal;
use bytes::{Buf as _, Bytes};
use prost::encoding::{decode_key, decode_varint, skip_field, DecodeContext, WireType};

/// Parts of a message of which there may be so many in all, wherever they stand.
#[derive(Clone, Copy)]
enum Kind {
    Parameters,
    Inputs,
    Outputs,
    RawContents,
    Strings,
}

const KINDS: usize = Kind::Strings as usize + 1;

impl Kind {
    /// What they are called, and how many there may be.
    const fn bound(self) -> (&'static str, usize) {
        match self {
            Self::Parameters => ("parameters", 1024),
            Self::Inputs => ("inputs", 1024),
            Self::Outputs => ("outputs", 1024),
            Self::RawContents => ("raw_input_contents", 1024),
            // Whoever has more sends them in raw_input_contents.
            Self::Strings => ("bytes_contents", 65_536),
        }
    }
}

/// One field of a message that holds parts, by its number.
struct Field {
    number: u32,
    counts: Option<Kind>,
    holds: &'static [Field],
}

const fn parts(number: u32, kind: Kind, holds: &'static [Field]) -> Field {
    Field {
        number,
        counts: Some(kind),
        holds,
    }
}

/// `ModelInferRequest`, as `proto/inference.proto` has it.
const QUERY: &[Field] = &[
    parts(4, Kind::Parameters, &[]),
    parts(5, Kind::Inputs, INPUT),
    parts(6, Kind::Outputs, &[parts(2, Kind::Parameters, &[])]),
    parts(7, Kind::RawContents, &[]),
];
const INPUT: &[Field] = &[
    parts(4, Kind::Parameters, &[]),
    Field {
        number: 5,
        counts: None,
        holds: &[parts(8, Kind::Strings, &[])],
    },
];

/// Refuses a query of too many parts.
pub(super) fn check_parts(message: Bytes) -> Result<(), Refusal> {
    match too_many(message, QUERY, &mut [0; KINDS]) {
        Err(Stop::TooMany(kind)) => {
            let (name, most) = kind.bound();
            let why = format!("the message has more than {most} {name}");
            Err(Refusal::bad_request(why))
        }
        Ok(()) | Err(Stop::Malformed) => Ok(()),
    }
}

enum Stop {
    TooMany(Kind),
    Malformed,
}

/// Counts the parts of a message, until there are too many.
fn too_many(mut message: Bytes, fields: &[Field], counts: &mut [usize; KINDS]) -> Result<(), Stop> {
    let malformed = |_| Stop::Malformed;
    while message.has_remaining() {
        let (number, wire) = decode_key(&mut message).map_err(malformed)?;
        let field = fields.iter().find(|field| field.number == number);
        if let Some(kind) = field.and_then(|field| field.counts) {
            let count = &mut counts[kind as usize];
            *count += 1;
            if *count > kind.bound().1 {
                return Err(Stop::TooMany(kind));
            }
        }
        match (field, wire) {
            (Some(field), WireType::LengthDelimited) if !field.holds.is_empty() => {
                let length = decode_varint(&mut message).map_err(malformed)?;
                let length = usize::try_from(length).map_err(|_| Stop::Malformed)?;
                if length > message.remaining() {
                    return Err(Stop::Malformed);
                }
                too_many(message.split_to(length), field.holds, counts)?;
            }
            _ => {
                let skipped = skip_field(wire, number, &mut message, DecodeContext::default());
                skipped.map_err(malformed)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::inference::{
        model_infer_request::{InferInputTensor, InferRequestedOutputTensor},
        InferParameter, InferTensorContents, ModelInferRequest,
    };
    use prost::Message as _;

    fn why(message: &ModelInferRequest) -> Option<String> {
        let refused = check_parts(message.encode_to_vec().into()).err();
        refused.map(|refused| refused.error().to_owned())
    }

    fn parameters(number: usize) -> std::collections::HashMap<String, InferParameter> {
        (0..number)
            .map(|it| (it.to_string(), InferParameter::default()))
            .collect()
    }

    #[test]
    fn check_parts_bounds_them_wherever_they_stand() {
        let inputs = |number| ModelInferRequest {
            model_name: "m".into(),
            inputs: vec![InferInputTensor::default(); number],
            ..ModelInferRequest::default()
        };
        assert_eq!(why(&inputs(1024)), None);
        assert!(why(&inputs(1025)).unwrap().contains("1024 inputs"));

        let spread = |more: usize| ModelInferRequest {
            parameters: parameters(500),
            inputs: vec![InferInputTensor {
                parameters: parameters(500),
                ..InferInputTensor::default()
            }],
            outputs: vec![InferRequestedOutputTensor {
                parameters: parameters(24 + more),
                ..InferRequestedOutputTensor::default()
            }],
            ..ModelInferRequest::default()
        };
        assert_eq!(why(&spread(0)), None);
        assert!(why(&spread(1)).unwrap().contains("1024 parameters"));

        let strings = |number| {
            let contents = InferTensorContents {
                bytes_contents: vec![Bytes::new(); number],
                ..InferTensorContents::default()
            };
            let input = InferInputTensor {
                contents: Some(contents),
                ..InferInputTensor::default()
            };
            ModelInferRequest {
                inputs: vec![input; 2],
                ..ModelInferRequest::default()
            }
        };
        assert_eq!(why(&strings(32_768)), None);
        assert!(why(&strings(32_769)).unwrap().contains("bytes_contents"));
    }

    #[test]
    fn check_parts_leaves_what_is_malformed_to_the_decoder() {
        for bytes in [&b""[..], b"\xff\xff", b"\x2a\xff", b"\x2a\x05\x2a"] {
            check_parts(Bytes::from_static(bytes)).unwrap();
        }
    }
}
