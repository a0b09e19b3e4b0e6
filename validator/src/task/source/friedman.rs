//! Fresh regressions: Friedman's first function of ten numbers, of which five matter.
//!
//! ```text
//! y = 10 sin(π x₀ x₁) + 20 (x₂ − ½)² + 10 x₃ + 5 x₄        x₀ … x₉ uniform in [0, 1)
//! ```
//!
//! J. Friedman, *Multivariate adaptive regression splines*, Annals of Statistics 19 (1991); the same
//! function as scikit-learn's `make_friedman1` with no noise. The function is public, so a miner may
//! well compute it; what can't be done is to look an answer up.

use super::{Fault, Item, Seed, Source};
use crate::task::{Dice, TaskError, TaskFolder, Truth};
use assay_primitives::DataType;
use assay_protocol::oip::TensorData;
use std::f64::consts::PI;

/// Numbers in an item.
const WIDTH: usize = 10;

/// The generator.
pub(super) struct Friedman;

impl Friedman {
    pub(super) fn new(folder: &TaskFolder) -> Result<Self, TaskError> {
        let layouts = folder.layouts()?;
        match &layouts[..] {
            [only] if only.datatype == DataType::Fp32 && only.width() == WIDTH => Ok(Self),
            _ => Err(folder.bad(format!(
                "the generator `friedman` makes one FP32 input of {WIDTH} values"
            ))),
        }
    }
}

impl Source for Friedman {
    fn items(&self, _: &Seed, own: &Seed, count: u32) -> Result<Vec<Item>, Fault> {
        let item = |index: u32| {
            let mut dice = Dice::new(own, index.into());
            let x: Vec<f32> = (0..WIDTH).map(|_| dice.unit()).collect();
            let truth = Truth::Values(vec![value(&x) as f32]);
            Item {
                inputs: vec![TensorData::Fp32(x)],
                truth,
            }
        };
        Ok((0..count).map(item).collect())
    }
}

fn value(x: &[f32]) -> f64 {
    let at = |index: usize| f64::from(x.get(index).copied().unwrap_or_default());
    let centred = at(2) - 0.5;
    10.0 * (PI * at(0) * at(1)).sin() + 20.0 * centred * centred + 10.0 * at(3) + 5.0 * at(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_that_of_the_paper() {
        // Worked out by hand from the formula.
        let x = [
            0.548_813_5,
            0.715_189_4,
            0.602_763_4,
            0.544_883_2,
            0.423_654_8,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
        ];
        assert!((value(&x) - 17.213_492).abs() < 1e-5, "{}", value(&x));
    }

    #[test]
    fn items_are_fresh_for_each_seed_and_only_append() {
        let few = Friedman.items(&[0; 32], &[1; 32], 4).unwrap();
        let many = Friedman.items(&[9; 32], &[1; 32], 8).unwrap();
        assert_eq!(few[..], many[..4]);
        assert_ne!(few, Friedman.items(&[0; 32], &[2; 32], 4).unwrap());
        for item in many {
            let TensorData::Fp32(row) = &item.inputs[0] else {
                panic!("FP32 is due")
            };
            assert!(row.iter().all(|value| (0.0..1.0).contains(value)));
        }
    }
}
