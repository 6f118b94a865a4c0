//! Why an action could not be planned or executed.

use app::backend::{BackendError, ErrorKind};

use crate::close::CloseError;
use crate::hint::Hint;
use crate::internal::InternalError;
use crate::launch::LaunchError;
use crate::model::ActionPlan;
use crate::night::NightError;
use crate::publish::PublishError;
use crate::remedies::RemedyError;
use crate::store::StoreError;

/// Why an action could not be planned or executed.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// Something prevents it; nothing was done. With the plan.
    #[error("nothing was done: {}", .0.obstacles.join(" "))]
    Obstacles(Box<ActionPlan>),
    /// The plan is not the one that was seen; nothing was done. With the plan as it is now.
    #[error("nothing was done: the night has changed meanwhile, and the plan with it")]
    Changed(Box<ActionPlan>),
    /// The night cannot be read.
    #[error(transparent)]
    Night(#[from] NightError),
    /// The database cannot be used.
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
    /// It was done in part, or not at all; the text says which.
    #[error("{0}")]
    Failed(String),
    /// A failure within the program.
    #[error(transparent)]
    Internal(#[from] InternalError),
}

impl Hint for ActionError {
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
                Some("the night's audit log and the logs of its jobs say what was done".into())
            }
            Self::Internal(error) => error.hint(),
        }
    }
}

impl From<ActionError> for BackendError {
    fn from(error: ActionError) -> Self {
        let hint = error.hint();
        let kind = match &error {
            ActionError::Night(NightError::NoSummary { .. }) => ErrorKind::NotFound,
            ActionError::Obstacles(_) | ActionError::Changed(_) => ErrorKind::Conflict,
            _ => ErrorKind::Unavailable,
        };
        Self::new(kind, error.to_string()).with_hint(hint)
    }
}
