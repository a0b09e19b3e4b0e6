//! Tensors: a name, a shape, and values of one type.

use super::{DataType, OipError};
use half::{bf16, f16};

/// The values of a tensor, in row-major order.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum TensorData {
    Bool(Vec<bool>),
    Uint8(Vec<u8>),
    Uint16(Vec<u16>),
    Uint32(Vec<u32>),
    Uint64(Vec<u64>),
    Int8(Vec<i8>),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Fp16(Vec<f16>),
    Bf16(Vec<bf16>),
    Fp32(Vec<f32>),
    Fp64(Vec<f64>),
    /// Byte strings. In JSON, and for ONNX models, they must be UTF-8.
    Bytes(Vec<Vec<u8>>),
}

/// Runs one expression over the values of whatever type: the first for numbers and booleans, the
/// second for byte strings.
macro_rules! each_type {
    ($data:expr, $values:ident => $numbers:expr, $strings:ident => $bytes:expr) => {
        match $data {
            TensorData::Bool($values) => $numbers,
            TensorData::Uint8($values) => $numbers,
            TensorData::Uint16($values) => $numbers,
            TensorData::Uint32($values) => $numbers,
            TensorData::Uint64($values) => $numbers,
            TensorData::Int8($values) => $numbers,
            TensorData::Int16($values) => $numbers,
            TensorData::Int32($values) => $numbers,
            TensorData::Int64($values) => $numbers,
            TensorData::Fp16($values) => $numbers,
            TensorData::Bf16($values) => $numbers,
            TensorData::Fp32($values) => $numbers,
            TensorData::Fp64($values) => $numbers,
            TensorData::Bytes($strings) => $bytes,
        }
    };
}

/// Reads values of a type that is known only at run time: `$numbers` is evaluated once, with its
/// result type inferred from the variant that it fills.
macro_rules! read_type {
    ($datatype:expr, $numbers:expr, $bytes:expr) => {
        match $datatype {
            DataType::Bool => $numbers.map(TensorData::Bool),
            DataType::Uint8 => $numbers.map(TensorData::Uint8),
            DataType::Uint16 => $numbers.map(TensorData::Uint16),
            DataType::Uint32 => $numbers.map(TensorData::Uint32),
            DataType::Uint64 => $numbers.map(TensorData::Uint64),
            DataType::Int8 => $numbers.map(TensorData::Int8),
            DataType::Int16 => $numbers.map(TensorData::Int16),
            DataType::Int32 => $numbers.map(TensorData::Int32),
            DataType::Int64 => $numbers.map(TensorData::Int64),
            DataType::Fp16 => $numbers.map(TensorData::Fp16),
            DataType::Bf16 => $numbers.map(TensorData::Bf16),
            DataType::Fp32 => $numbers.map(TensorData::Fp32),
            DataType::Fp64 => $numbers.map(TensorData::Fp64),
            DataType::Bytes => $bytes.map(TensorData::Bytes),
        }
    };
}

pub(super) use {each_type, read_type};

/// What the wire formats need to know of an element type.
pub(super) trait Element: Copy {
    /// Bytes of one element, little-endian.
    const SIZE: usize;
    fn read(bytes: &[u8]) -> Self;
    fn write(self, out: &mut Vec<u8>);
    /// The value of a JSON token, if it is one of this type and in range.
    fn from_bool(value: bool) -> Option<Self>;
    fn from_u64(value: u64) -> Option<Self>;
    fn from_i64(value: i64) -> Option<Self>;
    fn from_f64(value: f64) -> Option<Self>;
    /// Whether JSON can state it.
    fn is_finite(self) -> bool;
}

