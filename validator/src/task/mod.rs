//! What a validator asks and how it judges the answers.
//!
//! A [`Task`] draws items, varies them for each miner and judges what comes back. All of it follows
//! from seeds, so that whoever learns a round's secret can redo the round: nothing in a task may
//! read a clock, the network or a random source of its own.

mod benchmark;
mod classification;
mod dice;
mod folder;
mod variation;

pub use classification::Classification;
pub use dice::Dice;
pub use folder::{
    BenchmarkFile, Limits, Queries, ScoreRules, ScoringRule, TaskError, TaskFolder, Tensors,
    Variation,
};

use assay_protocol::oip::{OipError, Tensor};
use std::sync::Arc;

/// What a round's draws follow from.
pub type Seed = [u8; 32];

/// One question, with the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// One row for each input tensor, in the interface's order.
    pub inputs: Vec<Vec<f32>>,
    /// The answer.
    pub truth: Truth,
}

/// The right answer to an item.
#[derive(Clone, Debug, PartialEq)]
pub enum Truth {
    /// The class that the item belongs to.
    Class(u32),
}

/// Why an answer could not be judged: it is then wrong as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unjudgeable(pub String);

/// A source of questions that knows the answers.
pub trait Task: Send + Sync {
    /// The first `count` items of a round. They are the same for every miner where a set is drawn
    /// from, so that miners are compared on equal terms; a larger `count` only appends.
    fn draw(&self, round: &Seed, count: usize) -> Vec<Item>;

    /// Changes an item without changing its answer, so that no miner is asked what was published.
    /// `index` is the item's place in the round.
    fn vary(&self, miner: &Seed, index: u32, item: &mut Item);

    /// The tensors that ask these items in one request.
    fn ask(&self, items: &[Item]) -> Result<Vec<Tensor>, OipError>;

    /// The output tensors to ask for.
    fn outputs(&self) -> &[String];

    /// One score in `0..=SCORE_ONE` for each item.
    fn judge(&self, items: &[Item], outputs: &[Tensor]) -> Result<Vec<u32>, Unjudgeable>;

    /// The share of right answers that guessing earns.
    fn chance(&self) -> f64;
}

/// The built-in task that a folder's scoring rule asks for.
pub fn built_in(folder: &TaskFolder) -> Result<Arc<dyn Task>, TaskError> {
    match folder.scoring {
        ScoringRule::Classification { .. } => Ok(Arc::new(Classification::load(folder)?)),
    }
}
