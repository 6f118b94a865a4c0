//! What can fail within the program itself, whatever it is doing, how work that blocks gets off the
//! asynchronous threads, and how mutexes are locked.

pub mod activity;

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::{JoinError, spawn_blocking};
use tracing::Span;

use crate::hint::Hint;

/// Any error as the cause of another.
pub type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// A failure that has nothing to do with what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum InternalError {
    /// Jobs and children are started from the program's own file.
    #[error("cannot determine the path of the running executable: {0}")]
    Executable(#[source] io::Error),
    /// A task panicked, or was cancelled because the program ends.
    #[error("an internal task failed: {0}")]
    Task(#[from] JoinError),
    /// A value cannot be written as JSON.
    #[error("cannot write a value as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Hint for InternalError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Executable(_) => {
                "check that /proc is mounted and that the program's file is still there".to_owned()
            }
            Self::Task(error) if error.is_cancelled() => "the program was ending: try again".into(),
            Self::Task(_) | Self::Json(_) => {
                "this is a fault of the program: please report it with its log".to_owned()
            }
        })
    }
}

/// A cause, with what failed because of it.
#[derive(Debug, thiserror::Error)]
#[error("{failed}: {cause}")]
struct Context {
    failed: String,
    #[source]
    cause: Cause,
}

/// Says what failed because of a cause, and keeps the cause.
pub fn context(failed: impl Into<String>, cause: impl Into<Cause>) -> Cause {
    Context { failed: failed.into(), cause: cause.into() }.into()
}

/// Path of the running executable.
///
/// # Errors
/// [`InternalError::Executable`].
pub fn executable() -> Result<PathBuf, InternalError> {
    std::env::current_exe().map_err(InternalError::Executable)
}

/// Runs work that blocks on a thread of its own, within the current tracing span.
///
/// # Errors
/// [`InternalError::Task`]: the work panicked.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, InternalError> {
    let span = Span::current();
    Ok(spawn_blocking(move || span.in_scope(work)).await?)
}

/// Locks what stays whole when a thread panics while it holds the lock.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_is_an_error_with_a_hint() {
        let error = blocking(|| assert!(std::hint::black_box(false))).await.unwrap_err();
        assert!(error.to_string().starts_with("an internal task failed:"), "{error}");
        assert!(error.hint().unwrap().contains("please report"));
        assert_eq!(blocking(|| 7).await.unwrap(), 7);
    }
}
