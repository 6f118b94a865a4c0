//! Closing a night: what would be done, and how far it has come.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{IdError, JobId, JobState, Kind, Level, NightDate, Notice, ProdId, RunId};

/// How a night, or one of its sequences, is to be closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct CloseOptions {
    /// There is no DL2 (`--no-dl2`).
    pub no_dl2: bool,
    /// Only this sequence, and no night flag (`--seq`).
    pub seq: Option<RunId>,
    /// Files are moved and flags written, no job is submitted (`-t`).
    pub no_jobs: bool,
}

/// What closing a night would do, and what is in its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct ClosingPlan {
    /// The night.
    pub date: NightDate,
    /// The production.
    pub prod_id: ProdId,
    /// How.
    pub options: CloseOptions,
    /// The night, or the one sequence that was asked for, is closed: nothing is left to be done.
    pub already_closed: bool,
    /// Every sequence is finished. If not, somebody must want to close all the same.
    pub ready: bool,
    /// An earlier closing was begun and has not come to its end: it is resumed.
    pub resumes: bool,
    /// What keeps the night from being closed, whoever wants it.
    pub blocks: Vec<Block>,
    /// What is good to know.
    pub notices: Vec<Notice>,
    /// The sequences that are closed, in the order of the table.
    pub sequences: Vec<ClosingSequence>,
    /// Files to be moved, by run, level and directory.
    pub moves: Vec<MoveGroup>,
    /// Files that are written to say that a sequence is closed (`sequence_LST1_RRRRR.closed`).
    pub sequence_flags: Vec<String>,
    /// Jobs to be submitted or, where they are under way, waited for.
    pub jobs: Vec<ClosingJob>,
    /// Link to the newest long-term datacheck, and the file that it will lead to.
    pub longterm_link: Option<(String, String)>,
    /// The manifest; `None` for a single sequence.
    pub manifest: Option<String>,
    /// The file that says that the night is closed; `None` for a single sequence.
    pub night_flag: Option<String>,
}

impl ClosingPlan {
    /// How many files are moved.
    pub fn file_count(&self) -> usize {
        self.moves.iter().map(|group| group.moved().count()).sum()
    }

    /// How many bytes are moved.
    pub fn bytes(&self) -> u64 {
        self.moves.iter().flat_map(MoveGroup::moved).map(|file| file.bytes).sum()
    }

    /// The sequences that are not finished.
    pub fn unfinished(&self) -> impl Iterator<Item = &ClosingSequence> {
        self.sequences.iter().filter(|sequence| !sequence.finished)
    }
}

/// A sequence as closing sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct ClosingSequence {
    /// The run.
    pub run: RunId,
    /// Calibration or reduction.
    pub kind: Kind,
    /// Whether every subrun's history has reached its last stage, or the sequence is closed.
    pub finished: bool,
    /// Why it is not finished (`3 of 6 subruns are not done`); empty if it is.
    pub why: String,
    /// It has the flag `.closed` already.
    pub closed: bool,
}

/// Files of one run and level that go from one directory to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct MoveGroup {
    /// The run.
    pub run: RunId,
    /// What they are.
    pub level: Level,
    /// The directory in which they are.
    pub from: String,
    /// The directory into which they go.
    pub to: String,
    /// Directories in which a link to the final file is left behind, under the file's name; a
    /// calibrated-images file (DL1a) of that name gives way to it.
    pub links: Vec<String>,
    /// The files.
    pub files: Vec<PlannedFile>,
}

impl MoveGroup {
    /// The files that are moved, without those of which only a link is missing.
    pub fn moved(&self) -> impl Iterator<Item = &PlannedFile> {
        self.files.iter().filter(|file| file.step != FileStep::Link)
    }
}

/// One file of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct PlannedFile {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// What is left to be done.
    #[serde(default, skip_serializing_if = "FileStep::is_move")]
    pub step: FileStep,
}

