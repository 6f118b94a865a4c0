//! What can go wrong with provenance.

use std::io;
use std::path::PathBuf;

use crate::hint::Hint;

use super::json::JsonError;

/// A failure of reading or writing provenance; the message names the file.
#[derive(Debug, thiserror::Error)]
pub enum ProvenanceError {
    /// A file cannot be read.
    #[error("cannot read {}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// A PROV-JSON file is not one.
    #[error("{}: {cause}", file.display())]
    Document {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: JsonError,
    },
}

impl Hint for ProvenanceError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { cause, .. } | Self::Write { cause, .. } => cause.hint(),
            Self::Document { file, cause } => cause
                .hint()
                .map(|hint| format!("{hint}; `osa provenance` can write {} again", file.display())),
        }
    }
}
