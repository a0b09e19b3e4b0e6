//! The heads of answers: structured fields and the signature base of a receipt.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../entries/protocol.rs"]
#[allow(dead_code)]
mod entries;

fuzz_target!(|bytes: &[u8]| {
    entries::receipt(bytes);
});
