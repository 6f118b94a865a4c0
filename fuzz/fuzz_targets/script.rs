//! Job scripts' directives from any text.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use server::schedule::script::Directives;

fuzz_target!(|text: &str| {
    if let Ok(directives) = Directives::parse(text, Path::new("job.sh"))
        && let Some(array) = directives.array
    {
        assert_eq!(array.to_string().parse(), Ok(array), "an array reads as it is written");
    }
});
