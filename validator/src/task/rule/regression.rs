//! The answer is one number or several, and its error is weighed against a tolerance.
//!
//! ```text
//! score = 1 / (1 + (e / tolerance)²)        e: root mean square error over the item's numbers
//! ```
//!
//! An error as large as the tolerance halves the score; small errors hardly count, and one that is
//! wild is worth nothing, however wild.

use super::{rows, score, Rule};
use crate::task::{Item, JudgeError, Truth};
use assay_protocol::oip::Tensor;

/// One output with the numbers.
pub(super) struct Regression {
    pub output: String,
    pub tolerance: f64,
}

impl Rule for Regression {
    fn judge(&self, items: &[&Item], outputs: &[Tensor]) -> Result<Vec<u32>, JudgeError> {
        let answers = rows(outputs, &self.output, items.len())?;
        items
            .iter()
            .zip(&answers)
            .map(|(item, answer)| {
                let Truth::Values(truth) = &item.truth else {
                    return Ok(0);
                };
                if truth.len() != answer.len() {
                    return Err(JudgeError::Unjudgeable(format!(
                        "`{}` has {} numbers a row where {} are due",
                        self.output,
                        answer.len(),
                        truth.len()
                    )));
                }
                let squares = truth.iter().zip(answer).map(|(truth, answer)| {
                    let error = f64::from(*truth) - answer;
                    error * error
                });
                let mean = squares.sum::<f64>() / truth.len() as f64;
                Ok(score(
                    1.0 / (1.0 + mean / (self.tolerance * self.tolerance)),
                ))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_primitives::SCORE_ONE;
    use assay_protocol::oip::TensorData;

    #[test]
    fn judge_halves_the_score_at_the_tolerance() {
        let item = Item {
            inputs: Vec::new(),
            truth: Truth::Values(vec![3.0]),
        };
        let items = [&item, &item, &item, &item];
        let rule = Regression {
            output: "y".into(),
            tolerance: 2.0,
        };
        let answers = vec![3.0, 5.0, 1.0, f32::NAN];
        let tensor = Tensor::new("y", vec![4, 1], TensorData::Fp32(answers)).unwrap();
        let half = SCORE_ONE / 2;
        assert_eq!(
            rule.judge(&items, &[tensor]),
            Ok(vec![SCORE_ONE, half, half, 0])
        );
        let wide = Tensor::new("y", vec![4, 2], TensorData::Fp32(vec![3.0; 8])).unwrap();
        assert!(rule.judge(&items, &[wide]).is_err());
    }
}
