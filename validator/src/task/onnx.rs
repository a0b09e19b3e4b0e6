//! The reference model of a task.

use super::{artifact, TaskError, TaskFolder};
pub use assay_onnx::{refuse_telemetry, Model};

/// Loads the reference model, checked against its digest.
pub(super) fn reference(folder: &TaskFolder) -> Result<Model, TaskError> {
    let missing = || folder.bad("scoring by agreement needs [reference]".into());
    let file = folder.reference.as_ref().ok_or_else(missing)?;
    let path = folder.resolve(file)?;
    let bytes = artifact::read(&path, file)?;
    Model::from_bytes(&bytes).map_err(|error| TaskError::BadModel {
        path,
        reason: error.to_string(),
    })
}
