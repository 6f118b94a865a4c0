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
mod plan;
mod run;
mod steps;
mod survey;
mod tell;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::config::Settings;
use crate::launch::{Answer, Engine, ScriptOptions, ask, author, look_on};
use crate::model::{
    Author, CloseOptions, ClosingPlan, ClosingProgress, DeedOutcome, JobState, NightDate, ProdId,
    RunId, StepState,
};
use crate::night::{MissingSummary, NightPaths, Observation};
use crate::status::{Depth, NightInput, StatusCache, night_status};
use crate::store::{Closing, Deed, NewClosing, Store, StoreError, Submission, SubmissionState};

pub use error::CloseError;
pub use mail::MailError;
pub use plan::observation_over;
pub use tell::plan as plan_text;

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
            program: std::env::current_exe().map_err(CloseError::Program)?,
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

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// It is closed now.
    Now(ClosingProgress),
    /// It had been closed before; nothing was changed.
    Before,
}

/// What the books say of earlier closings of a night.
#[derive(Debug, Default)]
struct Past {
    /// One that has not come to its end.
    earlier: Option<Closing>,
    /// Purposes of jobs that have ended well since the night was reopened last.
    done: BTreeSet<String>,
    /// The same since the earlier closing was begun, and the purposes of its jobs; others were done
    /// before it.
    own: Option<(BTreeSet<String>, BTreeSet<String>)>,
}

impl Past {
    async fn of(store: &Store, request: &Request) -> Result<Self, StoreError> {
        let (date, prod_id) = (request.paths.date, &request.paths.prod_id);
        let last = store.closings(date, prod_id).await?;
        let last = last.into_iter().find(|closing| closing.options.seq == request.options.seq);
        let earlier = last.filter(|closing| closing.state != StepState::Done);
        let submissions = store.submissions_of(date, prod_id).await?;
        let done = done_after(&submissions, store.reopened_after(date, prod_id).await?);
        let own = match earlier.as_ref().filter(|earlier| earlier.options == request.options) {
            Some(earlier) => Some((
                done_after(&submissions, earlier.after_submission),
                store.closing_purposes(earlier.id).await?,
            )),
            None => None,
        };
        Ok(Self { earlier, done, own })
    }

    /// Whether the earlier closing cannot be gone on with: files have come since of a run of which
    /// it has done jobs, so that they must be done again.
    fn is_outdated(&self, survey: &Survey) -> bool {
        let Some((done, _)) = &self.own else { return self.earlier.is_some() };
        let of = |run: RunId| done.iter().any(|purpose| purpose.ends_with(&format!(" {run}")));
        survey.groups.iter().any(|group| survey.moves(group.run) && of(group.run))
    }
}

/// Purposes whose last submission, of those after the one with this number, has ended well.
fn done_after(submissions: &[Submission], floor: i64) -> BTreeSet<String> {
    let mut done = BTreeSet::new();
    for submission in submissions.iter().filter(|submission| submission.id > floor) {
        let well = submission.state == SubmissionState::Submitted
            && submission.end_state == Some(JobState::Completed);
        match well {
            true => done.insert(submission.purpose.clone()),
            false => done.remove(&submission.purpose),
        };
    }
    done
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
    let look = move || {
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
            done,
            own,
            resumes: past.earlier.is_some(),
            script: &request.script,
            now: request.now,
        };
        Planned { plan: grounds.plan(), earlier: past.earlier, outdated }
    };
    Ok(tokio::task::spawn_blocking(look).await?)
}

/// What closing would do, with the books and the scheduler of `engine`.
///
/// # Errors
/// The books cannot be used. What is in the way of closing is told in the plan.
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

