//! Why a night is not closed: what stands in the way, what shows it, and what to do.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ExitCode, JobId, JobState, NightDate, RunId, Subrun};

/// What kind of thing stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BlockerKind {
    /// The scheduler does not answer: nothing is known of jobs.
    SchedulerSilent,
    /// The night was submitted to another scheduler than the one that is asked.
    OtherScheduler,
    /// Something of the night cannot be read.
    Unreadable,
    /// A calibration run or file is not within reach.
    CalibrationMissing,
    /// Subruns, or the calibration, failed.
    Failed,
    /// Jobs can never start, since what they need has failed.
    NeverStarts,
    /// The scheduler holds jobs until somebody releases them.
    Held,
    /// A job vanished from the scheduler's records.
    Lost,
    /// A run is vetoed.
    Vetoed,
    /// Nobody works on what is left.
    LeftBehind,
    /// The gain selection has not finished.
    GainSelection,
    /// Nothing was launched yet.
    NotLaunched,
    /// Jobs wait or run.
    Processing,
    /// The observation is not over.
    NotOver,
    /// There is nothing to process.
    NoRuns,
}

impl BlockerKind {
    /// In a word or two.
    pub fn title(self) -> &'static str {
        match self {
            Self::SchedulerSilent => "Scheduler silent",
            Self::OtherScheduler => "Other scheduler",
            Self::Unreadable => "Unreadable",
            Self::CalibrationMissing => "Calibration missing",
            Self::Failed => "Failed",
            Self::NeverStarts => "Can never start",
            Self::Held => "Held",
            Self::Lost => "Lost",
            Self::Vetoed => "Vetoed",
            Self::LeftBehind => "Left behind",
            Self::GainSelection => "Gain selection",
            Self::NotLaunched => "Not launched",
            Self::Processing => "Processing",
            Self::NotOver => "Not over",
            Self::NoRuns => "No runs",
        }
    }

    /// Whether it goes by itself, so that nobody need do anything.
    pub fn passes(self) -> bool {
        matches!(self, Self::GainSelection | Self::Processing | Self::NotOver)
    }
}

/// One thing that stands in the way of closing a night.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct Blocker {
    /// Of what kind.
    pub kind: BlockerKind,
    /// Name of the known error, if it is one (`catb`).
    pub error: Option<String>,
    /// The run that it is about, if it is about one.
    pub run: Option<RunId>,
    /// Its subruns that it is about, in order; empty if it is about the run as a whole.
    pub subruns: Vec<Subrun>,
    /// What is the matter, in one sentence that stands alone.
    pub what: String,
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// Why it is so; may be empty.
    pub explanation: String,
    /// What can be done about it, the best first; each would do. Empty: only what `explanation` says.
    pub remedies: Vec<Remedy>,
}

/// Something that shows what is the matter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Evidence {
    /// A file or directory, and what is to be said of it (`is missing`).
    File {
        /// Its path.
        path: String,
        /// What is to be said of it.
        note: String,
    },
    /// A job, or a task of one.
    Job {
        /// The job.
        job: JobId,
        /// The task, if it is one of an array.
        task: Option<u32>,
        /// Its state.
        state: JobState,
        /// How it ended, if it has.
        exit: Option<ExitCode>,
        /// The scheduler's reason, or empty.
        reason: String,
    },
    /// A line of a job's log.
    LogLine {
        /// The run.
        run: RunId,
        /// The log's name, in the night's `log/`.
        name: String,
        /// Number of the line, from 1; `None` if the log is so long that its beginning was not read.
        line: Option<u64>,
        /// Where the line begins, in bytes.
        offset: u64,
        /// The line, shortened if it is long.
        text: String,
    },
    /// What somebody said: the scheduler, or the time until which something lasts.
    Note {
        /// What.
        text: String,
    },
}

/// Something that can be done, with a preview, by the command [`Remedy::command`] or a button.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(tag = "remedy", rename_all = "snake_case")]
pub enum Remedy {
    /// The night is launched: whatever is left is submitted.
    Launch {},
    /// Jobs of one run are submitted again.
    Resubmit {
        /// The run.
        run: RunId,
        /// These subruns only; empty for all that are not done, and for the calibration.
        subruns: Vec<Subrun>,
        /// Memory a processor, such as `12GB`; `None`: as before.
        memory: Option<String>,
        /// Walltime, such as `2:30:00`; `None`: as before.
        walltime: Option<String>,
        /// What they have made so far is removed first.
        remove_products: bool,
        /// Nodes that they must not run on, such as `cp01,cp[03-05]`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exclude_nodes: Option<String>,
    },
    /// The last subrun of a run is left out.
    DropLastSubrun {
        /// The run.
        run: RunId,
    },
    /// A run is not processed, as if its type were `EDATA`.
    ExcludeRun {
        /// The run.
        run: RunId,
    },
    /// A run is not submitted any more.
    Veto {
        /// The run.
        run: RunId,
    },
    /// A vetoed run, and its vetoed subruns, may be submitted again.
    Unveto {
        /// The run.
        run: RunId,
    },
    /// Jobs that can never start are cancelled.
    CancelNever {
        /// The jobs.
        jobs: Vec<JobId>,
    },
    /// A decision is undone.
    Undo {
        /// Its number.
        decision: i64,
    },
}

