//! Everything that a shifter can have done to a night, behind two verbs: plan and carry out. Pages
//! and programs call these; each deed itself belongs to the room that the commands call too.

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
use crate::model::{Author, Deed, DeedPlan, NightDate, ProdId};
use crate::night::{MissingSummary, NightPaths, Observation};

pub use error::DeedError;
pub use service::ActionService;

/// How long somebody who asked for a deed is kept waiting for its end; it goes on without them.
const PATIENCE: Duration = Duration::from_secs(2);

/// What deeds need to know of the site.
#[derive(Clone)]
pub struct Site {
    /// The books and the scheduler.
    pub engine: Engine,
    /// What the operator has set.
    pub settings: Settings,
    /// The production.
    pub prod_id: ProdId,
}

/// A deed that somebody wants done.
#[derive(Clone, Debug)]
pub struct Order {
    /// The night.
    pub date: NightDate,
    /// What.
    pub deed: Deed,
    /// The plan that they have seen, see [`DeedPlan::mark`].
    pub mark: String,
    /// Who.
    pub author: Author,
    /// Now.
    pub now: DateTime<Utc>,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    /// It was done; what came of it, in a line.
    Done(String),
    /// It is under way, and goes on.
    UnderWay,
}

impl Site {
    /// What a deed would do; nothing is changed anywhere.
    ///
    /// # Errors
    /// The night, the books or the scheduler cannot be read.
    pub async fn plan(
        &self,
        date: NightDate,
        deed: Deed,
        now: DateTime<Utc>,
    ) -> Result<DeedPlan, DeedError> {
        let night = Night { site: self, date, now };
        let mut plan = match &deed {
            Deed::Launch => launch::plan(&night).await?,
            Deed::Close { no_dl2 } => close::plan(&night, *no_dl2).await?,
            Deed::CopyDatacheck => publish::plan(&night).await?,
            Deed::Remedy(remedy) => remedy::plan(&night, remedy.clone()).await?,
        };
        plan.mark = plan::mark(&plan)?;
        Ok(plan)
    }

    /// Does what was planned, if the plan is still the one that was seen. It goes on when the caller
    /// goes away.
    ///
    /// # Errors
    /// [`DeedError::Changed`] and [`DeedError::Obstacles`]: nothing was done. Others: what was done
    /// before is told by the logbook.
    pub async fn carry_out(&self, order: Order) -> Result<Became, DeedError> {
        let plan = self.plan(order.date, order.deed.clone(), order.now).await?;
        if !plan.obstacles.is_empty() {
            return Err(DeedError::Obstacles(Box::new(plan)));
        }
        if plan.mark != order.mark {
            return Err(DeedError::Changed(Box::new(plan)));
        }
        let site = self.clone();
        let span = tracing::info_span!(
            "action", date = %order.date, action = order.deed.label(), user = %order.author
        );
        let work = async move {
            tracing::info!("begins");
            let became = site.work(order).await;
            match &became {
                Ok(outcome) => tracing::info!(outcome, "ended"),
                Err(error) => tracing::error!(%error, "failed"),
            }
            became
        };
        let work = tokio::spawn(work.instrument(span));
        match tokio::time::timeout(PATIENCE, work).await {
            Err(_) => Ok(Became::UnderWay),
            Ok(ended) => Ok(Became::Done(ended.map_err(InternalError::from)??)),
        }
    }

    async fn work(&self, order: Order) -> Result<String, DeedError> {
        let night = Night { site: self, date: order.date, now: order.now };
        match order.deed {
            Deed::Launch => launch::carry_out(&night, order.author).await,
            Deed::Close { no_dl2 } => close::carry_out(&night, no_dl2, order.author).await,
            Deed::CopyDatacheck => publish::carry_out(&night, order.author).await,
            Deed::Remedy(remedy) => remedy::carry_out(&night, remedy, order.author).await,
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

    fn script(&self, no_dl2: bool) -> Result<ScriptOptions, DeedError> {
        Ok(ScriptOptions {
            program: executable()?,
            job_path: self.site.settings.server.job_path.clone(),
            no_dl2,
            verbose: false,
        })
    }

    /// What was observed, as people have decided about its runs.
    async fn observe(&self) -> Result<Arc<Observation>, DeedError> {
        let paths = self.paths();
        let read = move || Observation::read(&paths, MissingSummary::Fail);
        let observation = blocking(read).await??;
        let decisions = self.site.engine.store.decisions(self.date, &self.site.prod_id).await?;
        Ok(Arc::new(observation.decided(decisions)))
    }
}
