//! What can go wrong in the local scheduler.

use std::io;
use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// Why the local scheduler cannot do its work.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// One of its files.
    #[error("cannot {doing} {}: {cause}", file.display())]
    File {
        /// What was tried: a verb.
        doing: &'static str,
        /// The file.
        file: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// The supervisor could not be started.
    #[error(
        "cannot start the local scheduler ({} local-scheduler): {problem}; see {}",
        program.display(), log.display()
    )]
    Start {
        /// The program.
        program: PathBuf,
        /// What happened.
        problem: String,
        /// What the supervisor itself had to say.
        log: PathBuf,
    },
    /// The system refused something that it never should.
    #[error("{what}: {cause}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why not.
        cause: io::Error,
    },
}

impl LocalError {
    pub(super) fn file(doing: &'static str, file: &Path, cause: io::Error) -> Self {
        Self::File { doing, file: file.to_owned(), cause }
    }
}
