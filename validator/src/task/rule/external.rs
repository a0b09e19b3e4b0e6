//! A program judges.
//!
//! It is sent, in one line, the items of a request with their truths and the rows that came back,
//!
//! ```text
//! {"items": [{"truth": …, "outputs": {"y": [1, 2]}, "inputs": {"X": [1, 2]}}, …]}
//! ```
//!
//! (`inputs` only where `task.toml` says `with_inputs`) and answers with one line,
//! `{"scores": [0.5, …]}`, each within 0 and 1. Numbers that JSON can't state come as `null`. An
//! answer that can't be judged as a whole it reports as `{"unjudgeable": "why"}`.

use super::{tensor, Rule};
use crate::task::{
    program::Worker, Fault, Item, JudgeError, Layout, Program, TaskError, TaskFolder, Truth,
};
use assay_protocol::oip::{Tensor, TensorData};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The program and what it is shown.
pub(super) struct External {
    worker: Worker,
    inputs: Vec<Layout>,
    outputs: Vec<String>,
    with_inputs: bool,
}

#[derive(Serialize)]
struct Request<'a> {
    items: Vec<Shown<'a>>,
}

#[derive(Serialize)]
struct Shown<'a> {
    truth: Box<RawValue>,
    outputs: BTreeMap<&'a str, Row<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    inputs: BTreeMap<&'a str, Row<'a>>,
}

/// Some of a tensor's values.
struct Row<'a> {
    data: &'a TensorData,
    from: usize,
    to: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    scores: Option<Vec<f64>>,
    unjudgeable: Option<String>,
}

impl External {
    /// Starts the folder's program with an empty question, so that one that does not work is found
    /// out before any miner is asked.
    pub(super) fn start(
        folder: &TaskFolder,
        program: &Program,
        outputs: &[String],
        with_inputs: bool,
    ) -> Result<Self, TaskError> {
        let worker = Worker::new(folder, program)?;
        let path = worker.path().to_owned();
        let external = Self {
            worker,
            inputs: folder.layouts()?,
            outputs: outputs.to_vec(),
            with_inputs,
        };
        match external.ask(&Request { items: Vec::new() }, 0) {
            Ok(_) => Ok(external),
            Err(error) => Err(TaskError::BadProgram {
                path,
                reason: error.to_string(),
            }),
        }
    }

    fn ask(&self, request: &Request<'_>, due: usize) -> Result<Vec<u32>, JudgeError> {
        let line = self.worker.ask(request)?;
        let fault = |what: String| Fault(format!("the judge's answer can't be used: {what}"));
        let answer: Answer =
            serde_json::from_str(&line).map_err(|error| fault(error.to_string()))?;
        match (answer.scores, answer.unjudgeable) {
            (None, Some(reason)) => Err(JudgeError::Unjudgeable(reason)),
            (Some(scores), None) if scores.len() == due => {
                if scores.iter().any(|score| !(0.0..=1.0).contains(score)) {
                    return Err(fault("a score is not within 0 and 1".into()).into());
                }
                Ok(scores.into_iter().map(super::score).collect())
            }
            (Some(scores), None) => {
                Err(fault(format!("{} scores for {due} items", scores.len())).into())
            }
            _ => Err(fault("either `scores` or `unjudgeable` is due".into()).into()),
        }
    }
}

impl Rule for External {
    fn judge(&self, items: &[&Item], outputs: &[Tensor]) -> Result<Vec<u32>, JudgeError> {
        let tensors: Vec<&Tensor> = self
            .outputs
            .iter()
            .map(|name| tensor(outputs, name, items.len()))
            .collect::<Result<_, _>>()?;
        let mut shown = Vec::with_capacity(items.len());
        for (place, item) in items.iter().enumerate() {
            let truth = match &item.truth {
                Truth::Json(json) => json.clone(),
                Truth::Class(class) => class.to_string(),
                Truth::Values(_) | Truth::Reference => "null".into(),
            };
            let truth = RawValue::from_string(truth)
                .map_err(|error| Fault(format!("a truth is no JSON: {error}")))?;
            let outputs = tensors.iter().map(|tensor| {
                let width = tensor.data().len() / items.len();
                let row = Row {
                    data: tensor.data(),
                    from: place * width,
                    to: (place + 1) * width,
                };
                (tensor.name(), row)
            });
            let inputs = self.inputs.iter().zip(&item.inputs);
            let inputs = inputs.filter(|_| self.with_inputs).map(|(layout, data)| {
                let row = Row {
                    data,
                    from: 0,
                    to: data.len(),
                };
                (&*layout.name, row)
            });
            shown.push(Shown {
                truth,
                outputs: outputs.collect(),
                inputs: inputs.collect(),
            });
        }
        self.ask(&Request { items: shown }, items.len())
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (from, to) = (self.from, self.to);
        macro_rules! plain {
            ($values:expr) => {
                serializer.collect_seq(&$values[from..to])
            };
        }
        match self.data {
            TensorData::Bool(values) => plain!(values),
            TensorData::Uint8(values) => plain!(values),
            TensorData::Uint16(values) => plain!(values),
            TensorData::Uint32(values) => plain!(values),
            TensorData::Uint64(values) => plain!(values),
            TensorData::Int8(values) => plain!(values),
            TensorData::Int16(values) => plain!(values),
            TensorData::Int32(values) => plain!(values),
            TensorData::Int64(values) => plain!(values),
            TensorData::Fp16(values) => {
                serializer.collect_seq(values[from..to].iter().map(|value| value.to_f32()))
            }
            TensorData::Bf16(values) => {
                serializer.collect_seq(values[from..to].iter().map(|value| value.to_f32()))
            }
            TensorData::Fp32(values) => plain!(values),
            TensorData::Fp64(values) => plain!(values),
            TensorData::Bytes(values) => {
                let texts = values[from..to].iter();
                serializer.collect_seq(texts.map(|text| String::from_utf8_lossy(text)))
            }
        }
    }
}
