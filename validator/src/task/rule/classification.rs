//! The answer names a class, and is right or wrong.

use super::{rows, tensor, Rule};
use crate::task::{Item, JudgeError, Truth};
use assay_primitives::SCORE_ONE;
use assay_protocol::oip::{datatype_name, Tensor, TensorData};

/// One output that names the class, or that scores every class, of which the best then counts.
pub(super) struct Classification {
    pub output: String,
    pub classes: u32,
}

impl Classification {
    fn answers(&self, outputs: &[Tensor], items: usize) -> Result<Vec<Option<u32>>, JudgeError> {
        let name = &self.output;
        let tensor = tensor(outputs, name, items)?;
        let classes = match tensor.data() {
            TensorData::Int64(classes) => classes.iter().map(|&it| it.try_into().ok()).collect(),
            TensorData::Int32(classes) => classes.iter().map(|&it| it.try_into().ok()).collect(),
            TensorData::Fp32(_) => {
                let rows = rows(outputs, name, items)?;
                if rows.iter().any(|row| row.len() != self.classes as usize) {
                    return Err(JudgeError::Unjudgeable(format!(
                        "`{name}` has shape {:?} where {} scores a row are due",
                        tensor.shape(),
                        self.classes
                    )));
                }
                rows.iter().map(|row| best(row)).collect()
            }
            _ => {
                let found = datatype_name(tensor.datatype());
                return Err(JudgeError::Unjudgeable(format!(
                    "`{name}` is {found} where INT64, INT32 or FP32 is due"
                )));
            }
        };
        Ok(classes)
    }
}

/// The place of the largest score, the first of equals; none where nothing is a number.
fn best(scores: &[f64]) -> Option<u32> {
    let numbers = (0u32..).zip(scores).filter(|(_, score)| !score.is_nan());
    let best = numbers.reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map(|(place, _)| place)
}

impl Rule for Classification {
    fn judge(&self, items: &[&Item], outputs: &[Tensor]) -> Result<Vec<u32>, JudgeError> {
        let classes = self.answers(outputs, items.len())?;
        if classes.len() != items.len() {
            return Err(JudgeError::Unjudgeable(format!(
                "`{}` has {} elements where {} are due",
                self.output,
                classes.len(),
                items.len()
            )));
        }
        let right = |(item, class): (&&Item, &Option<u32>)| match item.truth {
            Truth::Class(truth) if *class == Some(truth) => SCORE_ONE,
            _ => 0,
        };
        Ok(items.iter().zip(&classes).map(right).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judge_takes_a_class_or_the_best_of_scores() {
        let item = |class| Item {
            inputs: Vec::new(),
            truth: Truth::Class(class),
        };
        let items = [item(2), item(0)];
        let items: Vec<&Item> = items.iter().collect();
        let rule = Classification {
            output: "y".into(),
            classes: 3,
        };
        let judge = |shape: &[usize], data| {
            let tensor = Tensor::new("y", shape.to_vec(), data).unwrap();
            rule.judge(&items, &[tensor])
        };
        let one = SCORE_ONE;
        assert_eq!(judge(&[2], TensorData::Int64(vec![2, 1])), Ok(vec![one, 0]));
        assert_eq!(
            judge(&[2], TensorData::Int64(vec![-1, 0])),
            Ok(vec![0, one])
        );
        let scores = vec![0.1, f32::NAN, 0.7, 0.5, 0.5, 0.1];
        assert_eq!(judge(&[2, 3], TensorData::Fp32(scores)), Ok(vec![one, one]));
        for (shape, data) in [
            (&[2, 2][..], TensorData::Fp32(vec![0.0; 4])),
            (&[1], TensorData::Int64(vec![0])),
            (&[2, 2], TensorData::Int64(vec![0; 4])),
            (&[2], TensorData::Bool(vec![true; 2])),
        ] {
            let judged = judge(shape, data);
            assert!(
                matches!(judged, Err(JudgeError::Unjudgeable(_))),
                "{judged:?}"
            );
        }
    }
}
