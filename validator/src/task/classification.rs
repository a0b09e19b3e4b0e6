//! The built-in task whose answers are classes.

use super::{
    benchmark, dice::shuffled, Dice, Item, ScoringRule, Seed, Task, TaskError, TaskFolder, Truth,
    Unjudgeable, Variation,
};
use assay_primitives::SCORE_ONE;
use assay_protocol::oip::{datatype_name, OipError, Tensor, TensorData};

/// Labelled rows, one class each; an answer is right or wrong.
#[derive(Debug)]
pub struct Classification {
    input: String,
    row_shape: Vec<usize>,
    output: [String; 1],
    classes: u32,
    variation: Variation,
    items: Vec<Item>,
}

impl Classification {
    /// Reads the folder's benchmark and checks it against its digest.
    pub fn load(folder: &TaskFolder) -> Result<Self, TaskError> {
        let ScoringRule::Classification { classes, output } = &folder.scoring;
        let (input, row_shape) = folder.single_f32_input()?;
        let width = row_shape.iter().product();
        let text = folder.read_benchmark()?;
        let items = benchmark::parse(&folder.benchmark_path(), &text, width, *classes)?;
        Ok(Self {
            input,
            row_shape,
            output: [output.clone()],
            classes: *classes,
            variation: folder.variation,
            items,
        })
    }

    /// How many items there are to draw from.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Always false: a benchmark without items is refused when it is read.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl Task for Classification {
    fn draw(&self, round: &Seed, count: usize) -> Vec<Item> {
        shuffled(&mut Dice::new(round, 0), self.items.len(), count)
            .into_iter()
            .map(|place| self.items[place].clone())
            .collect()
    }

    fn vary(&self, miner: &Seed, index: u32, item: &mut Item) {
        // A stream for each item, so that one can be redone without those before it.
        let mut dice = Dice::new(miner, index.into());
        for row in &mut item.inputs {
            self.variation.apply(&mut dice, row);
        }
    }

    fn ask(&self, items: &[Item]) -> Result<Vec<Tensor>, OipError> {
        let rows = items
            .iter()
            .flat_map(|item| item.inputs.iter().flatten().copied())
            .collect();
        let mut shape = vec![items.len()];
        shape.extend(&self.row_shape);
        Ok(vec![Tensor::new(
            &self.input,
            shape,
            TensorData::Fp32(rows),
        )?])
    }

    fn outputs(&self) -> &[String] {
        &self.output
    }

    fn judge(&self, items: &[Item], outputs: &[Tensor]) -> Result<Vec<u32>, Unjudgeable> {
        let name = &self.output[0];
        let tensor = outputs
            .iter()
            .find(|tensor| tensor.name() == name)
            .ok_or_else(|| Unjudgeable(format!("the answer has no tensor `{name}`")))?;
        let TensorData::Int64(classes) = tensor.data() else {
            let found = datatype_name(tensor.datatype());
            return Err(Unjudgeable(format!(
                "`{name}` is {found} where INT64 is due"
            )));
        };
        if classes.len() != items.len() {
            return Err(Unjudgeable(format!(
                "`{name}` has {} elements where {} are due",
                classes.len(),
                items.len()
            )));
        }
        let right = |(item, class): (&Item, &i64)| {
            let Truth::Class(truth) = item.truth;
            if i64::from(truth) == *class {
                SCORE_ONE
            } else {
                0
            }
        };
        Ok(items.iter().zip(classes).map(right).collect())
    }

    fn chance(&self) -> f64 {
        1.0 / f64::from(self.classes)
    }
}
