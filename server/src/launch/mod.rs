//! Launching a night: plan, then do.

pub mod elsewhere;
mod engine;
mod gates;
mod ground;
pub mod ledger;
mod plan;
#[cfg(test)]
mod plan_tests;
mod prepare;
mod request;
mod resubmission;
mod resume;
mod script;
#[cfg(test)]
mod script_tests;
pub mod submit;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::hint::Hint;
use crate::internal::InternalError;
use crate::schedule::SchedulerError;
use crate::store::StoreError;

pub use engine::{Answer, Engine, ask, ask_read_only, decided};
pub use gates::Gate;
pub use plan::{LaunchPlan, LeftOut, PlannedScript, Reason, purpose};
pub use prepare::{Prepared, gate_without_jobs, prepare, write_scripts};
pub use request::{LaunchRequest, Launched, author, summarize, user};
pub use resubmission::{Resubmission, resubmission};
pub use resume::{Interrupted, ResumeError, interrupted, resume};
pub use script::{
    ScriptError, ScriptOptions, Work, command_script, job_script, job_script_with, write,
};

/// Why a night could not be launched, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The scheduler cannot be used.
    #[error(transparent)]
    Scheduler(#[from] SchedulerError),
    /// The scheduler did not tell what there is: nothing was submitted.
    #[error("nothing was submitted, since the scheduler does not answer: {error}")]
    Unanswered {
        /// Why not.
        error: String,
        /// What to do about it, where that is known.
        hint: Option<String>,
    },
    /// The night belongs to another scheduler: nothing was submitted.
    #[error("nothing was submitted: {0}")]
    Elsewhere(String),
    /// A job script cannot be made or written: nothing was submitted.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// Submitting could not begin, or had to stop.
    #[error(transparent)]
    Submit(#[from] submit::SubmitFailure),
    /// A failure within the program.
    #[error(transparent)]
    Internal(#[from] InternalError),
}

impl Hint for LaunchError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Scheduler(error) => error.hint(),
            Self::Unanswered { hint: Some(hint), .. } => Some(hint.clone()),
            Self::Unanswered { hint: None, .. } => Some(
                "see whether the scheduler is up, and launch again once it answers; `scheduler` in \
                 osa.toml (OSA_SCHEDULER) says which one is asked"
                    .into(),
            ),
            // The message has two ways out; which one is right, only people know.
            Self::Elsewhere(_) => None,
            Self::Script(error) => error.hint(),
            Self::Submit(error) => error.hint(),
            Self::Internal(error) => error.hint(),
        }
    }
}

/// How a night is to be launched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchOptions {
    /// No calibration job, and no dependency on one (`--no-calib`).
    pub no_calib: bool,
    /// No DL2 (`--no-dl2`).
    pub no_dl2: bool,
    /// The gain selection is not asked for (`--no-gainsel`).
    pub no_gainsel: bool,
    /// Also if all is finished or something ran out of time (`--force-submit`).
    pub force: bool,
    /// Jobs are to be submitted, not only scripts written.
    pub submit: bool,
}

/// A job that is to be submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedJob {
    /// What it is for, once and for all: `sequence 19102`. At most one live job has it.
    pub purpose: String,
    /// The job's name, `LST1_19102`.
    pub name: String,
    /// Its script, absolute.
    pub script: PathBuf,
    /// Purposes of jobs, in the same plan, that must end well before it begins.
    pub needs: Vec<String>,
    /// Nodes that it must not run on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_nodes: Option<String>,
}
