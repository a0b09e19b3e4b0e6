//! Tests of the economy as a whole.

mod economics;
mod run;
