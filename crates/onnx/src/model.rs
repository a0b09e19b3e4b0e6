//! A model on the CPU, for those who compare with it. Serving has sessions of its own, on any device.

use crate::{from_onnx, load_library, to_onnx, LibraryError};
use assay_protocol::oip::Tensor;
use ort::session::{OutputSelector, RunOptions, Session};
use std::sync::{Mutex, PoisonError};

/// Why a model gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// ONNX Runtime can't be had.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// ONNX Runtime does not take the model.
    #[error("it is not a model that ONNX Runtime can run: {0}")]
    Unusable(String),
    /// It does not run with these inputs.
    #[error("it does not run with these inputs: {0}")]
    Failed(String),
}

/// A model in one session. Runs come one after another.
#[derive(Debug)]
pub struct Model {
    session: Mutex<Session>,
}

impl Model {
    /// A session on one thread of the CPU, so that the same inputs give the same outputs each time.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let environment = load_library(None)?;
        let unusable = |why: ort::Error| ModelError::Unusable(text(&why));
        let session = Session::builder(&environment)
            .map_err(unusable)?
            .with_intra_threads(1)
            .map_err(|why| ModelError::Unusable(why.to_string().trim().to_owned()))?
            .commit_from_memory(bytes)
            .map_err(unusable)?;
        Ok(Self {
            session: Mutex::new(session),
        })
    }

    /// Names of its inputs.
    pub fn inputs(&self) -> Vec<String> {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let names = session.inputs().iter().map(|input| input.name().to_owned());
        names.collect()
    }

    /// Runs it, and returns the named outputs in order. Blocks.
    pub fn run(&self, inputs: Vec<Tensor>, outputs: &[String]) -> Result<Vec<Tensor>, ModelError> {
        let inputs = inputs
            .into_iter()
            .map(to_onnx)
            .collect::<Result<Vec<_>, _>>()
            .map_err(ModelError::Failed)?;
        let failed = |why: ort::Error| ModelError::Failed(text(&why));
        let selected = outputs
            .iter()
            .fold(OutputSelector::no_default(), |it, name| it.with(name));
        let options = RunOptions::new().map_err(failed)?.with_outputs(selected);
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let found = session.run_with_options(inputs, &options).map_err(failed)?;
        let named = outputs.iter().map(|name| {
            let value = found
                .get(name)
                .ok_or_else(|| format!("it gave no output `{name}`"));
            value.and_then(|value| from_onnx(name, value))
        });
        named.collect::<Result<_, _>>().map_err(ModelError::Failed)
    }
}

fn text(why: &ort::Error) -> String {
    why.to_string().trim().to_owned()
}
