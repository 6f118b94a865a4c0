//! The embedded scheduler: runs job scripts as processes of this machine.
//!
//! Its queue is in our database. Whoever submits or asks sees to it that a supervisor is at work, a
//! process of its own that outlives them; each task has a runner process, which outlives the
//! supervisor. Who does what, and why no crash loses or doubles a task, is described in `supervisor`.

mod detach;
mod environment;
mod error;
mod measure;
mod place;
mod proc;
mod runner;
mod supervisor;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::process::Command;

use super::script::{Directives, ScriptError, TimeLimit};
use super::{JobRequest, JobSnapshot, Scheduler, SchedulerError, SchedulerId, SubmitError};
use crate::input_file;
use crate::internal::{Cause, blocking};
use crate::model::JobId;
use crate::store::Store;
use crate::store::local_queue::{EnqueueError, LocalQueue, NewJob, QueueSettings};

pub use detach::detach;
pub use error::LocalError;
pub use place::Place;
pub use proc::{is_alive, myself};
pub use runner::run_task;
pub use supervisor::supervise;

/// How long a new supervisor may take to be there; a slow one is no error.
const START: Duration = Duration::from_secs(10);

/// Settings of the local scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Processors in use at once.
    pub cpus: u32,
    /// Time between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// The supervisor ends after that long without work.
    pub idle: Duration,
}

impl Settings {
    /// So many processors; five seconds of grace; a supervisor ends after half a minute.
    pub fn new(cpus: usize) -> Self {
        let cpus = u32::try_from(cpus).unwrap_or(u32::MAX).max(1);
        Self { cpus, grace: Duration::from_secs(5), idle: Duration::from_secs(30) }
    }
}

/// The local scheduler.
#[derive(Clone, Debug)]
pub struct Local {
    queue: LocalQueue,
    program: PathBuf,
    settings: Settings,
    path: Option<OsString>,
}

impl Local {
    /// The local scheduler with its queue in `store`; `program` is this program's file, which is
    /// started as supervisor and runner.
    pub fn new(store: Store, program: PathBuf, settings: Settings) -> Self {
        Self { queue: LocalQueue::new(store), program, settings, path: None }
    }

    /// Gives jobs this PATH in place of ours.
    #[must_use]
    pub fn with_path(mut self, path: OsString) -> Self {
        self.path = Some(path);
        self
    }

    /// The place of its files.
    pub fn place(&self) -> Result<Place, LocalError> {
        Place::of(&self.queue.store().file)
    }

    /// Sees to it that a supervisor is at work, and waits until it is.
    async fn ensure_supervisor(&self) -> Result<(), LocalError> {
        let local = self.clone();
        let found = blocking(move || {
            let place = local.place()?;
            Ok::<_, LocalError>((place.has_supervisor()?, place))
        });
        let (found, place) = found.await??;
        if found { Ok(()) } else { self.start_supervisor(place).await }
    }

    async fn start_supervisor(&self, place: Place) -> Result<(), LocalError> {
        let failed = |cause: Cause| LocalError::Start {
            program: self.program.clone(),
            cause,
            log: place.log(),
        };
        let here = place.clone();
        let log = blocking(move || here.open_log()).await??;
        let mut child = Command::new(&self.program)
            .arg("local-scheduler")
            .arg("--database")
            .arg(place.database())
            .current_dir("/")
            .env_remove(environment::MARK) // a job may be what starts it, and must not end it
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|cause| failed(cause.into()))?;
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait().map_err(|cause| failed(cause.into()))? {
                // Well ended: another supervisor was faster, or the work is already done.
                return if status.success() {
                    Ok(())
                } else {
                    Err(failed(status.to_string().into()))
                };
            }
            let here = place.clone();
            if blocking(move || here.has_supervisor()).await?? {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(()) // dropping the handle does not end it; the runtime will reap it
    }

    async fn enqueue(&self, job: NewJob) -> Result<JobId, SubmitError> {
        let settings = QueueSettings {
            cpus: self.settings.cpus,
            grace: self.settings.grace,
            idle: self.settings.idle,
        };
        let refused = |error: LocalError| SubmitError::Refused(SchedulerError::caused_by(error));
        self.ensure_supervisor().await.map_err(refused)?;
        let enqueued = self.queue.enqueue(&job, settings, Utc::now()).await;
        let id = enqueued.map_err(|error| match error {
            EnqueueError::Uncertain(_) => SubmitError::Uncertain(SchedulerError::caused_by(error)),
            _ => {
                let message = format!("{}: {error}", job.script.display());
                SubmitError::Refused(SchedulerError::caused_by(error).with_message(message))
            }
        })?;
        // The supervisor may have ended meanwhile. The job exists whatever comes of this, and
        // whoever asks for it will try again.
        if let Err(error) = self.ensure_supervisor().await {
            tracing::warn!(job = %id, %error, "the job waits for a supervisor");
        }
        Ok(id)
    }
}

