//! No text makes the readers of run summaries and catalogues panic.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use server::night::{Catalogue, RunSummary};

fuzz_target!(|text: &str| {
    let _ = RunSummary::parse(text, Path::new("fuzz.ecsv"));
    let _ = Catalogue::parse(text, Path::new("fuzz.ecsv"));
});
