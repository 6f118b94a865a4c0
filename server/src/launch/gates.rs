//! What keeps a night from being launched.

use std::path::PathBuf;

use serde::Serialize;

use crate::model::{JobId, JobState, NightDate, SequenceStatus};
use crate::status::jobs::NEVER;

use super::LaunchOptions;
use super::ground::Flags;
use super::plan::Grounds;

/// A gate that is shut: nothing is launched, which is no failure. They are tried in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "gate")]
pub enum Gate {
    /// The night has no run to process.
    NoRuns,
    /// The gain selection has not left its flag.
    GainSelection {
        /// The night.
        date: NightDate,
        /// The missing flag.
        flag: PathBuf,
    },
    /// The night is closed.
    Closed {
        /// The night.
        date: NightDate,
        /// The flag that says so.
        flag: PathBuf,
    },
    /// Jobs of the night wait or run.
    Active {
        /// The night.
        date: NightDate,
        /// Their numbers and names.
        jobs: Vec<(JobId, String)>,
        /// Those among them that can never begin.
        stuck: Vec<JobId>,
    },
    /// Every sequence is finished, vetoed or closed. Forcing opens it.
    Finished {
        /// The night.
        date: NightDate,
    },
    /// Sequences ran out of time and would do so again. Forcing opens it.
    Timeout {
        /// The night.
        date: NightDate,
        /// The jobs that did.
        jobs: Vec<(JobId, String)>,
    },
}

/// The first gate that is shut. Gates about jobs are tried only when jobs are to be submitted:
/// writing scripts disturbs none.
pub(super) fn shut(grounds: &Grounds<'_>) -> Option<Gate> {
    let Grounds { status, disk, options, .. } = grounds;
    without_jobs(status.date, status.sequences.is_empty(), &disk.flags, **options)
        .or_else(|| if options.submit { about_jobs(grounds) } else { None })
}

/// The first gate that is shut, of those that no job has a hand in.
pub(super) fn without_jobs(
    date: NightDate,
    empty: bool,
    flags: &Flags,
    options: LaunchOptions,
) -> Option<Gate> {
    if empty {
        return Some(Gate::NoRuns);
    }
    if let Some(flag) = flags.gain_selection.clone().filter(|_| !options.no_gainsel) {
        return Some(Gate::GainSelection { date, flag });
    }
    flags.closed.clone().map(|flag| Gate::Closed { date, flag })
}

fn about_jobs(grounds: &Grounds<'_>) -> Option<Gate> {
    let Grounds { status, options, .. } = grounds;
    let date = status.date;
    let jobs = |which: &dyn Fn(&SequenceStatus) -> bool| -> Vec<(JobId, String)> {
        let found = status.sequences.iter().filter(|sequence| which(sequence));
        found.filter_map(|s| Some((s.job?, s.sequence.job_name()))).collect()
    };
    let active = jobs(&|sequence| sequence.counts.keys().any(JobState::is_active));
    if !active.is_empty() {
        let stuck = jobs(&|sequence| sequence.reason == NEVER);
        let stuck = stuck.into_iter().map(|(job, _)| job).collect();
        return Some(Gate::Active { date, jobs: active, stuck });
    }
    if options.force {
        return None;
    }
    if status.sequences.iter().all(|sequence| grounds.settled(sequence).is_some()) {
        return Some(Gate::Finished { date });
    }
    let timeout = jobs(&|sequence| {
        grounds.settled(sequence).is_none() && sequence.state == Some(JobState::Timeout)
    });
    (!timeout.is_empty()).then_some(Gate::Timeout { date, jobs: timeout })
}

impl Gate {
    /// What to tell the user; the message stands alone.
    pub fn message(&self) -> String {
        match self {
            Self::NoRuns => "No runs found for this date. Nothing to do. Exiting.".into(),
            Self::GainSelection { date, flag } => format!(
                "The gain selection of {date} has not finished: {} is missing. Nothing is launched.",
                flag.display()
            ),
            Self::Closed { date, flag } => format!(
                "The night {date} is closed: {} is there. Nothing is launched.",
                flag.display()
            ),
            Self::Active { date, jobs, .. } => format!(
                "Jobs of the night {date} are waiting or running: {}. Nothing is launched before \
                 they have ended.",
                listed(jobs)
            ),
            Self::Finished { date } => format!(
                "All sequences of the night {date} are finished, vetoed or closed. Nothing is \
                 launched."
            ),
            Self::Timeout { date, jobs } => format!(
                "Jobs of the night {date} ran out of time: {}. Nothing is launched, since they \
                 would run out of it again.",
                listed(jobs)
            ),
        }
    }

    /// What to do about it; may be empty.
    pub fn hint(&self) -> String {
        match self {
            Self::NoRuns | Self::Closed { .. } | Self::Finished { .. } => String::new(),
            Self::GainSelection { .. } => "try again later, or use --no-gainsel".into(),
            Self::Active { stuck, .. } if !stuck.is_empty() => {
                let stuck: Vec<_> = stuck.iter().map(ToString::to_string).collect();
                format!(
                    "what some of them need has failed, and they can never begin; end these with \
                     osa cancel {}",
                    stuck.join(" ")
                )
            }
            Self::Active { .. } => "look at them with -s".into(),
            Self::Timeout { .. } => {
                "set a longer WALLTIME in the configuration and launch with --force-submit".into()
            }
        }
    }
}

fn listed(jobs: &[(JobId, String)]) -> String {
    jobs.iter().map(|(job, name)| format!("{name} ({job})")).collect::<Vec<_>>().join(", ")
}
