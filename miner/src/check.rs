//! Whether a query fits a model, checked before it takes a place in the queue.

use crate::backend::{BackendError, ModelInfo};
use assay_protocol::oip::{datatype_name, InferRequest, Tensor, TensorMetadata};

/// Checks names, types and shapes of a query's inputs, and the names of the outputs it asks for.
pub fn check_query(model: &ModelInfo, query: &InferRequest) -> Result<(), BackendError> {
    for (index, tensor) in query.inputs.iter().enumerate() {
        if query.inputs[..index]
            .iter()
            .any(|other| other.name() == tensor.name())
        {
            return invalid(format!("input `{}` is given twice", tensor.name()));
        }
        check_input(model, tensor)?;
    }
    let given = |wanted: &&TensorMetadata| query.inputs.iter().any(|it| it.name() == wanted.name);
    if let Some(missing) = model.inputs.iter().find(|wanted| !given(wanted)) {
        return invalid(format!("input `{}` is missing", missing.name));
    }
    for (index, output) in query.outputs.iter().enumerate() {
        if !model.outputs.iter().any(|known| known.name == output.name) {
            let known = names(&model.outputs);
            return invalid(format!(
                "there is no output `{}`: there is {known}",
                output.name
            ));
        }
        if query.outputs[..index]
            .iter()
            .any(|other| other.name == output.name)
        {
            return invalid(format!("output `{}` is asked for twice", output.name));
        }
    }
    Ok(())
}

fn check_input(model: &ModelInfo, tensor: &Tensor) -> Result<(), BackendError> {
    let Some(wanted) = model
        .inputs
        .iter()
        .find(|wanted| wanted.name == tensor.name())
    else {
        let known = names(&model.inputs);
        return invalid(format!(
            "there is no input `{}`: there is {known}",
            tensor.name()
        ));
    };
    if wanted.datatype != tensor.datatype() {
        return invalid(format!(
            "input `{}` is {}, the model takes {}",
            tensor.name(),
            datatype_name(tensor.datatype()),
            datatype_name(wanted.datatype)
        ));
    }
    // A negative length is one that the query chooses.
    let fits = |(wanted, given): (&i64, &usize)| {
        usize::try_from(*wanted).map_or(true, |wanted| wanted == *given)
    };
    if wanted.shape.len() != tensor.shape().len()
        || !wanted.shape.iter().zip(tensor.shape()).all(fits)
    {
        return invalid(format!(
            "input `{}` has shape {:?}, the model takes {:?} (-1: any length)",
            tensor.name(),
            tensor.shape(),
            wanted.shape
        ));
    }
    Ok(())
}

fn names(tensors: &[TensorMetadata]) -> String {
    let names: Vec<_> = tensors
        .iter()
        .map(|tensor| format!("`{}`", tensor.name))
        .collect();
    names.join(", ")
}

fn invalid(why: String) -> Result<(), BackendError> {
    Err(BackendError::Invalid(why))
}
