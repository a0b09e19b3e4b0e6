//! Tensors as JSON: flat, or nested in the shape's own brackets.

use super::{
    tensor::{each_type, read_type, Element},
    DataType, OipError, TensorData,
};
use serde::{
    de::{
        value::MapAccessDeserializer, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor,
    },
    ser::{Error as _, SerializeSeq as _},
    Deserialize as _, Serialize, Serializer,
};
use serde_json::{value::RawValue, Number};
use std::fmt;

/// Reads the values of a tensor of `shape`, which has `count` elements.
pub(super) fn read(
    name: &str,
    datatype: DataType,
    shape: &[usize],
    count: usize,
    raw: &RawValue,
) -> Result<TensorData, OipError> {
    let text = raw.get();
    let limits = Limits {
        depth: shape.len().max(1),
        count,
    };
    read_type!(
        datatype,
        read_values(name, text, limits, Numbers::default()),
        read_values(name, text, limits, Strings::default())
    )
}

#[derive(Clone, Copy)]
struct Limits {
    depth: usize,
    count: usize,
}

fn read_values<S: Scalars>(
    name: &str,
    text: &str,
    limits: Limits,
    mut scalars: S,
) -> Result<Vec<S::Value>, OipError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let level = Level {
        scalars: &mut scalars,
        depth: 0,
        limits,
    };
    level
        .deserialize(&mut reader)
        .map_err(|why| OipError::tensor(name, format!("its data can't be read: {why}")))?;
    let values = scalars.finish();
    if values.len() != limits.count {
        let why = format!(
            "its shape takes {} values, here are {}",
            limits.count,
            values.len()
        );
        return Err(OipError::tensor(name, why));
    }
    Ok(values)
}

/// Where scalars of one type go.
trait Scalars {
    type Value;
    fn bool(&mut self, value: bool) -> bool;
    fn unsigned(&mut self, value: u64) -> bool;
    fn signed(&mut self, value: i64) -> bool;
    fn float(&mut self, value: f64) -> bool;
    fn text(&mut self, value: &str) -> bool;
    fn len(&self) -> usize;
    fn finish(self) -> Vec<Self::Value>;
}

struct Numbers<T>(Vec<T>);

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Numbers<T> {
    fn push(&mut self, value: Option<T>) -> bool {
        let fits = value.is_some();
        self.0.extend(value);
        fits
    }
}

impl<T: Element> Scalars for Numbers<T> {
    type Value = T;

    fn bool(&mut self, value: bool) -> bool {
        self.push(T::from_bool(value))
    }

    fn unsigned(&mut self, value: u64) -> bool {
        self.push(T::from_u64(value))
    }

    fn signed(&mut self, value: i64) -> bool {
        self.push(T::from_i64(value))
    }

    fn float(&mut self, value: f64) -> bool {
        self.push(T::from_f64(value))
    }

    fn text(&mut self, _: &str) -> bool {
        false
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn finish(self) -> Vec<T> {
        self.0
    }
}

#[derive(Default)]
struct Strings(Vec<Vec<u8>>);

impl Scalars for Strings {
    type Value = Vec<u8>;

    fn bool(&mut self, _: bool) -> bool {
        false
    }

    fn unsigned(&mut self, _: u64) -> bool {
        false
    }

    fn signed(&mut self, _: i64) -> bool {
        false
    }

    fn float(&mut self, _: f64) -> bool {
        false
    }

