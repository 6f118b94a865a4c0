//! Closing a night: plan, then do, once.
//!
//! [`plan_night`] tells what closing would do; [`start`] does it: under a lock, from a plan of what
//! is left to be done, step by step, each recorded before and after. Whatever the moment at which it
//! is cut short, calling it again goes on. [`progress`] tells how far it is, whoever does it.

mod account;
pub mod auto;
mod error;
mod fault;
mod files;
mod jobs;
mod lock;
mod mail;
pub mod manifest;
pub mod moves;
mod past;
mod plan;
mod reopen;
mod run;
mod standing;
mod steps;
mod survey;
mod tell;
mod work;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::Settings;
use crate::internal::{blocking, executable};
use crate::launch::{Answer, Engine, ScriptOptions, ask, ask_read_only, author};
use crate::model::{
    Author, CloseOptions, ClosingPlan, ClosingProgress, NightDate, ProdId, RunId, StepState,
};
use crate::night::{MissingSummary, NightPaths, Observation};
use crate::status::{Depth, NightInput, StatusCache, night_status};
use crate::store::{Closing, ReadAccess, SiteDatabase, Store, StoreError};

pub use error::CloseError;
pub use mail::MailError;
pub use plan::observation_over;
pub use reopen::reopen;
pub use tell::{plan as plan_text, word as level_word};
pub use work::{Begun, Closed, RunningClosing, begin, start};

use past::Past;
use plan::Grounds;
use survey::Survey;

/// A night that is to be closed, by whom and how.
#[derive(Clone, Debug)]
pub struct Request {
    /// What the operator has set.
    pub settings: Settings,
    /// The night.
    pub paths: NightPaths,
    /// What was observed.
    pub observation: Arc<Observation>,
    /// How.
    pub options: CloseOptions,
    /// What all job scripts have in common.
    pub script: ScriptOptions,
    /// Who wants it.
    pub by: Author,
    /// The program that does it, see [`crate::launch::author`].
    pub author: String,
    /// Close also if sequences are not finished.
    pub anyway: bool,
    /// Now.
    pub now: DateTime<Utc>,
}

impl Request {
    /// Reads what was observed. Blocks on the disk.
    ///
    /// # Errors
    /// [`CloseError::Night`]: the run summary is missing or unreadable.
    pub fn read(
        settings: Settings,
        date: NightDate,
        prod_id: ProdId,
        options: CloseOptions,
        by: Author,
        now: DateTime<Utc>,
    ) -> Result<Self, CloseError> {
        let paths = NightPaths::new(settings.site.clone(), date, prod_id);
        let observation = Observation::read(&paths, MissingSummary::Fail)?;
        let script = ScriptOptions {
            program: executable()?,
            job_path: settings.server.job_path.clone(),
            no_dl2: options.no_dl2,
            verbose: false,
        };
        Ok(Self {
            settings,
            paths,
            observation: Arc::new(observation),
            options,
            script,
            by,
            author: author(),
            anyway: false,
            now,
        })
    }
}

/// Time since a request was made, so that rules depend on the time that was given.
#[derive(Clone, Copy, Debug)]
struct Clock {
    now: DateTime<Utc>,
    begun: Instant,
}

impl Clock {
    fn new(now: DateTime<Utc>) -> Self {
        Self { now, begun: Instant::now() }
    }

    fn now(&self) -> DateTime<Utc> {
        self.now + TimeDelta::from_std(self.begun.elapsed()).unwrap_or(TimeDelta::MAX)
    }
}

/// A plan, and the closing that it goes on with or takes the place of.
struct Planned {
    plan: ClosingPlan,
    earlier: Option<Closing>,
    outdated: bool,
}

/// Plans with what the scheduler has answered. Blocks on the disk inside a thread that may.
async fn plan_with(request: &Request, answer: Answer, past: Past) -> Result<Planned, CloseError> {
    let request = request.clone();
    let plan = move || {
        let Request { paths, observation, options, .. } = &request;
        let status = night_status(
            &NightInput {
                paths,
                observation,
                jobs: &answer.jobs(),
                depth: Depth::Full,
                dl2: Some(!options.no_dl2),
                now: request.now,
            },
            &StatusCache::default(),
        );
        let runs: Vec<RunId> = observation
            .sequences
            .iter()
            .map(|sequence| sequence.run)
            .filter(|run| options.seq.is_none_or(|seq| seq == *run))
            .collect();
        let dropped: BTreeSet<_> = observation.dropped().collect();
        let survey = Survey::of(paths, &runs, &dropped);
        let outdated = past.is_outdated(&survey);
        let (done, own) = match past.own {
            Some((done, own)) if !outdated => (done, Some(own)),
            _ => (past.done, None),
        };
        let grounds = Grounds {
            paths,
            status: &status,
            survey: &survey,
            options: *options,
            calibration: observation.calibration,
            faulty: &observation.faulty,
            done,
            own,
            resumes: past.earlier.is_some(),
            script: &request.script,
            now: request.now,
        };
        Planned { plan: grounds.plan(), earlier: past.earlier, outdated }
    };
    Ok(blocking(plan).await?)
}

