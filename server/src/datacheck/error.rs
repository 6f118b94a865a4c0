//! What can be wrong with a datacheck file.

use std::path::PathBuf;

/// A file that cannot be used, or a part of it; the message names file, table and column.
#[derive(Debug, thiserror::Error)]
pub enum DatacheckError {
    /// The file cannot be read.
    #[error("cannot read {}: {cause}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
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
        problem: String,
    },
    /// A table is not what it should be.
    #[error("{}: table {table}: {problem}", file.display())]
    Table {
        /// The file.
        file: PathBuf,
        /// The table's path.
        table: String,
        /// What is wrong.
        problem: String,
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
        problem: String,
    },
}
