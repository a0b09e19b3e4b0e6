//! The answer must be that of the reference model, which we run ourselves on the same inputs.
//!
//! Values are compared, never bytes: hosts, batches and execution providers differ in the last
//! digits. An item agrees when no number differs by more than the tolerance.

use super::{numbers, rows, Rule};
use crate::task::{layout, onnx, Fault, Item, JudgeError, Layout, Model, TaskError, TaskFolder};
use assay_primitives::SCORE_ONE;
use assay_protocol::oip::Tensor;

/// The reference model and what is compared.
pub(super) struct Agreement {
    model: Model,
    inputs: Vec<Layout>,
    outputs: Vec<String>,
    tolerance: f64,
}

impl Agreement {
    pub(super) fn load(
        folder: &TaskFolder,
        outputs: &[String],
        tolerance: f64,
    ) -> Result<Self, TaskError> {
        Ok(Self {
            model: onnx::reference(folder)?,
            inputs: folder.layouts()?,
            outputs: outputs.to_vec(),
            tolerance,
        })
    }
}

impl Rule for Agreement {
    fn judge(&self, items: &[&Item], outputs: &[Tensor]) -> Result<Vec<u32>, JudgeError> {
        let fault = |what: String| Fault(format!("the reference model gives no answer: {what}"));
        let inputs = layout::stack(&self.inputs, items.iter().copied());
        let inputs = inputs.map_err(|error| fault(error.to_string()))?;
        let due = self
            .model
            .run(inputs, &self.outputs)
            .map_err(|error| fault(error.to_string()))?;
        let mut agrees = vec![true; items.len()];
        for (name, due) in self.outputs.iter().zip(&due) {
            let found = rows(outputs, name, items.len())?;
            let due_numbers =
                numbers(due.data()).ok_or_else(|| fault(format!("`{name}` is text")))?;
            let width = due_numbers.len() / items.len().max(1);
            for ((agrees, found), due) in agrees
                .iter_mut()
                .zip(&found)
                .zip(due_numbers.chunks(width.max(1)))
            {
                *agrees &= same(found, due, self.tolerance);
            }
        }
        let scores = agrees
            .into_iter()
            .map(|agrees| if agrees { SCORE_ONE } else { 0 });
        Ok(scores.collect())
    }
}

/// Whether no number differs by more than the tolerance. Not a number agrees with nothing but
/// itself.
fn same(found: &[f64], due: &[f64], tolerance: f64) -> bool {
    found.len() == due.len()
        && found.iter().zip(due).all(|(found, due)| {
            (found - due).abs() <= tolerance || found == due || (found.is_nan() && due.is_nan())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_is_within_the_tolerance() {
        assert!(same(&[1.0, f64::INFINITY], &[1.0009, f64::INFINITY], 0.001));
        assert!(!same(&[1.0], &[1.0011], 0.001));
        assert!(!same(&[f64::NAN], &[1.0], 0.001));
        assert!(!same(&[1.0], &[1.0, 1.0], 0.001));
    }
}
