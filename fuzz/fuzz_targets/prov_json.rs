//! No text makes the reader of PROV-JSON panic, and what it has read is written without loss.
#![no_main]

use libfuzzer_sys::fuzz_target;
use server::provenance::json;

fuzz_target!(|text: &str| {
    let Ok(document) = json::read(text) else { return };
    let again = json::read(&json::write(&document)).expect("what was written can be read");
    assert_eq!(again.canonical(), document.canonical());
});
