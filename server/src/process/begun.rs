//! What remembers that a calibration stage was begun: its tool writes into a directory that it
//! shares with other productions, so that only the difference to what was there before tells which
//! files a killed try has left.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::input_file;
use crate::model::Stage;

use super::ProcessError;

/// A file as it was at some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileStamp {
    file: PathBuf,
    bytes: u64,
    modified_ns: u128,
}

/// How files are now; those that are gone are left out.
pub(super) fn stamps(files: Vec<PathBuf>) -> Vec<FileStamp> {
    let stamp = |file: PathBuf| {
        let found = file.symlink_metadata().ok()?;
        let modified = found.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Some(FileStamp { bytes: found.len(), modified_ns: modified.as_nanos(), file })
    };
    files.into_iter().filter_map(stamp).collect()
}

/// The files that are new, or other than before.
pub(super) fn changed(files: Vec<PathBuf>, before: &[FileStamp]) -> Vec<PathBuf> {
    let now = stamps(files).into_iter();
    now.filter(|seen| !before.contains(seen)).map(|seen| seen.file).collect()
}

/// A try that was begun: kept in `sequence_….begun` until its line is in the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    /// The stage.
    pub stage: Stage,
    /// How many lines the history had.
    pub lines: usize,
    /// The files of the run that were there, of whichever production.
    pub before: Vec<FileStamp>,
}

impl Begun {
    /// Reads the note; `None` if there is none. One that cannot be understood is an error: what the
    /// try has left cannot be told then.
    pub fn read(note: &Path) -> Result<Option<Self>, ProcessError> {
        let wrap = ProcessError::file("read", note);
        match input_file::read(note, input_file::TEXT_LIMIT) {
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|e| wrap(e.into())),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(wrap(cause)),
        }
    }

    /// Writes the note, whole or not at all.
    pub fn write(&self, note: &Path) -> Result<(), ProcessError> {
        let wrap = ProcessError::file("write to", note);
        let directory = note.parent().unwrap_or(Path::new("."));
        let text = serde_json::to_vec(self).map_err(|e| wrap(e.into()))?;
        let mut file = tempfile::NamedTempFile::new_in(directory).map_err(&wrap)?;
        file.write_all(&text).map_err(&wrap)?;
        file.as_file().sync_all().map_err(&wrap)?;
        file.persist(note).map_err(|e| wrap(e.error))?;
        Ok(())
    }
}

/// Removes a file; one that is gone is none to remove.
pub(super) fn remove(file: &Path) -> Result<(), ProcessError> {
    match std::fs::remove_file(file) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => {
            Err(ProcessError::file("remove", file)(cause))
        }
        _ => Ok(()),
    }
}
