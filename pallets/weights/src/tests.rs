//! One file per call, one for the extension, one for what others ask, one for properties.

mod admit_weights;
mod commit_weights;
mod constants;
mod properties;
mod reveal_weights;
mod set_weights;
mod teardown;
mod weight_rows;
