//! Why a night cannot be read.

use std::io;
use std::path::PathBuf;

use crate::hint::Hint;
use crate::internal::Cause;
use crate::model::{NightDate, RunId};

/// What is wrong with the files of a night; the message names file, line and column.
#[derive(Debug, thiserror::Error)]
pub enum NightError {
    /// There is no run summary.
    #[error("there is no run summary of the night {date}: {} is missing", file.display())]
    NoSummary {
        /// The night.
        date: NightDate,
        /// The file that is missing.
        file: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {cause}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// A table is not what it should be.
    #[error("{}:{line}: {}{problem}", file.display(), in_column(column.as_deref()))]
    Table {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, where it is one.
        column: Option<String>,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The program that makes the run summary did not.
    #[error("{program} made no run summary of the night {date}: {problem}")]
    NotMade {
        /// The executable.
        program: &'static str,
        /// The night.
        date: NightDate,
        /// What came back.
        #[source]
        problem: Cause,
    },
    /// A directory of calibration files is missing or holds none that fits.
    #[error("there is no {what} for run {run} in {}", directory.display())]
    NoCalibrationFile {
        /// What was looked for.
        what: &'static str,
        /// The `PEDCALIB` run that needs it.
        run: RunId,
        /// Where it was looked for.
        directory: PathBuf,
    },
    /// Nobody says in which night a run was taken.
    #[error(
        "cannot tell the night of run {run}: it is neither in the run summaries of {from} to \
         {date} nor in {}", merged.display()
    )]
    NoNight {
        /// The run.
        run: RunId,
        /// The first night whose summary was looked at.
        from: NightDate,
        /// The last one.
        date: NightDate,
        /// `MERGED_SUMMARY`.
        merged: PathBuf,
    },
}

fn in_column(column: Option<&str>) -> String {
    column.map(|name| format!("column {name}: ")).unwrap_or_default()
}

impl Hint for NightError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NoSummary { .. } => Some(
                "make it with lstchain_create_run_summary, or see whether RUN_SUMMARY_DIR and the \
                 date are right"
                    .into(),
            ),
            Self::Table { file, .. } => {
                Some(format!("write {} again, or correct the line", file.display()))
            }
            Self::NotMade { .. } => Some(
                "see whether the program is on the PATH (job_path in osa.toml) and R0_DIR holds \
                 the night"
                    .into(),
            ),
            Self::NoCalibrationFile { .. } => {
                Some("see whether CALIB_BASE_DIR is right and put the file there".into())
            }
            Self::NoNight { .. } => Some("add the run to MERGED_SUMMARY".into()),
            Self::Read { cause, .. } => cause.hint(),
        }
    }
}

impl NightError {
    pub(super) fn read(file: &std::path::Path, cause: io::Error) -> Self {
        Self::Read { file: file.to_owned(), cause }
    }
}
