//! What can be wrong with a datacheck file.

use std::path::PathBuf;

use crate::hint::Hint;
use crate::internal::Cause;

/// A file that cannot be used, or a part of it; the message names file, table and column.
#[derive(Debug, thiserror::Error)]
pub enum DatacheckError {
    /// The file cannot be read.
    #[error("cannot read {}: {cause}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// The file is something else than its reader needs.
    #[error("{}: {problem}", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
        /// What it is instead, and what it should be.
        problem: String,
    },
    /// The file is cut short or damaged.
    #[error(
        "{}: truncated or damaged: {problem} (still being written, or an interrupted copy?)",
        file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What the library said.
        #[source]
        problem: Cause,
    },
    /// A table is not what it should be.
    #[error("{}: table {table}: {problem}", file.display())]
    Table {
        /// The file.
        file: PathBuf,
        /// The table's path.
        table: String,
        /// What is wrong.
        #[source]
        problem: Cause,
    },
    /// A table is packed in a way that the linked HDF5 library cannot undo.
    #[error(
        "{}: table {table} is packed with {filter}, which the HDF5 library of this program cannot \
         unpack",
        file.display()
    )]
    Packed {
        /// The file.
        file: PathBuf,
        /// The table's path.
        table: String,
        /// The filter.
        filter: String,
    },
    /// A column is missing, or of another type or shape than it should be.
    #[error("{}: table {table}, column {column}: {problem}", file.display())]
    Column {
        /// The file.
        file: PathBuf,
        /// The table's path.
        table: String,
        /// The column.
        column: String,
        /// What is wrong.
        problem: String,
    },
    /// The file of thresholds is wrong.
    #[error("{}: {problem}", file.display())]
    Thresholds {
        /// The file.
        file: PathBuf,
        /// What is wrong, where, and what would be right.
        #[source]
        problem: Cause,
    },
}

impl Hint for DatacheckError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { cause, .. } => cause.hint(),
            Self::Foreign { .. } => {
                Some("give a file that lstchain's datacheck, muon or merging tools wrote".into())
            }
            Self::Damaged { .. } => Some(
                "try again once it is written; if it stays so, make the file again or copy it once \
                 more"
                    .into(),
            ),
            Self::Packed { file, .. } => Some(format!(
                "let HDF5_PLUGIN_PATH name a directory with a plugin for it, or pack the file again: \
                 ptrepack --complevel 5 --complib blosc:zstd {} NEW",
                file.display()
            )),
            Self::Table { .. } | Self::Column { .. } => Some(
                "check that the file was made by a supported version of lstchain (0.10 to 0.12)"
                    .into(),
            ),
            Self::Thresholds { file, .. } => Some(format!(
                "correct {}; configs/datacheck.toml explains every limit",
                file.display()
            )),
        }
    }
}
