//! Several queries run as one: their inputs laid on top of each other, the outputs taken apart.
//!
//! Only queries of one shape are joined, so nothing is padded and every row is computed from the
//! very numbers that were sent. That a model treats each row alone is tried before it is relied on
//! (see [`super::warm_up`]).

use super::queue::Job;
use assay_protocol::oip::{DataType, InferRequest, OipError, Tensor};

/// What queries must have in common to be run as one; they may differ in their number of rows.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    rows: usize,
    inputs: Vec<(String, DataType, Vec<usize>)>,
    outputs: Vec<String>,
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        (&self.inputs, &self.outputs) == (&other.inputs, &other.outputs)
    }
}

impl Kind {
    /// None for a query that has to be run alone: without rows, or with inputs that do not agree
    /// on how many there are.
    pub(super) fn of(query: &InferRequest) -> Option<Self> {
        let rows = query.inputs.first()?.rows()?;
        if rows == 0 || query.inputs.iter().any(|it| it.rows() != Some(rows)) {
            return None;
        }
        let input = |tensor: &Tensor| {
            let width = tensor.shape().iter().skip(1).copied().collect();
            (tensor.name().to_owned(), tensor.datatype(), width)
        };
        Some(Self {
            rows,
            inputs: query.inputs.iter().map(input).collect(),
            outputs: query.outputs.iter().map(|it| it.name.clone()).collect(),
        })
    }

    pub(super) const fn rows(&self) -> usize {
        self.rows
    }
}

/// One query that asks for all that `queries`, which are of one kind, ask for.
pub(super) fn join(queries: &[&InferRequest]) -> Result<InferRequest, OipError> {
    let first = queries.first().copied().cloned().unwrap_or_default();
    let inputs = (0..first.inputs.len()).map(|index| {
        let parts = queries.iter().filter_map(|query| query.inputs.get(index));
        Tensor::join_rows(&parts.collect::<Vec<_>>())
    });
    Ok(InferRequest {
        inputs: inputs.collect::<Result<_, _>>()?,
        outputs: first.outputs,
        ..InferRequest::default()
    })
}

/// The outputs of a joined query as those of its parts, which had so many rows each.
pub(super) fn split(outputs: &[Tensor], rows: &[usize]) -> Result<Vec<Vec<Tensor>>, OipError> {
    let mut answers: Vec<Vec<Tensor>> = rows.iter().map(|_| Vec::new()).collect();
    for output in outputs {
        for (answer, part) in answers.iter_mut().zip(output.split_rows(rows)?) {
            answer.push(part);
        }
    }
    Ok(answers)
}

/// The rows of each query.
pub(super) fn rows(jobs: &[Job]) -> Vec<usize> {
    let rows = |job: &Job| job.query.inputs.first().and_then(Tensor::rows);
    jobs.iter().map(|job| rows(job).unwrap_or(0)).collect()
}
