//! Slurm through its own commands: `sbatch`, `sacct`, `squeue`, `scancel`.

mod answer;
mod call;
mod controller;
mod fields;
mod merge;
mod sacct;
mod squeue;

use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::model::JobId;

use super::{JobRequest, JobSnapshot, Scheduler, SchedulerError, SchedulerId, SubmitError};
use answer::one_line;
use call::{Answer, Call};
use controller::Known;
use sacct::Dialect;

/// Given to every job, as the original does: plots need no display.
const EXPORT: &str = "--export=ALL,MPLBACKEND=Agg";

/// How long each command may take before it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// `sbatch`; itself it gives up after 10 s.
    pub submit: Duration,
    /// `sacct` and `squeue`, each.
    pub ask: Duration,
    /// `scancel`.
    pub cancel: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            submit: Duration::from_secs(45),
            ask: Duration::from_secs(60),
            cancel: Duration::from_secs(30),
        }
    }
}

/// The site's Slurm.
#[derive(Debug)]
pub struct Slurm {
    path: OsString,
    environment: Vec<(String, String)>,
    timeouts: Timeouts,
    older: AtomicBool,
    cluster: Known<Option<String>>,
}

impl Slurm {
    /// Slurm whose commands are in the directories of `path` (a PATH).
    pub fn new(path: impl Into<OsString>) -> Self {
        Self {
            path: path.into(),
            environment: Vec::new(),
            timeouts: Timeouts::default(),
            older: AtomicBool::new(false),
            cluster: Known::default(),
        }
    }

    /// Sets variables for Slurm's commands (`SLURM_CONF`), jobs get them too.
    #[must_use]
    pub fn with_environment(mut self, environment: Vec<(String, String)>) -> Self {
        self.environment = environment;
        self
    }

    /// Sets other time limits.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// A question: its times in UTC, its lists not cut short, and no filter from our environment.
    fn question(&self, tool: &'static str, arguments: Vec<String>, limit: Duration) -> Call {
        let mut environment = self.environment.clone();
        for (name, value) in
            [("TZ", "UTC"), ("SLURM_TIME_FORMAT", "standard"), ("SLURM_BITSTR_LEN", "0")]
        {
            environment.push((name.into(), value.into()));
        }
        Call {
            tool,
            arguments: arguments.into_iter().map(Into::into).collect(),
            environment,
            without: &["SQUEUE_", "SACCT_", "SCANCEL_"],
            limit,
        }
    }

    async fn sacct(
        &self,
        since: DateTime<Utc>,
    ) -> Result<(String, Dialect, String), SchedulerError> {
        loop {
            let older = self.older.load(Ordering::Relaxed);
            let dialect = if older { Dialect::WithoutSubmitLine } else { Dialect::WithSubmitLine };
            let arguments = sacct::arguments(dialect, nix::unistd::getuid().as_raw(), since);
            let call = self.question("sacct", arguments, self.timeouts.ask);
            let answer = call.run(&self.path).await.map_err(|e| failed(&e.to_string()))?;
            if !older && !answer.status.success() && sacct::is_older(&answer.stderr) {
                self.older.store(true, Ordering::Relaxed);
                continue;
            }
            return good("sacct", answer).map(|(out, aside)| (out, dialect, aside));
        }
    }

    /// The cluster's name; `None` if the controller does not tell it.
    async fn cluster(&self) -> Option<String> {
        let ask = || async {
            let arguments = ["show", "config"].map(Into::into).into();
            let call = self.question("scontrol", arguments, self.timeouts.ask);
            match call.run(&self.path).await {
                Ok(answer) => controller::cluster_name(&answer.stdout),
                Err(error) => {
                    tracing::warn!("the name of Slurm's cluster is not known: {error}");
                    None
                }
            }
        };
        self.cluster.get(ask).await
    }

    async fn squeue(&self) -> Result<(String, String), SchedulerError> {
        let call = self.question("squeue", squeue::arguments(), self.timeouts.ask);
        let answer = call.run(&self.path).await.map_err(|e| failed(&e.to_string()))?;
        good("squeue", answer)
    }
}

#[async_trait]
impl Scheduler for Slurm {
    fn engine(&self) -> &'static str {
        "slurm"
    }

    async fn submit(&self, job: &JobRequest) -> Result<JobId, SubmitError> {
        let mut arguments: Vec<OsString> =
            vec!["--parsable".into(), EXPORT.into(), format!("--comment={}", job.comment).into()];
        if !job.after_ok.is_empty() {
            let ids: Vec<String> = job.after_ok.iter().map(ToString::to_string).collect();
            arguments.push(format!("--dependency=afterok:{}", ids.join(":")).into());
        }
        arguments.push(job.script.clone().into());
        let mut environment = self.environment.clone();
        environment.extend(job.environment.iter().cloned());
        let call = Call {
            tool: "sbatch",
            arguments,
            environment,
            // They would override the script's directives, or change the form of the answer.
            without: &["SBATCH_", "SLURM_ARRAY_", "SLURM_JOB"],
            limit: self.timeouts.submit,
        };
        answer::judge(call.run(&self.path).await)
    }

    /// One sacct, then one squeue: what accounting knows, the controller must know when it is asked
    /// later, or has forgotten. If one of them fails, so does the whole: half an answer could lack
    /// jobs, and nobody could tell.
    async fn jobs(&self, since: DateTime<Utc>) -> Result<JobSnapshot, SchedulerError> {
        let scheduler = SchedulerId::new(self.engine()).on(self.cluster().await);
        let taken = Utc::now();
        let (accounting, dialect, aside) = self.sacct(since).await?;
        let (queue, queue_aside) = self.squeue().await?;
        let (accounting, mut unreadable) = sacct::parse(&accounting, dialect);
        let (queue, more) = squeue::parse(&queue);
        unreadable.extend(more);
        unreadable.extend([aside, queue_aside].into_iter().filter(|text| !text.is_empty()));
        let tasks = merge::merge(accounting, queue);
        Ok(JobSnapshot { scheduler, taken, since, tasks, unreadable })
    }

    async fn cancel(&self, job: JobId) -> Result<(), SchedulerError> {
        let call = self.question("scancel", vec![job.to_string()], self.timeouts.cancel);
        let answer = call.run(&self.path).await.map_err(|e| failed(&e.to_string()))?;
        good("scancel", answer).map(|_| ())
    }
}

fn failed(what: &str) -> SchedulerError {
    SchedulerError { message: format!("Slurm does not answer: {what}") }
}

/// The answer, and what was said beside it: an error that did not keep the tool from answering.
fn good(tool: &str, answer: Answer) -> Result<(String, String), SchedulerError> {
    let said = one_line(&answer.stderr);
    if answer.status.success() {
        let error = said.contains("error:") || said.contains("fatal:");
        return Ok((answer.stdout, if error { said } else { String::new() }));
    }
    let said = if said.is_empty() { "it did not say why".to_owned() } else { said };
    Err(failed(&format!("{tool} failed ({}): {said}", answer.status)))
}