/// As [`plan_night`], and writes nothing at all: missing books are not made.
///
/// # Errors
/// The books are there and cannot be read.
pub async fn look(request: &Request) -> Result<ClosingPlan, CloseError> {
    let file = request.settings.server.database_file(&request.settings.site);
    let store = Store::open_to_read(&file).await?;
    let request = match &store {
        Some(store) => &decided(store, request).await?,
        None => request,
    };
    let Request { settings, paths, observation, now, .. } = request;
    let answer = match request.options.no_jobs {
        true => Answer::unknown(),
        false => look_on(settings, paths, observation, *now).await?,
    };
    let past = match store {
        Some(store) if store.has_table("closings").await? => Past::of(&store, request).await?,
        _ => Past::default(),
    };
    Ok(plan_with(request, answer, past).await?.plan)
}

fn lock_name(date: NightDate, prod_id: &ProdId) -> String {
    format!("closing {date} {prod_id}")
}

/// Closes a night or a sequence, or goes on with a closing that was cut short or failed, to its end.
///
/// Waits for the jobs of this closing, and for no others.
///
/// # Errors
/// [`CloseError::Blocked`] and [`CloseError::Unfinished`], with the plan: nothing was done.
/// [`CloseError::Busy`]: somebody else is at it. [`CloseError::Step`]: a step failed, and the night
/// stays open; calling this again goes on from there.
pub async fn start(engine: &Engine, request: &Request) -> Result<Closed, CloseError> {
    let store = &engine.store;
    let name = lock_name(request.paths.date, &request.paths.prod_id);
    let guard = lock::take(store, &name, &request.by.to_string(), request.now).await?;
    let closed = close(engine, request).await;
    let released = guard.release().await;
    let closed = closed?;
    released?;
    Ok(closed)
}

async fn close(engine: &Engine, request: &Request) -> Result<Closed, CloseError> {
    let store = &engine.store;
    let clock = Clock::new(request.now);
    let request = &decided(store, request).await?;
    let answer = asked(engine, request).await?;
    let tasks = answer.tasks.clone();
    let past = Past::of(store, request).await?;
    let Planned { plan, earlier, outdated } = plan_with(request, answer, past).await?;
    if plan.already_closed {
        // It was cut short after the very last step.
        if let Some(earlier) = earlier {
            store.end_closing(earlier.id, StepState::Done, "", clock.now()).await?;
        }
        return Ok(Closed::Before);
    }
    if !plan.blocks.is_empty() {
        return Err(CloseError::Blocked(plan.blocks));
    }
    // Whoever began it has said that it is to be closed as it is.
    if !(plan.ready || plan.resumes || request.anyway) {
        return Err(CloseError::Unfinished(Box::new(plan)));
    }
    let steps = steps::of(&plan);
    let named: Vec<_> = steps.iter().map(|step| (step.name.clone(), step.title.clone())).collect();
    let new = NewClosing {
        date: plan.date,
        prod_id: &plan.prod_id,
        options: plan.options,
        author: &request.by.to_string(),
        plan: &serde_json::to_string(&plan)?,
        jobs: &serde_json::to_string(&plan.jobs)?,
        steps: &named,
    };
    let deed = Deed {
        date: plan.date,
        prod_id: &plan.prod_id,
        author: &request.by,
        process: &request.author,
        action: "close",
        plan: &json!({
            "seq": plan.options.seq,
            "no_dl2": plan.options.no_dl2,
            "files": plan.file_count(),
            "bytes": plan.bytes(),
            "jobs": plan.jobs.iter().map(|job| &job.name).collect::<Vec<_>>(),
            "unfinished": plan.unfinished().map(|sequence| sequence.run).collect::<Vec<_>>(),
        }),
    };
    let line = store.begin_deed(&deed, request.now).await?;
    let earlier = match earlier {
        Some(earlier) if outdated => {
            let why = "another closing was begun in its place";
            store.end_closing(earlier.id, StepState::Failed, why, clock.now()).await?;
            None
        }
        earlier => earlier,
    };
    let (closing, attempt) = store.begin_closing(&new, earlier.as_ref(), clock.now()).await?;
    fault::point("begun");
    let after = store.last_submission_before(closing).await?;
    let work = run::Run { engine, request, plan: &plan, tasks, closing, attempt, after, clock };
    let ended = work.carry_out(&steps).await;
    let (state, message) = match &ended {
        Ok(()) => (StepState::Done, String::new()),
        Err(error) => (StepState::Failed, error.to_string()),
    };
    store.end_closing(closing, state, &message, clock.now()).await?;
    let outcome = DeedOutcome {
        well: ended.is_ok(),
        message: if ended.is_ok() { "closed".into() } else { message.clone() },
    };
    store.end_deed(line, &outcome, clock.now()).await?;
    if let Err(error) = ended {
        warn(request, &message).await;
        return Err(error);
    }
    let progress = progress(store, request.paths.date, &request.paths.prod_id).await?;
    Ok(progress.map_or(Closed::Before, Closed::Now))
}

