//! The interface between the web server and what plans and executes actions; tests give a fake.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{ActionError, ConfirmedAction, ExecutionState, Site};
use crate::model::{Action, ActionPlan, NightDate};

/// Plans and executes actions.
#[async_trait]
pub trait ActionService: Send + Sync + 'static {
    /// What an action would do.
    async fn plan(
        &self,
        date: NightDate,
        action: Action,
        now: DateTime<Utc>,
    ) -> Result<ActionPlan, ActionError>;

    /// Executes the plan that was seen.
    async fn carry_out(&self, confirmed: ConfirmedAction) -> Result<ExecutionState, ActionError>;
}

#[async_trait]
impl ActionService for Site {
    async fn plan(
        &self,
        date: NightDate,
        action: Action,
        now: DateTime<Utc>,
    ) -> Result<ActionPlan, ActionError> {
        Site::plan(self, date, action, now).await
    }

    async fn carry_out(&self, confirmed: ConfirmedAction) -> Result<ExecutionState, ActionError> {
        Site::carry_out(self, confirmed).await
    }
}
