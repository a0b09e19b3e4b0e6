//! The program `assay-validator`.

fn main() {}
