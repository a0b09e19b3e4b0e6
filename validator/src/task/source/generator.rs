//! Items made by the subnet's own program.
//!
//! It is sent `{"seed": "<64 hex digits>", "count": 64}` and answers with one line,
//! `{"items": [{"inputs": {"X": [1, 2]}, "truth": 3}, …]}`. The same seed must give the same items on
//! any machine, and a larger count must only append.

use super::{Fault, Item, Seed, Source};
use crate::task::{
    layout::{JsonItem, TruthKind},
    program::Worker,
    Layout, TaskError, TaskFolder,
};
use assay_primitives::Digest;
use serde::{Deserialize, Serialize};

/// A program that makes items.
pub(super) struct Generator {
    worker: Worker,
    layouts: Vec<Layout>,
    kind: TruthKind,
}

#[derive(Serialize)]
struct Request {
    seed: String,
    count: u32,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    items: Vec<JsonItem<'a>>,
}

impl Generator {
    /// Starts the folder's program and has it make an item, so that a program that does not work is
    /// found out before any miner is asked.
    pub(super) fn start(folder: &TaskFolder) -> Result<Self, TaskError> {
        let program = folder.generator_program()?;
        let worker = Worker::new(folder, program)?;
        let path = worker.path().to_owned();
        let generator = Self {
            worker,
            layouts: folder.layouts()?,
            kind: folder.scoring.truth_kind(),
        };
        match generator.items(&[0; 32], &[0; 32], 1) {
            Ok(_) => Ok(generator),
            Err(Fault(reason)) => Err(TaskError::BadProgram { path, reason }),
        }
    }

    fn read(&self, line: &str, count: u32) -> Result<Vec<Item>, String> {
        let answer: Answer<'_> = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let found = answer.items.len();
        if found != count as usize {
            return Err(format!("{found} items where {count} were asked for"));
        }
        let items = answer.items.iter().enumerate().map(|(index, item)| {
            item.item(&self.layouts, self.kind)
                .map_err(|reason| format!("item {index}: {reason}"))
        });
        items.collect()
    }
}

impl Source for Generator {
    fn items(&self, _: &Seed, own: &Seed, count: u32) -> Result<Vec<Item>, Fault> {
        let request = Request {
            seed: Digest(*own).to_string(),
            count,
        };
        let line = self.worker.ask(&request)?;
        self.read(&line, count)
            .map_err(|reason| Fault(format!("the generator's answer can't be used: {reason}")))
    }
}
