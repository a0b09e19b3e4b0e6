//! Tensors between the protocol and ONNX Runtime.

use assay_protocol::oip::{DataType, Tensor, TensorData};
use half::{bf16, f16};
use ort::value::{DynValue, Tensor as OnnxTensor, TensorElementType, ValueType};

/// The protocol's name for a type of ONNX Runtime.
pub const fn datatype(element: TensorElementType) -> Option<DataType> {
    Some(match element {
        TensorElementType::Bool => DataType::Bool,
        TensorElementType::Uint8 => DataType::Uint8,
        TensorElementType::Uint16 => DataType::Uint16,
        TensorElementType::Uint32 => DataType::Uint32,
        TensorElementType::Uint64 => DataType::Uint64,
        TensorElementType::Int8 => DataType::Int8,
        TensorElementType::Int16 => DataType::Int16,
        TensorElementType::Int32 => DataType::Int32,
        TensorElementType::Int64 => DataType::Int64,
        TensorElementType::Float16 => DataType::Fp16,
        TensorElementType::Bfloat16 => DataType::Bf16,
        TensorElementType::Float32 => DataType::Fp32,
        TensorElementType::Float64 => DataType::Fp64,
        TensorElementType::String => DataType::Bytes,
        _ => return None,
    })
}

/// A named value to run a model with.
pub fn to_onnx(tensor: Tensor) -> Result<(String, DynValue), String> {
    let (name, shape, data) = tensor.into_parts();
    macro_rules! owned {
        ($values:expr) => {
            OnnxTensor::from_array((shape, $values)).map(|value| value.into_dyn())
        };
    }
    let value = match data {
        TensorData::Bool(values) => owned!(values),
        TensorData::Uint8(values) => owned!(values),
        TensorData::Uint16(values) => owned!(values),
        TensorData::Uint32(values) => owned!(values),
        TensorData::Uint64(values) => owned!(values),
        TensorData::Int8(values) => owned!(values),
        TensorData::Int16(values) => owned!(values),
        TensorData::Int32(values) => owned!(values),
        TensorData::Int64(values) => owned!(values),
        TensorData::Fp16(values) => owned!(values),
        TensorData::Bf16(values) => owned!(values),
        TensorData::Fp32(values) => owned!(values),
        TensorData::Fp64(values) => owned!(values),
        TensorData::Bytes(strings) => {
            let strings = strings
                .into_iter()
                .map(string)
                .collect::<Result<Vec<_>, _>>();
            let strings = strings.map_err(|why| format!("input `{name}` {why}"))?;
            OnnxTensor::from_string_array((shape, strings.as_slice())).map(|it| it.into_dyn())
        }
    };
    let value = value.map_err(|why| format!("input `{name}`: {why}"))?;
    Ok((name, value))
}

/// ONNX Runtime takes strings that end at the first zero byte.
fn string(bytes: Vec<u8>) -> Result<String, &'static str> {
    let text = String::from_utf8(bytes).map_err(|_| "holds a string that is not UTF-8")?;
    if text.contains('\0') {
        return Err("holds a string with a zero byte");
    }
    Ok(text)
}

/// A value that a model gave.
pub fn from_onnx(name: &str, value: &DynValue) -> Result<Tensor, String> {
    let ValueType::Tensor { ty: element, .. } = *value.dtype() else {
        return Err("it is not a tensor".into());
    };
    macro_rules! copied {
        ($variant:ident, $type:ty) => {{
            let (shape, values) = value.try_extract_tensor::<$type>().map_err(text)?;
            (shape, TensorData::$variant(values.to_vec()))
        }};
    }
    let (shape, data) = match datatype(element).ok_or(format!("type {element} can't be sent"))? {
        DataType::Bool => copied!(Bool, bool),
        DataType::Uint8 => copied!(Uint8, u8),
        DataType::Uint16 => copied!(Uint16, u16),
        DataType::Uint32 => copied!(Uint32, u32),
        DataType::Uint64 => copied!(Uint64, u64),
        DataType::Int8 => copied!(Int8, i8),
        DataType::Int16 => copied!(Int16, i16),
        DataType::Int32 => copied!(Int32, i32),
        DataType::Int64 => copied!(Int64, i64),
        DataType::Fp16 => copied!(Fp16, f16),
        DataType::Bf16 => copied!(Bf16, bf16),
        DataType::Fp32 => copied!(Fp32, f32),
        DataType::Fp64 => copied!(Fp64, f64),
        DataType::Bytes => {
            let (shape, strings) = value.try_extract_strings().map_err(text)?;
            (
                shape,
                TensorData::Bytes(strings.into_iter().map(String::into_bytes).collect()),
            )
        }
    };
    let shape = shape
        .iter()
        .map(|length| usize::try_from(*length))
        .collect::<Result<_, _>>();
    Tensor::new(name, shape.map_err(text)?, data).map_err(text)
}

fn text(why: impl ToString) -> String {
    why.to_string()
}
