//! How answers are judged.

mod agreement;
mod classification;
mod external;
mod regression;
mod similarity;

use super::{Item, JudgeError, ScoringRule, TaskError, TaskFolder};
use assay_primitives::SCORE_ONE;
use assay_protocol::oip::{Tensor, TensorData};

/// Judges answers. That every output asked for is there, with a row for each item, has been checked.
pub(super) trait Rule: Send + Sync {
    /// One score in `0..=SCORE_ONE` for each item.
    fn judge(&self, items: &[&Item], outputs: &[Tensor]) -> Result<Vec<u32>, JudgeError>;
}

/// The rule of a folder.
pub(super) fn of(folder: &TaskFolder) -> Result<Box<dyn Rule>, TaskError> {
    Ok(match &folder.scoring {
        ScoringRule::Classification {
            classes, output, ..
        } => Box::new(classification::Classification {
            output: output.clone(),
            classes: *classes,
        }),
        ScoringRule::Regression {
            output, tolerance, ..
        } => Box::new(regression::Regression {
            output: output.clone(),
            tolerance: *tolerance,
        }),
        ScoringRule::Similarity { output, .. } => Box::new(similarity::Similarity {
            output: output.clone(),
        }),
        ScoringRule::Agreement {
            outputs, tolerance, ..
        } => Box::new(agreement::Agreement::load(folder, outputs, *tolerance)?),
        ScoringRule::External {
            program,
            with_inputs,
            outputs,
            ..
        } => Box::new(external::External::start(
            folder,
            program,
            outputs,
            *with_inputs,
        )?),
    })
}

/// The tensor of this name, if it has one row for each of `items`.
pub(super) fn tensor<'a>(
    outputs: &'a [Tensor],
    name: &str,
    items: usize,
) -> Result<&'a Tensor, JudgeError> {
    let unjudgeable = |reason: String| JudgeError::Unjudgeable(reason);
    let tensor = outputs
        .iter()
        .find(|tensor| tensor.name() == name)
        .ok_or_else(|| unjudgeable(format!("the answer has no tensor `{name}`")))?;
    match tensor.shape().first() {
        Some(&rows) if rows == items => Ok(tensor),
        _ => Err(unjudgeable(format!(
            "`{name}` has shape {:?} where {items} rows are due",
            tensor.shape()
        ))),
    }
}

/// A tensor's numbers, row by row; `None` for text.
pub(super) fn numbers(data: &TensorData) -> Option<Vec<f64>> {
    macro_rules! widened {
        ($values:expr) => {
            $values.iter().map(|&value| f64::from(value)).collect()
        };
    }
    Some(match data {
        TensorData::Bool(values) => values.iter().map(|&it| f64::from(u8::from(it))).collect(),
        TensorData::Uint8(values) => widened!(values),
        TensorData::Uint16(values) => widened!(values),
        TensorData::Uint32(values) => widened!(values),
        // Beyond 2⁵³ neighbours look alike, which no tolerance could tell apart either.
        TensorData::Uint64(values) => values.iter().map(|&it| it as f64).collect(),
        TensorData::Int8(values) => widened!(values),
        TensorData::Int16(values) => widened!(values),
        TensorData::Int32(values) => widened!(values),
        TensorData::Int64(values) => values.iter().map(|&it| it as f64).collect(),
        TensorData::Fp16(values) => widened!(values),
        TensorData::Bf16(values) => widened!(values),
        TensorData::Fp32(values) => widened!(values),
        TensorData::Fp64(values) => values.clone(),
        TensorData::Bytes(_) => return None,
    })
}

/// The rows of a numeric output, one for each item, none of them empty.
fn rows(outputs: &[Tensor], name: &str, items: usize) -> Result<Vec<Vec<f64>>, JudgeError> {
    let tensor = tensor(outputs, name, items)?;
    let numbers = numbers(tensor.data())
        .ok_or_else(|| JudgeError::Unjudgeable(format!("`{name}` is text, not numbers")))?;
    let width = numbers.len() / items.max(1);
    if width == 0 {
        return Err(JudgeError::Unjudgeable(format!(
            "the rows of `{name}` are empty"
        )));
    }
    Ok(numbers.chunks(width).map(<[f64]>::to_vec).collect())
}

/// A score from a share; what is not a number is worth nothing.
fn score(share: f64) -> u32 {
    // The cast keeps what lies within 0 and 1, and makes 0 of NaN.
    (share.clamp(0.0, 1.0) * f64::from(SCORE_ONE)).round() as u32
}
