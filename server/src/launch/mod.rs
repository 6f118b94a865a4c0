//! Launching a night: plan, then do.

mod script;

use std::path::PathBuf;

pub use script::{DataFiles, ScriptError, ScriptOptions, Work, job_script, write};

/// A job that is to be submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedJob {
    /// What it is for, once and for all: `sequence 19102`. At most one live job has it.
    pub purpose: String,
    /// The job's name, `LST1_19102`.
    pub name: String,
    /// Its script, absolute.
    pub script: PathBuf,
    /// Purposes of jobs, in the same plan, that must end well before it begins.
    pub needs: Vec<String>,
}
