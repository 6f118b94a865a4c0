//! Actions on a night: planned and executed for whoever asks.

use app::backend::BackendError;

use super::{Caller, confirmed};
use crate::actions::{ConfirmedAction, ExecutionState};
use crate::model::{Action, ActionPlan, Confirmation, NightDate, Role};

impl Caller {
    /// What an action would do.
    pub async fn plan(&self, date: NightDate, action: Action) -> Result<ActionPlan, BackendError> {
        Ok(self.state.actions.plan(date, action, self.now()).await?)
    }

    /// Executes the plan that was seen, named by its `mark`.
    pub async fn execute(
        &self,
        date: NightDate,
        action: Action,
        mark: String,
    ) -> Result<ExecutionState, BackendError> {
        let author = self.author(Role::Shifter)?;
        let confirmed = ConfirmedAction { date, action, mark, author, now: self.now() };
        let state = self.state.actions.carry_out(confirmed).await;
        self.state.watcher.jobs.wake();
        Ok(state?)
    }

    /// The same for a person, who has to confirm it.
    pub(super) async fn execute_confirmed(
        &self,
        date: NightDate,
        action: Action,
        mark: String,
        is_confirmed: bool,
    ) -> Result<Confirmation, BackendError> {
        if !is_confirmed {
            let error = BackendError::invalid("nothing was done");
            let hint = "confirm that you have reviewed the plan";
            return Err(error.with_hint(hint.to_owned()));
        }
        let label = action.label();
        Ok(match self.execute(date, action, mark).await? {
            ExecutionState::Done(outcome) => confirmed(app::sentence(&outcome)),
            ExecutionState::UnderWay => confirmed(format!("{label}: under way.")),
        })
    }
}
