//! Slurm through its own commands: `sbatch`, `sacct`, `squeue`, `scancel`, `scontrol`, `sinfo`.

mod accounting;
mod answer;
mod call;
mod controller;
mod environment;
mod fields;
mod merge;
mod parsed;
mod partitions;
pub mod reading;
mod sacct;
mod squeue;

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::model::{JobId, JobState};

use super::{
    Accounting, JobRequest, JobSnapshot, PartitionLimits, Question, Scheduler, SchedulerError,
    SchedulerId, SubmitError,
};
use accounting::{Accounted, AccountingCache};
use answer::one_line;
use call::{Call, CallError, Line};
use controller::Known;
use parsed::Parsed;

pub use parsed::token;

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
    tools: Tools,
    timeouts: Timeouts,
    cluster: Known<Option<String>>,
    accounting: AccountingCache,
}

/// Slurm's commands: where they are, and for which cluster.
#[derive(Clone, Debug)]
struct Tools {
    path: OsString,
    environment: Vec<(String, String)>,
    cluster: Option<String>,
}

impl Tools {
    /// A call, of the cluster that is configured if one is.
    fn call(&self, tool: &'static str, arguments: Vec<OsString>, limit: Duration) -> Call {
        let cluster = self.cluster.as_ref().map(|cluster| format!("--clusters={cluster}").into());
        Call {
            tool,
            arguments: cluster.into_iter().chain(arguments).collect(),
            environment: self.environment.clone(),
            limit,
        }
    }

    /// A question: its times in UTC, its lists not cut short.
    fn question(&self, tool: &'static str, arguments: Vec<String>, limit: Duration) -> Call {
        let mut call = self.call(tool, arguments.into_iter().map(Into::into).collect(), limit);
        for (name, value) in
            [("TZ", "UTC"), ("SLURM_TIME_FORMAT", "standard"), ("SLURM_BITSTR_LEN", "0")]
        {
            call.environment.push((name.into(), value.into()));
        }
        call
    }
}

impl Slurm {
    /// Slurm whose commands are in the directories of `path` (a PATH).
    pub fn new(path: impl Into<OsString>) -> Self {
        Self {
            tools: Tools { path: path.into(), environment: Vec::new(), cluster: None },
            timeouts: Timeouts::default(),
            cluster: Known::default(),
            accounting: AccountingCache::default(),
        }
    }

    /// Asks this cluster, where a site has several; else the one that Slurm's configuration names.
    #[must_use]
    pub fn with_cluster(mut self, cluster: Option<String>) -> Self {
        self.tools.cluster = cluster;
        self
    }

    /// Sets variables for Slurm's commands (`SLURM_CONF`), jobs get them too.
    #[must_use]
    pub fn with_environment(mut self, environment: Vec<(String, String)>) -> Self {
        self.tools.environment = environment;
        self
    }

    /// Sets other time limits.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// The cluster's name; `None` if the controller does not tell it.
    async fn cluster(&self) -> Option<String> {
        if self.tools.cluster.is_some() {
            return self.tools.cluster.clone();
        }
        let ask = || async {
            let arguments = ["show", "config"].map(Into::into).into();
            let call = self.tools.question("scontrol", arguments, self.timeouts.ask);
            match call.run(&self.tools.path).await {
                Ok(answer) => controller::cluster_name(&answer.stdout),
                Err(error) => {
                    tracing::warn!("the name of Slurm's cluster is not known: {error}");
                    None
                }
            }
        };
        self.cluster.get(ask).await
    }

    async fn squeue(&self, arguments: Vec<String>) -> Result<Parsed, SchedulerError> {
        let call = self.tools.question("squeue", arguments, self.timeouts.ask);
        let mut reader = squeue::Reader::default();
        let mut each = |line: Line<'_>| reader.line(line);
        let ended = call.lines(&self.tools.path, &mut each).await.map_err(unanswered)?;
        let aside = good("squeue", ended.status, &ended.stderr)?;
        let mut parsed = reader.end();
        if let Some(line) = aside {
            parsed.noise(line);
        }
        Ok(parsed)
    }

    /// The whole queue. Jobs whose lists of tasks Slurm has cut short are asked for by themselves.
    async fn queue(&self) -> Result<Parsed, SchedulerError> {
        let mut queue = self.squeue(squeue::arguments()).await?;
        let cut = std::mem::take(&mut queue.cut);
        if cut.is_empty() {
            return Ok(queue);
        }
        match self.squeue(squeue::arguments_of(&cut)).await {
            Ok(each) => {
                queue.tasks.retain(|task| !each.tasks.iter().any(|other| other.job == task.job));
                queue.extend(each);
            }
            Err(error) => queue.noise(error.message),
        }
        // A job that even so is not told task by task.
        let listed = |job: &JobId| {
            let mut tasks = queue.tasks.iter().filter(|task| task.job == *job);
            !queue.cut.contains(job) && tasks.next().is_some()
        };
        let still: Vec<JobId> = cut.into_iter().filter(|job| !listed(job)).collect();
        for job in still {
            queue.noise(format!("squeue: the list of tasks of job {job} is cut short"));
            queue.cut.insert(job);
        }
        Ok(queue)
    }

