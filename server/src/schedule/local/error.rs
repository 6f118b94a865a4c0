//! What can go wrong in the local scheduler.

use std::io;
use std::path::{Path, PathBuf};

use crate::hint::Hint;
use crate::internal::{Cause, InternalError};
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
        #[source]
        cause: io::Error,
    },
    /// The supervisor could not be started.
    #[error(
        "cannot start the local scheduler ({} local-scheduler): {cause}; see {}",
        program.display(), log.display()
    )]
    Start {
        /// The program.
        program: PathBuf,
        /// What happened.
        #[source]
        cause: Cause,
        /// What the supervisor itself had to say.
        log: PathBuf,
    },
    /// A failure within the program.
    #[error(transparent)]
    Internal(#[from] InternalError),
    /// The system refused something that it never should.
    #[error("{what}: {cause}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why not.
        #[source]
        cause: io::Error,
    },
}

impl Hint for LocalError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Internal(error) => error.hint(),
            Self::File { cause, .. } => cause.hint(),
            Self::Start { program, log, .. } => Some(format!(
                "read the end of {}, and check that {} can be run",
                log.display(),
                program.display()
            )),
            Self::System { .. } => {
                Some("check the limits of this user's processes and open files (ulimit -a)".into())
            }
        }
    }
}

impl LocalError {
    pub(super) fn file(doing: &'static str, file: &Path, cause: io::Error) -> Self {
        Self::File { doing, file: file.to_owned(), cause }
    }
}
