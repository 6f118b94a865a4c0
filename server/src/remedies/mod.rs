//! Remedies: what shifters do about a night beside launching and closing it. They decide about runs,
//! submit jobs again and cancel jobs that can never start. A remedy is first planned; executing it
//! carries out the same plan and records it in the audit log. The command line and the pages call the
//! same two functions.

mod carry_out;
mod export;
mod plan;

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::config::{SchedulerKind, Settings};
use crate::hint::Hint;
use crate::internal::{InternalError, blocking};
use crate::launch::{Answer, Engine, LaunchError, ScriptError, ScriptOptions, ask, ask_read_only};
use crate::model::{Author, Decision, Remedy, RemedyPlan};
use crate::night::{MissingSummary, NightError, NightPaths, Observation};
use crate::schedule::{self, PartitionLimits, Scheduler, SchedulerError};
use crate::store::{SiteDatabase, StoreError};

pub use carry_out::Done;

/// Why a remedy could not be planned or executed.
#[derive(Debug, thiserror::Error)]
pub enum RemedyError {
    /// The night cannot be read.
    #[error(transparent)]
    Night(#[from] NightError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The scheduler cannot be queried, or submitting had to stop.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// A job cannot be cancelled.
    #[error(transparent)]
    Scheduler(#[from] SchedulerError),
    /// A job script cannot be written.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// A file cannot be written or removed.
    #[error("cannot {what} {}: {cause}", file.display())]
    File {
        /// `write` or `remove`.
        what: &'static str,
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// Something prevents it; nothing was done.
    #[error("nothing was done: {}", .0.join(" "))]
    Obstacles(Vec<String>),
    /// Another remedy is being executed.
    #[error("nothing was done: another action on the night is in progress ({})", .0.display())]
    Busy(PathBuf),
    /// A failure within the program.
    #[error(transparent)]
    Internal(#[from] InternalError),
}

impl Hint for RemedyError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Night(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Launch(error) => error.hint(),
            Self::Scheduler(error) => error.hint(),
            Self::Script(error) => error.hint(),
            Self::Internal(error) => error.hint(),
            Self::File { cause, .. } => cause.hint(),
            Self::Obstacles(_) => None,
            Self::Busy(_) => Some("wait for it to end, and try again".into()),
        }
    }
}

/// A remedy that somebody requests for a night.
#[derive(Clone, Debug)]
pub struct Request {
    /// The settings.
    pub settings: Settings,
    /// The night.
    pub paths: NightPaths,
    /// What. [`Remedy::Launch`] is planned elsewhere: see [`crate::launch::LaunchRequest`].
    pub remedy: Remedy,
    /// Why, in their words; may be empty.
    pub reason: String,
    /// What all job scripts have in common.
    pub script: ScriptOptions,
    /// Who.
    pub author: Author,
    /// The program that does it, `user@host:pid`.
    pub process: String,
    /// Now.
    pub now: DateTime<Utc>,
}

/// What a plan is made of.
struct Ground {
    observation: Observation,
    /// All decisions about the night, also those that were undone.
    decisions: Vec<Decision>,
    jobs: Answer,
    /// What partitions offer, where that matters and is known.
    limits: Vec<PartitionLimits>,
}

impl Request {
    /// What would be done; nothing is changed anywhere.
    ///
    /// # Errors
    /// The night or the database cannot be read.
    pub async fn plan(&self) -> Result<RemedyPlan, RemedyError> {
        let observation = self.observe().await?;
        let access = SiteDatabase::of(&self.settings).open_to_read().await?;
        let decisions = match access.store {
            Some(store) => store.decisions(self.paths.date, &self.paths.prod_id).await?,
            None => Vec::new(),
        };
        let observation = observation.decided(decisions.clone());
        let jobs = ask_read_only(&self.settings, &self.paths, &observation, self.now).await?;
        let server = &self.settings.server;
        let limits = match server.scheduler {
            SchedulerKind::Slurm => self.limits(&schedule::slurm(server)).await,
            SchedulerKind::Local => Vec::new(),
        };
        let ground = Ground { observation, decisions, jobs, limits };
        self.planned(ground).await.map(|planned| planned.plan)
    }

    /// Plans, and executes the plan.
    ///
    /// # Errors
    /// [`RemedyError::Obstacles`] and [`RemedyError::Busy`]: nothing was done. Otherwise the
    /// steps before the one that failed were done, as the audit log says; the request may be repeated.
    #[tracing::instrument(name = "remedy", skip_all, fields(date = %self.paths.date, action = carry_out::word(&self.remedy), user = %self.author))]
    pub async fn execute(&self, engine: &Engine) -> Result<Done, RemedyError> {
        let _lock = carry_out::lock_night(&self.paths)?;
        let observation = self.observe().await?;
        let decisions = engine.store.decisions(self.paths.date, &self.paths.prod_id).await?;
        let observation = observation.decided(decisions.clone());
        let jobs = ask(engine, &self.paths, &observation, self.now).await?;
        let limits = self.limits(&*engine.scheduler).await;
        let planned = self.planned(Ground { observation, decisions, jobs, limits }).await?;
        if !planned.plan.obstacles.is_empty() {
            return Err(RemedyError::Obstacles(planned.plan.obstacles));
        }
        carry_out::carry_out(self, engine, planned).await
    }

    /// What the partitions offer, if more is asked for than before.
    async fn limits(&self, scheduler: &dyn Scheduler) -> Vec<PartitionLimits> {
        let Remedy::Resubmit { memory, walltime, .. } = &self.remedy else { return Vec::new() };
        if memory.is_none() && walltime.is_none() {
            return Vec::new();
        }
        scheduler.limits().await.unwrap_or_else(|error| {
            // Slurm itself refuses what it cannot run.
            tracing::warn!("the limits of the partitions are not known: {error}");
            Vec::new()
        })
    }

    async fn observe(&self) -> Result<Observation, RemedyError> {
        let paths = self.paths.clone();
        let read = move || Observation::read(&paths, MissingSummary::Fail);
        Ok(blocking(read).await??)
    }

    async fn planned(&self, ground: Ground) -> Result<plan::Planned, RemedyError> {
        let request = self.clone();
        Ok(blocking(move || plan::plan(&request, &ground)).await?)
    }
}
