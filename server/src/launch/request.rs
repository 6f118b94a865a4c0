//! Launching a night: the one function that every launch goes through.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::internal::blocking;
use crate::model::{ActionOutcome, Author};
use crate::night::{NightPaths, Observation};

use super::engine::{Answer, Engine, ask};
use super::prepare::{Prepared, prepare, write_scripts};
use super::submit::{Order, SubmitOutcome, execute};
use crate::store::NewAction;

use super::{Gate, LaunchError, LaunchOptions, LaunchPlan, ScriptOptions};

/// A request to launch a night.
#[derive(Clone, Debug)]
pub struct LaunchRequest {
    /// The night.
    pub paths: NightPaths,
    /// What was observed.
    pub observation: Arc<Observation>,
    /// How.
    pub options: LaunchOptions,
    /// What all job scripts have in common.
    pub script: ScriptOptions,
    /// Who.
    pub by: Author,
    /// The program that does it, see [`author`].
    pub author: String,
    /// Now.
    pub now: DateTime<Utc>,
}

/// The outcome of a launch.
#[derive(Clone, Debug)]
pub struct Launched {
    /// What was found and planned. If a gate was shut, nothing was done.
    pub prepared: Prepared,
    /// The outcome of each planned job.
    pub outcomes: Vec<SubmitOutcome>,
}

impl LaunchRequest {
    /// Where the night stands and what launching it would do; changes nothing.
    ///
    /// # Errors
    /// A job script cannot be made.
    pub async fn prepare(&self, jobs: Answer) -> Result<Prepared, LaunchError> {
        let this = self.clone();
        let read = move || {
            let Self { paths, observation, options, script, now, .. } = &this;
            prepare(paths, observation, &jobs.jobs(), options, script, *now)
        };
        Ok(blocking(read).await??)
    }

    /// Makes the night's directories and writes the plan's scripts.
    ///
    /// # Errors
    /// See [`write_scripts`].
    pub async fn write_scripts(&self, plan: &LaunchPlan) -> Result<(), LaunchError> {
        let (paths, plan) = (self.paths.clone(), plan.clone());
        Ok(blocking(move || write_scripts(&paths, &plan)).await??)
    }

    /// Asks the scheduler, plans and, if all gates are open, writes the scripts and submits the
    /// jobs. Whatever the moment at which it is cut short, it may simply be called again.
    ///
    /// # Errors
    /// The scheduler does not answer, or a script cannot be written: then nothing was submitted.
    /// The database cannot be written: nothing more was submitted. [`Launched::outcomes`] has the
    /// outcome of each job.
    #[tracing::instrument(skip_all, fields(date = %self.paths.date, user = %self.by))]
    pub async fn launch(&self, engine: &Engine) -> Result<Launched, LaunchError> {
        let jobs = ask(engine, &self.paths, &self.observation, self.now).await?;
        let prepared = self.prepare(jobs.reliable()?).await?;
        self.carry_out(engine, prepared).await
    }

    /// As [`launch`](Self::launch), of a launch that was cut short: only the jobs with these purposes,
    /// and also while others of the night wait or run.
    ///
    /// # Errors
    /// As [`launch`](Self::launch).
    #[tracing::instrument(skip_all, fields(date = %self.paths.date, user = %self.by))]
    pub async fn launch_rest(
        &self,
        engine: &Engine,
        purposes: &BTreeSet<String>,
    ) -> Result<Launched, LaunchError> {
        let jobs = ask(engine, &self.paths, &self.observation, self.now).await?;
        let mut prepared = self.prepare(jobs.reliable()?).await?;
        let plan = &mut prepared.plan;
        plan.gate = plan.gate.take().filter(|gate| !matches!(gate, Gate::Active { .. }));
        plan.jobs.retain(|job| purposes.contains(&job.purpose));
        match plan.jobs.is_empty() {
            true => Ok(Launched { prepared, outcomes: Vec::new() }),
            false => self.carry_out(engine, prepared).await,
        }
    }

    async fn carry_out(
        &self,
        engine: &Engine,
        prepared: Prepared,
    ) -> Result<Launched, LaunchError> {
        if prepared.plan.gate.is_some() {
            return Ok(Launched { prepared, outcomes: Vec::new() });
        }
        let begun = Instant::now();
        let plan = &prepared.plan;
        let entry = NewAction {
            date: self.paths.date,
            prod_id: &self.paths.prod_id,
            author: &self.by,
            process: &self.author,
            action: "launch",
            plan: &json!({
                "jobs": plan.jobs,
                "left_out": plan.left_out,
                "options": self.options,
            }),
        };
        let id = engine.store.begin_action(&entry, self.now).await?;
        let outcomes = self.submit(engine, plan).await;
        let outcome = match &outcomes {
            Ok(outcomes) => summarize(outcomes),
            Err(error) => ActionOutcome { success: false, message: error.to_string() },
        };
        let took = TimeDelta::from_std(begun.elapsed()).unwrap_or(TimeDelta::MAX);
        let ended = engine.store.end_action(id, &outcome, self.now + took).await;
        let outcomes = outcomes?;
        ended?;
        Ok(Launched { prepared, outcomes })
    }

    async fn submit(
        &self,
        engine: &Engine,
        plan: &LaunchPlan,
    ) -> Result<Vec<SubmitOutcome>, LaunchError> {
        self.write_scripts(plan).await?;
        let order = Order {
            date: self.paths.date,
            prod_id: &self.paths.prod_id,
            jobs: &plan.jobs,
            environment: &[("MPLBACKEND".to_owned(), "Agg".to_owned())],
            author: &self.author,
        };
        Ok(execute(&engine.store, &*engine.scheduler, &order, self.now).await?)
    }
}

/// The outcome of all jobs, in one line.
pub fn summarize(outcomes: &[SubmitOutcome]) -> ActionOutcome {
    let failed: Vec<String> = outcomes
        .iter()
        .filter(|outcome| outcome.verdict.is_failure())
        .map(|outcome| format!("{}: {}", outcome.name, outcome.verdict))
        .collect();
    let submitted = outcomes.len() - failed.len();
    let plural = if submitted == 1 { "" } else { "s" };
    let mut parts = vec![format!("{submitted} job{plural} submitted")];
    parts.extend(failed.iter().cloned());
    ActionOutcome { success: failed.is_empty(), message: parts.join("; ") }
}

/// The user of the machine whose command this is.
pub fn user() -> Author {
    Author::Cli(user_name())
}

fn user_name() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
    user.map_or_else(|| nix::unistd::geteuid().to_string(), |user| user.name)
}

/// This process, as the database names it: `user@host:pid`.
pub fn author() -> String {
    let user = user_name();
    let host = nix::unistd::gethostname().unwrap_or_default();
    format!("{user}@{}:{}", host.to_string_lossy(), std::process::id())
}
