//! The plan of a remedy: what it would do, step by step.

use serde::{Deserialize, Serialize};

use super::{Choice, JobId, NightDate, ProdId, Remedy, RunId, Subrun, spans};

/// What a remedy would do. Executing it carries out exactly this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct RemedyPlan {
    /// The night.
    pub date: NightDate,
    /// The production.
    pub prod_id: ProdId,
    /// What was requested.
    pub request: Remedy,
    /// Why, in the words of whoever asks; may be empty.
    pub reason: String,
    /// What prevents it, each in a sentence; empty if nothing does.
    pub obstacles: Vec<String>,
    /// What is done, in this order.
    pub steps: Vec<RemedyStep>,
}

/// One step of a remedy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum RemedyStep {
    /// A decision is recorded.
    Decide {
        /// The run.
        run: RunId,
        /// What is decided.
        choice: Choice,
    },
    /// A decision ends.
    Undo {
        /// Its number.
        decision: i64,
        /// What it said.
        sentence: String,
    },
    /// The flag `.veto` is put there.
    SetFlag {
        /// The file.
        path: String,
    },
    /// The flag `.veto` is removed.
    RemoveFlag {
        /// The file.
        path: String,
    },
    /// A product is removed.
    RemoveFile {
        /// The file.
        path: String,
        /// Its size.
        bytes: u64,
    },
    /// A job script is written.
    WriteScript {
        /// The file.
        path: String,
    },
    /// A job is submitted.
    Submit {
        /// Its name.
        name: String,
        /// What it is for.
        purpose: String,
        /// Its subruns, one task each; none for the calibration.
        subruns: Vec<Subrun>,
        /// Memory a processor.
        memory: String,
        /// Walltime.
        walltime: String,
        /// Nodes that it must not run on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exclude_nodes: Option<String>,
    },
    /// A job is cancelled.
    Cancel {
        /// The job.
        job: JobId,
        /// Its name.
        name: String,
    },
}

impl RemedyStep {
    /// The step as an order: `remove /data/dl1.h5 (12 bytes)`.
    pub fn sentence(&self) -> String {
        match self {
            Self::Decide { run, choice } => format!("record that run {run} {}", choice.effect()),
            Self::Undo { sentence, .. } => format!("undo: {sentence}"),
            Self::SetFlag { path } => format!("write {path}"),
            Self::RemoveFlag { path } => format!("remove {path}"),
            Self::RemoveFile { path, bytes } => format!("remove {path} ({bytes} bytes)"),
            Self::WriteScript { path } => format!("write {path}"),
            Self::Submit { name, subruns, memory, walltime, exclude_nodes, .. } => {
                let tasks = match subruns.len() {
                    0 => String::new(),
                    _ => format!(" for subruns {}", spans(subruns)),
                };
                let nodes = exclude_nodes.as_ref().map(|nodes| format!(", not on {nodes}"));
                let nodes = nodes.unwrap_or_default();
                format!("submit {name}{tasks}, {memory} a processor, for up to {walltime}{nodes}")
            }
            Self::Cancel { job, name } => format!("cancel job {job} ({name})"),
        }
    }
}