macro_rules! element {
    ($type:ty, $size:literal, finite: $finite:expr, u64: $u64:expr, i64: $i64:expr, f64: $f64:expr) => {
        impl Element for $type {
            const SIZE: usize = $size;

            fn read(bytes: &[u8]) -> Self {
                let mut array = [0; $size];
                array.copy_from_slice(bytes);
                <$type>::from_le_bytes(array)
            }

            fn write(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn from_bool(_: bool) -> Option<Self> {
                None
            }

            fn from_u64(value: u64) -> Option<Self> {
                $u64(value)
            }

            fn from_i64(value: i64) -> Option<Self> {
                $i64(value)
            }

            fn from_f64(value: f64) -> Option<Self> {
                $f64(value)
            }

            fn is_finite(self) -> bool {
                $finite(self)
            }
        }
    };
}

macro_rules! integer {
    ($($type:ty, $size:literal;)*) => {$(
        element!($type, $size,
            finite: |_| true,
            u64: |value: u64| value.try_into().ok(),
            i64: |value: i64| value.try_into().ok(),
            // A fraction where an integer belongs is a mistake; guessing would hide it.
            f64: |_| None
        );
    )*};
}

integer! { u8, 1; u16, 2; u32, 4; u64, 8; i8, 1; i16, 2; i32, 4; i64, 8; }

element!(f64, 8, finite: f64::is_finite,
    u64: |value| Some(value as f64), i64: |value| Some(value as f64), f64: Some);
element!(f32, 4, finite: f32::is_finite,
    u64: |value| Some(value as f32), i64: |value| Some(value as f32),
    f64: |value: f64| Some(value as f32).filter(|value| value.is_finite()));
element!(f16, 2, finite: f16::is_finite,
    u64: |value| <f16 as Element>::from_f64(value as f64),
    i64: |value| <f16 as Element>::from_f64(value as f64),
    f64: |value: f64| Some(f16::from_f64(value)).filter(|value| value.is_finite()));
element!(bf16, 2, finite: bf16::is_finite,
    u64: |value| <bf16 as Element>::from_f64(value as f64),
    i64: |value| <bf16 as Element>::from_f64(value as f64),
    f64: |value: f64| Some(bf16::from_f64(value)).filter(|value| value.is_finite()));

impl Element for bool {
    const SIZE: usize = 1;

    fn read(bytes: &[u8]) -> Self {
        bytes.iter().any(|byte| *byte != 0)
    }

    fn write(self, out: &mut Vec<u8>) {
        out.push(self.into());
    }

    fn from_bool(value: bool) -> Option<Self> {
        Some(value)
    }

    fn from_u64(_: u64) -> Option<Self> {
        None
    }

    fn from_i64(_: i64) -> Option<Self> {
        None
    }

    fn from_f64(_: f64) -> Option<Self> {
        None
    }

    fn is_finite(self) -> bool {
        true
    }
}

impl TensorData {
    /// The element type.
    pub const fn datatype(&self) -> DataType {
        match self {
            Self::Bool(_) => DataType::Bool,
            Self::Uint8(_) => DataType::Uint8,
            Self::Uint16(_) => DataType::Uint16,
            Self::Uint32(_) => DataType::Uint32,
            Self::Uint64(_) => DataType::Uint64,
            Self::Int8(_) => DataType::Int8,
            Self::Int16(_) => DataType::Int16,
            Self::Int32(_) => DataType::Int32,
            Self::Int64(_) => DataType::Int64,
            Self::Fp16(_) => DataType::Fp16,
            Self::Bf16(_) => DataType::Bf16,
            Self::Fp32(_) => DataType::Fp32,
            Self::Fp64(_) => DataType::Fp64,
            Self::Bytes(_) => DataType::Bytes,
        }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        each_type!(self, values => values.len(), strings => strings.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that they take.
    pub fn bytes_held(&self) -> usize {
        each_type!(self,
            values => values.capacity() * element_bytes(values),
            strings => {
                let texts: usize = strings.iter().map(Vec::capacity).sum();
                strings.capacity() * size_of::<Vec<u8>>() + texts
            }
        )
    }
}

const fn element_bytes<T>(_: &[T]) -> usize {
    size_of::<T>()
}

/// A named tensor whose values fill its shape exactly.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    name: String,
    shape: Vec<usize>,
    data: TensorData,
}

impl Tensor {
    /// A tensor of `shape`, row-major. The values must be as many as the shape says.
    pub fn new(
        name: impl Into<String>,
        shape: Vec<usize>,
        data: TensorData,
    ) -> Result<Self, OipError> {
        let name = name.into();
        let count = element_count(&name, &shape)?;
        if count != data.len() {
            let why = format!(
                "shape {shape:?} takes {count} values, here are {}",
                data.len()
            );
            return Err(OipError::tensor(&name, why));
        }
        Ok(Self { name, shape, data })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its shape.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its values.
    pub const fn data(&self) -> &TensorData {
        &self.data
    }

    /// Its element type.
    pub const fn datatype(&self) -> DataType {
        self.data.datatype()
    }

    /// Bytes of memory that it takes.
    pub fn bytes_held(&self) -> usize {
        let shape = self.shape.capacity() * size_of::<usize>();
        size_of::<Self>() + self.name.capacity() + shape + self.data.bytes_held()
    }

    /// Its parts.
    pub fn into_parts(self) -> (String, Vec<usize>, TensorData) {
        (self.name, self.shape, self.data)
    }
}

/// Most lengths of a shape; no model has more than a few.
const MOST_LENGTHS: usize = 64;

/// How many elements a shape holds.
pub(super) fn element_count(name: &str, shape: &[usize]) -> Result<usize, OipError> {
    if shape.len() > MOST_LENGTHS {
        let lengths = shape.len();
        let why = format!("its shape has {lengths} lengths, {MOST_LENGTHS} are the most");
        return Err(OipError::tensor(name, why));
    }
    shape
        .iter()
        .try_fold(1_usize, |count, length| count.checked_mul(*length))
        .ok_or_else(|| OipError::tensor(name, format!("shape {shape:?} is larger than memory")))
}
