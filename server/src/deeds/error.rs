//! Why a deed is not planned or not done.

use app::backend::{BackendError, ErrorKind};

use crate::close::CloseError;
use crate::hint::Hint;
use crate::internal::InternalError;
use crate::launch::LaunchError;
use crate::model::DeedPlan;
use crate::night::NightError;
use crate::publish::PublishError;
use crate::remedies::RemedyError;
use crate::store::StoreError;

/// Why a deed is not planned or not done.
#[derive(Debug, thiserror::Error)]
pub enum DeedError {
    /// Something keeps it from being done; nothing was done. With the plan.
    #[error("nothing was done: {}", .0.obstacles.join(" "))]
    Obstacles(Box<DeedPlan>),
    /// The plan is not the one that was seen; nothing was done. With the plan as it is now.
    #[error("nothing was done: the night has changed meanwhile, and the plan with it")]
    Changed(Box<DeedPlan>),
    /// The night cannot be read.
    #[error(transparent)]
    Night(#[from] NightError),
    /// The books cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Launching failed.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// Closing failed.
    #[error(transparent)]
    Close(#[from] CloseError),
    /// The datacheck cannot be copied.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// A remedy failed.
    #[error(transparent)]
    Remedy(#[from] RemedyError),
    /// It was done in part, or not at all; the text tells.
    #[error("{0}")]
    Failed(String),
    /// A failure within the program.
    #[error(transparent)]
    Internal(#[from] InternalError),
}

impl Hint for DeedError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Obstacles(_) => {
                Some("remove what is in the way, and look at the plan again".into())
            }
            Self::Changed(_) => Some("look at the plan as it is now, and confirm that".into()),
            Self::Night(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Launch(error) => error.hint(),
            Self::Close(error) => error.hint(),
            Self::Publish(error) => error.hint(),
            Self::Remedy(error) => error.hint(),
            Self::Failed(_) => {
                Some("the night's logbook and the logs of its jobs say what was done".into())
            }
            Self::Internal(error) => error.hint(),
        }
    }
}

impl From<DeedError> for BackendError {
    fn from(error: DeedError) -> Self {
        let hint = error.hint();
        let kind = match &error {
            DeedError::Night(NightError::NoSummary { .. }) => ErrorKind::NotFound,
            DeedError::Obstacles(_) | DeedError::Changed(_) => ErrorKind::Conflict,
            _ => ErrorKind::Unavailable,
        };
        Self::new(kind, error.to_string()).with_hint(hint)
    }
}
