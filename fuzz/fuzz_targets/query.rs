//! The bodies of requests and answers: the Open Inference Protocol in JSON and raw.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../entries/protocol.rs"]
#[allow(dead_code)]
mod entries;

fuzz_target!(|bytes: &[u8]| entries::query(bytes));
