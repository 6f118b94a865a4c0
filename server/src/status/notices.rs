//! What a shifter should know about a night.

use std::path::PathBuf;

use crate::model::{Condition, JobState, Kind, Notice, Severity};
use crate::night::{FaultyRow, NightPaths};

use super::histories::Owner;
use super::jobs::NEVER;
use super::night::{NightInput, Row};
use super::{Histories, Scan};

/// Everything that notices are drawn from.
pub(super) struct Findings<'a> {
    pub(super) input: &'a NightInput<'a>,
    pub(super) scan: &'a Scan,
    pub(super) histories: &'a Histories,
    pub(super) rows: &'a [Row],
}

impl Findings<'_> {
    /// The notices, the most serious first, else in the order of the night.
    pub(super) fn notices(&self) -> Vec<Notice> {
        let mut notices = self.input.observation.notices.clone();
        notices.extend(self.input.jobs.notices.iter().cloned());
        notices.extend(self.torn());
        notices.extend(self.rows.iter().flat_map(Self::odd));
        notices.extend(self.in_the_way());
        notices.sort_by_key(|notice| std::cmp::Reverse(notice.severity));
        notices
    }

    /// Those of the notices that blockers tell too, with more to them.
    pub(super) fn in_the_way(&self) -> Vec<Notice> {
        let mut notices = self.unreadable();
        notices.extend(self.gain_selection());
        notices.extend(self.rows.iter().flat_map(|row| self.of_sequence(row)));
        notices
    }

    fn paths(&self) -> &NightPaths {
        self.input.paths
    }

    fn unreadable(&self) -> Vec<Notice> {
        let history = |owner: Owner| -> PathBuf { self.paths().history(owner.0, owner.1) };
        let directories = self.scan.unreadable.iter().map(|(directory, cause)| {
            error(
                format!("cannot read {}: {cause}; its files are not counted", directory.display()),
                "see whether the file system is mounted and readable",
            )
        });
        let files = self.histories.unreadable.iter().map(|(owner, cause)| {
            error(
                format!("cannot read {}: {cause}", history(*owner).display()),
                "what it says of its subrun is not known; the run is not submitted before it can be read",
            )
        });
        let mut notices: Vec<Notice> = directories.collect();
        notices.extend(self.input.observation.faulty.iter().map(|row| {
            error(
                format!("{} is left out: {}", of_row(row), row.problem),
                "correct the line in the run summary, or make it again; the night is not closed before",
            )
        }));
        notices.extend(first_few(files.collect()));
        notices
    }

    fn torn(&self) -> Vec<Notice> {
        let torn = self.histories.torn().map(|(owner, line)| {
            let history = self.paths().history(owner.0, owner.1);
            warning(
                format!("{}:{line}: a line of the history is not whole", history.display()),
                "a job was killed, or the disk was full, while it was written; the line is passed \
                 over",
            )
        });
        first_few(torn.collect())
    }

    fn gain_selection(&self) -> Option<Notice> {
        let open = !self.scan.night_closed && self.rows.iter().any(|row| !row.verdict.finished);
        let flag = self.paths().gain_selection_finished();
        (open && !flag.exists()).then(|| {
            warning(
                format!("the gain selection is not finished: {} is missing", flag.display()),
                "the night is launched once it is there, or with --no-gainsel",
            )
        })
    }

    fn of_sequence(&self, row: &Row) -> Vec<Notice> {
        let mut notices = Vec::new();
        let status = &row.status;
        let run = status.sequence.run;
        let open = !row.verdict.finished && !self.scan.night_closed;
        let job = status.job.map(|job| job.to_string()).unwrap_or_default();
        let count = |state| status.counts.get(&state).copied().unwrap_or(0);
        if status.reason == NEVER {
            notices.push(error(
                format!("job {job} of run {run} can never begin: the job that it needs has failed"),
                format!(
                    "cancel it (osa cancel {job}), see to the sequence that it needs, and launch \
                     again"
                ),
            ));
        }
        if open && self.scan.run(run).vetoed {
            let flag = self.paths().sequence_file(run, None, "veto");
            notices.push(warning(
                format!("run {run} is vetoed and will not be submitted"),
                format!("when its error is mended, remove {} and launch again", flag.display()),
            ));
        }
        if open && !self.scan.run(run).vetoed_subruns.is_empty() {
            let flags = self.paths().sequence_file(run, None, "*.veto");
            let vetoed: Vec<_> =
                self.scan.run(run).vetoed_subruns.iter().map(|s| s.to_string()).collect();
            notices.push(warning(
                format!("of run {run} these subruns are vetoed: {}", some(&vetoed)),
                format!("when the error is mended, remove {}", flags.display()),
            ));
        }
        for (state, what, hint) in [
            (JobState::Timeout, "ran out of time", "launch again with a longer WALLTIME"),
            (JobState::OutOfMemory, "ran out of memory", "launch again with more memory (MEMSIZE)"),
            (JobState::NodeFail, "lost the node", "launch again"),
            (JobState::Lost, "vanished from the scheduler's records", "launch again"),
        ] {
            let tasks = count(state);
            let plural = if tasks == 1 { "" } else { "s" };
            if open && tasks > 0 {
                notices.push(error(
                    format!("run {run}: {tasks} task{plural} of job {job} {what}"),
                    hint,
                ));
            }
        }
        notices.extend(completed_in_vain(row, &job).filter(|_| open));
        notices
    }

    /// What is odd about a sequence and keeps nothing from going on.
    fn odd(row: &Row) -> Vec<Notice> {
        let mut notices = Vec::new();
        let status = &row.status;
        let run = status.sequence.run;
        let job = status.job.map(|job| job.to_string()).unwrap_or_default();
        if row.restarts > 0 {
            notices.push(Notice {
                severity: Severity::Info,
                message: format!(
                    "the scheduler itself began tasks of job {job}, run {run}, again, {} times",
                    row.restarts
                ),
                hint: "a node or the scheduler failed; what had been done is not done again".into(),
            });
        }
        if status.percent.is_some_and(|p| [p.dl1, p.dl1ab, p.dl2].iter().any(|p| *p > 100)) {
            notices.push(warning(
                format!("run {run} has more files than the run summary says it has subruns"),
                "make the run summary again: the additional subruns are not processed",
            ));
        }
        notices
    }
}

