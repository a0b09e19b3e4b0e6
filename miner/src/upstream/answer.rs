//! Whether what the engine answered is an answer of this model.
//!
//! The miner signs it and is paid for it: another model's outputs, or those of one that was
//! exchanged behind its back, must not pass for the announced one's.

use crate::backend::ModelInfo;
use assay_protocol::oip::{datatype_name, InferRequest, Tensor, TensorMetadata};

/// What the outputs of a query's answer have to be, in this order.
pub(super) fn wanted(model: &ModelInfo, query: &InferRequest) -> Vec<TensorMetadata> {
    let known = model.outputs.iter();
    if query.outputs.is_empty() {
        return known.cloned().collect();
    }
    let asked = query.outputs.iter();
    // A query that names what the model does not give was refused before.
    let named = asked.filter_map(|asked| known.clone().find(|it| it.name == asked.name));
    named.cloned().collect()
}

/// The outputs that were wanted, or what is wrong with the answer. What there is besides is left
/// out.
pub(super) fn checked(
    wanted: &[TensorMetadata],
    mut outputs: Vec<Tensor>,
) -> Result<Vec<Tensor>, String> {
    let found = wanted.iter().map(|wanted| {
        let place = outputs.iter().position(|it| it.name() == wanted.name);
        let place = place.ok_or_else(|| format!("it left out the output `{}`", wanted.name))?;
        let output = outputs.swap_remove(place);
        if !fits(wanted, &output) {
            return Err(format!(
                "its output `{}` is {} of shape {:?}, where the model gives {} of {:?} (-1: any \
                 length)",
                wanted.name,
                datatype_name(output.datatype()),
                output.shape(),
                datatype_name(wanted.datatype),
                wanted.shape
            ));
        }
        Ok(output)
    });
    found.collect()
}

fn fits(wanted: &TensorMetadata, output: &Tensor) -> bool {
    // A negative length is one that the query chooses.
    let agrees = |(wanted, given): (&i64, &usize)| {
        usize::try_from(*wanted).map_or(true, |wanted| wanted == *given)
    };
    wanted.datatype == output.datatype()
        && wanted.shape.len() == output.shape().len()
        && wanted.shape.iter().zip(output.shape()).all(agrees)
}
