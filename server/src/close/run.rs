//! Carrying a plan out, step by step.
//!
//! Every step may be done again from its start: what it finds done it leaves alone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::TimeDelta;

use crate::launch::elsewhere::elsewhere;
use crate::launch::ledger::{question, resolve};
use crate::launch::submit::{Order, SubmitFailure, Verdict, execute_after};
use crate::launch::{Engine, LaunchError, PlannedJob};
use crate::model::{ClosingJob, ClosingPlan, MoveGroup, RunId, StepState, TaskRecord};
use crate::night::NightPaths;
use crate::status::jobs::NEVER;
use crate::store::{StepAt, Submission};

use super::moves::{move_group, settle};
use super::standing::{Standing, standing};
use super::steps::{Act, Step};
use super::{Clock, CloseError, Request, account, fault, files, jobs, manifest};

/// Longest time between two questions to the scheduler while jobs are waited for.
const PAUSE: Duration = Duration::from_secs(10);

/// A plan that is being carried out.
pub(super) struct Run<'a> {
    pub(super) engine: &'a Engine,
    pub(super) request: &'a Request,
    pub(super) plan: &'a ClosingPlan,
    /// The night's tasks, as asked for the plan.
    pub(super) tasks: &'a [TaskRecord],
    pub(super) closing: i64,
    pub(super) attempt: u32,
    /// Submissions up to this one are none of this closing's.
    pub(super) after: i64,
    pub(super) clock: Clock,
}

