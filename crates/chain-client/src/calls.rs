//! The calls that Assay's programs make.