    /// What accounting knows, then what the queue does: what accounting knows, the controller must
    /// know when it is asked later, or has forgotten.
    async fn query(&self, question: &Question) -> Result<Answers, SchedulerError> {
        let user = nix::unistd::getuid().as_raw();
        let limit = self.timeouts.ask;
        let accounted = self.accounting.accounted(&self.tools, limit, user, question).await;
        let taken = Utc::now();
        let queue = self.queue().await?;
        let tasks = merge::merge(accounted.tasks(), &queue);
        Ok(Answers { taken, accounted, queue, tasks })
    }
}

/// What accounting and the queue answered to one question.
struct Answers {
    taken: DateTime<Utc>,
    accounted: Arc<Accounted>,
    queue: Parsed,
    tasks: Vec<crate::model::TaskRecord>,
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
        if let Some(nodes) = &job.exclude_nodes {
            arguments.push(format!("--exclude={nodes}").into());
        }
        arguments.push(job.script.clone().into());
        let mut call = self.tools.call("sbatch", arguments, self.timeouts.submit);
        call.environment.extend(job.environment.iter().cloned());
        answer::judge(call.run(&self.tools.path).await)
    }

    async fn jobs(&self, since: DateTime<Utc>) -> Result<JobSnapshot, SchedulerError> {
        self.jobs_of(&Question::all(since)).await
    }

    /// One sacct, unless a recent answer will do, then one squeue. If squeue fails, so does the whole:
    /// the answer could lack jobs that run, and nobody could tell. Without sacct it stands, and says
    /// so: what has ended some minutes ago is missing.
    async fn jobs_of(&self, question: &Question) -> Result<JobSnapshot, SchedulerError> {
        let scheduler = SchedulerId::new(self.engine()).on(self.cluster().await);
        let begun = Utc::now();
        let mut answers = self.query(question).await?;
        let lost = answers.tasks.iter().any(|task| task.state == JobState::Lost);
        if lost && answers.accounted.at < begun {
            // What is missing in the queue may have ended since accounting was asked.
            answers = self.query(&Question { max_age: Duration::ZERO, ..question.clone() }).await?;
        }
        let Answers { taken, accounted, queue, tasks } = answers;
        let accounting = match &accounted.parsed {
            Ok(_) => Accounting::Asked(accounted.at),
            Err(why) => why.clone(),
        };
        let mut doubts = queue.doubts;
        doubts.extend(accounted.parsed.iter().flat_map(|parsed| parsed.doubts.iter().cloned()));
        let (since, asked) = (question.since, question.clone());
        Ok(JobSnapshot { scheduler, taken, since, asked, accounting, tasks, doubts })
    }

    async fn limits(&self) -> Result<Vec<PartitionLimits>, SchedulerError> {
        let ask = async |tool, arguments| {
            let call = self.tools.question(tool, arguments, self.timeouts.ask);
            let answer = call.run(&self.tools.path).await.map_err(unanswered)?;
            good(tool, answer.status, &answer.stderr).map(|_| answer.stdout)
        };
        let sinfo = ask("sinfo", partitions::sinfo_arguments()).await?;
        let scontrol = ask("scontrol", partitions::scontrol_arguments()).await?;
        Ok(partitions::read(&sinfo, &scontrol))
    }

    async fn cancel(&self, job: JobId) -> Result<(), SchedulerError> {
        let call = self.tools.question("scancel", vec![job.to_string()], self.timeouts.cancel);
        let answer = call.run(&self.tools.path).await.map_err(unanswered)?;
        good("scancel", answer.status, &answer.stderr).map(|_| ())
    }
}

fn failed(what: &str) -> SchedulerError {
    SchedulerError::new(format!("Slurm does not answer: {what}"))
}

fn unanswered(error: CallError) -> SchedulerError {
    let message = failed(&error.to_string()).message;
    SchedulerError::caused_by(error).with_message(message)
}

/// Has the tool answered? Then what it said beside its answer, if that is an error.
fn good(
    tool: &str,
    status: std::process::ExitStatus,
    stderr: &str,
) -> Result<Option<String>, SchedulerError> {
    let said = one_line(stderr);
    if status.success() {
        let error = said.contains("error:") || said.contains("fatal:");
        return Ok(error.then_some(said));
    }
    let said = if said.is_empty() { "it did not say why".to_owned() } else { said };
    Err(failed(&format!("{tool} failed ({status}): {said}")))
}
