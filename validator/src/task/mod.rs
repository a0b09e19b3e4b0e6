//! What a validator asks and how it judges the answers.
//!
//! A [`Task`] has a *source* of items that know their truth, and a *rule* that judges what comes
//! back; either is built in or a program of the subnet's creator, and `task.toml` says which:
//!
//! ```text
//! seeds ─ plan ─┬─ own items ────┐                      ┌─ classification, regression,
//!               ├─ shared items ─┼─ source ─ ask … judge ┤  similarity, agreement,
//!               └─ repeats ──────┘                      └─ external program
//! ```
//!
//! All of it follows from seeds, so that whoever learns a round's secret can redo the round: nothing
//! in a task may read a clock, the network or a random source of its own. Sources and rules block
//! (models run, programs are waited for): never call them on an async thread.

pub mod artifact;
mod check;
mod dice;
mod error;
mod folder;
mod layout;
mod onnx;
mod plan;
pub mod probes;
mod program;
mod rule;
mod source;
mod spec;
pub mod trial;
mod variation;

pub use dice::Dice;
pub use error::TaskError;
pub use folder::{
    ArtifactFile, BuiltIn, GeneratorFile, Limits, Probes, Program, Queries, ScoreRules,
    ScoringRule, TaskFolder, Tensors, Variation,
};
pub use layout::Layout;
pub use onnx::{refuse_telemetry, Model};
pub use plan::{plan, Slot};

use assay_protocol::oip::{OipError, Tensor, TensorData};
use rule::Rule;
use sha2::{Digest as _, Sha256};
use source::Source;
use std::{collections::BTreeSet, sync::Arc};

/// What a round's draws follow from.
pub type Seed = [u8; 32];

/// The seeds of one miner's items in one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    /// The same for every miner: chooses what is asked from a set, and makes what is asked of all.
    pub round: Seed,
    /// This miner's: makes or varies what is asked of it alone.
    pub miner: Seed,
}

impl Seeds {
    /// The seed of what every miner is asked in the very same form.
    fn shared(&self) -> Seed {
        let mut hash = Sha256::new();
        hash.update(b"assay:shared:v1\n");
        hash.update(self.round);
        hash.finalize().into()
    }
}

/// One question, with the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// One row for each input tensor, in the interface's order.
    pub inputs: Vec<TensorData>,
    /// The answer.
    pub truth: Truth,
}

/// The right answer to an item.
#[derive(Clone, Debug, PartialEq)]
pub enum Truth {
    /// The class that the item belongs to.
    Class(u32),
    /// The number or the vector that is due.
    Values(Vec<f32>),
    /// What the program that judges makes of it, as JSON.
    Json(String),
    /// What the reference model says.
    Reference,
}

/// An item with what else it is for.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The item.
    pub item: Item,
    /// Where it comes from.
    pub slot: Slot,
    /// Whether it is asked more than once, of this miner or of all.
    pub is_probe: bool,
}

/// A failure of our own: a program that died, a model that would not run. No miner is to blame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub String);

/// Why an answer was given no scores.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JudgeError {
    /// The answer can't be judged: it is then wrong as a whole.
    #[error("{0}")]
    Unjudgeable(String),
    /// We can't judge.
    #[error(transparent)]
    Own(#[from] Fault),
}

/// What is asked, and how it is judged.
pub struct Task {
    inputs: Vec<Layout>,
    outputs: Vec<String>,
    source: Box<dyn Source>,
    rule: Box<dyn Rule>,
    queries: Queries,
    chance: f64,
    probes: Probes,
}

impl Task {
    /// Builds what a folder says. Reads what it names, checked against the digests; what is not
    /// there must have been fetched before: [`artifact::fetch`].
    pub fn load(folder: &TaskFolder) -> Result<Self, TaskError> {
        Ok(Self {
            inputs: folder.layouts()?,
            outputs: folder.asked_outputs(),
            source: source::of(folder)?,
            rule: rule::of(folder)?,
            queries: folder.queries,
            chance: folder.scoring.chance(),
            probes: folder.probes.clone(),
        })
    }

