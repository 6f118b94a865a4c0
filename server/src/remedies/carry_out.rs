//! Carrying out a plan, step by step.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

use crate::internal::blocking;
use crate::launch::submit::{Order, SubmitOutcome, execute};
use crate::launch::{self, Engine, LaunchError, Resubmission, summarize};
use crate::model::{ActionOutcome, Remedy, RemedyPlan, RemedyStep};
use crate::night::NightPaths;
use crate::store::{NewAction, NewDecision};

use super::plan::Planned;
use super::{RemedyError, Request, export};

/// What was done.
#[derive(Debug)]
pub struct Done {
    /// The plan that was carried out.
    pub plan: RemedyPlan,
    /// The outcome of the job, if one was to be submitted.
    pub submitted: Vec<SubmitOutcome>,
    /// In one line, as the audit log has it.
    pub outcome: ActionOutcome,
}

/// Serializes the actions on a night: two at once would undo each other's work. The lock
/// is on the night's directory, and goes with the process.
pub(super) fn lock_night(paths: &NightPaths) -> Result<File, RemedyError> {
    let directory = paths.analysis_dir();
    let wrong = |cause| RemedyError::File { what: "lock", file: directory.clone(), cause };
    std::fs::create_dir_all(&directory).map_err(wrong)?;
    let lock = File::open(&directory).map_err(wrong)?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => Err(RemedyError::Busy(directory)),
        Err(TryLockError::Error(cause)) if cause.kind() != ErrorKind::Unsupported => {
            Err(wrong(cause))
        }
        _ => Ok(lock),
    }
}

pub(super) async fn carry_out(
    request: &Request,
    engine: &Engine,
    planned: Planned,
) -> Result<Done, RemedyError> {
    let Planned { plan, resubmission } = planned;
    let begun = Instant::now();
    let entry = NewAction {
        date: plan.date,
        prod_id: &plan.prod_id,
        author: &request.author,
        process: &request.process,
        action: word(&plan.request),
        plan: &plan,
    };
    let line = engine.store.begin_action(&entry, request.now).await?;
    let work = Work { request, engine, begun };
    let result = work.steps(&plan, resubmission.as_ref()).await;
    let outcome = match &result {
        Err(error) => ActionOutcome { success: false, message: error.to_string() },
        Ok(submitted) if submitted.is_empty() => ActionOutcome {
            success: true,
            message: plan.steps.iter().map(RemedyStep::sentence).collect::<Vec<_>>().join("; "),
        },
        Ok(submitted) => summarize(submitted),
    };
    let ended = engine.store.end_action(line, &outcome, work.now()).await;
    let submitted = result?;
    ended?;
    Ok(Done { plan, submitted, outcome })
}

/// The name of the remedy in the audit log.
pub(super) fn word(remedy: &Remedy) -> &'static str {
    match remedy {
        Remedy::Launch {} => "launch",
        Remedy::Resubmit { .. } => "resubmit",
        Remedy::CancelNever { .. } => "cancel",
        _ => "decide",
    }
}

struct Work<'a> {
    request: &'a Request,
    engine: &'a Engine,
    begun: Instant,
}

impl Work<'_> {
    fn now(&self) -> DateTime<Utc> {
        let took = TimeDelta::from_std(self.begun.elapsed()).unwrap_or(TimeDelta::MAX);
        self.request.now + took
    }

    async fn steps(
        &self,
        plan: &RemedyPlan,
        resubmission: Option<&Resubmission>,
    ) -> Result<Vec<SubmitOutcome>, RemedyError> {
        let mut submitted = Vec::new();
        for step in &plan.steps {
            self.step(plan, step, resubmission, &mut submitted).await?;
        }
        Ok(submitted)
    }

    #[tracing::instrument(name = "remedy_step", skip_all, fields(step = ?step), err)]
    async fn step(
        &self,
        plan: &RemedyPlan,
        step: &RemedyStep,
        resubmission: Option<&Resubmission>,
        submitted: &mut Vec<SubmitOutcome>,
    ) -> Result<(), RemedyError> {
        let Self { request, engine, .. } = self;
        match step {
            RemedyStep::Decide { run, choice } => {
                let new = NewDecision {
                    date: plan.date,
                    prod_id: &plan.prod_id,
                    run: *run,
                    choice,
                    reason: &plan.reason,
                    author: &request.author,
                };
                engine.store.decide(&new, self.now()).await?;
                self.export().await
            }
            RemedyStep::Undo { decision, .. } => {
                engine.store.undo_decision(*decision, &request.author, self.now()).await?;
                self.export().await
            }
            RemedyStep::SetFlag { path } => {
                let text = format!("osa: vetoed by {}: {}\n", request.author, plan.reason);
                change(path, "write", move |file| set_flag(file, &text)).await
            }
            RemedyStep::RemoveFlag { path } | RemedyStep::RemoveFile { path, .. } => {
                change(path, "remove", remove).await
            }
            RemedyStep::WriteScript { .. } => match resubmission {
                Some(again) => self.write_script(again).await,
                None => Ok(()),
            },
            RemedyStep::Submit { .. } => {
                if let Some(again) = resubmission {
                    submitted.extend(self.submit(again).await?);
                }
                Ok(())
            }
            RemedyStep::Cancel { job, .. } => Ok(engine.scheduler.cancel(*job).await?),
        }
    }

    async fn export(&self) -> Result<(), RemedyError> {
        let paths = self.request.paths.clone();
        let decisions = self.engine.store.decisions(paths.date, &paths.prod_id).await?;
        blocking(move || export::write(&paths, &decisions)).await?
    }

    async fn write_script(&self, again: &Resubmission) -> Result<(), RemedyError> {
        let (paths, script) = (self.request.paths.clone(), again.script.clone());
        let write = move || {
            let directory = paths.log_dir();
            std::fs::create_dir_all(&directory)
                .map_err(|cause| launch::ScriptError::Directory { directory, cause })?;
            launch::write(&script.file, &script.text)
        };
        Ok(blocking(write).await??)
    }

    async fn submit(&self, again: &Resubmission) -> Result<Vec<SubmitOutcome>, RemedyError> {
        let Request { paths, process, .. } = self.request;
        let order = Order {
            date: paths.date,
            prod_id: &paths.prod_id,
            jobs: std::slice::from_ref(&again.job),
            environment: &[("MPLBACKEND".to_owned(), "Agg".to_owned())],
            author: process,
        };
        let Engine { store, scheduler } = self.engine;
        let outcomes = execute(store, &**scheduler, &order, self.now()).await;
        Ok(outcomes.map_err(LaunchError::from)?)
    }
}

async fn change(
    path: &str,
    what: &'static str,
    act: impl FnOnce(&Path) -> std::io::Result<()> + Send + 'static,
) -> Result<(), RemedyError> {
    let file = PathBuf::from(path);
    let acted = file.clone();
    let done = blocking(move || act(&acted)).await?;
    done.map_err(|cause| RemedyError::File { what, file, cause })
}

fn set_flag(flag: &Path, text: &str) -> std::io::Result<()> {
    let mut file = File::create_new(flag)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// What is gone is removed.
fn remove(file: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(file) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
