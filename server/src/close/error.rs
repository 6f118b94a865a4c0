//! Why a night was not closed.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::launch::submit::SubmitFailure;
use crate::launch::{LaunchError, ScriptError};
use crate::model::{Block, ClosingPlan};
use crate::night::NightError;
use crate::store::StoreError;

use super::moves::MoveError;

/// Why a night, or a step of its closing, did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// The books cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was observed cannot be read.
    #[error(transparent)]
    Night(#[from] NightError),
    /// Where this program's file is, which jobs need, cannot be told.
    #[error("cannot tell where this program's file is: {0}")]
    Program(std::io::Error),
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
        cause: std::io::Error,
    },
    /// The table of processed nights cannot be written.
    #[error("cannot write the table `processing` of {}: {cause}", file.display())]
    Processing {
        /// The database.
        file: PathBuf,
        /// Why not.
        cause: sqlx::Error,
    },
    /// The plan cannot be kept.
    #[error("cannot write the plan down: {0}")]
    Plan(#[from] serde_json::Error),
    /// A thread of ours broke off.
    #[error("closing broke off: {0}")]
    Thread(#[from] tokio::task::JoinError),
    /// This process cannot be told from others.
    #[error("cannot read /proc: this process cannot be told from others")]
    NoProcess,
    /// A step failed; the night stays open.
    #[error("{title}: {cause}")]
    Step {
        /// What was done.
        title: String,
        /// Why it failed.
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

    /// What to do about it, if anything can be said.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Night(error) => error.hint(),
            Self::Busy { .. } => Some("wait for its end".into()),
            Self::Unfinished(_) => Some("-y closes them all the same".into()),
            Self::Step { cause, .. } => cause.hint().or_else(|| {
                Some("mend the cause, and close again: what is done is not done again".into())
            }),
            Self::Jobs(_) => {
                Some("see the logs; closing again submits only the jobs that have failed".into())
            }
            _ => None,
        }
    }
}

fn describe(blocks: &[Block]) -> String {
    blocks.iter().map(|block| block.message.clone()).collect::<Vec<_>>().join("; ")
}