impl Remedy {
    /// The command that does it, for the night of this date.
    pub fn command(&self, date: NightDate) -> String {
        match self {
            Self::Launch {} => format!("sequencer -d {date} LST1"),
            Self::Resubmit { run, subruns, memory, walltime, remove_products, exclude_nodes } => {
                let subruns = Some(spans(subruns)).filter(|subruns| !subruns.is_empty());
                let subruns = option(" --subruns ", subruns.as_deref());
                let memory = option(" --memory ", memory.as_deref());
                let walltime = option(" --walltime ", walltime.as_deref());
                let fresh = if *remove_products { " --remove-products" } else { "" };
                let nodes = option(" --exclude-nodes ", exclude_nodes.as_deref());
                format!("osa resubmit {date} {run}{subruns}{memory}{walltime}{fresh}{nodes}")
            }
            Self::DropLastSubrun { run } => format!("osa decide {date} drop-last-subrun {run}"),
            Self::ExcludeRun { run } => format!("osa decide {date} exclude {run}"),
            Self::Veto { run } => format!("osa decide {date} veto {run}"),
            Self::Unveto { run } => format!("osa decide {date} unveto {run}"),
            Self::CancelNever { jobs } => {
                let jobs: Vec<_> = jobs.iter().map(ToString::to_string).collect();
                format!("osa cancel {}", jobs.join(" "))
            }
            Self::Undo { decision } => format!("osa decide {date} undo {decision}"),
        }
    }

    /// What it does, as a button says it.
    pub fn label(&self) -> String {
        match self {
            Self::Launch {} => "Launch the night".to_owned(),
            Self::Resubmit {
                subruns, memory, walltime, remove_products, exclude_nodes, ..
            } => {
                let which = match subruns.len() {
                    0 => "Submit it again".to_owned(),
                    1 => "Submit the subrun again".to_owned(),
                    number => format!("Submit the {number} subruns again"),
                };
                let memory = memory.as_ref().map(|memory| format!("with {memory}"));
                let time = walltime.as_ref().map(|time| format!("for up to {time}"));
                let fresh = remove_products.then(|| "after removing what is there".to_owned());
                let nodes = exclude_nodes.as_ref().map(|nodes| format!("not on {nodes}"));
                let parts = [Some(which), memory, time, nodes, fresh];
                parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
            }
            Self::DropLastSubrun { .. } => "Leave the last subrun out".to_owned(),
            Self::ExcludeRun { .. } => "Exclude the run (EDATA)".to_owned(),
            Self::Veto { .. } => "Veto the run".to_owned(),
            Self::Unveto { .. } => "Lift the veto".to_owned(),
            Self::CancelNever { jobs } if jobs.len() == 1 => "Cancel the job".to_owned(),
            Self::CancelNever { jobs } => format!("Cancel the {} jobs", jobs.len()),
            Self::Undo { .. } => "Undo the decision".to_owned(),
        }
    }
}

fn option(name: &str, value: Option<&str>) -> String {
    value.map(|value| format!("{name}{value}")).unwrap_or_default()
}

/// Subruns in short, `0-2,4`, as `--subruns` takes them. They must be in order.
pub fn spans(subruns: &[Subrun]) -> String {
    let mut spans: Vec<(u32, u32)> = Vec::new();
    for Subrun(subrun) in subruns {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == *subrun => *last = *subrun,
            _ => spans.push((*subrun, *subrun)),
        }
    }
    let span = |(first, last): &(u32, u32)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    spans.iter().map(span).collect::<Vec<_>>().join(",")
}

/// Everything that stands in the way of closing a night.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct Blockers {
    /// The night.
    pub date: NightDate,
    /// Whether it is closed.
    pub closed: bool,
    /// What stands in the way, what needs somebody's hand first.
    pub blockers: Vec<Blocker>,
    /// As of when.
    pub scanned: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_is_a_command() {
        let date = "2024-11-28".parse().unwrap();
        let run = RunId(1910);
        let resubmit = Remedy::Resubmit {
            run,
            subruns: [0, 1, 2, 5].map(Subrun).into(),
            memory: Some("12GB".into()),
            walltime: Some("2:30:00".into()),
            remove_products: true,
            exclude_nodes: Some("cp[01-02]".into()),
        };
        assert_eq!(
            resubmit.command(date),
            "osa resubmit 2024-11-28 01910 --subruns 0-2,5 --memory 12GB --walltime 2:30:00 \
             --remove-products --exclude-nodes cp[01-02]"
        );
        assert!(resubmit.label().contains("not on cp[01-02]"));
        let cancel = Remedy::CancelNever { jobs: vec![JobId(7), JobId(8)] };
        assert_eq!(cancel.command(date), "osa cancel 7 8");
        assert_eq!(Remedy::Undo { decision: 3 }.command(date), "osa decide 2024-11-28 undo 3");
    }

    #[test]
    fn remedies_are_distinguished_in_json() {
        let remedy = Remedy::ExcludeRun { run: RunId(19102) };
        let text = serde_json::to_string(&remedy).unwrap();
        assert_eq!(text, r#"{"remedy":"exclude_run","run":19102}"#);
        assert_eq!(serde_json::from_str::<Remedy>(&text).unwrap(), remedy);
        assert_eq!(serde_json::to_string(&Remedy::Launch {}).unwrap(), r#"{"remedy":"launch"}"#);
    }
}
