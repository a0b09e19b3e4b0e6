//! The people of the simulation, with a fuzzer in place of chance.
//!
//! Each byte decides something: who does what, to whom, how much of it. After every block the books
//! must balance. See `tests/simulation`, whose tests run the corpus through the same entry.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    assay_simulation::run_bytes(bytes);
});
