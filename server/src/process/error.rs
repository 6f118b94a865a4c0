//! What can go wrong around the stages; what goes wrong within one is its return code.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::ConfigError;
use crate::hint::Hint;
use crate::model::NightDate;
use crate::night::NightError;
use crate::provenance::ProvenanceError;

/// Why a sequence could not be worked on, or what became of it not written down.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// A file of ours could not be read, written or removed.
    #[error("cannot {verb} {}", file.display())]
    File {
        /// What was tried: `read`, `write to`, `remove`.
        verb: &'static str,
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// A stage needs a file that is not there: nothing was run.
    #[error("{what} is missing: {}", file.display())]
    Missing {
        /// What it is, by its option or key.
        what: String,
        /// Where it should be.
        file: PathBuf,
        /// What to do.
        hint: &'static str,
    },
    /// The night has no calibration runs by which the files could be looked up.
    #[error("the night {date} has no calibration runs to look the calibration files up by")]
    NoCalibration {
        /// The night.
        date: NightDate,
    },
    /// Another process of ours works on the same sequence: nothing was run.
    #[error("another process works on this sequence and holds {}", history.display())]
    Busy {
        /// The history that both want to write.
        history: PathBuf,
    },
    /// A process that an earlier try has left cannot be ended: nothing was run.
    #[error("process {pid} of an earlier, killed try cannot be ended")]
    Leftover {
        /// The process.
        pid: i32,
    },
    /// The configuration does not say what is needed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The night does not say what is needed.
    #[error(transparent)]
    Night(#[from] NightError),
    /// The provenance of a stage could not be written.
    #[error(transparent)]
    Provenance(#[from] ProvenanceError),
}

impl ProcessError {
    /// Wraps an input/output error with what was tried on which file.
    pub(super) fn file(verb: &'static str, file: &Path) -> impl Fn(io::Error) -> Self {
        let file = file.to_owned();
        move |cause| Self::File { verb, file: file.clone(), cause }
    }

    /// The exit code of a command that ends with it: 75 (`EX_TEMPFAIL`) where trying later helps.
    pub fn code(&self) -> u8 {
        if matches!(self, Self::Busy { .. }) { 75 } else { 1 }
    }
}

impl Hint for ProcessError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { hint, .. } => Some((*hint).to_owned()),
            Self::NoCalibration { .. } => Some(
                "name them: --drs4-pedestal-file, --pedcal-file, --time-calib-file and \
                 --systematic-correction-file"
                    .into(),
            ),
            Self::Busy { .. } => Some("wait for it to end, or cancel its job".into()),
            Self::Leftover { pid } => Some(format!("end it with kill -9 {pid} and try again")),
            Self::Config(error) => error.hint(),
            Self::Night(error) => error.hint(),
            Self::File { cause, .. } => cause.hint(),
            Self::Provenance(error) => error.hint(),
        }
    }
}