    /// The first `count` queries of a miner's round. A larger `count` only appends. Blocks.
    pub fn queries(&self, seeds: &Seeds, count: u32) -> Result<Vec<Query>, Fault> {
        let slots = plan(&seeds.miner, &self.queries, count);
        let (mut own, mut shared) = (0, 0);
        for slot in &slots {
            match *slot {
                Slot::Own(index) => own = own.max(index + 1),
                Slot::Shared(index) => shared = shared.max(index + 1),
                Slot::Again { item, .. } => own = own.max(item + 1),
            }
        }
        let own = self.source.items(&seeds.round, &seeds.miner, own)?;
        let everybody = seeds.shared();
        let shared = match shared {
            0 => Vec::new(),
            count => self.source.items(&everybody, &everybody, count)?,
        };
        let repeated: BTreeSet<u32> = slots
            .iter()
            .filter_map(|slot| match slot {
                Slot::Again { place, .. } => Some(*place),
                _ => None,
            })
            .collect();
        (0..)
            .zip(slots)
            .map(|(place, slot)| {
                let item = match slot {
                    Slot::Own(index) | Slot::Again { item: index, .. } => own.get(index as usize),
                    Slot::Shared(index) => shared.get(index as usize),
                };
                let item = item
                    .ok_or_else(|| Fault("the source gave fewer items than it was asked".into()))?;
                Ok(Query {
                    item: item.clone(),
                    slot,
                    is_probe: !matches!(slot, Slot::Own(_)) || repeated.contains(&place),
                })
            })
            .collect()
    }

    /// The tensors that ask these items in one request.
    pub fn ask<'a>(
        &self,
        items: impl Iterator<Item = &'a Item> + Clone,
    ) -> Result<Vec<Tensor>, OipError> {
        layout::stack(&self.inputs, items)
    }

    /// The output tensors to ask for: those that are judged, and those that tell models apart.
    pub fn outputs(&self) -> &[String] {
        &self.outputs
    }

    /// One score in `0..=SCORE_ONE` for each item. An answer that lacks a tensor that was asked for
    /// is wrong as a whole. Blocks.
    pub fn judge(&self, items: &[&Item], outputs: &[Tensor]) -> Result<Vec<u32>, JudgeError> {
        for name in &self.outputs {
            rule::tensor(outputs, name, items.len())?;
        }
        self.judge_by_rule(items, outputs)
    }

    /// [`Self::judge`], with only the outputs that the rule looks at.
    fn judge_by_rule(&self, items: &[&Item], outputs: &[Tensor]) -> Result<Vec<u32>, JudgeError> {
        let scores = self.rule.judge(items, outputs)?;
        if scores.len() == items.len() {
            Ok(scores)
        } else {
            let (found, due) = (scores.len(), items.len());
            Err(Fault(format!("{found} scores were given for {due} items")).into())
        }
    }

    /// What tells the model behind an answer to the item in `row` from another, where the task says
    /// which outputs do.
    pub fn fingerprint(&self, outputs: &[Tensor], row: usize, rows: usize) -> Vec<f32> {
        probes::fingerprint(&self.probes, outputs, row, rows)
    }

    /// How answers to probes are compared.
    pub const fn probes(&self) -> &Probes {
        &self.probes
    }

    /// How many items there are, where they are a set.
    pub fn set_size(&self) -> Option<usize> {
        self.source.size()
    }

    /// What guessing earns, as a share of what perfect answers do.
    pub const fn chance(&self) -> f64 {
        self.chance
    }
}

/// The task of a folder.
pub fn built_in(folder: &TaskFolder) -> Result<Arc<Task>, TaskError> {
    Task::load(folder).map(Arc::new)
}
