//! The actions of a shifter on a night, with two operations: plan and execute. The pages
//! and the REST interface call these; the work itself belongs to the rooms that the commands call too.

mod close;
mod error;
mod launch;
mod plan;
mod publish;
mod remedy;
mod service;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tracing::Instrument;

use crate::config::Settings;
use crate::internal::{InternalError, blocking, executable};
use crate::launch::{Engine, ScriptOptions};
use crate::model::{Action, ActionPlan, Author, NightDate, ProdId};
use crate::night::{MissingSummary, NightPaths, Observation};

pub use error::ActionError;
pub use service::ActionService;

/// How long a request waits for the end of its action, which then goes on in the background.
const PATIENCE: Duration = Duration::from_secs(2);

/// What actions need of the site.
#[derive(Clone)]
pub struct Site {
    /// The database and the scheduler.
    pub engine: Engine,
    /// What the operator has set.
    pub settings: Settings,
    /// The production.
    pub prod_id: ProdId,
}

/// An action that a user has confirmed.
#[derive(Clone, Debug)]
pub struct ConfirmedAction {
    /// The night.
    pub date: NightDate,
    /// What.
    pub action: Action,
    /// The plan that the user has seen, see [`ActionPlan::mark`].
    pub mark: String,
    /// Who.
    pub author: Author,
    /// Now.
    pub now: DateTime<Utc>,
}

/// How far an action is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecutionState {
    /// It is done; its outcome, in one line.
    Done(String),
    /// It is still being executed.
    UnderWay,
}

impl Site {
    /// What an action would do; changes nothing.
    ///
    /// # Errors
    /// The night, the database or the scheduler cannot be read.
    pub async fn plan(
        &self,
        date: NightDate,
        action: Action,
        now: DateTime<Utc>,
    ) -> Result<ActionPlan, ActionError> {
        let night = Night { site: self, date, now };
        let mut plan = match &action {
            Action::Launch => launch::plan(&night).await?,
            Action::Close { no_dl2 } => close::plan(&night, *no_dl2).await?,
            Action::CopyDatacheck => publish::plan(&night).await?,
            Action::Remedy(remedy) => remedy::plan(&night, remedy.clone()).await?,
        };
        plan.mark = plan::mark(&plan)?;
        Ok(plan)
    }

    /// Executes the plan, if it is still the one that was seen. It goes on when the caller
    /// goes away.
    ///
    /// # Errors
    /// [`ActionError::Changed`] and [`ActionError::Obstacles`]: nothing was done. Others: the
    /// audit log says what was done before.
    pub async fn carry_out(
        &self,
        confirmed: ConfirmedAction,
    ) -> Result<ExecutionState, ActionError> {
        let plan = self.plan(confirmed.date, confirmed.action.clone(), confirmed.now).await?;
        if !plan.obstacles.is_empty() {
            return Err(ActionError::Obstacles(Box::new(plan)));
        }
        if plan.mark != confirmed.mark {
            return Err(ActionError::Changed(Box::new(plan)));
        }
        let site = self.clone();
        let span = tracing::info_span!(
            "action", date = %confirmed.date, action = confirmed.action.label(), user = %confirmed.author
        );
        let work = async move {
            tracing::info!("begins");
            let result = site.work(confirmed).await;
            match &result {
                Ok(outcome) => tracing::info!(outcome, "ended"),
                Err(error) => tracing::error!(%error, "failed"),
            }
            result
        };
        let work = tokio::spawn(work.instrument(span));
        match tokio::time::timeout(PATIENCE, work).await {
            Err(_) => Ok(ExecutionState::UnderWay),
            Ok(ended) => Ok(ExecutionState::Done(ended.map_err(InternalError::from)??)),
        }
    }

    async fn work(&self, confirmed: ConfirmedAction) -> Result<String, ActionError> {
        let night = Night { site: self, date: confirmed.date, now: confirmed.now };
        match confirmed.action {
            Action::Launch => launch::carry_out(&night, confirmed.author).await,
            Action::Close { no_dl2 } => close::carry_out(&night, no_dl2, confirmed.author).await,
            Action::CopyDatacheck => publish::carry_out(&night, confirmed.author).await,
            Action::Remedy(remedy) => remedy::carry_out(&night, remedy, confirmed.author).await,
        }
    }
}

/// A night of the site, at a time.
struct Night<'a> {
    site: &'a Site,
    date: NightDate,
    now: DateTime<Utc>,
}

impl Night<'_> {
    fn paths(&self) -> NightPaths {
        NightPaths::new(self.site.settings.site.clone(), self.date, self.site.prod_id.clone())
    }

    fn script(&self, no_dl2: bool) -> Result<ScriptOptions, ActionError> {
        Ok(ScriptOptions {
            program: executable()?,
            job_path: self.site.settings.server.job_path.clone(),
            no_dl2,
            verbose: false,
        })
    }

    /// What was observed, as people have decided about its runs.
    async fn observe(&self) -> Result<Arc<Observation>, ActionError> {
        let paths = self.paths();
        let read = move || Observation::read(&paths, MissingSummary::Fail);
        let observation = blocking(read).await??;
        let decisions = self.site.engine.store.decisions(self.date, &self.site.prod_id).await?;
        Ok(Arc::new(observation.decided(decisions)))
    }
}
