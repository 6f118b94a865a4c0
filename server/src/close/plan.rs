//! What closing a night would do: its status, what was seen on the disk and what the database says in,
//! a plan out. Nothing here looks at a disk or a clock.
//!
//! A plan holds what is left to be done. So a closing that was cut short is resumed by planning
//! again: what is done is no longer in the plan, whatever the moment at which it was cut short.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

use crate::launch::ScriptOptions;
use crate::model::{
    Block, BlockKind, CalibrationRuns, CloseOptions, ClosingPlan, ClosingSequence, Condition, Kind,
    NightDate, NightStatus, Notice, RunId, SequenceAction, SequenceStatus, Severity,
};
use crate::night::{FaultyRow, NightPaths};

use super::jobs;
use super::survey::{Clash, Stamp, Survey};

/// Hour (UTC) of the day after from which on an observation is over.
const OVER: i64 = 8;

/// What a plan is made of.
#[derive(Debug)]
pub(super) struct Grounds<'a> {
    pub(super) paths: &'a NightPaths,
    /// With histories.
    pub(super) status: &'a NightStatus,
    pub(super) survey: &'a Survey,
    pub(super) options: CloseOptions,
    pub(super) calibration: Option<CalibrationRuns>,
    /// Rows of the run summary that cannot be used.
    pub(super) faulty: &'a [FaultyRow],
    /// Purposes of closing jobs that have ended well since the night was reopened last.
    pub(super) done: BTreeSet<String>,
    /// If a closing is resumed: the purposes of its own jobs; all others were done before it.
    pub(super) own: Option<BTreeSet<String>>,
    /// An earlier closing has not come to its end.
    pub(super) resumes: bool,
    pub(super) script: &'a ScriptOptions,
    pub(super) now: DateTime<Utc>,
}

/// Whether the observation of a night is over: from 08:00 UTC of the next day on.
pub fn observation_over(date: NightDate, now: DateTime<Utc>) -> bool {
    let midnight = date.date().and_time(NaiveTime::MIN).and_utc();
    now >= midnight + TimeDelta::days(1) + TimeDelta::hours(OVER)
}

impl Grounds<'_> {
    /// The plan.
    pub(super) fn plan(&self) -> ClosingPlan {
        let night = self.options.seq.is_none();
        let chosen: Vec<&SequenceStatus> = self.chosen().collect();
        let sequences: Vec<_> = chosen.iter().map(|status| sequence(status)).collect();
        let closed = self.survey.night_closed
            || (!night && !self.resumes && sequences.iter().any(|sequence| sequence.closed));
        let mut plan = ClosingPlan {
            date: self.paths.date,
            prod_id: self.paths.prod_id.clone(),
            options: self.options,
            already_closed: closed,
            ready: !sequences.is_empty() && sequences.iter().all(|sequence| sequence.finished),
            resumes: self.resumes,
            blocks: Vec::new(),
            notices: Vec::new(),
            sequences,
            moves: Vec::new(),
            sequence_flags: Vec::new(),
            jobs: Vec::new(),
            longterm_link: None,
            manifest: None,
            night_flag: None,
        };
        if closed {
            return plan;
        }
        plan.blocks = self.blocks(&chosen);
        plan.moves.clone_from(&self.survey.groups);
        let open = plan.sequences.iter().filter(|sequence| !sequence.closed);
        plan.sequence_flags =
            open.map(|s| text(&self.paths.sequence_file(s.run, None, "closed"))).collect();
        let data = chosen.iter().map(|status| &status.sequence).filter(|s| s.kind == Kind::Data);
        let data: Vec<RunId> = data.map(|sequence| sequence.run).collect();
        if !self.options.no_jobs {
            plan.jobs = jobs::plan(self, &data);
        }
        if night {
            let longterm = self.survey.longterm || plan.jobs.iter().any(|job| job.run.is_none());
            plan.longterm_link = longterm.then(|| {
                (text(&self.paths.longterm_link()), text(&self.paths.longterm_file("h5")))
            });
            plan.manifest = Some(text(&self.paths.manifest()));
            plan.night_flag = Some(text(&self.paths.night_finished()));
        }
        plan.notices = self.notices(&plan, &data);
        plan
    }

    /// The sequences that are to be closed.
    fn chosen(&self) -> impl Iterator<Item = &SequenceStatus> {
        let seq = self.options.seq;
        let all = self.status.sequences.iter();
        all.filter(move |status| seq.is_none_or(|run| status.sequence.run == run))
    }

    fn blocks(&self, chosen: &[&SequenceStatus]) -> Vec<Block> {
        let mut blocks = Vec::new();
        if !observation_over(self.paths.date, self.now) {
            blocks.push(Block {
                kind: BlockKind::NotOver,
                run: None,
                message: format!("the observation of {} is not over yet", self.paths.date),
                evidence: vec![format!("it is {}", self.now.format("%Y-%m-%d %H:%M UTC"))],
                remedy: format!("close it after {OVER:02}:00 UTC of the next day"),
            });
        }
        if chosen.is_empty() {
            blocks.push(self.nothing());
        }
        blocks.extend(chosen.iter().filter_map(|status| active(status)));
        if let Some(error) = self.status.scheduler.error.as_ref().filter(|_| !self.options.no_jobs)
        {
            blocks.push(Block {
                kind: BlockKind::Scheduler,
                run: None,
                message: "the scheduler does not answer: nobody knows what is at work".into(),
                evidence: vec![error.clone()],
                remedy: "close again once it does".into(),
            });
        }
        let elsewhere = self.status.scheduler.elsewhere.as_ref();
        blocks.extend(elsewhere.filter(|_| !self.options.no_jobs).map(|why| Block {
            kind: BlockKind::Scheduler,
            run: None,
            message:
                "the night was submitted to another scheduler: nobody knows what is at work".into(),
            evidence: vec![why.clone()],
            remedy: "close it with the scheduler that it was submitted to".into(),
        }));
        // The night as a whole has a run more than is known of.
        let faulty = self.faulty.iter().filter(|_| self.options.seq.is_none());
        blocks.extend(faulty.map(|row| Block {
            kind: BlockKind::Unreadable,
            run: row.run,
            message: "a line of the run summary cannot be read".into(),
            evidence: vec![row.problem.clone()],
            remedy: "correct the line, or make the run summary again, and close again".into(),
        }));
        blocks.extend(self.survey.clashes.iter().map(clash));
        blocks.extend(self.survey.unreadable.iter().map(|(path, cause)| Block {
            kind: BlockKind::Unreadable,
            run: None,
            message: format!("{} cannot be read", path.display()),
            evidence: vec![cause.clone()],
            remedy: "see to its permissions and to its file system, and close again".into(),
        }));
        blocks
    }

    fn nothing(&self) -> Block {
        let (message, remedy) = match self.options.seq {
            None => (format!("the night {} has no sequences", self.paths.date), String::new()),
            Some(run) => {
                let runs = self.status.sequences.iter().map(|s| s.sequence.run.to_string());
                let runs: Vec<String> = runs.collect();
                (
                    format!("the night {} has no sequence of run {run}", self.paths.date),
                    format!("there are {}", runs.join(", ")),
                )
            }
        };
        Block { kind: BlockKind::Nothing, run: self.options.seq, message, evidence: vec![], remedy }
    }

    fn notices(&self, plan: &ClosingPlan, data: &[RunId]) -> Vec<Notice> {
        let mut notices = Vec::new();
        let notice = |message: String, hint: &str| Notice {
            severity: Severity::Warning,
            message,
            hint: hint.into(),
        };
        if !self.options.no_jobs && !data.is_empty() {
            if !self.survey.provenance {
                notices.push(notice(
                    format!(
                        "there is no {}: no provenance is extracted",
                        text(&self.paths.provenance_log())
                    ),
                    "",
                ));
            } else if self.calibration.is_none() {
                notices.push(notice(
                    "the night has no calibration runs: no provenance is extracted".into(),
                    "",
                ));
            }
        }
        let empty = |run: &&RunId| !self.survey.present.iter().any(|(other, _)| other == *run);
        for run in data.iter().filter(empty) {
            notices
                .push(notice(format!("run {run} has no products: nothing is moved or merged"), ""));
        }
        if self.options.no_jobs && plan.night_flag.is_some() {
            notices.push(notice(
                "without the scheduler (-t) nothing is merged, and the night is closed all the same"
                    .into(),
                "",
            ));
        }
        notices
    }
}