    fn text(&mut self, value: &str) -> bool {
        self.0.push(value.as_bytes().to_vec());
        true
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn finish(self) -> Vec<Vec<u8>> {
        self.0
    }
}

/// Flattens one level of brackets. It stops at the first value too many, so that a small shape
/// bounds the work whatever follows.
struct Level<'a, S> {
    scalars: &'a mut S,
    depth: usize,
    limits: Limits,
}

impl<S: Scalars> Level<'_, S> {
    fn push<E: serde::de::Error>(
        self,
        value: impl fmt::Display,
        fits: impl FnOnce(&mut S) -> bool,
    ) -> Result<(), E> {
        if self.depth == 0 {
            return Err(E::custom("data must be an array"));
        }
        if self.scalars.len() >= self.limits.count {
            return Err(E::custom(format!("more than {} values", self.limits.count)));
        }
        if fits(self.scalars) {
            Ok(())
        } else {
            Err(E::custom(format!("`{value}` is not of its datatype")))
        }
    }
}

impl<'de, S: Scalars> DeserializeSeed<'de> for Level<'_, S> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de, S: Scalars> Visitor<'de> for Level<'_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of values of the tensor's datatype")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if self.depth == self.limits.depth {
            return Err(A::Error::custom(
                "brackets are nested deeper than the shape",
            ));
        }
        let (depth, limits) = (self.depth + 1, self.limits);
        while seq
            .next_element_seed(Level {
                scalars: &mut *self.scalars,
                depth,
                limits,
            })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.push(value, |scalars| scalars.bool(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.push(value, |scalars| scalars.unsigned(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.push(value, |scalars| scalars.signed(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.push(value, |scalars| scalars.float(value))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.push("a string", |scalars| scalars.text(value))
    }

    /// With serde_json's `arbitrary_precision`, which any crate of a build may turn on, numbers come
    /// as maps that only its own type understands.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let number = Number::deserialize(MapAccessDeserializer::new(map))?;
        if let Some(value) = number.as_u64() {
            self.visit_u64(value)
        } else if let Some(value) = number.as_i64() {
            self.visit_i64(value)
        } else if let Some(value) = number.as_f64() {
            self.visit_f64(value)
        } else {
            Err(A::Error::custom(format!("{number} is too large")))
        }
    }
}

/// Whether JSON can state every value: it knows neither NaN nor infinity, and strings are UTF-8.
pub(super) fn check_writable(name: &str, data: &TensorData) -> Result<(), OipError> {
    let fits = each_type!(data,
        values => values.iter().all(|value| value.is_finite()),
        strings => strings.iter().all(|string| std::str::from_utf8(string).is_ok())
    );
    if fits {
        return Ok(());
    }
    let what = match data.datatype() {
        DataType::Bytes => "a string that is not UTF-8",
        _ => "NaN or infinity",
    };
    let why = format!("it holds {what}, which JSON can't state: ask for it as binary data");
    Err(OipError::tensor(name, why))
}

/// Writes values as one flat array.
pub(super) struct Flat<'a>(pub &'a TensorData);

impl Serialize for Flat<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            TensorData::Fp16(values) => serializer.collect_seq(values.iter().map(|it| it.to_f32())),
            TensorData::Bf16(values) => serializer.collect_seq(values.iter().map(|it| it.to_f32())),
            TensorData::Bytes(strings) => {
                let mut seq = serializer.serialize_seq(Some(strings.len()))?;
                for string in strings {
                    let text = std::str::from_utf8(string).map_err(S::Error::custom)?;
                    seq.serialize_element(text)?;
                }
                seq.end()
            }
            TensorData::Bool(values) => serializer.collect_seq(values),
            TensorData::Uint8(values) => serializer.collect_seq(values),
            TensorData::Uint16(values) => serializer.collect_seq(values),
            TensorData::Uint32(values) => serializer.collect_seq(values),
            TensorData::Uint64(values) => serializer.collect_seq(values),
            TensorData::Int8(values) => serializer.collect_seq(values),
            TensorData::Int16(values) => serializer.collect_seq(values),
            TensorData::Int32(values) => serializer.collect_seq(values),
            TensorData::Int64(values) => serializer.collect_seq(values),
            TensorData::Fp32(values) => serializer.collect_seq(values),
            TensorData::Fp64(values) => serializer.collect_seq(values),
        }
    }
}