/// What closing would do, with the database and the scheduler of `engine`.
///
/// # Errors
/// The database cannot be used. What is in the way of closing is reported in the plan.
pub async fn plan_night(engine: &Engine, request: &Request) -> Result<ClosingPlan, CloseError> {
    let request = &decided(&engine.store, request).await?;
    let answer = asked(engine, request).await?;
    let past = Past::of(&engine.store, request).await?;
    Ok(plan_with(request, answer, past).await?.plan)
}

/// The request with the observation as people have decided about its runs.
async fn decided(store: &Store, request: &Request) -> Result<Request, StoreError> {
    let decisions = store.decisions(request.paths.date, &request.paths.prod_id).await?;
    let observation = (*request.observation).clone().decided(decisions);
    Ok(Request { observation: Arc::new(observation), ..request.clone() })
}

/// What the scheduler says of the night; nobody is asked with `-t`.
async fn asked(engine: &Engine, request: &Request) -> Result<Answer, CloseError> {
    let Request { paths, observation, options, now, .. } = request;
    match options.no_jobs {
        true => Ok(Answer::unknown()),
        false => Ok(ask(engine, paths, observation, *now).await?),
    }
}

/// As [`plan_night`], and writes nothing at all: a missing database is not made.
///
/// # Errors
/// The database is there and cannot be read.
pub async fn preview(request: &Request) -> Result<ClosingPlan, CloseError> {
    let ReadAccess { store, notice } = SiteDatabase::of(&request.settings).open_to_read().await?;
    let request = match &store {
        Some(store) => &decided(store, request).await?,
        None => request,
    };
    let Request { settings, paths, observation, now, .. } = request;
    let answer = match request.options.no_jobs {
        true => Answer::unknown(),
        false => ask_read_only(settings, paths, observation, *now).await?,
    };
    let past = match store {
        Some(store) => Past::of(&store, request).await?,
        None => Past::default(),
    };
    let mut plan = plan_with(request, answer, past).await?.plan;
    plan.notices.extend(notice);
    Ok(plan)
}

fn lock_name(date: NightDate, prod_id: &ProdId) -> String {
    format!("closing {date} {prod_id}")
}

/// How far the last closing of a night is; `None` if there was none.
///
/// # Errors
/// The database cannot be read.
pub async fn progress(
    store: &Store,
    date: NightDate,
    prod_id: &ProdId,
) -> Result<Option<ClosingProgress>, StoreError> {
    let Some(closing) = store.closings(date, prod_id).await?.into_iter().next() else {
        return Ok(None);
    };
    let holder = store.lock_holder(&lock_name(date, prod_id)).await?;
    let lives = holder.as_ref().is_some_and(lock::lives);
    let interrupted = |state| match state {
        StepState::Running if !lives => StepState::Interrupted,
        state => state,
    };
    let mut steps = store.closing_steps(closing.id, closing.attempt).await?;
    for step in &mut steps {
        step.state = interrupted(step.state);
    }
    let submissions = store.submissions_of(date, prod_id).await?;
    let purposes = store.closing_jobs(closing.id).await?;
    let jobs = standing::job_states(&purposes, &submissions, closing.after_submission);
    Ok(Some(ClosingProgress {
        id: closing.id,
        date,
        prod_id: closing.prod_id,
        options: closing.options,
        author: closing.author,
        state: interrupted(closing.state),
        started: closing.started,
        ended: closing.ended,
        attempt: closing.attempt,
        message: closing.message,
        steps,
        jobs,
    }))
}

/// Nights whose closing was cut short: whoever did it is gone.
///
/// # Errors
/// The database cannot be read.
pub async fn interrupted(
    store: &Store,
) -> Result<Vec<(NightDate, ProdId, CloseOptions)>, StoreError> {
    let mut found = Vec::new();
    for closing in store.closings_running().await? {
        let holder = store.lock_holder(&lock_name(closing.date, &closing.prod_id)).await?;
        if !holder.as_ref().is_some_and(lock::lives) {
            found.push((closing.date, closing.prod_id, closing.options));
        }
    }
    Ok(found)
}