/// A job that says it has done everything while subruns are not done.
fn completed_in_vain(row: &Row, job: &str) -> Option<Notice> {
    let status = &row.status;
    let idle = |condition| matches!(condition, Condition::Idle | Condition::Failed);
    let left: u32 = status
        .segments
        .iter()
        .filter(|segment| idle(segment.condition))
        .map(|segment| segment.last - segment.first + 1)
        .sum();
    let run = status.sequence.run;
    let what = match status.sequence.kind {
        Kind::Calibration => "its calibration files are not there".to_owned(),
        Kind::Data => format!("{left} of its subruns are not done"),
    };
    (status.state == Some(JobState::Completed) && left > 0).then(|| {
        warning(
            format!("job {job} of run {run} is COMPLETED, and yet {what}"),
            "look at its log, then launch again",
        )
    })
}

/// How many of a kind are reported one by one.
const FEW: usize = 8;

/// The run that a row of the run summary is about.
pub(super) fn of_row(row: &FaultyRow) -> String {
    row.run.map_or_else(|| "a run".to_owned(), |run| format!("run {run}"))
}

/// The first few of many notices of a kind, and how many more there are: one cause, such as a full
/// disk, may have touched thousands of files.
fn first_few(mut notices: Vec<Notice>) -> Vec<Notice> {
    let more = notices.len().saturating_sub(FEW);
    notices.truncate(FEW);
    if more > 0
        && let Some(last) = notices.last_mut()
    {
        last.message = format!("{}; so it is with {more} more histories", last.message);
    }
    notices
}

/// The first few of many names.
fn some(names: &[String]) -> String {
    match names.get(..FEW) {
        Some(few) if names.len() > FEW => {
            format!("{} and {} more", few.join(", "), names.len() - FEW)
        }
        _ => names.join(", "),
    }
}

fn warning(message: String, hint: impl Into<String>) -> Notice {
    Notice { severity: Severity::Warning, message, hint: hint.into() }
}

fn error(message: String, hint: impl Into<String>) -> Notice {
    Notice { severity: Severity::Error, message, hint: hint.into() }
}
