//! Datacheck files: real-format fixtures with known values, and files made wrong on purpose.

mod figures;
mod inspect;
mod judgement;
mod run;
mod summary;
mod wrong;

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A fixture.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/datacheck").join(name)
}

/// What is known of the fixtures, computed with PyTables, numpy and pandas.
fn golden() -> Value {
    serde_json::from_str(include_str!("../../datacheck/golden.json")).unwrap()
}

/// The night's file, which is kept compressed, unpacked into `dir`.
pub fn night_file(dir: &Path) -> PathBuf {
    let packed = std::fs::read(fixture("DL1_datacheck_20250131.h5.gz")).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
    let path = dir.join("DL1_datacheck_20250131.h5");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Whether a known number is met: sums to 12 digits, all else exactly.
fn same(known: &Value, ours: &Value) -> bool {
    match (known.as_f64(), ours.as_f64()) {
        (Some(known), Some(ours)) => (known - ours).abs() <= 1e-12 * known.abs().max(ours.abs()),
        _ => known == ours,
    }
}
