//! Actions on a night: planned and executed for whoever asks.

use app::backend::BackendError;

use super::{Caller, confirmed};
use crate::deeds::{Became, Order};
use crate::model::{Confirmation, Deed, DeedPlan, NightDate, Role};

impl Caller {
    /// What an action would do.
    pub async fn plan(&self, date: NightDate, action: Deed) -> Result<DeedPlan, BackendError> {
        Ok(self.state.deeds.plan(date, action, self.now()).await?)
    }

    /// Executes the plan that was seen, named by its `mark`.
    pub async fn execute(
        &self,
        date: NightDate,
        action: Deed,
        mark: String,
    ) -> Result<Became, BackendError> {
        let author = self.author(Role::Shifter)?;
        let order = Order { date, deed: action, mark, author, now: self.now() };
        let became = self.state.deeds.carry_out(order).await;
        self.state.watcher.jobs.wake();
        Ok(became?)
    }

    /// The same for a person, who has to confirm it.
    pub(super) async fn execute_confirmed(
        &self,
        date: NightDate,
        action: Deed,
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
            Became::Done(outcome) => confirmed(app::sentence(&outcome)),
            Became::UnderWay => confirmed(format!("{label}: under way.")),
        })
    }
}
