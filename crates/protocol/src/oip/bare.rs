//! Requests without a JSON head: the bare values of a model's only input.
//!
//! The binary tensor extension has them for models whose input leaves nothing to say: a head of
//! length 0 stands for one that names that input, and asks for all outputs raw.

use super::{
    datatype::element_size, datatype_name, Encoding, InferRequest, OipError, Tensor, TensorData,
    TensorMetadata,
};

impl InferRequest {
    /// The request that is meant by a body of values alone, to a model with these inputs.
    ///
    /// One length of the shape may be open and follows from the number of bytes; if there is a
    /// second, and it is the first axis, that one is 1. A string stands for itself, without a length
    /// before it.
    pub fn from_bare(inputs: &[TensorMetadata], body: &[u8]) -> Result<Self, OipError> {
        let [input] = inputs else {
            let why = format!(
                "is 0, so the body is the model's only input: this one has {}",
                inputs.len()
            );
            return Err(OipError::HeaderLength(why));
        };
        let name = input.name.as_str();
        let tensor = match element_size(input.datatype) {
            Some(size) => {
                Tensor::from_raw(name, input.datatype, shape(input, size, body.len())?, body)?
            }
            None => {
                let shape = input
                    .shape
                    .iter()
                    .map(|it| usize::try_from(*it).unwrap_or(1));
                Tensor::new(
                    name,
                    shape.collect(),
                    TensorData::Bytes(vec![body.to_vec()]),
                )?
            }
        };
        Ok(Self {
            inputs: vec![tensor],
            output_encoding: Encoding::Binary,
            ..Self::default()
        })
    }
}

/// The shape that so many bytes fill with elements of `size`.
fn shape(input: &TensorMetadata, size: usize, bytes: usize) -> Result<Vec<usize>, OipError> {
    let refused = || {
        let why = format!(
            "{bytes} bytes don't tell its shape, which is {:?} of {}: send a JSON head that does",
            input.shape,
            datatype_name(input.datatype)
        );
        OipError::tensor(&input.name, why)
    };
    let mut shape = input.shape.clone();
    if shape.iter().filter(|length| **length < 0).count() == 2 && shape[0] < 0 {
        shape[0] = 1;
    }
    let mut known = shape
        .iter()
        .filter_map(|length| usize::try_from(*length).ok());
    let known = known.try_fold(size, usize::checked_mul);
    let known = known.filter(|known| *known > 0).ok_or_else(refused)?;
    let mut open = bytes.is_multiple_of(known).then_some(bytes / known);
    let shape = shape
        .into_iter()
        .map(|length| match usize::try_from(length) {
            Ok(length) => Some(length),
            // A second open length finds nothing left to follow from.
            Err(_) => open.take(),
        });
    shape.collect::<Option<_>>().ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::{super::DataType, *};

    fn input(datatype: DataType, shape: &[i64]) -> TensorMetadata {
        TensorMetadata {
            name: "x".into(),
            datatype,
            shape: shape.to_vec(),
        }
    }

    fn shape_of(datatype: DataType, shape: &[i64], body: &[u8]) -> Result<Vec<usize>, String> {
        let read = InferRequest::from_bare(&[input(datatype, shape)], body);
        let read = read.map_err(|why| why.to_string())?;
        assert_eq!(read.output_encoding, Encoding::Binary);
        Ok(read.inputs[0].shape().to_vec())
    }

    #[test]
    fn from_bare_finds_the_one_length_that_is_open() {
        for (shape, bytes, found) in [
            (&[2, 3][..], 24, vec![2, 3]),
            (&[-1, 3], 24, vec![2, 3]),
            (&[2, -1], 24, vec![2, 3]),
            (&[-1, -1], 24, vec![1, 6]),
            (&[-1, 3], 0, vec![0, 3]),
            (&[], 4, vec![]),
        ] {
            assert_eq!(shape_of(DataType::Fp32, shape, &vec![0; bytes]), Ok(found));
        }
        let word = InferRequest::from_bare(&[input(DataType::Bytes, &[-1])], b"ink").unwrap();
        assert_eq!(word.inputs[0].shape(), [1]);
        assert_eq!(
            word.inputs[0].data(),
            &TensorData::Bytes(vec![b"ink".to_vec()])
        );
    }

    #[test]
    fn from_bare_is_refused_when_the_bytes_do_not_tell_the_shape() {
        for (shape, bytes) in [(&[-1, 3][..], 13), (&[2, -1, -1], 24), (&[-1, 0], 0)] {
            let why = shape_of(DataType::Fp32, shape, &vec![0; bytes]).unwrap_err();
            assert!(why.contains("don't tell its shape"), "{why}");
        }
        shape_of(DataType::Fp32, &[2, 3], &[0; 20]).unwrap_err();
        shape_of(DataType::Bytes, &[2], b"ink").unwrap_err();
        let two = [input(DataType::Fp32, &[1]), input(DataType::Fp32, &[1])];
        let why = InferRequest::from_bare(&two, &[0; 4])
            .unwrap_err()
            .to_string();
        assert!(why.contains("this one has 2"), "{why}");
    }
}
