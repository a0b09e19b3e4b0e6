//! Messages of the Open Inference Protocol v2 as REST has them, with its binary tensor extension.
//!
//! One body holds a JSON head and, if the header [`HEADER_LENGTH`] is there, raw tensors behind it.
//! Whether a message is binary is told by that header alone: real clients send no content type.
//! Both directions are here, since miners read what validators write and the other way round.
//!
//! Names, shapes and lengths come from strangers: nothing is allocated on the strength of a stated
//! number, and whatever does not add up is refused with the tensor's name.

mod bare;
mod binary;
mod datatype;
mod json;
mod messages;
mod metadata;
mod parameters;
mod rows;
mod tensor;

pub use datatype::{datatype_from_name, datatype_name, DataType};
pub use messages::{Encoded, Encoding, InferRequest, InferResponse, RequestedOutput};
pub use metadata::{ErrorBody, ModelMetadata, ServerMetadata, TensorMetadata};
pub use parameters::{check_parameters, ModelParameters, ParameterText};
pub use tensor::{Tensor, TensorData};

use http::HeaderMap;

/// The header that gives the length of the JSON head where raw tensors follow it.
pub const HEADER_LENGTH: &str = "inference-header-content-length";

/// Why a message can't be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OipError {
    /// The JSON can't be read.
    #[error("the JSON part can't be read: {0}")]
    Json(String),
    /// The length of the JSON head makes no sense.
    #[error("{HEADER_LENGTH} {0}")]
    HeaderLength(String),
    /// A tensor does not add up.
    #[error("tensor `{name}`: {why}")]
    Tensor {
        /// The tensor.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// Bytes are left over behind the last tensor.
    #[error("{0} bytes follow the last binary tensor: binary_data_size does not add up")]
    LeftOver(usize),
    /// Raw contents belong to all inputs or to none.
    #[error("there are {inputs} inputs and {raw} raw_input_contents: each input needs its own")]
    RawContents {
        /// Inputs of the message.
        inputs: usize,
        /// Raw contents of the message.
        raw: usize,
    },
    /// Something of the protocol that is not served here.
    #[error("{0} is not supported here")]
    Unsupported(String),
}

impl OipError {
    pub(crate) fn tensor(name: &str, why: impl Into<String>) -> Self {
        Self::Tensor {
            name: name.to_owned(),
            why: why.into(),
        }
    }
}

/// The length of the JSON head as the headers give it. None: the whole body is JSON.
pub fn header_length(headers: &HeaderMap) -> Result<Option<usize>, OipError> {
    let mut values = headers.get_all(HEADER_LENGTH).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(OipError::HeaderLength("is there twice".into()));
    }
    let length = value
        .to_str()
        .ok()
        .and_then(|value| value.trim().parse().ok());
    length.map(Some).ok_or_else(|| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        OipError::HeaderLength(format!("`{value}` is not a number of bytes"))
    })
}

/// The path that answers queries of a model; the newest version if none is named.
pub fn infer_path(model: &str, version: Option<&str>) -> String {
    match version {
        Some(version) => format!("/v2/models/{model}/versions/{version}/infer"),
        None => format!("/v2/models/{model}/infer"),
    }
}
