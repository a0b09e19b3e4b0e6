//! Element types, by the names that stand in messages.

use serde::{Deserialize, Serialize};

/// The type of a tensor's elements: those of the protocol, and `BF16`, which Triton added.
///
/// A task on chain names one of the protocol's own ([`assay_primitives::DataType`]); what a server
/// can carry may be more, and is no business of the chain's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
pub enum DataType {
    Bool,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Int8,
    Int16,
    Int32,
    Int64,
    Fp16,
    Bf16,
    Fp32,
    Fp64,
    Bytes,
}

/// The name of a type as it stands in messages.
pub const fn datatype_name(datatype: DataType) -> &'static str {
    match datatype {
        DataType::Bool => "BOOL",
        DataType::Uint8 => "UINT8",
        DataType::Uint16 => "UINT16",
        DataType::Uint32 => "UINT32",
        DataType::Uint64 => "UINT64",
        DataType::Int8 => "INT8",
        DataType::Int16 => "INT16",
        DataType::Int32 => "INT32",
        DataType::Int64 => "INT64",
        DataType::Fp16 => "FP16",
        DataType::Bf16 => "BF16",
        DataType::Fp32 => "FP32",
        DataType::Fp64 => "FP64",
        DataType::Bytes => "BYTES",
    }
}

/// Bytes of one element; None for strings, which are of any length.
pub(super) const fn element_size(datatype: DataType) -> Option<usize> {
    match datatype {
        DataType::Bool | DataType::Uint8 | DataType::Int8 => Some(1),
        DataType::Uint16 | DataType::Int16 | DataType::Fp16 | DataType::Bf16 => Some(2),
        DataType::Uint32 | DataType::Int32 | DataType::Fp32 => Some(4),
        DataType::Uint64 | DataType::Int64 | DataType::Fp64 => Some(8),
        DataType::Bytes => None,
    }
}

/// The type of a name.
pub fn datatype_from_name(name: &str) -> Option<DataType> {
    ALL_TYPES
        .into_iter()
        .find(|datatype| datatype_name(*datatype) == name)
}

/// Every type there is.
pub(super) const ALL_TYPES: [DataType; 14] = [
    DataType::Bool,
    DataType::Uint8,
    DataType::Uint16,
    DataType::Uint32,
    DataType::Uint64,
    DataType::Int8,
    DataType::Int16,
    DataType::Int32,
    DataType::Int64,
    DataType::Fp16,
    DataType::Bf16,
    DataType::Fp32,
    DataType::Fp64,
    DataType::Bytes,
];
