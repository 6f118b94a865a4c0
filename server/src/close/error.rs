//! Why a night was not closed.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::hint::Hint;
use crate::internal::InternalError;
use crate::launch::submit::SubmitFailure;
use crate::launch::{LaunchError, ScriptError};
use crate::model::{Block, ClosingPlan};
use crate::night::NightError;
use crate::store::StoreError;

use super::moves::MoveError;

/// Why a night, or a step of its closing, did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was observed cannot be read.
    #[error(transparent)]
    Night(#[from] NightError),
    /// The night cannot be looked at.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// Something is in the way.
    #[error("{}", describe(.0))]
    Blocked(Vec<Block>),
    /// Somebody else is closing it.
    #[error("{what} is under way: begun by {author} at {}", since.format("%Y-%m-%d %H:%M:%S UTC"))]
    Busy {
        /// What.
        what: String,
        /// By whom.
        author: String,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// Not all sequences are finished, and nobody said to close them all the same.
    #[error("not all sequences are finished")]
    Unfinished(Box<ClosingPlan>),
    /// A file cannot be moved.
    #[error(transparent)]
    Move(#[from] MoveError),
    /// A job script cannot be written.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// The jobs cannot be submitted.
    #[error(transparent)]
    Submit(#[from] SubmitFailure),
    /// Jobs were not submitted, or failed.
    #[error("{}", .0.join("; "))]
    Jobs(Vec<String>),
    /// A file cannot be written.
    #[error("cannot {doing} {}: {cause}", file.display())]
    File {
        /// What was tried: a verb.
        doing: &'static str,
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// The table of processed nights cannot be written.
    #[error("cannot write the table `processing` of {}: {cause}", file.display())]
    Processing {
        /// The database.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: sqlx::Error,
    },
    /// A failure within the program.
    #[error(transparent)]
    Internal(#[from] InternalError),
    /// This process cannot be distinguished from others.
    #[error("cannot read /proc: this process cannot be told from others")]
    NoProcess,
    /// A step failed; the night stays open.
    #[error("{title}: {cause}")]
    Step {
        /// What was done.
        title: String,
        /// Why it failed.
        #[source]
        cause: Box<CloseError>,
    },
}

impl CloseError {
    pub(super) fn file(
        doing: &'static str,
        file: &Path,
    ) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let file = file.to_owned();
        move |cause| Self::File { doing, file, cause }
    }
}

impl Hint for CloseError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Night(error) => error.hint(),
            Self::Launch(error) => error.hint(),
            Self::Move(error) => error.hint(),
            Self::Script(error) => error.hint(),
            Self::Submit(error) => error.hint(),
            Self::Internal(error) => error.hint(),
            Self::File { cause, .. } => cause.hint(),
            Self::Processing { file, .. } => Some(format!(
                "check that this user may write {} and that no other program holds it; [LST1] \
                 PROCESSING_DATABASE names it",
                file.display()
            )),
            Self::Blocked(_) => Some("`osa why` explains what is in the way and what helps".into()),
            Self::NoProcess => Some("mount /proc".into()),
            Self::Busy { .. } => Some("wait for its end".into()),
            Self::Unfinished(_) => Some("-y closes them all the same".into()),
            Self::Step { cause, .. } => cause.hint().or_else(|| {
                Some("mend the cause, and close again: what is done is not done again".into())
            }),
            Self::Jobs(_) => {
                Some("see the logs; closing again submits only the jobs that have failed".into())
            }
        }
    }
}

fn describe(blocks: &[Block]) -> String {
    blocks.iter().map(|block| block.message.clone()).collect::<Vec<_>>().join("; ")
}
