//! Jobs as a scheduler reports them.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The scheduler's number for a job; an array's tasks share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct JobId(pub u64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// State of a job or task, in Slurm's words (`man squeue`, "JOB STATE CODES").
///
/// A word that is not among them is kept as it came: a new Slurm must not blind us.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(from = "String", into = "String")]
#[allow(missing_docs)] // Slurm's own words, explained in its manual
pub enum JobState {
    Pending,
    Configuring,
    Requeued,
    Running,
    Completing,
    Suspended,
    Completed,
    Failed,
    Timeout,
    OutOfMemory,
    NodeFail,
    BootFail,
    Deadline,
    Preempted,
    Cancelled,
    /// Submitted by us, then gone from the scheduler's records.
    Lost,
    /// A word that this program does not know.
    Other(String),
}

const WORDS: [(JobState, &str); 16] = [
    (JobState::Pending, "PENDING"),
    (JobState::Configuring, "CONFIGURING"),
    (JobState::Requeued, "REQUEUED"),
    (JobState::Running, "RUNNING"),
    (JobState::Completing, "COMPLETING"),
    (JobState::Suspended, "SUSPENDED"),
    (JobState::Completed, "COMPLETED"),
    (JobState::Failed, "FAILED"),
    (JobState::Timeout, "TIMEOUT"),
    (JobState::OutOfMemory, "OUT_OF_MEMORY"),
    (JobState::NodeFail, "NODE_FAIL"),
    (JobState::BootFail, "BOOT_FAIL"),
    (JobState::Deadline, "DEADLINE"),
    (JobState::Preempted, "PREEMPTED"),
    (JobState::Cancelled, "CANCELLED"),
    (JobState::Lost, "LOST"),
];

impl JobState {
    /// The word as Slurm writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(word) => word,
            known => {
                WORDS.iter().find(|(state, _)| state == known).map_or("UNKNOWN", |(_, word)| word)
            }
        }
    }

    /// Waiting for its turn: it has not begun, or will begin again.
    pub fn is_waiting(&self) -> bool {
        matches!(self, Self::Pending | Self::Configuring | Self::Requeued)
    }

    /// On a node now.
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Running | Self::Completing | Self::Suspended)
    }

    /// Ended, and not well. Unknown words are neither good nor bad.
    pub fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::Failed
                | Self::Timeout
                | Self::OutOfMemory
                | Self::NodeFail
                | Self::BootFail
                | Self::Deadline
                | Self::Preempted
                | Self::Cancelled
                | Self::Lost
        )
    }

    /// Still to come or under way; an unknown word counts, since submitting again would be worse.
    pub fn is_active(&self) -> bool {
        self.is_waiting() || self.is_running() || matches!(self, Self::Other(_))
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for JobState {
    type Err = Infallible;

    /// Takes the first word, so that `CANCELLED by 3001` and `COMPLETED+` are understood.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let text = text.trim();
        let word = text.split_whitespace().next().unwrap_or("").trim_end_matches('+');
        let known = WORDS.iter().find(|(_, name)| *name == word).map(|(state, _)| state.clone());
        Ok(known.unwrap_or_else(|| Self::Other(text.to_owned())))
    }
}

impl From<String> for JobState {
    fn from(text: String) -> Self {
        let Ok(state) = text.parse();
        state
    }
}

impl From<JobState> for String {
    fn from(state: JobState) -> Self {
        state.as_str().to_owned()
    }
}

/// How a job ended: return code and signal, written `1:0` as Slurm does.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct ExitCode {
    /// The return code, 0 if it ended by a signal.
    pub code: i32,
    /// The signal that ended it, 0 if none did.
    pub signal: i32,
}

impl fmt::Display for ExitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.code, self.signal)
    }
}

impl FromStr for ExitCode {
    type Err = super::IdError;

    fn from_str(text: &str) -> Result<Self, super::IdError> {
        let wrong =
            || super::IdError { text: text.to_owned(), expected: "an exit code such as 0:15" };
        let (code, signal) = text.trim().split_once(':').ok_or_else(wrong)?;
        Ok(Self {
            code: code.parse().map_err(|_| wrong())?,
            signal: signal.parse().map_err(|_| wrong())?,
        })
    }
}

/// One job, or one task of an array, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct TaskRecord {
    /// The job's number, shared by the tasks of an array.
    pub job: JobId,
    /// Index in the array, which is the subrun; `None` for a job that is no array.
    pub task: Option<u32>,
    /// The job's name, such as `LST1_19102`.
    pub name: String,
    /// The job's comment; ours carry the token of their submission.
    pub comment: String,
    /// Where it stands.
    pub state: JobState,
    /// How it ended; `None` while it has not.
    pub exit: Option<ExitCode>,
    /// CPU time charged so far, in seconds (`CPUTimeRAW`: elapsed time × allocated processors).
    pub cpu_seconds: u64,
    /// Wall-clock time so far, in seconds.
    pub elapsed_seconds: u64,
    /// Largest resident memory of its processes in bytes, if measured.
    pub max_rss_bytes: Option<u64>,
    /// When it was submitted, if known.
    pub submitted: Option<DateTime<Utc>>,
    /// When it began, if it did.
    pub started: Option<DateTime<Utc>>,
    /// When it ended, if it did.
    pub ended: Option<DateTime<Utc>>,
    /// Why it waits or ended, in the scheduler's word (`DependencyNeverSatisfied`), or empty.
    pub reason: String,
    /// How often the scheduler itself began it again (a node failed, the controller crashed).
    #[serde(default)]
    pub restarts: u32,
    /// The nodes that it ran on, as the scheduler names them (`cp[01-02]`); empty if not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub nodes: String,
}

impl TaskRecord {
    /// Still to come or under way. A state that we do not know counts as such until it has an end.
    pub fn is_active(&self) -> bool {
        let over = matches!(self.state, JobState::Other(_)) && self.ended.is_some();
        self.state.is_active() && !over
    }

    /// The id as Slurm writes it, `34567001_2` or `34567000`.
    pub fn label(&self) -> String {
        match self.task {
            Some(task) => format!("{}_{task}", self.job),
            None => self.job.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_print_as_they_were_read() {
        for (state, word) in WORDS {
            assert_eq!(word.parse::<JobState>().unwrap(), state);
            assert_eq!(state.to_string(), word);
        }
        assert_eq!("CANCELLED by 3001".parse::<JobState>().unwrap(), JobState::Cancelled);
        assert_eq!("SPECIAL_EXIT".parse::<JobState>().unwrap().to_string(), "SPECIAL_EXIT");
    }

    #[test]
    fn an_unknown_state_keeps_a_job_from_being_submitted_again() {
        assert!(JobState::Other("RESIZING".into()).is_active());
        assert!(!JobState::Other("RESIZING".into()).is_failure());
    }

    #[test]
    fn exit_codes_round_trip() {
        let exit: ExitCode = "127:0".parse().unwrap();
        assert_eq!(exit, ExitCode { code: 127, signal: 0 });
        assert_eq!(exit.to_string(), "127:0");
        assert!("1".parse::<ExitCode>().is_err());
    }
}
