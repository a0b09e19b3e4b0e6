//! Raw tensors: elements little-endian and without gaps; strings each behind a 32-bit length.

use super::{
    tensor::{each_type, element_count, read_type, Element},
    DataType, OipError, Tensor, TensorData,
};

impl Tensor {
    /// A tensor from its raw elements, which must fill the shape to the last byte.
    pub fn from_raw(
        name: impl Into<String>,
        datatype: DataType,
        shape: Vec<usize>,
        bytes: &[u8],
    ) -> Result<Self, OipError> {
        let name = name.into();
        let count = element_count(&name, &shape)?;
        let data = read(&name, datatype, count, bytes)?;
        Self::new(name, shape, data)
    }

    /// Its raw elements.
    pub fn to_raw(&self) -> Result<Vec<u8>, OipError> {
        let mut bytes = Vec::new();
        write(self.name(), self.data(), &mut bytes)?;
        Ok(bytes)
    }
}

/// Reads `count` elements that must fill `bytes` exactly.
pub(super) fn read(
    name: &str,
    datatype: DataType,
    count: usize,
    bytes: &[u8],
) -> Result<TensorData, OipError> {
    read_type!(
        datatype,
        read_numbers(name, count, bytes),
        read_strings(name, count, bytes)
    )
}

fn read_numbers<T: Element>(name: &str, count: usize, bytes: &[u8]) -> Result<Vec<T>, OipError> {
    if count.checked_mul(T::SIZE) != Some(bytes.len()) {
        let why = format!(
            "{count} elements of {} bytes are stated, {} bytes are there",
            T::SIZE,
            bytes.len()
        );
        return Err(OipError::tensor(name, why));
    }
    Ok(bytes.chunks_exact(T::SIZE).map(T::read).collect())
}

fn read_strings(name: &str, count: usize, bytes: &[u8]) -> Result<Vec<Vec<u8>>, OipError> {
    let short = || OipError::tensor(name, "its strings are longer than its bytes");
    let mut strings = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (length, behind) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (string, behind) = behind.split_at_checked(length).ok_or_else(short)?;
        strings.push(string.to_vec());
        rest = behind;
    }
    if strings.len() != count {
        let why = format!("{count} strings are stated, {} are there", strings.len());
        return Err(OipError::tensor(name, why));
    }
    Ok(strings)
}

/// Appends the elements to `out`.
pub(super) fn write(name: &str, data: &TensorData, out: &mut Vec<u8>) -> Result<(), OipError> {
    each_type!(data,
        values => {
            values.iter().for_each(|value| value.write(out));
            Ok(())
        },
        strings => strings.iter().try_for_each(|string| {
            let length = u32::try_from(string.len())
                .map_err(|_| OipError::tensor(name, "a string is longer than 4 GiB"))?;
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(string);
            Ok(())
        })
    )
}
