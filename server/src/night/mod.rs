//! What was observed: run summary, sources, calibration runs, sequences, and the one description
//! of the directory tree.

mod calibration;
mod catalogue;
mod decided;
pub mod ecsv;
mod ecsv_header;
mod error;
mod files;
mod observation;
pub mod paths;
mod sequences;
mod summary;
mod version;

pub use calibration::night_of;
pub use catalogue::Catalogue;
pub use decided::Resources;
pub use error::NightError;
pub use files::{CalibrationFiles, calibration_files, charge_file, drs4_file};
pub use observation::{MissingSummary, Observation, list};
pub use paths::{JobLog, NightPaths, Stream};
pub use summary::{FaultyRow, Run, RunSummary};

use std::path::Path;

use crate::input_file;

/// The text of a file; bytes that are not UTF-8 are an error naming the line.
fn read_text(file: &Path) -> Result<String, NightError> {
    let bytes = input_file::read(file, input_file::TEXT_LIMIT)
        .map_err(|cause| NightError::read(file, cause))?;
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..good].split(|&byte| byte == b'\n').count();
        NightError::Table {
            file: file.to_owned(),
            line,
            column: None,
            problem: "there are bytes that are no text (UTF-8)".into(),
        }
    })
}
