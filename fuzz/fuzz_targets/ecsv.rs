//! No text makes the reader of ECSV tables panic.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use server::night::ecsv::Ecsv;

fuzz_target!(|text: &str| {
    if let Ok(table) = Ecsv::parse(text, Path::new("fuzz.ecsv")) {
        let _ = table.rows().count();
    }
});
