//! Tensors laid on top of each other along the first axis, and taken apart again: what a server
//! that answers several queries in one go needs.

use super::{
    tensor::{each_type, TensorData},
    OipError, Tensor,
};

impl Tensor {
    /// The length of the first axis; None for a single value.
    pub fn rows(&self) -> Option<usize> {
        self.shape().first().copied()
    }

    /// One tensor that holds the rows of all `parts`, in order, under the first one's name. They
    /// must agree in type and in every length but the first.
    pub fn join_rows(parts: &[&Self]) -> Result<Self, OipError> {
        let Some((first, rest)) = parts.split_first() else {
            return Err(OipError::tensor("", "there is nothing to join"));
        };
        let name = first.name();
        let Some((rows, inner)) = first.shape().split_first() else {
            return Err(OipError::tensor(name, "a single value has no rows"));
        };
        let (mut rows, mut data) = (*rows, first.data().clone());
        for part in rest {
            let fits = match part.shape().split_first() {
                Some((more, other)) if other == inner => data.append(part.data()).then_some(*more),
                _ => None,
            };
            rows += fits.ok_or_else(|| {
                let why = "its parts differ in type or in another length than the first";
                OipError::tensor(name, why)
            })?;
        }
        let shape = std::iter::once(rows).chain(inner.iter().copied());
        Self::new(name, shape.collect(), data)
    }

    /// The same tensor as parts of so many rows each, which must add up to all rows.
    pub fn split_rows(&self, rows: &[usize]) -> Result<Vec<Self>, OipError> {
        let name = self.name();
        let Some((total, inner)) = self.shape().split_first() else {
            return Err(OipError::tensor(name, "a single value has no rows"));
        };
        let wanted = rows
            .iter()
            .try_fold(0_usize, |sum, it| sum.checked_add(*it));
        if wanted != Some(*total) {
            let why = format!("it has {total} rows, which are not those of the parts {rows:?}");
            return Err(OipError::tensor(name, why));
        }
        // The whole tensor is in memory, so no product of its lengths overflows.
        let width: usize = inner.iter().product();
        let mut start = 0;
        let parts = rows.iter().map(|rows| {
            let end = start + rows * width;
            let data = self.data().slice(start, end);
            start = end;
            let shape = std::iter::once(*rows).chain(inner.iter().copied());
            Self::new(name, shape.collect(), data)
        });
        parts.collect()
    }
}

impl TensorData {
    /// Adds values of the same type at the end; false, and nothing added, if they are of another.
    fn append(&mut self, more: &Self) -> bool {
        macro_rules! append {
            ($($variant:ident),*) => {
                match (self, more) {
                    $((Self::$variant(values), Self::$variant(more)) => {
                        values.extend_from_slice(more);
                        true
                    })*
                    _ => false,
                }
            };
        }
        append!(
            Bool, Uint8, Uint16, Uint32, Uint64, Int8, Int16, Int32, Int64, Fp16, Bf16, Fp32, Fp64,
            Bytes
        )
    }

    /// The values from `start` up to `end`, which must be in range.
    fn slice(&self, start: usize, end: usize) -> Self {
        each_type!(self,
            values => values[start..end].to_vec().into(),
            strings => Self::Bytes(strings[start..end].to_vec())
        )
    }
}

macro_rules! from_vec {
    ($($variant:ident: $type:ty),*) => {$(
        impl From<Vec<$type>> for TensorData {
            fn from(values: Vec<$type>) -> Self {
                Self::$variant(values)
            }
        }
    )*};
}

from_vec! {
    Bool: bool, Uint8: u8, Uint16: u16, Uint32: u32, Uint64: u64, Int8: i8, Int16: i16, Int32: i32,
    Int64: i64, Fp16: half::f16, Bf16: half::bf16, Fp32: f32, Fp64: f64, Bytes: Vec<u8>
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(rows: usize, from: i32) -> Tensor {
        let values: Vec<i32> = (from..).take(rows * 2).collect();
        Tensor::new("x", vec![rows, 2], values.into()).unwrap()
    }

    #[test]
    fn join_rows_is_undone_by_split_rows() {
        let parts = [tensor(1, 0), tensor(3, 10), tensor(0, 0), tensor(2, 20)];
        let joined = Tensor::join_rows(&parts.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(joined.shape(), [6, 2]);
        assert_eq!(joined.split_rows(&[1, 3, 0, 2]).unwrap(), parts);
        let strings = Tensor::new("s", vec![1], vec![b"ink".to_vec()].into()).unwrap();
        let twice = Tensor::join_rows(&[&strings, &strings]).unwrap();
        assert_eq!(
            twice.split_rows(&[1, 1]).unwrap(),
            [strings.clone(), strings]
        );
    }

    #[test]
    fn join_rows_is_refused_when_parts_differ() {
        let wide = Tensor::new("x", vec![1, 3], vec![0_i32; 3].into()).unwrap();
        let float = Tensor::new("x", vec![1, 2], vec![0.0_f32; 2].into()).unwrap();
        let single = Tensor::new("x", vec![], vec![0_i32].into()).unwrap();
        let good = tensor(1, 0);
        for parts in [
            [&good, &wide],
            [&good, &float],
            [&good, &single],
            [&single, &good],
        ] {
            Tensor::join_rows(&parts).unwrap_err();
        }
        Tensor::join_rows(&[]).unwrap_err();
    }

    #[test]
    fn split_rows_is_refused_when_rows_do_not_add_up() {
        for rows in [&[1, 1][..], &[4], &[usize::MAX, 4], &[]] {
            tensor(3, 0).split_rows(rows).unwrap_err();
        }
    }
}