/// What is left to be done for a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FileStep {
    /// It is moved and linked.
    #[default]
    Move,
    /// An interrupted move has copied it: the same file is at both places, and the first is removed.
    Same,
    /// It is in its place, and only a link is missing.
    Link,
}

impl FileStep {
    #[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
    fn is_move(&self) -> bool {
        *self == Self::Move
    }
}

/// A job of a closing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct ClosingJob {
    /// Its name with the scheduler, `close_merge_dl1_19102`.
    pub name: String,
    /// What it is for, in the database: `close 20241128 merge_dl1 19102`.
    pub purpose: String,
    /// The run; `None` for a job of the whole night.
    pub run: Option<RunId>,
    /// What it does, in words.
    pub title: String,
    /// The command, word by word.
    pub argv: Vec<String>,
    /// A file of an earlier try, removed before the command begins.
    pub output: Option<String>,
    /// Names of jobs that must have ended well before it begins.
    pub depends_on: Vec<String>,
    /// Its script.
    pub script: String,
}

/// Something that keeps a night from being closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct Block {
    /// Of what kind.
    pub kind: BlockKind,
    /// The run that it is about.
    pub run: Option<RunId>,
    /// What is the matter.
    pub message: String,
    /// What shows it: files with sizes and times, jobs.
    pub evidence: Vec<String>,
    /// What to do about it.
    pub remedy: String,
}

/// A kind of block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// The observation is not over.
    NotOver,
    /// There is nothing to close.
    Nothing,
    /// Jobs of the night wait or run.
    Active,
    /// The scheduler does not answer.
    Scheduler,
    /// A different file is in the place of one that is to be moved.
    Destination,
    /// A directory cannot be read.
    Unreadable,
    /// Another closing is under way.
    Busy,
}

impl BlockKind {
    /// Whether the night is just not due: that is no failure.
    pub fn is_patience(self) -> bool {
        matches!(self, Self::NotOver | Self::Nothing | Self::Active)
    }
}

/// Where a closing, or one of its steps, stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Its turn has not come.
    Waiting,
    /// It is being done.
    Running,
    /// It is done.
    Done,
    /// It failed.
    Failed,
    /// Whoever did it is gone; the next closing goes on with it.
    Interrupted,
}

impl StepState {
    /// The word shown to people and kept in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

impl fmt::Display for StepState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for StepState {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        [Self::Waiting, Self::Running, Self::Done, Self::Failed, Self::Interrupted]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| IdError { text: text.to_owned(), expected: "the state of a step" })
    }
}

/// One step of a closing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct ClosingStep {
    /// Its name: `move 19102`.
    pub name: String,
    /// What it does, in words.
    pub title: String,
    /// Where it stands.
    pub state: StepState,
    /// When it began.
    pub started: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
    /// How far it is, what it did, or why it failed.
    pub detail: String,
}

/// A job of a closing as the database has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct ClosingJobState {
    /// Its name.
    pub name: String,
    /// Its number, if it was submitted.
    pub job: Option<JobId>,
    /// How it ended, if it did.
    pub end: Option<JobState>,
    /// What there is to say of it, such as why it was refused.
    pub message: String,
    /// Its log, without extension (`.out`, `.err`); empty while it has no number.
    pub log: String,
}

/// How far a closing has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct ClosingProgress {
    /// Its number.
    pub id: i64,
    /// The night.
    pub date: NightDate,
    /// The production.
    pub prod_id: ProdId,
    /// How it was to be closed.
    pub options: CloseOptions,
    /// Who began it.
    pub author: String,
    /// Where it stands.
    pub state: StepState,
    /// When it was begun.
    pub started: DateTime<Utc>,
    /// When it ended, well or not.
    pub ended: Option<DateTime<Utc>>,
    /// How often it was begun: more than once if it was interrupted or failed.
    pub attempt: u32,
    /// Why it failed; empty if it did not.
    pub message: String,
    /// The steps of the last attempt, in their order.
    pub steps: Vec<ClosingStep>,
    /// Its jobs.
    pub jobs: Vec<ClosingJobState>,
}