/// Sends the warning mail; that it cannot be sent is told, and changes nothing.
async fn warn(request: &Request, why: &str) {
    let (settings, paths) = (request.settings.clone(), request.paths.clone());
    let why = why.to_owned();
    let sent = tokio::task::spawn_blocking(move || mail::warn(&settings, &paths, &why)).await;
    match sent {
        Ok(Ok(Some(to))) => eprintln!("{to} was warned by mail"),
        Ok(Ok(None)) => {}
        Ok(Err(error)) => eprintln!("warning: no mail was sent: {error}"),
        Err(error) => eprintln!("warning: no mail was sent: {error}"),
    }
}

/// How far the last closing of a night is; `None` if there was none.
///
/// # Errors
/// The books cannot be read.
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
    let jobs = run::job_states(&purposes, &submissions, closing.after_submission);
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
/// The books cannot be read.
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

/// Opens a closed night, or one sequence, again: removes its flags, and records that. Products stay
/// where they are; closing again finds them there. Returns the flags that were removed.
///
/// # Errors
/// A flag cannot be removed, or somebody is closing the night.
pub async fn reopen(engine: &Engine, request: &Request) -> Result<Vec<String>, CloseError> {
    let store = &engine.store;
    let Request { paths, options, by, now, .. } = request;
    let name = lock_name(paths.date, &paths.prod_id);
    let guard = lock::take(store, &name, &by.to_string(), *now).await?;
    let reopened = remove_flags(engine, request).await;
    guard.release().await?;
    let removed = reopened?;
    if !removed.is_empty() {
        let seq = options.seq;
        let author = by.to_string();
        store.record_reopening(paths.date, &paths.prod_id, seq, &author, &removed, *now).await?;
    }
    Ok(removed)
}

async fn remove_flags(engine: &Engine, request: &Request) -> Result<Vec<String>, CloseError> {
    let Request { paths, observation, options, .. } = request;
    let mut flags = Vec::new();
    // Without the night's flag first, or a crash in between would leave a closed night with open
    // sequences.
    flags.push(paths.night_finished());
    let chosen = observation.sequences.iter().map(|sequence| sequence.run);
    let chosen = chosen.filter(|run| options.seq.is_none_or(|seq| seq == *run));
    flags.extend(chosen.map(|run| paths.sequence_file(run, None, "closed")));
    flags.retain(|flag| flag.exists());
    let names: Vec<String> = flags.iter().map(|flag| flag.display().to_string()).collect();
    if names.is_empty() {
        return Ok(names);
    }
    let deed = Deed {
        date: paths.date,
        prod_id: &paths.prod_id,
        author: &request.by,
        process: &request.author,
        action: "reopen",
        plan: &json!({ "seq": options.seq, "flags": names }),
    };
    let line = engine.store.begin_deed(&deed, request.now).await?;
    for flag in &flags {
        std::fs::remove_file(flag).map_err(CloseError::file("remove", flag))?;
    }
    let outcome = DeedOutcome { well: true, message: "reopened".into() };
    engine.store.end_deed(line, &outcome, request.now).await?;
    Ok(names)
}
