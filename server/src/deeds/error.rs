//! Why a deed is not planned or not done.

use app::backend::BackendError;

use crate::actions::ActionError;
use crate::close::CloseError;
use crate::launch::LaunchError;
use crate::model::DeedPlan;
use crate::night::NightError;
use crate::publish::PublishError;
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
    /// An action failed.
    #[error(transparent)]
    Action(#[from] ActionError),
    /// It was done in part, or not at all; the text tells.
    #[error("{0}")]
    Failed(String),
    /// Where this program's file is cannot be told.
    #[error("cannot tell where this program's file is: {0}")]
    Program(std::io::Error),
    /// A plan cannot be written down.
    #[error("cannot write the plan down: {0}")]
    Json(#[from] serde_json::Error),
    /// A thread of ours broke off.
    #[error("it broke off: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

impl From<DeedError> for BackendError {
    fn from(error: DeedError) -> Self {
        match error {
            DeedError::Night(cause @ NightError::NoSummary { .. }) => {
                Self::not_found(cause.to_string())
            }
            other => Self::unavailable(other.to_string()),
        }
    }
}
