//! One run in detail: its subruns, history, jobs and logs.

use serde::{Deserialize, Serialize};

use super::{Condition, ProdId, SchedulerHealth};
use super::{NightDate, SequenceStatus, Stage, Subrun, TaskRecord};
use chrono::{DateTime, Utc};

/// One line of a history file: one try of one stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct HistoryLine {
    /// `RRRRR` or `RRRRR.SSSS`, as written.
    pub run: String,
    /// The executable.
    pub executable: String,
    /// The production it worked for.
    pub prod_id: String,
    /// Date and time as written (`2024-11-28 22:14`; old files have other forms).
    pub when: String,
    /// Its input file; `None` where there is none.
    pub input: Option<String>,
    /// Its configuration file; `None` where there is none.
    pub config: Option<String>,
    /// Return code; 0 is success.
    pub rc: i32,
}

/// One subrun of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct SubrunDetail {
    /// The subrun.
    pub subrun: Subrun,
    /// The last stage that ended well.
    pub done: Option<Stage>,
    /// How it does now.
    pub condition: Condition,
    /// The stage that failed last, if its last try did.
    pub failed: Option<Stage>,
    /// Return code of the last try, if there was one.
    pub rc: Option<i32>,
    /// How many tries its history has.
    pub tries: u32,
    /// Its task in the last job that had one for it.
    pub task: Option<TaskRecord>,
    /// Its newest log files: standard output, then standard error.
    pub logs: Vec<LogFile>,
}

/// A log file of a job, in the analysis directory's `log/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct LogFile {
    /// File name without directory.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// Last change.
    pub modified: DateTime<Utc>,
}

/// A run as its page shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct RunDetail {
    /// The night.
    pub date: NightDate,
    /// The production.
    pub prod_id: ProdId,
    /// The run's row of the table.
    pub status: SequenceStatus,
    /// Its subruns; for the calibration a single one.
    pub subruns: Vec<SubrunDetail>,
    /// The newest lines of its history files, some hundred, oldest first.
    pub history: Vec<HistoryLine>,
    /// How many older lines the files have.
    pub older_history_lines: usize,
    /// All tasks of all its jobs that the scheduler still knows, newest job first.
    pub tasks: Vec<TaskRecord>,
    /// Its log files, newest first.
    pub logs: Vec<LogFile>,
    /// Whether the scheduler answers.
    pub scheduler: SchedulerHealth,
    /// When the directories were read.
    pub scanned: DateTime<Utc>,
}

/// A piece of a log file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct LogChunk {
    /// File name without directory.
    pub name: String,
    /// Where the piece begins, in bytes.
    pub from: u64,
    /// Where it ends; where to go on.
    pub to: u64,
    /// Size of the file in bytes.
    pub size: u64,
    /// The text; bytes that are not UTF-8 are shown as `�`.
    pub text: String,
    /// Whether a job may still write to it.
    pub live: bool,
    /// When it was read.
    pub read: DateTime<Utc>,
}
