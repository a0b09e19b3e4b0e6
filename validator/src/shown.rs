//! What was asked and what came back, cut to what a page can show.
//!
//! The digests in the receipt stand for the whole; this is for people. A miner sees it of its own
//! queries alone, and it has had them anyway.

use assay_protocol::oip::{datatype_name, Tensor, TensorData};
use serde::{Deserialize, Serialize};

/// Elements of a tensor that are shown.
const ELEMENTS: usize = 64;
/// Characters of a byte string that are shown.
const CHARACTERS: usize = 80;

/// One request and its answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The model that was asked.
    pub model: String,
    /// The inputs.
    pub asked: Vec<ShownTensor>,
    /// The outputs; none where no answer could be read.
    pub came_back: Vec<ShownTensor>,
    /// The items' scores in millionths, in their order.
    pub scores: Vec<u32>,
}

/// A tensor's beginning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShownTensor {
    /// Its name.
    pub name: String,
    /// Its elements' type.
    pub datatype: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The first elements.
    pub values: String,
    /// Elements that are left out.
    pub left_out: usize,
}

/// The beginnings of some tensors.
pub fn tensors(tensors: &[Tensor]) -> Vec<ShownTensor> {
    tensors.iter().map(ShownTensor::new).collect()
}

impl ShownTensor {
    fn new(tensor: &Tensor) -> Self {
        let (values, count) = beginning(tensor.data());
        Self {
            name: tensor.name().to_owned(),
            datatype: datatype_name(tensor.datatype()).to_owned(),
            shape: tensor.shape().to_vec(),
            values,
            left_out: count.saturating_sub(ELEMENTS),
        }
    }
}

fn beginning(data: &TensorData) -> (String, usize) {
    match data {
        TensorData::Bool(values) => numbers(values),
        TensorData::Uint8(values) => numbers(values),
        TensorData::Uint16(values) => numbers(values),
        TensorData::Uint32(values) => numbers(values),
        TensorData::Uint64(values) => numbers(values),
        TensorData::Int8(values) => numbers(values),
        TensorData::Int16(values) => numbers(values),
        TensorData::Int32(values) => numbers(values),
        TensorData::Int64(values) => numbers(values),
        TensorData::Fp16(values) => numbers(values),
        TensorData::Bf16(values) => numbers(values),
        TensorData::Fp32(values) => numbers(values),
        TensorData::Fp64(values) => numbers(values),
        TensorData::Bytes(values) => (joined(values.iter().map(|value| text(value))), values.len()),
    }
}

fn numbers<T: std::fmt::Display>(values: &[T]) -> (String, usize) {
    (joined(values.iter().map(T::to_string)), values.len())
}

fn joined(values: impl Iterator<Item = String>) -> String {
    values.take(ELEMENTS).collect::<Vec<_>>().join(" ")
}

fn text(bytes: &[u8]) -> String {
    // Four bytes a character at most; what is not text becomes marks that say so.
    let start = &bytes[..bytes.len().min(CHARACTERS * 4)];
    let words = String::from_utf8_lossy(start);
    let cut: String = words
        .chars()
        .filter(|letter| !letter.is_control())
        .take(CHARACTERS)
        .collect();
    format!("\"{cut}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_are_cut_to_their_beginning() {
        let long = Tensor::new("X", vec![2, 64], TensorData::Fp32(vec![0.5; 128])).unwrap();
        let bytes = TensorData::Bytes(vec![vec![b'a'; 5000], vec![0xff, b'\n']]);
        let text = Tensor::new("T", vec![2], bytes).unwrap();
        let shown = tensors(&[long, text]);
        assert_eq!(
            (shown[0].left_out, shown[0].datatype.as_str()),
            (64, "FP32")
        );
        assert_eq!(shown[0].values.split(' ').count(), 64);
        assert_eq!(shown[1].values.chars().count(), 82 + 1 + 3);
        assert_eq!(shown[1].left_out, 0);
    }
}
