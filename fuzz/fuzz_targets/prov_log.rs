//! No bytes make the reader of `prov.log` panic: every line is a record or reported with its number.
#![no_main]

use libfuzzer_sys::fuzz_target;
use server::provenance::record::Record;
use server::provenance::scan::scan;

fuzz_target!(|bytes: &[u8]| {
    let mut records = 0;
    let read = scan(bytes, |line| {
        records += 1;
        let record = Record::parse(line.body);
        record.map(drop).map_err(|error| (error.column(), error.problem()))
    });
    let scan = read.expect("memory can be read");
    assert!(scan.lines <= records + scan.bad_count);
});