#[async_trait]
impl Scheduler for Local {
    fn engine(&self) -> &'static str {
        "local"
    }

    async fn submit(&self, request: &JobRequest) -> Result<JobId, SubmitError> {
        let (request, local) = (request.clone(), self.clone());
        let job = blocking(move || local.read_job(&request)).await;
        let job = job.map_err(SchedulerError::caused_by).flatten();
        self.enqueue(job.map_err(SubmitError::Refused)?).await
    }

    async fn jobs(&self, since: DateTime<Utc>) -> Result<JobSnapshot, SchedulerError> {
        if self.queue.has_work().await.map_err(SchedulerError::caused_by)? {
            self.ensure_supervisor().await.map_err(SchedulerError::caused_by)?;
        }
        let taken = Utc::now();
        let tasks = self.queue.tasks(since, taken).await.map_err(SchedulerError::caused_by)?;
        let scheduler = SchedulerId::new(self.engine());
        Ok(JobSnapshot::new(scheduler, taken, since, tasks))
    }

    async fn cancel(&self, job: JobId) -> Result<(), SchedulerError> {
        self.queue.cancel(job, Utc::now()).await.map_err(SchedulerError::caused_by)?;
        if self.queue.has_work().await.map_err(SchedulerError::caused_by)? {
            self.ensure_supervisor().await.map_err(SchedulerError::caused_by)?;
        }
        Ok(())
    }
}

impl Local {
    /// Reads all of a job that will count: its script as it is now, and the environment.
    fn read_job(&self, request: &JobRequest) -> Result<NewJob, SchedulerError> {
        let unreadable = |file: &Path| {
            let file = file.to_owned();
            move |cause| SchedulerError::caused_by(ScriptError::Read { file, cause })
        };
        let script = std::path::absolute(&request.script).map_err(unreadable(&request.script))?;
        let body =
            input_file::read(&script, input_file::TEXT_LIMIT).map_err(unreadable(&script))?;
        let directives = Directives::parse(&String::from_utf8_lossy(&body), &script)
            .map_err(SchedulerError::caused_by)?;
        let refused =
            |problem: String| Err(SchedulerError::new(format!("{}: {problem}", script.display())));
        if directives.dependency.is_some() {
            return refused(
                "--dependency in a script is not supported by the local scheduler".into(),
            );
        }
        let (needed, cpus) = (directives.cpus_per_task.unwrap_or(1), self.settings.cpus);
        if needed > cpus {
            return refused(format!(
                "--cpus-per-task={needed} is more than the {cpus} processors of the local scheduler; \
                 raise local_cpus in osa.toml or ask for less"
            ));
        }
        let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        let array = directives.array;
        let output = if array.is_some() { "slurm-%A_%a.out" } else { "slurm-%j.out" };
        Ok(NewJob {
            name: request.name.clone(),
            comment: request.comment.clone(),
            body,
            environment: self.environment(&request.environment),
            directory: here.join(directives.chdir.unwrap_or_default()),
            output: directives.output.unwrap_or_else(|| output.to_owned()),
            error: directives.error,
            tasks: array.as_ref().map_or_else(|| vec![0], |array| array.indices().collect()),
            array_limit: array.as_ref().and_then(super::script::Array::limit),
            array: array.map(|array| array.to_string()),
            cpus: needed,
            memory_per_cpu: directives.mem_per_cpu,
            walltime: match directives.time {
                Some(TimeLimit::For(time)) => Some(time),
                Some(TimeLimit::Unlimited) | None => None,
            },
            after_ok: request.after_ok.clone(),
            script,
        })
    }

    /// Our environment with `added`, as `sbatch --export=ALL,MPLBACKEND=Agg` hands it on: plots
    /// need no display.
    fn environment(&self, added: &[(String, String)]) -> Vec<u8> {
        let mut inherited: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
        inherited.insert("MPLBACKEND".into(), "Agg".into());
        if let Some(path) = &self.path {
            inherited.insert("PATH".into(), path.clone());
        }
        environment::pack(inherited.into_iter(), added)
    }
}
