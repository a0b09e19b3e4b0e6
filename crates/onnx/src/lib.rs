//! ONNX Runtime: found, loaded, and fed with the protocol's tensors.
//!
//! It exists so that whoever runs a model, to serve it or to compare with it, does so by the same
//! code. It knows no chain, no HTTP and no task, and must never fetch anything: the library is the
//! one that stands on the machine.

#![warn(missing_docs)]

mod convert;
mod library;
mod model;

pub use convert::{datatype, from_onnx, to_onnx};
pub use library::{load_library, refuse_telemetry, LibraryError};
pub use model::{Model, ModelError};

/// The runtime's environment, in which sessions are made.
pub use ort::environment::Environment;