fn text(path: &std::path::Path) -> String {
    path.display().to_string()
}

fn sequence(status: &SequenceStatus) -> ClosingSequence {
    let closed = status.action == SequenceAction::Closed;
    let subruns = status.known_subruns();
    let done = status.count(Condition::Done);
    let finished = closed || (subruns > 0 && done == subruns);
    let why = match (finished, status.sequence.kind) {
        (true, _) => String::new(),
        (false, Kind::Calibration) => "its calibration files are not there".into(),
        (false, Kind::Data) if subruns == 0 => "it has no subruns".into(),
        (false, Kind::Data) => {
            let failed = match status.count(Condition::Failed) {
                0 => String::new(),
                failed => format!(", {failed} failed"),
            };
            let veto = if status.action == SequenceAction::Veto { "; it is vetoed" } else { "" };
            format!("{done} of {subruns} subruns are done{failed}{veto}")
        }
    };
    ClosingSequence { run: status.sequence.run, kind: status.sequence.kind, finished, why, closed }
}

/// Jobs at work on a sequence's files.
fn active(status: &SequenceStatus) -> Option<Block> {
    let counts = status.counts.iter().filter(|(state, _)| state.is_active());
    let counts: Vec<String> = counts.map(|(state, count)| format!("{count} {state}")).collect();
    let (job, run) = (status.job?, status.sequence.run);
    (!counts.is_empty()).then(|| Block {
        kind: BlockKind::Active,
        run: Some(run),
        message: format!("job {job} of run {run} waits or runs"),
        evidence: vec![format!(
            "job {job} ({}): {}",
            status.sequence.job_name(),
            counts.join(", ")
        )],
        remedy: format!("wait for it, or cancel it: osa cancel {job}"),
    })
}

fn clash(clash: &Clash) -> Block {
    let line = |stamp: &Stamp| {
        let time = stamp.modified.map(|time| time.format("%Y-%m-%d %H:%M:%S UTC").to_string());
        let time = time.unwrap_or_else(|| "an unknown time".into());
        format!("{}: {} bytes, changed {time}", stamp.path.display(), stamp.bytes)
    };
    Block {
        kind: BlockKind::Destination,
        run: Some(clash.run),
        message: format!("another {} is there already", clash.there.path.display()),
        evidence: vec![line(&clash.file), line(&clash.there)],
        remedy: "see which of the two is right, move the other away, and close again".into(),
    }
}
