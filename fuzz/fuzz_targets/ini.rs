//! No text makes the reader of `sequencer.cfg` panic, and no reference hangs it.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use server::config::Ini;

fuzz_target!(|text: &str| {
    let Ok(ini) = Ini::parse(text, Path::new("fuzz.cfg")) else { return };
    for section in ini.sections() {
        for key in ini.keys(section) {
            let _ = ini.get(section, key);
        }
    }
});
