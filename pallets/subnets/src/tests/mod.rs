//! One file per call.
