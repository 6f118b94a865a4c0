//! Where a night stands.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    Blocker, CalibrationRuns, Decision, ExitCode, JobId, JobState, Kind, NightActivity, NightDate,
};
use super::{DatacheckNote, NightQuality, ProdId, RunQuality, Sequence, Stage};

/// A night in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NightState {
    /// There is no readable run summary, or no run to process.
    Empty,
    /// Observed, and nothing has been started.
    Fresh,
    /// Jobs are waiting or running, and none has failed.
    Processing,
    /// Something failed: somebody must look.
    Failing,
    /// Everything was processed; the night can be closed.
    Processed,
    /// Closed: products are in their final place.
    Closed,
}

impl NightState {
    /// The word shown to people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "no data",
            Self::Fresh => "not started",
            Self::Processing => "processing",
            Self::Failing => "needs attention",
            Self::Processed => "processed",
            Self::Closed => "closed",
        }
    }
}

/// What the table's column `Action` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub enum SequenceAction {
    /// No job is known.
    None,
    /// A job is known.
    Check,
    /// Never to be submitted again (`.veto`).
    Veto,
    /// Already closed (`.closed`).
    Closed,
}

impl fmt::Display for SequenceAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "None",
            Self::Check => "Check",
            Self::Veto => "Veto",
            Self::Closed => "Closed",
        })
    }
}

/// How much of each level is there, in percent of the subruns, truncated to an integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[allow(missing_docs)] // the names are the table's columns
pub struct Percentages {
    pub dl1: u32,
    pub muons: u32,
    pub dl1ab: u32,
    pub datacheck: u32,
    pub dl2: u32,
}

/// How a subrun does at the stage it has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Nothing is being done for it, and nothing has failed.
    Idle,
    /// A job for it waits for its turn.
    Waiting,
    /// A job is at work on it.
    Running,
    /// Its last try failed.
    Failed,
    /// All stages are done.
    Done,
}

impl Condition {
    /// The word shown to people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Done => "done",
        }
    }
}

/// Neighbouring subruns that stand alike: a piece of a row of the run × subrun map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct Segment {
    /// First subrun.
    pub first: u32,
    /// Last subrun, inclusive.
    pub last: u32,
    /// The last stage that ended well; `None` before the first.
    pub done: Option<Stage>,
    /// How it does now.
    pub condition: Condition,
}

impl Segment {
    /// How many subruns it covers.
    #[allow(clippy::len_without_is_empty)] // it covers one at least
    pub fn len(&self) -> u32 {
        self.last.saturating_sub(self.first) + 1
    }
}

/// One row of the sequence table, and more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct SequenceStatus {
    /// What is to be done.
    #[serde(flatten)]
    pub sequence: Sequence,
    /// What the flags and jobs say.
    pub action: SequenceAction,
    /// Number of different jobs there have been; `None` if none is known.
    pub tries: Option<u32>,
    /// The last of them.
    pub job: Option<JobId>,
    /// State of the last job as a whole.
    pub state: Option<JobState>,
    /// How many of its tasks are in which state.
    pub counts: BTreeMap<JobState, u32>,
    /// Median CPU time of its tasks, in seconds.
    pub cpu_seconds: Option<u64>,
    /// How the job as a whole ended.
    pub exit: Option<ExitCode>,
    /// The scheduler's reason for a job that waits (`DependencyNeverSatisfied`), or empty.
    pub reason: String,
    /// Products found; `None` for the calibration.
    pub percent: Option<Percentages>,
    /// Where each subrun stands; empty where histories were not read.
    pub segments: Vec<Segment>,
    /// What is thought of its data quality; `None` where that is not known, or not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<RunQuality>,
}

impl SequenceStatus {
    /// How many of its subruns are in this condition.
    pub fn count(&self, condition: Condition) -> u32 {
        let alike = self.segments.iter().filter(|segment| segment.condition == condition);
        alike.map(Segment::len).sum()
    }

    /// How many subruns its segments cover.
    pub fn known_subruns(&self) -> u32 {
        self.segments.iter().map(Segment::len).sum()
    }
}

/// How serious a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Look at it when there is time.
    Warning,
    /// Something is wrong.
    Error,
}

/// Something a shifter should know about the night: it stands alone and says what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct Notice {
    /// How serious it is.
    pub severity: Severity,
    /// What is the matter, naming the file, run or job.
    pub message: String,
    /// What to do about it; may be empty.
    pub hint: String,
}

/// Whether the scheduler answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct SchedulerHealth {
    /// `slurm` or `local`.
    pub engine: String,
    /// When it last answered; job states are as of then.
    pub answered: Option<DateTime<Utc>>,
    /// Why it does not answer now; `None` when all is well.
    pub error: Option<String>,
    /// What to do about the error, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Why its answer says nothing about this night: it was submitted to another scheduler. Two
    /// sentences, with what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<String>,
    /// Why its answer says nothing about this night yet: it was not asked about its jobs so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unasked: Option<String>,
}

impl SchedulerHealth {
    /// A scheduler that was not asked yet.
    pub fn of(engine: &str) -> Self {
        let (answered, error, hint, elsewhere, unasked) = (None, None, None, None, None);
        Self { engine: engine.to_owned(), answered, error, hint, elsewhere, unasked }
    }
}

/// Everything about a night that its page, its table and the other commands show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct NightStatus {
    /// The night.
    pub date: NightDate,
    /// The production.
    pub prod_id: ProdId,
    /// In one word.
    pub state: NightState,
    /// The calibration runs chosen; `None` if there are none within reach.
    pub calibration: Option<CalibrationRuns>,
    /// The sequences, in the order of the table.
    pub sequences: Vec<SequenceStatus>,
    /// What a shifter should know, the most serious first.
    pub notices: Vec<Notice>,
    /// What people noted about its data quality; withdrawn notes are not reported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub datacheck_notes: Vec<DatacheckNote>,
    /// The decisions that act on its runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
    /// What stands in the way of closing it; empty where nobody looked for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blockers: Vec<Blocker>,
    /// What is being done to it and what was done; empty where nobody looked for it.
    #[serde(default, skip_serializing_if = "NightActivity::is_empty")]
    pub activity: NightActivity,
    /// Whether the scheduler answers.
    pub scheduler: SchedulerHealth,
    /// When the directories were read.
    pub scanned: DateTime<Utc>,
}

impl NightStatus {
    /// How many subruns of `DATA` runs are in this condition.
    pub fn count(&self, condition: Condition) -> u32 {
        self.data().map(|status| status.count(condition)).sum()
    }

    /// The reductions, without the calibration.
    pub fn data(&self) -> impl Iterator<Item = &SequenceStatus> {
        self.sequences.iter().filter(|status| status.sequence.kind == Kind::Data)
    }
}

/// A line of the list of nights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct NightSummary {
    /// The night.
    pub date: NightDate,
    /// In one word.
    pub state: NightState,
    /// Number of `DATA` runs.
    pub runs: u32,
    /// Number of their subruns.
    pub subruns: u32,
    /// Number of subruns that have failed.
    pub failed: u32,
    /// Number of subruns that are done.
    pub done: u32,
    /// What was observed, each source once, in the order of the night.
    pub sources: Vec<String>,
    /// What is thought of its runs' data quality; `None` where that is not known, or not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<NightQuality>,
}

/// The list of nights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct NightList {
    /// All nights there are, newest first.
    pub nights: Vec<NightSummary>,
    /// When the directories were read.
    pub scanned: DateTime<Utc>,
}
