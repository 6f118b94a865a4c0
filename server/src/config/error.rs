//! What can be wrong with a configuration.

use std::path::PathBuf;

/// A configuration that cannot be used; the message names file, line or key.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {cause}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// A line that is neither section, key, continuation nor comment, or a broken value.
    #[error("{}:{line}: {problem}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A key that is needed is missing, or its value is not what it should be.
    #[error("{}: [{section}] {key}: {problem}", file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// The section.
        section: String,
        /// The key.
        key: String,
        /// What is wrong, and what to do.
        problem: String,
    },
}
