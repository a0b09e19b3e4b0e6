//! The heads of signed requests: structured fields and the signature base made of them.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../entries/protocol.rs"]
#[allow(dead_code)]
mod entries;

fuzz_target!(|bytes: &[u8]| {
    entries::signature(bytes);
});
