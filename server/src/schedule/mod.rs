//! Where jobs run.

mod back_off;
mod identity;
mod limits;
pub mod local;
pub mod script;
pub mod slurm;
mod snapshot;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::config::{SchedulerKind, ServerConfig};
use crate::hint::Hint;
use crate::internal::{Cause, executable};
use crate::model::JobId;
use crate::store::Store;

pub use back_off::back_off;
pub use identity::SchedulerId;
pub use limits::{PartitionLimits, beyond};
pub use slurm::token;
pub use snapshot::{Accounting, Doubt, JobSnapshot, Question};

/// A job to submit. Resources, array and output files are `#SBATCH` directives in the script
/// itself, which both engines read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRequest {
    /// Name, such as `LST1_19102`; also a directive of the script.
    pub name: String,
    /// Token that tells this submission from every other, `osa:<uuid>`.
    pub comment: String,
    /// The script, absolute.
    pub script: PathBuf,
    /// Jobs that must have ended well before this one may begin (`afterok`).
    pub after_ok: Vec<JobId>,
    /// Variables added to the job's environment.
    pub environment: Vec<(String, String)>,
    /// Nodes that it must not run on, as Slurm writes them.
    pub exclude_nodes: Option<String>,
}

/// Why a job was not submitted, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The scheduler refused: nothing was created.
    #[error(transparent)]
    Refused(SchedulerError),
    /// The scheduler did not answer: the job may exist. Ask by name and comment before doing
    /// anything else.
    #[error(transparent)]
    Uncertain(SchedulerError),
}

impl Hint for SubmitError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(error) | Self::Uncertain(error) => error.hint(),
        }
    }
}

/// Why the scheduler could not be asked or told.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SchedulerError {
    /// What was tried and what came back.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The error behind it, where there is one.
    #[source]
    pub cause: Option<Cause>,
}

impl SchedulerError {
    /// What the scheduler itself said.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, cause: None }
    }

    /// An error of ours that kept the scheduler from being asked or told.
    pub fn caused_by(cause: impl std::error::Error + Hint + Send + Sync + 'static) -> Self {
        Self { message: cause.to_string(), hint: cause.hint(), cause: Some(cause.into()) }
    }

    /// The same error, told in other words.
    #[must_use]
    pub fn with_message(self, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..self }
    }
}

impl Hint for SchedulerError {
    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}

/// An engine that runs job scripts.
#[async_trait]
pub trait Scheduler: Send + Sync {
    /// `slurm` or `local`.
    fn engine(&self) -> &'static str;

    /// Submits a job. `Ok` means that it exists, [`SubmitError::Refused`] that it does not.
    async fn submit(&self, job: &JobRequest) -> Result<JobId, SubmitError>;

    /// All our jobs that the scheduler knew at some time since `since`, in one question.
    async fn jobs(&self, since: DateTime<Utc>) -> Result<JobSnapshot, SchedulerError>;

    /// The jobs that wait or run and, of those that have ended, the ones that are asked for. Others may
    /// come with them.
    async fn jobs_of(&self, question: &Question) -> Result<JobSnapshot, SchedulerError> {
        self.jobs(question.since).await
    }

    /// What the partitions offer at most; none if there are no limits.
    async fn limits(&self) -> Result<Vec<PartitionLimits>, SchedulerError> {
        Ok(Vec::new())
    }

    /// Ends a job, all tasks of it. Asking twice, or for a job that has ended, is no error.
    async fn cancel(&self, job: JobId) -> Result<(), SchedulerError>;
}

/// Opens the engine that is configured, the local one with its queue in `store`.
pub fn open(server: &ServerConfig, store: Store) -> Result<Arc<dyn Scheduler>, SchedulerError> {
    match server.scheduler {
        SchedulerKind::Slurm => Ok(Arc::new(slurm(server))),
        SchedulerKind::Local => {
            let program = executable().map_err(SchedulerError::caused_by)?;
            let settings = local::Settings::new(server.local_cpus);
            let local = local::Local::new(store, program, settings);
            Ok(Arc::new(local.with_path(server.child_path())))
        }
    }
}

/// Slurm as it is configured.
pub fn slurm(server: &ServerConfig) -> slurm::Slurm {
    slurm::Slurm::new(server.child_path()).with_cluster(server.slurm_cluster.clone())
}
