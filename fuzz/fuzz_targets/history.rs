//! No bytes make the reader of histories panic, and every line is either understood or reported.
#![no_main]

use libfuzzer_sys::fuzz_target;
use server::process::history::{History, format_line};

fuzz_target!(|bytes: &[u8]| {
    let history = History::parse(bytes);
    let text = String::from_utf8_lossy(bytes);
    let lines = text.split('\n').filter(|line| !line.trim().is_empty()).count();
    assert_eq!(history.lines.len() + history.torn.len(), lines);
    let written: String = history.lines.iter().map(format_line).collect();
    assert_eq!(History::parse(written.as_bytes()).lines.len(), history.lines.len());
});
