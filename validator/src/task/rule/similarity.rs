//! The answer is a vector; its cosine similarity to the truth is the score.
//!
//! ```text
//! score = max(0, a·t / (|a| |t|))
//! ```

use super::{rows, score, Rule};
use crate::task::{Item, JudgeError, Truth};
use assay_protocol::oip::Tensor;

/// One output with the vector.
pub(super) struct Similarity {
    pub output: String,
}

impl Rule for Similarity {
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
                        "the vectors of `{}` have {} numbers where {} are due",
                        self.output,
                        answer.len(),
                        truth.len()
                    )));
                }
                Ok(score(cosine(truth, answer)))
            })
            .collect()
    }
}

/// Cosine similarity; not a number where either is zero or not finite.
fn cosine(truth: &[f32], answer: &[f64]) -> f64 {
    let (mut product, mut truths, mut answers) = (0.0, 0.0, 0.0);
    for (truth, answer) in truth.iter().zip(answer) {
        let truth = f64::from(*truth);
        product += truth * answer;
        truths += truth * truth;
        answers += answer * answer;
    }
    product / (truths.sqrt() * answers.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_primitives::SCORE_ONE;
    use assay_protocol::oip::TensorData;

    #[test]
    fn judge_goes_by_direction_alone() {
        let item = Item {
            inputs: Vec::new(),
            truth: Truth::Values(vec![1.0, 0.0]),
        };
        let items = [&item, &item, &item, &item, &item];
        let rule = Similarity { output: "v".into() };
        let vectors = vec![5.0, 0.0, 1.0, 1.0, -1.0, 0.0, 0.0, 0.0, f32::INFINITY, 0.0];
        let tensor = Tensor::new("v", vec![5, 2], TensorData::Fp32(vectors)).unwrap();
        let scores = rule.judge(&items, &[tensor]).unwrap();
        assert_eq!(scores, [SCORE_ONE, 707_107, 0, 0, 0]);
    }
}