impl Run<'_> {
    fn paths(&self) -> &NightPaths {
        &self.request.paths
    }

    /// Does all steps.
    ///
    /// # Errors
    /// The first step that fails, as [`CloseError::Step`].
    pub(super) async fn carry_out(&self, steps: &[Step]) -> Result<(), CloseError> {
        for (position, step) in (0..).zip(steps) {
            let at = StepAt { closing: self.closing, attempt: self.attempt, position };
            self.record(at, StepState::Running, "").await?;
            fault::point(&format!("before {}", step.name));
            let done = self.step(at, step.act).await;
            fault::point(&format!("after {}", step.name));
            match done {
                Ok(detail) => self.record(at, StepState::Done, &detail).await?,
                Err(cause) => {
                    self.record(at, StepState::Failed, &cause.to_string()).await?;
                    let title = step.title.clone();
                    return Err(CloseError::Step { title, cause: Box::new(cause) });
                }
            }
        }
        Ok(())
    }

    async fn record(&self, at: StepAt, state: StepState, detail: &str) -> Result<(), CloseError> {
        Ok(self.engine.store.record_step(at, state, detail, self.clock.now()).await?)
    }

    /// Does a step; tells what it did.
    #[tracing::instrument(name = "closing_step", skip_all, fields(date = %self.paths().date, step = ?act), err)]
    async fn step(&self, at: StepAt, act: Act) -> Result<String, CloseError> {
        match act {
            Act::JobInformation => {
                let file = self.paths().job_information();
                let text = account::job_information(self.tasks);
                let count = self.tasks.len();
                self.blocking(move || files::write(&file, text.as_bytes(), 0o644)).await?;
                Ok(format!("{count} tasks"))
            }
            Act::Move(run) => self.move_run(run).await,
            Act::Settle => {
                let directories = directories(&self.plan.moves);
                self.blocking(move || Ok(settle(directories.iter().map(PathBuf::as_path))?))
                    .await?;
                Ok(String::new())
            }
            Act::Flags => {
                let flags = self.plan.sequence_flags.clone();
                let directory = self.paths().analysis_dir();
                self.blocking(move || {
                    files::make_directory(&directory)?;
                    flags.iter().try_for_each(|flag| files::touch(Path::new(flag)))?;
                    Ok(settle([directory.as_path()])?)
                })
                .await?;
                Ok(String::new())
            }
            Act::Scripts => self.write_scripts().await,
            Act::Submit => self.submit(at).await,
            Act::Wait => self.wait(at).await,
            Act::Link => self.link().await,
            Act::Manifest => {
                let paths = self.paths().clone();
                let count = self.blocking(move || manifest::write(&paths)).await?;
                Ok(format!("{count} files"))
            }
            Act::Processing => account::finish_processing(self.paths(), self.clock.now()).await,
            Act::NightFlag => {
                let file = self.paths().night_finished();
                let host = nix::unistd::gethostname().unwrap_or_default();
                let text = format!("{}:{}", host.to_string_lossy(), std::process::id());
                self.blocking(move || files::write(&file, text.as_bytes(), 0o644)).await?;
                Ok(String::new())
            }
        }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, CloseError> + Send + 'static,
    ) -> Result<T, CloseError> {
        crate::internal::blocking(work).await?
    }

    async fn move_run(&self, run: RunId) -> Result<String, CloseError> {
        let groups: Vec<MoveGroup> =
            self.plan.moves.iter().filter(|group| group.run == run).cloned().collect();
        let moved = self
            .blocking(move || {
                let mut moved = 0;
                for group in &groups {
                    moved += move_group(group)?;
                }
                Ok(moved)
            })
            .await?;
        Ok(format!("{moved} files moved"))
    }

    async fn write_scripts(&self) -> Result<String, CloseError> {
        let (paths, options) = (self.paths().clone(), self.request.script.clone());
        let planned = self.plan.jobs.clone();
        self.blocking(move || {
            files::make_directory(&paths.log_dir())?;
            files::make_directory(&paths.longterm_dir())?;
            for job in &planned {
                let text = jobs::script(&paths, job, &options)?;
                files::write(Path::new(&job.script), text.as_bytes(), 0o755)?;
            }
            Ok(())
        })
        .await?;
        Ok(String::new())
    }

    /// Where each planned job stands; `None` while the scheduler does not answer. Its silence is
    /// told in the step's detail.
    async fn poll_jobs(&self, at: StepAt) -> Result<Option<Vec<Standing>>, CloseError> {
        let store = &self.engine.store;
        let since = self.request.now - TimeDelta::days(2);
        let names: Vec<String> = self.plan.jobs.iter().map(|job| job.name.clone()).collect();
        let question = question(&names, &self.submissions().await?, since);
        let snapshot = match self.engine.scheduler.jobs_of(&question).await {
            Ok(snapshot) => snapshot,
            Err(error) => {
                let detail = format!("the scheduler does not answer: {error}");
                self.record(at, StepState::Running, &detail).await?;
                return Ok(None);
            }
        };
        resolve(store, &snapshot, self.clock.now()).await?;
        let submissions = self.submissions().await?;
        if let Some(why) = elsewhere(&submissions, &snapshot.scheduler) {
            return Err(LaunchError::Elsewhere(why).into());
        }
        // A job behind one that has failed would wait forever.
        let tokens: BTreeSet<&str> = submissions.iter().map(|s| s.token.as_str()).collect();
        let stuck = snapshot.tasks.iter().filter(|task| {
            task.state.is_waiting() && task.reason == NEVER && tokens.contains(&*task.comment)
        });
        for job in stuck.map(|task| task.job).collect::<BTreeSet<_>>() {
            // If it cannot be cancelled now, it can be at the next poll.
            let _ = self.engine.scheduler.cancel(job).await;
        }
        let paths = self.paths();
        Ok(Some(self.plan.jobs.iter().map(|job| standing(paths, job, &submissions)).collect()))
    }

    /// The submissions of this closing.
    async fn submissions(&self) -> Result<Vec<Submission>, CloseError> {
        let all = self.engine.store.submissions_of(self.plan.date, &self.plan.prod_id).await?;
        Ok(all.into_iter().filter(|submission| submission.id > self.after).collect())
    }

    /// Submits the jobs that are not with the scheduler, and have not ended well.
    async fn submit(&self, at: StepAt) -> Result<String, CloseError> {
        let mut pause = Pause::new(self.request);
        loop {
            let Some(standings) = self.poll_jobs(at).await? else {
                pause.take().await;
                continue;
            };
            if standings.contains(&Standing::Unclear) {
                let detail = "an earlier attempt may have submitted some: that is cleared up first";
                self.record(at, StepState::Running, detail).await?;
                pause.take().await;
                continue;
            }
            let Some(detail) = self.submit_open(at, &standings).await? else {
                pause.take().await;
                continue;
            };
            return Ok(detail);
        }
    }

    /// Submits; `None` if the outcome is unknown and has to be found out.
    async fn submit_open(
        &self,
        at: StepAt,
        standings: &[Standing],
    ) -> Result<Option<String>, CloseError> {
        let planned: Vec<_> = self.plan.jobs.iter().zip(standings).collect();
        let done = |name: &String| {
            planned.iter().any(|(job, standing)| job.name == *name && **standing == Standing::Done)
        };
        let purpose = |name: &String| {
            planned.iter().find(|(job, _)| job.name == *name).map(|(job, _)| job.purpose.clone())
        };
        let mut open = Vec::new();
        let mut present = Vec::new();
        for (job, standing) in &planned {
            match standing {
                Standing::Active(id) => present.push((job.purpose.clone(), *id)),
                Standing::Open | Standing::Failed { .. } => open.push(PlannedJob {
                    purpose: job.purpose.clone(),
                    name: job.name.clone(),
                    script: PathBuf::from(&job.script),
                    needs: job
                        .depends_on
                        .iter()
                        .filter(|name| !done(name))
                        .filter_map(purpose)
                        .collect(),
                    exclude_nodes: None,
                }),
                Standing::Done | Standing::Unclear => {}
            }
        }
        if open.is_empty() {
            return Ok(Some("all were submitted before".into()));
        }
        let order = Order {
            date: self.plan.date,
            prod_id: &self.plan.prod_id,
            jobs: &open,
            environment: &[("MPLBACKEND".to_owned(), "Agg".to_owned())],
            author: &self.request.author,
        };
        let Engine { store, scheduler } = self.engine;
        let now = self.clock.now();
        let outcomes = match execute_after(store, &**scheduler, &order, &present, now).await {
            Ok(outcomes) => outcomes,
            Err(SubmitFailure::Scheduler(error)) => {
                let detail = format!("the scheduler does not answer: {error}");
                self.record(at, StepState::Running, &detail).await?;
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let refused: Vec<String> = outcomes
            .iter()
            .filter(|outcome| matches!(outcome.verdict, Verdict::Refused(_) | Verdict::Blocked(_)))
            .map(|outcome| format!("{}: {}", outcome.name, outcome.verdict))
            .collect();
        if !refused.is_empty() {
            return Err(CloseError::Jobs(refused));
        }
        let unclear = outcomes.iter().any(|outcome| outcome.verdict.is_failure());
        Ok((!unclear).then(|| format!("{} jobs submitted", open.len())))
    }

    /// Waits until all jobs of the plan have ended.
    async fn wait(&self, at: StepAt) -> Result<String, CloseError> {
        let mut pause = Pause::new(self.request);
        let mut told = String::new();
        let mut silent = false;
        loop {
            let Some(standings) = self.poll_jobs(at).await? else {
                silent = true;
                pause.take().await;
                continue;
            };
            let waits = |s: &&Standing| matches!(s, Standing::Active(_) | Standing::Unclear);
            let left = standings.iter().filter(waits).count();
            if left == 0 {
                return self.conclude(&standings);
            }
            let failed = standings.iter().filter(|s| matches!(s, Standing::Failed { .. })).count();
            let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
            let detail =
                format!("{} of {} have ended{failed}", standings.len() - left, standings.len());
            if detail != told || silent {
                self.record(at, StepState::Running, &detail).await?;
                told = detail;
                silent = false;
            }
            pause.take().await;
        }
    }

    fn conclude(&self, standings: &[Standing]) -> Result<String, CloseError> {
        let planned = || self.plan.jobs.iter().zip(standings);
        let failed = |name: &String| {
            planned().any(|(job, standing)| {
                job.name == *name && matches!(standing, Standing::Failed { .. })
            })
        };
        let failure = |(job, standing): (&ClosingJob, &Standing)| match standing {
            // The failure is that of the job before it.
            Standing::Failed { cancelled: true, .. } if job.depends_on.iter().any(failed) => None,
            Standing::Failed { why, .. } => Some(format!("{}: {why}", job.name)),
            Standing::Open => Some(format!("{}: it was not submitted", job.name)),
            _ => None,
        };
        let failed: Vec<String> = planned().filter_map(failure).collect();
        if failed.is_empty() {
            Ok(format!("{} jobs have ended well", standings.len()))
        } else {
            Err(CloseError::Jobs(failed))
        }
    }

    async fn link(&self) -> Result<String, CloseError> {
        let Some((link, target)) = self.plan.longterm_link.clone() else {
            return Ok(String::new());
        };
        self.blocking(move || files::link(Path::new(&link), Path::new(&target))).await?;
        Ok(String::new())
    }
}

/// Every directory that moves have written to.
fn directories(moves: &[MoveGroup]) -> BTreeSet<PathBuf> {
    let of = |group: &MoveGroup| {
        let all = [&group.from, &group.to].into_iter().chain(&group.links);
        all.map(PathBuf::from).collect::<Vec<_>>()
    };
    moves.iter().flat_map(of).collect()
}

/// Growing pauses between two looks.
struct Pause(Duration);

impl Pause {
    fn new(request: &Request) -> Self {
        Self(request.settings.server.poll)
    }

    async fn take(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 5 / 4).min(PAUSE.max(self.0));
    }
}
