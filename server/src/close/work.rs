//! Closing, from the lock to the end.

use serde_json::json;

use crate::internal::{InternalError, blocking};
use crate::launch::Engine;
use crate::model::{ActionOutcome, ClosingPlan, ClosingProgress, StepState, TaskRecord};
use crate::store::{NewAction, NewClosing};

use super::lock::Guard;
use super::past::Past;
use super::steps::Step;
use super::{
    Clock, CloseError, Planned, Request, asked, decided, fault, lock, lock_name, mail, plan_with,
    progress, run, steps,
};

/// The outcome of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// It is closed now.
    Now(ClosingProgress),
    /// It had been closed before; nothing was changed.
    Before,
}

/// The outcome of beginning a closing.
#[derive(Debug)]
pub enum Begun {
    /// It is under way, and goes on when this is carried out.
    Work(Box<RunningClosing>),
    /// It had been closed before; nothing was changed.
    Before,
}

/// A closing that was begun. Dropped before its end, it counts as interrupted.
#[derive(Debug)]
pub struct RunningClosing {
    /// Its number.
    pub closing: i64,
    /// What is done.
    pub plan: ClosingPlan,
    engine: Engine,
    request: Request,
    steps: Vec<Step>,
    tasks: Vec<TaskRecord>,
    attempt: u32,
    after: i64,
    line: i64,
    clock: Clock,
    guard: Option<Guard>,
}

/// Closes a night or a sequence, or goes on with a closing that was cut short or failed, to its end.
///
/// Waits for the jobs of this closing, and for no others. [`begin`] and [`RunningClosing::carry_out`]
/// are the same in two parts, for those who cannot wait.
///
/// # Errors
/// [`CloseError::Blocked`] and [`CloseError::Unfinished`], with the plan: nothing was done.
/// [`CloseError::Busy`]: somebody else is at it. [`CloseError::Step`]: a step failed, and the night
/// stays open; calling this again goes on from there.
#[tracing::instrument(name = "close", skip_all, fields(date = %request.paths.date, user = %request.by))]
pub async fn start(engine: &Engine, request: &Request) -> Result<Closed, CloseError> {
    match begin(engine, request).await? {
        Begun::Work(work) => work.carry_out().await,
        Begun::Before => Ok(Closed::Before),
    }
}

/// Takes the lock, plans and writes the plan down: from here on everybody sees that it is under
/// way, and nobody else can begin it.
///
/// # Errors
/// As [`start`], without [`CloseError::Step`].
#[tracing::instrument(name = "begin_closing", skip_all, fields(date = %request.paths.date, user = %request.by))]
pub async fn begin(engine: &Engine, request: &Request) -> Result<Begun, CloseError> {
    let name = lock_name(request.paths.date, &request.paths.prod_id);
    let by = request.by.to_string();
    let guard = lock::take(&engine.store, &name, &by, request.now).await?;
    match plan_and_record(engine, request).await {
        Ok(Some(work)) => Ok(Begun::Work(Box::new(RunningClosing { guard: Some(guard), ..work }))),
        Ok(None) => {
            guard.release().await?;
            Ok(Begun::Before)
        }
        Err(error) => {
            guard.release().await?;
            Err(error)
        }
    }
}

/// Plans, and begins a row; `None` if it is closed already. The lock is for the caller to add.
async fn plan_and_record(
    engine: &Engine,
    request: &Request,
) -> Result<Option<RunningClosing>, CloseError> {
    let store = &engine.store;
    let clock = Clock::new(request.now);
    let request = decided(store, request).await?;
    let answer = asked(engine, &request).await?;
    let tasks = answer.tasks.clone();
    let past = Past::of(store, &request).await?;
    let Planned { plan, earlier, outdated } = plan_with(&request, answer, past).await?;
    if plan.already_closed {
        // It was cut short after the very last step.
        if let Some(earlier) = earlier {
            store.end_closing(earlier.id, StepState::Done, "", clock.now()).await?;
        }
        return Ok(None);
    }
    if !plan.blocks.is_empty() {
        return Err(CloseError::Blocked(plan.blocks));
    }
    // Whoever began it has said that it is to be closed as it is.
    if !(plan.ready || plan.resumes || request.anyway) {
        return Err(CloseError::Unfinished(Box::new(plan)));
    }
    // Asked for in another way than the earlier one: its jobs, which may still run, count.
    let other_way = earlier.as_ref().filter(|earlier| earlier.options != plan.options);
    let after = other_way.map(|earlier| earlier.after_submission);
    let steps = steps::of(&plan);
    let named: Vec<_> = steps.iter().map(|step| (step.name.clone(), step.title.clone())).collect();
    let new = NewClosing {
        date: plan.date,
        prod_id: &plan.prod_id,
        options: plan.options,
        author: &request.by.to_string(),
        plan: &serde_json::to_string(&plan).map_err(InternalError::from)?,
        jobs: &serde_json::to_string(&plan.jobs).map_err(InternalError::from)?,
        after,
        steps: &named,
    };
    let entry = NewAction {
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
    let line = store.begin_action(&entry, request.now).await?;
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
    Ok(Some(RunningClosing {
        closing,
        plan,
        engine: engine.clone(),
        request,
        steps,
        tasks,
        attempt,
        after,
        line,
        clock,
        guard: None,
    }))
}

impl RunningClosing {
    /// Does all that is left to be done, and waits for the jobs.
    ///
    /// # Errors
    /// [`CloseError::Step`]: a step failed, and the night stays open.
    #[tracing::instrument(name = "closing", skip_all, fields(date = %self.request.paths.date, user = %self.request.by))]
    pub async fn carry_out(mut self) -> Result<Closed, CloseError> {
        let ended = self.do_steps().await;
        let released = match self.guard.take() {
            Some(guard) => guard.release().await,
            None => Ok(()),
        };
        let closed = ended?;
        released?;
        Ok(closed)
    }

    async fn do_steps(&self) -> Result<Closed, CloseError> {
        let Self { engine, request, plan, closing, attempt, after, clock, .. } = self;
        let store = &engine.store;
        let run = run::Run {
            engine,
            request,
            plan,
            tasks: &self.tasks,
            closing: *closing,
            attempt: *attempt,
            after: *after,
            clock: *clock,
        };
        let ended = run.carry_out(&self.steps).await;
        let (state, message) = match &ended {
            Ok(()) => (StepState::Done, String::new()),
            Err(error) => (StepState::Failed, error.to_string()),
        };
        store.end_closing(*closing, state, &message, clock.now()).await?;
        let summary = if ended.is_ok() { "closed".to_owned() } else { message.clone() };
        let outcome = ActionOutcome { success: ended.is_ok(), message: summary };
        store.end_action(self.line, &outcome, clock.now()).await?;
        if let Err(error) = ended {
            warn(request, &message).await;
            return Err(error);
        }
        let progress = progress(store, plan.date, &plan.prod_id).await?;
        Ok(progress.map_or(Closed::Before, Closed::Now))
    }
}

/// Sends the warning mail; that it cannot be sent is reported, and changes nothing.
async fn warn(request: &Request, why: &str) {
    let (settings, paths) = (request.settings.clone(), request.paths.clone());
    let why = why.to_owned();
    let sent = blocking(move || mail::warn(&settings, &paths, &why)).await;
    match sent {
        Ok(Ok(Some(to))) => eprintln!("{to} was warned by mail"),
        Ok(Ok(None)) => {}
        Ok(Err(error)) => eprintln!("warning: no mail was sent: {error}"),
        Err(error) => eprintln!("warning: no mail was sent: {error}"),
    }
}
